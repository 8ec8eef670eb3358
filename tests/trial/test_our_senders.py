"""The lab's own senders on trial, in this process: under each policy they do what they should with every case.

This is also the second opinion on what is wanted: `lab.trial.expectation` reads the tables, the senders read what really comes over
DNS, HTTPS and SMTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from lab.clock import Clock
from lab.hosts.case_names import CaseNames
from lab.hosts.cases import CaseHosts
from lab.hosts.outbound import Outbound
from lab.hosts.way import Modes, Way
from lab.net.directory import Directory, Endpoint, Route
from lab.net.patience import Patience
from lab.net.sender import carry
from lab.sending.attempt import Envelope, Outcome, Policy, TlsLevel
from lab.sending.session import SenderSession, SenderSettings
from lab.transcript import Transcript
from lab.trial.case import TrialCase, TrialPolicy
from lab.trial.cases import chosen
from lab.trial.expectation import expectation
from lab.trial.observation import observe
from lab.trial.result import CaseResult, Did, Mark

MODES = {
    TrialPolicy.VERIFY: Modes(), TrialPolicy.OPPORTUNISTIC: Modes(), TrialPolicy.DANE: Modes(dane=True), TrialPolicy.MTA_STS: Modes(sts=True),
}  # fmt: skip
PATIENCE = Patience(10.0, 10.0, 3.0)
ENVELOPE = Envelope("trial@sender.smtp.test", ("someone@receiver.smtp.test",), b"Subject: x\r\n\r\nx\r\n")
#: Where names are published, the certificates are few: how they are judged, the first policy shows.
PUBLISHED = ("good", "expired", "wrong-host", "no-san", "bad-signature", "starttls/*")
CHOSEN = {TrialPolicy.DANE: (*PUBLISHED, "dane/*"), TrialPolicy.MTA_STS: (*PUBLISHED, "mta-sts/*")}


class Bench:
    """Cases that listen, and a sender of ours that is sent to each."""

    def __init__(self, policy: TrialPolicy) -> None:
        self.policy, self.moment = policy, datetime.now(UTC)
        self.cases = [case for case in chosen(CHOSEN.get(policy, ()), policy) if not case.implicit]
        self.hosts = CaseHosts(self.cases, self.moment, lambda case: case.exchanger(), stall=0.2)
        self.names = CaseNames(self.hosts, policy)
        directory = Directory(dict.fromkeys(("online", "dns", "sts"), "127.0.0.1"))
        self.directory = directory
        clock = Clock(self.moment)
        self._outbound = Outbound("online", SimpleNamespace(directory=directory, clock=clock), PATIENCE)  # type: ignore[arg-type]  # all that it uses

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        free = (Endpoint("127.0.0.1", 0),)
        try:
            await self.hosts.start("127.0.0.1")
            await self.names.start(free, free, "127.255.255.253")
            self.directory.listening("dns", self.names.dns)
            self.directory.listening("sts", self.names.web)
            yield
        finally:
            await self.names.stop()
            await self.hosts.stop()

    async def one(self, case: TrialCase) -> CaseResult:
        host, mint = self.hosts.host_of(case), self.hosts.mint
        plain = Policy(settings=TlsLevel.DOMAIN_VALIDATION, domain=host) if self.policy is TrialPolicy.VERIFY else Policy()
        trust = mint.trust(("public",))
        ways: Sequence[Way] = (Way(host, plain),)
        if MODES[self.policy].any:
            ways = await self._outbound.ways(case.domain, plain, MODES[self.policy], trust)
        assert len(ways) == (2 if case.second else 1)
        settings = SenderSettings(host="us", ehlo_name="sender.smtp.test", trust=trust, now=lambda: self.moment)
        delivered = False
        for way in ways:
            if delivered or way.failure is not None:
                continue
            session = SenderSession(ENVELOPE, way.policy, settings, Transcript(), target=way.target)
            endpoint = (self.hosts.endpoints if way.target == host else self.hosts.seconds)[case.name]
            attempt = await carry(session, Route(endpoint, endpoint), patience=PATIENCE)
            delivered = attempt.outcome is Outcome.DELIVERED
        await self.hosts.quiet(case.name, 3)
        messages = self.hosts.messages[case.name]
        entries = self.hosts.entries(case)
        evidence = (self.names if MODES[self.policy].any else self.hosts).evidence(case)
        return CaseResult(
            case, expectation(case, self.policy, evidence), Did.ACCEPT if messages else Did.REFUSE,
            observe(entries, self.hosts.known_as(case), messages), 0 if delivered else 1, 0.0, lies=delivered != bool(messages), transcript=entries,
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("policy", list(TrialPolicy))
async def test_our_senders_do_what_they_should(policy: TrialPolicy) -> None:
    bench = Bench(policy)
    async with bench.listening():
        gate = asyncio.Semaphore(8)

        async def gated(case: TrialCase) -> CaseResult:
            async with gate:
                return await bench.one(case)

        results = await asyncio.gather(*map(gated, bench.cases))
    wrong = {one.case.name: (one.did, one.expectation, one.faults) for one in results if one.mark is Mark.WRONG}
    assert wrong == {}
    assert sum(one.mark is Mark.RIGHT for one in results) > 40
