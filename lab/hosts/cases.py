"""One receiver for each case, all listening at once: the badssl of SMTP. Used by trials and by `smtplab serve-cases`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from lab.appliance.behaviours import load_behaviour
from lab.appliance.relay import Relay
from lab.errors import CannotTest
from lab.hosts.appliance import Store
from lab.internet.config import InternetConfig
from lab.internet.persona import InternetReceiver
from lab.net.case_receiver import CaseReceiver
from lab.net.directory import Endpoint
from lab.net.relay import Plan, RelayCarrier
from lab.receiving.persona import SessionFacts
from lab.sending.attempt import Envelope
from lab.smtp.commands import Path
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential
from lab.tls.findings import Verdict
from lab.tls.mint import Mint
from lab.tls.mint_cases import CASES
from lab.tls.verdict import judge
from lab.transcript import Entry, Transcript
from lab.trial.case import TrialCase
from lab.trial.expectation import Evidence

#: Who may log in where a case offers AUTH.
ACCOUNT = ("trial@sender.smtp.test", "a password that is worth protecting")
#: Seconds that a box keeps silent before it closes, where a case has it keep silent for ever.
STALL = 2.0
_BEHIND, _SECOND = "-behind", "-second"
_LOOK = 0.005  # seconds between two looks at whether sessions are over


class _Persona(InternetReceiver):
    """Takes mail for anybody: a trial is about TLS, not about addresses. Its certificate is made when first shown."""

    def __init__(
        self, case: TrialCase, host: str, make: Callable[[], Credential | None], deliver: Callable[[SessionFacts, Envelope], None]
    ) -> None:
        super().__init__(InternetConfig(name=host, accepted_domains=(host,), mailboxes=()), None, deliver=deliver)
        self._make, self._login = make, case.login
        self.requests_certificate = case.asks_certificate

    def begin(self, session: SessionFacts) -> Credential | None:
        return self._make()

    def hello(self, session: SessionFacts, *, extended: bool) -> Reply:
        reply = super().hello(session, extended=extended)
        return Reply(reply.code, (*reply.lines, "AUTH PLAIN LOGIN")) if self._login and extended else reply

    def rcpt(self, session: SessionFacts, path: Path) -> Reply:
        return Reply.of("250 2.1.5 OK") if path.address else Reply.of("501 5.1.3 No address")


class CaseHosts:
    """All listeners of some cases. Takes the cases, the moment that certificates are made for, `host_of`, the name that a
    case's certificate is made for, and the seconds that a box which stalls keeps silent.

    `endpoints` says where each case listens, `seconds` where its second host does, `messages` counts what each has taken,
    `transcript` has what was said to it under the case's name.
    """

    def __init__(
        self, cases: Iterable[TrialCase], moment: datetime, host_of: Callable[[TrialCase], str], *, stall: float = STALL
    ) -> None:
        self.cases = {case.name: case for case in cases}
        self.mint, self.transcript = Mint(moment), Transcript()
        self.endpoints: dict[str, Endpoint] = {}
        self.seconds: dict[str, Endpoint] = {}  # where the second host of a case listens, by the case's name
        self.messages: Counter[str] = Counter()
        self.moment, self.host_of, self.stall = moment, host_of, stall
        self._receivers: dict[str, CaseReceiver] = {}
        self._carriers: dict[str, RelayCarrier] = {}

    async def start(self, address: str, port: int = 0) -> None:
        """Listen, each case on a port of its own: from `port` on in the order of the cases, or on free ones.

        Raises CannotTest where a port cannot be had; nothing listens then.
        """
        await self.start_at(Endpoint(address, port + number if port else 0) for number, _ in enumerate(self.cases))

    async def start_at(self, places: Iterable[Endpoint]) -> None:
        """Listen, each case at its place, in the order of the cases; port 0 is a free one. Raises CannotTest as `start` does."""
        try:
            for case, place in zip(self.cases.values(), places, strict=False):
                self.endpoints[case.name] = await self._start(case, place)
                if case.second:
                    self.seconds[case.name] = await self._start_second(case, place.address, self.endpoints[case.name].port)
        except BaseException:  # Ctrl-C too: those that listen already must not stay
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything; may be called twice."""
        for carrier in self._carriers.values():
            await carrier.stop()
        for receiver in self._receivers.values():
            await receiver.stop()

    def side_by_side(self, case: TrialCase) -> bool:
        """Whether both hosts of a case are at the same port, so that one who finds hosts by MX can reach them."""
        return self.endpoints[case.name].port == self.seconds[case.name].port

    @staticmethod
    def known_as(case: TrialCase) -> tuple[str, ...]:
        """Return what a case's hosts are called in the transcript, the first one first."""
        return (case.name, case.name + _SECOND) if case.second else (case.name,)

    def verdict(self, case: TrialCase) -> Verdict | None:
        """Return what a strict viewer that trusts the lab's root finds in a case's chain; None where it shows none."""
        if case.certificate is None:
            return None
        host = self.host_of(case)
        chain = self.mint.credential(case.certificate, host).chain
        trust = self.mint.trust(("public",)).revoking(CASES[case.certificate].revocation)
        return judge(chain, trust=trust, moment=self.moment, expected=host)

    def evidence(self, case: TrialCase) -> Evidence:
        """Return what there is to see of a case itself, judged; what is published of it, `CaseNames` adds."""
        return Evidence(self.host_of(case), self.verdict(case))

    def faithful(self, case: TrialCase) -> bool:
        """Whether a case's certificate is what its name says: for a name of one label a wildcard, for one, stands for nothing."""
        verdict = self.verdict(case)
        if verdict is None or case.certificate is None:
            return True
        return sorted(finding.id for finding in verdict.findings) == sorted(CASES[case.certificate].findings)

    def entries(self, case: TrialCase) -> tuple[Entry, ...]:
        """Return what was seen in a case: by its box under the case's name, and by the receiver behind it."""
        known = (*self.known_as(case), case.name + _BEHIND)
        return tuple(entry for entry in self.transcript if entry.host in known)

    async def quiet(self, name: str, seconds: float) -> None:
        """Wait until no session of a case is left, for so many seconds at most: what was said is in the transcript then."""
        receivers = [one for known in (name, name + _SECOND) if (one := self._receivers.get(known))]
        carrier = self._carriers.get(name)
        for _ in range(round(seconds / _LOOK)):
            if not any(one.sessions for one in receivers) and not (carrier and carrier.sessions):
                return
            await asyncio.sleep(_LOOK)

    async def _start_second(self, case: TrialCase, address: str, port: int) -> Endpoint:
        """Listen for the second host, which is as it should be: at another address and the same port, if that can be had."""
        host = case.exchanger(2)

        def make() -> Credential:
            return self.mint.credential("good", host)

        def deliver(_session: SessionFacts, _envelope: Envelope) -> None:
            self.messages[case.name] += 1

        receiver = CaseReceiver(case.name + _SECOND, _Persona(case, host, make, deliver), self.transcript, lambda: self.moment)
        self._receivers[case.name + _SECOND] = receiver
        first, second, third, fourth = address.split(".") if address.startswith("127.") else ("", "", "0", "")
        beside = f"{first}.{second}.{(int(third) + 1) % 256}.{fourth}"
        try:
            if first:
                return await receiver.start(beside, port)
        except CannotTest:
            pass
        return await receiver.start(address)

    async def _start(self, case: TrialCase, place: Endpoint) -> Endpoint:
        host = self.host_of(case)

        def make() -> Credential | None:
            return self.mint.credential(case.certificate, host) if case.certificate else None

        def deliver(_session: SessionFacts, _envelope: Envelope) -> None:
            self.messages[case.name] += 1

        name = case.name + _BEHIND if case.behaviours else case.name
        receiver = CaseReceiver(
            name, _Persona(case, host, make, deliver), self.transcript, lambda: self.moment, minimum_tls="TLSv1"
        )
        receiver.implicit, receiver.account = case.implicit, ACCOUNT if case.login else None
        receiver.staple = partial(self.mint.staple, case.staple) if case.staple else None
        self._receivers[case.name] = receiver
        if not case.behaviours:
            return await receiver.start(place.address, place.port)
        behind = await receiver.start(place.address)
        store = Store(self.mint, (case.certificate or "good",), host)
        behaviours = tuple(load_behaviour(spec) for spec in case.behaviours)

        def plan(_sender: str) -> Plan:
            return Relay(behaviours, store, self.transcript, host=case.name, moment=self.moment), behind, None

        # a box that stalls is one in which nothing is said: the carrier ends it at its second look
        carrier = RelayCarrier(case.name, plan, **({"idle_timeout": self.stall / 2} if case.stalls else {}))
        self._carriers[case.name] = carrier
        return await carrier.start(place.address, place.port)
