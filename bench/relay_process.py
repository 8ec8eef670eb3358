"""The relay alone in a process, for the benchmark: PORT RECEIVER_PORT implicit|starttls [uvloop|asyncio]."""

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


async def serve(port: int, receiver: int, mode: str) -> None:
    """Relay for ever, transcript recorded."""
    transcript = Transcript()
    store = Store(Mint(datetime.now(UTC)), ("good",))
    behaviours = (load_behaviour(BehaviourSpec("resign", {"certificate": "good"})),)

    def plan(_sender: str) -> Plan:
        relay = Relay(behaviours, store, transcript, implicit_tls=mode == "implicit")
        return relay, Endpoint("127.0.0.1", receiver), None

    carrier = RelayCarrier("relay", plan)
    await carrier.start("127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    loop = sys.argv[4] if len(sys.argv) > 4 else None
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
