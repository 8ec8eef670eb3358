"""The six acts of the demo. What is shown is what the lab's hosts say and do; only the sentences in between are ours."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from lab.backends.management import ManagedLab
from lab.cli import paint
from lab.observe import flow_result
from lab.online.config import Era
from lab.report import matrix
from lab.report.transcript import render
from lab.runner import drain, play, validate
from lab.sending.attempt import Attempt, Outcome, Policy, TlsLevel
from lab.shell.session import ONLINE, ONPREM, Shell

if TYPE_CHECKING:
    from rich.console import Console

    from lab.api import Lab
    from lab.scenario.result import FlowResult
    from lab.sending.message import Message

_FIX = "bind-exchange-certificate"
_ACTS = 6
_PICTURE = """\
  Exchange Online  <------->  appliance  <------->  Exchange 2016         somebody on
  (checks names)              mail.contoso.test     (on-premises)         the internet"""
_TRACE = ("Received", "SenderAddress", "RecipientAddress", "Subject", "Status")
_HYBRID = ("Domains", "OnPremisesSmartHost", "TlsCertificateName")
_CONNECTOR = ("Enabled", "Fqdn", "TlsCertificateName", "TlsDomainCapabilities")


class Story:
    """Tells the story of the post on a lab that is not yet running; `wait` asks the reader to turn the page."""

    def __init__(self, lab: Lab, screen: Console, *, wait: bool) -> None:
        self._lab, self._screen, self._wait = lab, screen, wait
        self._sent: dict[str, Message] = {}
        self._shell = Shell(ManagedLab(lab.backend), width=max(screen.width - 2, 80), sides=(ONPREM, ONLINE))

    async def tell(self) -> bool:
        """Play all acts; return whether mail flows at the end."""
        self._say("smtplab: a copy of the place where TLS breaks mail. Everything below really happens, in this process.")
        self._show(_PICTURE.splitlines())
        async with self._lab:
            self._sent = await play(self._lab.backend)
            await self._matrix()
            await self._trace()
            await self._configuration()
            before = await self._test_from_outside()
            after = await self._fix()
            cured = await self._drain()
        self._close(before, after, cured=cured)
        return cured

    # --- the acts -----------------------------------------------------------------------------------------------------

    async def _matrix(self) -> None:
        await self._act(1, "Mail is stuck between the two sides", turn=False)
        self._say("One message was just sent along each of the eight flows:")
        self._show(matrix.lines(self._results()))
        stuck = [flow for flow, message in self._sent.items() if message.outcome is not Outcome.DELIVERED]
        self._say(f"{' and '.join(stuck)} do not arrive. Everybody else can be reached from both sides.")

    async def _trace(self) -> None:
        await self._act(2, "What the administrator of Exchange Online sees: the message trace")
        recipient = self._sent["online -> onprem"].envelope.recipients[0]
        era = "" if self._lab.era is Era.CLASSIC else "V2"
        asked = f"Get-MessageTrace{era} -RecipientAddress {recipient} -Subject 'online -> onprem'"
        await self._type(f"{asked} | fl {','.join(_TRACE)}", "PS C:\\>")
        await self._type(f"{asked} | Get-MessageTraceDetail{era} | fl Date,Event,Detail", "PS C:\\>")
        self._say("The certificate is to blame, it says. Is it expired, is it the wrong one?")

    async def _configuration(self) -> None:
        await self._act(3, "What the administrator of Exchange checks: it is all right")
        connector = self._lab.backend.exchange.config.receive_connectors[0]
        await self._type(f"Get-HybridConfiguration | fl {','.join(_HYBRID)}")
        await self._type(f'Get-ReceiveConnector "EX01\\{connector.Name}" | fl {",".join(_CONNECTOR)}')
        await self._type("Get-ExchangeCertificate")
        self._say(
            "Hybrid Configuration and receive connector name the same certificate, and it is there. So what does the other side see?"
        )

    async def _test_from_outside(self) -> Attempt:
        await self._act(4, "The TLS test from outside: whose certificate really answers?")
        attempt = await self._probe()
        self._show(render(self._lab.transcript.session(attempt.session)))
        leaf = attempt.verdict.chain[0] if attempt.verdict and attempt.verdict.chain else None
        if leaf is not None:
            ours = [entry.certificate.thumbprint for entry in self._lab.backend.exchange.store_entries]
            stranger = "None of Exchange's has that thumbprint: the appliance ends TLS itself and shows its own."
            whose = "It is one of Exchange's." if leaf.thumbprint in ours else stranger
            self._say(f"Who answers is {leaf.subject}. {whose}")
        return attempt

    async def _fix(self) -> Attempt:
        await self._act(5, "The fix: the appliance gets the right certificate")
        fix = self._lab.loaded.scenario.fix(_FIX)
        assert fix is not None
        self._say(" ".join(fix.what.split()))
        await self._lab.fix_async(_FIX)
        attempt = await self._probe()
        self._say("The same test again:")
        keep = ("TLS established", "verdict", "subject:", "issuer:", "names:", "thumbprint:")
        lines = render(self._lab.transcript.session(attempt.session))
        self._show([line for line in lines if any(word in line for word in keep)])
        return attempt

    async def _drain(self) -> bool:
        await self._act(6, "The queues retry, and the mail arrives")
        waiting = [message for message in self._sent.values() if message.outcome is Outcome.DEFERRED]
        await drain(self._lab.backend, waiting)
        for message in waiting:
            tries = ", ".join(f"{attempt.at:%H:%M} {attempt.outcome}" for attempt in message.attempts)
            self._show([f"{message.envelope.sender} -> {message.envelope.recipients[0]}: {tries}"])
        self._say("The retries were played on the lab's clock. What was sent in act 1, as it stands now:")
        results = self._results()
        self._show(matrix.lines(results))
        rows = await validate(self._lab.backend)
        self._say("And connector validation in Exchange Online:")
        self._show([f"{row.task}: {'succeeded' if row.successful else 'FAILED ' + row.detail}" for row in rows])
        return all(result.delivered for result in results.values()) and all(row.successful for row in rows)

    def _close(self, before: Attempt, after: Attempt, *, cured: bool) -> None:
        found = ", ".join(finding.id for finding in before.verdict.findings) if before.verdict else "no certificate"
        now = "good" if after.verdict and after.verdict.good else "not good"
        copies = "each message arrived once" if cured else "NOT everything arrived"
        self._say("")
        self._say(f"The certificate before: {found}. After: {now}; {copies}.")
        self._say("What to try next:")
        self._show(
            [
                "smtplab run appliance-resigns-tls      all five fixes: which cure, which only seem to, what they cost",
                "smtplab run --all                      the other ways to break it",
                "smtplab demo --era current             the same in the words that Exchange Online uses since 2020",
                "smtplab up appliance-resigns-tls       point your own swaks, openssl or Postfix at it",
            ]
        )

    # --- how it is told -----------------------------------------------------------------------------------------------

    def _results(self) -> dict[str, FlowResult]:
        return {flow: flow_result(self._lab.backend, flow, message) for flow, message in self._sent.items()}

    async def _probe(self) -> Attempt:
        """Test mail.contoso.test as somebody on the internet who checks names."""
        target = self._lab.backend.exchange.config.hybrid.OnPremisesSmartHost
        policy = Policy(TlsLevel.DOMAIN_VALIDATION, target)
        return await self._lab.backend.internet.probe(target, policy, self._lab.backend.topology.internet.name)

    async def _act(self, number: int, title: str, *, turn: bool = True) -> None:
        if turn and self._wait:
            await self._turn_page()
        self._screen.print()
        self._screen.print(f"{number} of {_ACTS}  {title}", style="bold", soft_wrap=True)

    async def _type(self, line: str, prompt: str = "[PS] C:\\>") -> None:
        """Type a line into the management shell, and show both."""
        output = await self._shell.run(line)
        self._show([f"{prompt}{line}", *output.text.strip("\n").split("\n"), ""])

    def _say(self, text: str) -> None:
        self._screen.print(text, markup=False)

    def _show(self, lines: list[str]) -> None:
        paint.lines(self._screen, [f"  {line}" if line else "" for line in lines])

    async def _turn_page(self) -> None:
        """Wait for Enter on the loop, so that Ctrl-C ends the wait and the lab with it."""
        self._screen.print("  [dim]Enter for the next act[/dim] ", end="")
        loop = asyncio.get_running_loop()
        pressed = asyncio.Event()
        loop.add_reader(sys.stdin.fileno(), pressed.set)
        try:
            await pressed.wait()
        finally:
            loop.remove_reader(sys.stdin.fileno())
        sys.stdin.readline()
