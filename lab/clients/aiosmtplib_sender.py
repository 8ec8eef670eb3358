"""aiosmtplib as its documentation shows it: POLICY HOST PORT CA, message on standard input."""

from __future__ import annotations

import asyncio
import sys

import aiosmtplib


async def main(policy: str, host: str, port: str, ca: str) -> None:
    """Send."""
    settings = {"start_tls": True, "cert_bundle": ca} if policy == "verify" else {"start_tls": None, "validate_certs": False}
    await aiosmtplib.send(
        sys.stdin.buffer.read(), sender="trial@sender.smtp.test", recipients=["someone@receiver.smtp.test"], hostname=host,
        port=int(port), local_hostname="sender.smtp.test", timeout=15, **settings,
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
