"""aiosmtplib as its documentation shows it: POLICY MODE HOST PORT CA CERT KEY COUNT [USER PASSWORD], message on standard input."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiosmtplib


async def main(
    policy: str, mode: str, host: str, port: str, ca: str, cert: str, key: str, count: str, user: str = "", password: str = ""
) -> None:
    """Send, a session for each message."""
    message = sys.stdin.buffer.read()
    settings: dict[str, Any] = (
        {"start_tls": True, "cert_bundle": ca} if policy == "verify" else {"start_tls": None, "validate_certs": False}
    )
    if mode == "implicit":
        settings |= {"use_tls": True, "start_tls": False}
    if user:
        settings |= {"username": user, "password": password}
    for _ in range(int(count)):
        await aiosmtplib.send(
            message, sender="trial@sender.smtp.test", recipients=["someone@receiver.smtp.test"], hostname=host, port=int(port),
            local_hostname="sender.smtp.test", timeout=15, client_cert=cert, client_key=key, **settings,
        )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
