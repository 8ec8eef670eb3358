"""smtplab: a mail engineer's copy of the place where TLS breaks mail.

An emulated Exchange stands behind an appliance that can do to STARTTLS what real appliances do; an emulated Exchange Online
validates what it is shown and defers with the words that administrators know. A scenario reproduces a failure, proves the
reason, applies the fix and proves that mail flows again. The tour of the code: this file, one scenario
(`scenarios/appliance/appliance-resigns-tls.yaml`), one behaviour (`lab/appliance/behaviours/tls/resign.py`), the relay
(`lab/appliance/relay.py`), one test (`tests/appliance/test_relay.py`).

A test of one's own mail code is three lines:

    from lab import Lab

    with Lab("appliance-resigns-tls") as lab:
        assert lab.send("online -> onprem").outcome == "deferred"

and goes on as one likes: `lab.endpoint("appliance")` is where to point a sender, `lab.ca_file` what it should trust,
`lab.mailbox("alice@contoso.test")` what arrived, `lab.fix("bind-exchange-certificate")` the cure, `lab.drain()` lets the queues
retry on the lab's clock, `lab.transcript` is everything that was seen. In asynchronous code:

    async with Lab("appliance-resigns-tls") as lab:
        await lab.fix_async("bind-exchange-certificate")
        assert (await lab.send_async("online -> onprem")).outcome == "delivered"
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers take it: `typing` itself takes longer to load than all that comes before the first word
if TYPE_CHECKING:
    from typing import Any

    from lab.api import Lab

__all__ = ["Lab"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `Lab` when it is first asked for: faces that only print help must not pay for it."""
    if name == "Lab":
        from lab.api import Lab

        return Lab
    raise AttributeError(f"module 'lab' has no attribute {name!r}")
