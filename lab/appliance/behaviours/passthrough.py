"""The supported box: it lets SMTP through as it is."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour


class Passthrough(Behaviour):
    """Carry every byte as it came; after STARTTLS the peers speak TLS with each other, and the sender sees the receiver's own
    certificate. A firewall that passes TCP 25 unmodified is what Microsoft supports (facts/exchange 7).
    """

    name = "passthrough"
