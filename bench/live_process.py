"""Live labs in a process of their own, for the benchmark: receiver PORT FOLDER | idle COUNT FOLDER."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from lab.live.database import connect
from lab.live.laboratory import LiveLab
from lab.live.origin import Origin
from lab.net.loop import run
from lab.web.serving import serving

HOSTS = ("appliance", "exchange", "online", "internet", "dns")


async def receiver(port: int, folder: Path) -> None:
    """One whole lab whose Exchange listens on a port of 127.0.0.1; every message is on the disk before its 250."""
    lab = LiveLab("bench", folder, connect(folder), Origin.of("healthy", None, dict.fromkeys(HOSTS, 0)))
    await lab.start()
    receiver = lab.backend.exchange.build_receiver()
    receiver.durable = lab.keeper.durable
    await receiver.start("127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def idle(count: int, folder: Path) -> None:
    """Many labs, each with its control API."""
    async with AsyncExitStack() as stack:
        for number in range(count):
            its = folder / str(number)
            lab = LiveLab(str(number), its, connect(its), Origin.of("appliance-resigns-tls", None, dict.fromkeys(HOSTS, 0)))
            await lab.start()
            served = await stack.enter_async_context(serving(lab))
            print(f"lab {served.url} {lab.lab.endpoint('exchange')}", flush=True)
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    what, number, name = sys.argv[1:4]
    run((receiver if what == "receiver" else idle)(int(number), Path(name)))
