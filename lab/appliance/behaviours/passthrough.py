"""The supported box: it lets SMTP through as it is."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family


class Passthrough(Behaviour):
    """Carry every byte as it came; after STARTTLS the peers speak TLS with each other, and the sender sees the receiver's own
    certificate. A firewall that passes TCP 25 unmodified is what Microsoft supports.
    """

    name = "passthrough"
    family = Family.TLS
    conflicts = dict.fromkeys(("resign", "one-sided-tls"), "one carries TLS unread, the other ends it")
    source = "facts/exchange 7"
    example = "- passthrough"
