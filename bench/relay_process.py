"""The relay alone in a process, for the benchmark: PORT RECEIVER_PORT implicit|starttls uvloop|asyncio [three]."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from lab.appliance.behaviours import load_behaviour
from lab.appliance.config import BehaviourSpec
from lab.appliance.relay import Relay
from lab.hosts.appliance import Store
from lab.net.directory import Endpoint
from lab.net.loop import loop_factory
from lab.net.relay import Plan, RelayCarrier
from lab.tls.mint import Mint
from lab.transcript import Transcript

#: Beside resign where three behaviours are to be active: one that is asked about EHLO, and one about every recipient.
_OTHERS = (
    BehaviourSpec("edit-keywords", {"hide": ["X-ANONYMOUSTLS"], "size": "20MB"}),
    BehaviourSpec("override-reply", {"code": 452, "text": "full", "when": {"verb": "RCPT", "match": "nobody@"}}),
)


async def serve(port: int, receiver: int, mode: str, *, three: bool) -> None:
    """Relay for ever, transcript recorded."""
    transcript = Transcript()
    store = Store(Mint(datetime.now(UTC)), ("good",))
    specs = (BehaviourSpec("resign", {"certificate": "good"}), *(_OTHERS if three else ()))
    behaviours = tuple(load_behaviour(spec) for spec in specs)

    def plan(_sender: str) -> Plan:
        relay = Relay(behaviours, store, transcript, implicit_tls=mode == "implicit")
        return relay, Endpoint("127.0.0.1", receiver), None

    carrier = RelayCarrier("relay", plan)
    await carrier.start("127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    loop = sys.argv[4] if len(sys.argv) > 4 and sys.argv[4] != "default" else None
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], three="three" in sys.argv))
