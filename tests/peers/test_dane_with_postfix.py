"""Postfix's own DANE against the lab: `posttls-finger -l dane` asks the lab's resolver and comes to what our senders come to.

Postfix knows one resolver, that of /etc/resolv.conf at port 53, and believes its AD bit where `trust-ad` says so. So it runs in a mount
namespace of its own with another file there, and the lab's names are answered at port 53 of a loopback address drawn by lot.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.backends.embedded import Embedded
from lab.dns.config import DnsFault, TlsaRecord
from lab.errors import CannotTest
from lab.net.dns import DnsServer
from lab.scenario.load import load_scenario, topology_of
from lab.sending.attempt import Envelope, Outcome, Security
from tests.conftest import leave_out

pytestmark = [pytest.mark.peer, pytest.mark.slow]
TOPOLOGY = topology_of(load_scenario("dane-3-1-1").healthy)
HOST = "mx.fabrikam.test"


class Bench:
    """A lab, and a way to let Postfix look at one of its receivers."""

    def __init__(self, lab: Embedded, folder: Path, resolver: str) -> None:
        self.lab, self._folder = lab, folder
        self.port = lab.directory.endpoint("internet").port
        (folder / "resolv.conf").write_text(f"nameserver {resolver}\noptions trust-ad edns0\n")
        (folder / "main.cf").write_text("")

    def arrange(self, certificate: str, records: tuple[TlsaRecord, ...], fault: DnsFault | None, signed: bool = True) -> None:
        """Show a certificate and publish records, for port 25 (our sender's) and the lab's real port (Postfix's)."""
        names = [f"_{port}._tcp.{HOST}" for port in (25, self.port)]
        dns = replace(
            TOPOLOGY.dns, tlsa=dict.fromkeys(names, records), faults=dict.fromkeys(names, fault) if fault else {},
            signed=TOPOLOGY.dns.signed if signed else ("contoso.test",),
        )  # fmt: skip
        self.lab.apply(replace(TOPOLOGY, dns=dns, internet=replace(TOPOLOGY.internet, certificate=certificate)))

    async def postfix(self, level: str) -> str:
        inside = f"mount --bind {self._folder}/resolv.conf /etc/resolv.conf && exec posttls-finger -c -l {level} 'fabrikam.test:{self.port}'"
        process = await asyncio.create_subprocess_exec(
            "unshare", "-m", "sh", "-c", inside, stdout=-1, stderr=-2, env={**os.environ, "MAIL_CONFIG": str(self._folder)}
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        return output.decode()

    async def ours(self) -> tuple[Outcome | None, Security]:
        message = self.lab.online.submit(
            Envelope("carol@contoso.onmicrosoft.test", ("erin@fabrikam.test",), b"Subject: x\r\n\r\nx\r\n")
        )
        await self.lab.online.process()
        return message.outcome, message.attempts[-1].security


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    if os.geteuid() != 0:
        leave_out("Postfix asks at port 53 only, and that is root's")
    resolver = f"127.53.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
    async with Embedded(TOPOLOGY) as lab:
        server = DnsServer(lab.dns.answer)
        try:
            await server.start(resolver, 53)
        except CannotTest as error:
            leave_out(str(error))
        yield Bench(lab, tmp_path, resolver)
        await server.stop()


EE, TA = TlsaRecord(certificate="good"), TlsaRecord(certificate="good", usage=2, selector=0)
OTHER = TlsaRecord(certificate="exchange-setup")
DEFERRED = (Outcome.DEFERRED, None)
PROVED, UNPROVED = (Outcome.DELIVERED, Security.AUTHENTICATED), (Outcome.DELIVERED, Security.ENCRYPTED)


CASES = [
    ("good", (EE,), None, True, "Verified TLS connection established", PROVED),
    ("good", (OTHER, EE), None, True, "Verified TLS connection established", PROVED),
    ("good", (TA,), None, True, "Verified TLS connection established", PROVED),
    ("good", (replace(EE, matching=2), replace(EE, selector=0)), None, True, "Verified TLS connection established", PROVED),
    ("expired", (replace(EE, certificate="expired"),), None, True, "Verified TLS connection established", PROVED),
    ("self-signed", (replace(EE, certificate="self-signed"),), None, True, "Verified TLS connection established", PROVED),
    ("good", (OTHER,), None, True, "Untrusted TLS connection established", DEFERRED),
    ("expired", (TA,), None, True, "Untrusted TLS connection established", DEFERRED),
    ("wrong-host", (TA,), None, True, "Untrusted TLS connection established", DEFERRED),
    ("good", (replace(EE, usage=1),), None, True, "unsupported TLSA certificate usage: 1 1 1", UNPROVED),
    ("good", (EE,), DnsFault.BOGUS_SIGNATURE, True, "TLSA lookup error", DEFERRED),
    ("good", (EE,), DnsFault.EXPIRED_SIGNATURE, True, "TLSA lookup error", DEFERRED),
    ("good", (EE,), DnsFault.SERVFAIL, True, "TLSA lookup error", DEFERRED),
    ("good", (EE,), None, False, 'no TLSA records found, resorting to "secure"', UNPROVED),
    ("good", (), None, True, 'no TLSA records found, resorting to "secure"', UNPROVED),
]


async def test_postfix_and_our_sender_agree(bench: Bench) -> None:
    """Level `dane-only` says of itself where there is no DANE; in all else it is `dane`."""
    differing = []
    for certificate, records, fault, signed, word, ours in CASES:
        bench.arrange(certificate, records, fault, signed)
        said, (outcome, security) = await asyncio.gather(
            bench.postfix("dane-only" if "resorting" in word else "dane"), bench.ours()
        )
        if word not in said or (outcome, security if ours[1] else None) != ours:
            differing.append((certificate, records, fault, signed, said, outcome, security))
    assert differing == []
