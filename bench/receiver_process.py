"""A receiver alone in a process, for the benchmark: exchange|aiosmtpd PORT FOLDER plain|starttls."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from lab.exchange.certificates import StoreEntry
from lab.exchange.config import ExchangeConfig, ReceiveConnector
from lab.exchange.persona import ExchangeReceiver
from lab.net.listener import Receiver
from lab.net.loop import run
from lab.tls.mint import Mint
from lab.transcript import Transcript


class Sinkhole:
    """aiosmtpd's handler that takes everything and keeps nothing."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        return "250 OK"


async def exchange(port: int) -> None:
    """The emulated Exchange, its transcript recorded, its messages dropped."""

    def now() -> datetime:
        return datetime.now(UTC)

    mint, numbers = Mint(now()), itertools.count(1)
    config = ExchangeConfig(name="EX01.contoso.test", accepted_domains=("contoso.test",), mailboxes=("alice@contoso.test",))
    connector = ReceiveConnector(Fqdn="mail.contoso.test")
    store = (StoreEntry(mint.credential("good"), ("SMTP",)),)
    persona = ExchangeReceiver(
        config, connector, store, mint.trust(), now, deliver=lambda _s, _e: next(numbers), log=lambda _e: None
    )
    receiver = Receiver("exchange", persona, Transcript(), now)
    await receiver.start("127.0.0.1", port)
    await _serve()


async def bare(port: int, folder: Path, mode: str) -> None:
    """Aiosmtpd as it comes."""
    context = None
    if mode == "starttls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    loop = asyncio.get_running_loop()
    await loop.create_server(
        lambda: SMTP(Sinkhole(), hostname="bare.test", tls_context=context, data_size_limit=40_000_000, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1", port, backlog=512,
    )  # fmt: skip
    await _serve()


async def _serve() -> None:
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    what, number, name, security = sys.argv[1:5]
    run(exchange(int(number)) if what == "exchange" else bare(int(number), Path(name), security))
