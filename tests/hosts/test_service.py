"""One host as a process of its own, spoken with by lines: the same code that containers run, without a container."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.hosts import wire
from lab.hosts.description import REFUSED_PORT, HostDescription, source_digest
from lab.hosts.online import OnlineHost
from lab.hosts.service import Conversation, HostService
from lab.net.addresses import own_addresses
from lab.receiving.persona import SessionFacts
from lab.scenario import change
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.model import Change
from lab.sending.attempt import Envelope, Outcome
from lab.tls.handed import HandedMint, NotingMint
from lab.tls.mint import Mint
from tests.cli.test_process import free_port

ERIN, FRANK, CAROL = "erin@fabrikam.test", "frank@fabrikam.test", "carol@contoso.onmicrosoft.test"


def description(role: str, *, port: int) -> HostDescription:
    """Describe a host as containers are told it, on a port that anybody may have."""
    from lab.clock import Clock
    from lab.hosts.host import Surroundings
    from lab.hosts.roles import ROLES
    from lab.net.directory import Directory
    from lab.transcript import Transcript

    now = datetime.now(UTC)
    mint = NotingMint(Mint(now))
    topology = topology_of(load_scenario("healthy").broken)
    directory = Directory(own_addresses())
    ROLES[role](Surroundings(Clock(now), Transcript(), mint, directory)).apply(topology)
    return HostDescription(
        role=role, topology=topology, handed=mint.handed(), addresses=own_addresses(),
        endpoints={"online": (own_addresses()["online"], free_port())}, lab_now=now, real_now=time.time(), port=port,
        source=source_digest(),
    )  # fmt: skip


def facts(session: str) -> SessionFacts:
    """A session that has said nothing yet."""
    return SessionFacts(session, ("127.0.0.1", 1), ("127.0.0.1", 2), datetime.now(UTC))


class Line:
    """The lab's end."""

    def __init__(self, questions: asyncio.StreamReader) -> None:
        self._questions = questions
        self.heard: list[dict[str, Any]] = []
        self._came = asyncio.Event()

    def write(self, line: bytes) -> None:
        self.heard.append(wire.parts(line))
        self._came.set()

    async def ask(self, question: str, **given: Any) -> dict[str, Any]:
        number = len(self.heard) + 1000
        self._questions.feed_data(wire.line(number=number, ask=question, given=given))
        async with asyncio.timeout(20):
            while True:
                for line in self.heard:
                    if line.get("answer") == number:
                        return line
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def line_to(role: str) -> AsyncIterator[Line]:
    questions = asyncio.StreamReader()
    line = Line(questions)
    work = asyncio.ensure_future(Conversation(role, line.write).hold(questions))
    try:
        yield line
    finally:
        questions.feed_eof()
        await asyncio.wait_for(work, 20)


async def test_it_is_described_asked_and_described_anew() -> None:
    port = free_port()
    async with line_to("internet") as line:
        assert (await line.ask("news"))["refused"] == "nobody has described this host"
        assert "refused" not in await line.ask("host", description=description("internet", port=port))
        envelope = Envelope(ERIN, (FRANK,), b"Subject: x\r\n\r\nx\r\n")
        numbers, news = (await line.ask("process", submitted=(envelope,)))["value"]
        assert numbers == (1,)
        assert [(one.id, one.outcome) for one in news.messages] == [(1, Outcome.DELIVERED)]
        assert [mailbox for mailbox, _ in news.mail] == [FRANK]
        _, again = (await line.ask("process", submitted=()))["value"]
        assert again.messages == ()
        assert again.mail == ()
        assert "refused" not in await line.ask("host", description=description("internet", port=port)), "the port is free again"
        _, fresh = (await line.ask("process", submitted=(), only_news=True))["value"]
        assert fresh.messages == (), "a new description is a new host"


async def test_a_message_is_tried_when_the_lab_says_and_time_runs_as_the_lab_says() -> None:
    async with line_to("internet") as line:
        await line.ask("host", description=description("internet", port=free_port()))
        sent = Envelope(ERIN, (CAROL,), b"Subject: x\r\n\r\nx\r\n")
        (number,), news = (await line.ask("process", submitted=(sent,)))["value"]
        assert [(one.outcome, len(one.attempts)) for one in news.messages] == [(Outcome.DEFERRED, 1)]
        _, news = (await line.ask("process", submitted=()))["value"]
        assert news.messages == (), "it is not due"
        _, news = (await line.ask("process", submitted=(), hurried=((number, news.now),)))["value"]
        assert [len(one.attempts) for one in news.messages] == [1], "and one more"
        await line.ask("clock", moment=news.now, speed=100_000.0)
        await asyncio.sleep(0)
        _, later = (await line.ask("process", submitted=(), only_news=True))["value"]
        assert later.now - news.now > timedelta(seconds=5)


async def test_a_host_that_is_emptied_knows_nothing_and_goes_on() -> None:
    async with line_to("internet") as line:
        await line.ask("host", description=description("internet", port=free_port()))
        sent = Envelope(ERIN, (FRANK,), b"Subject: x\r\n\r\nx\r\n")
        await line.ask("process", submitted=(sent,))
        await line.ask("forget")
        (number,), news = (await line.ask("process", submitted=(sent,)))["value"]
        assert number == 2, "numbers are not given twice"
        assert [(one.id, len(one.attempts)) for one in news.messages] == [(2, 1)]
        assert len(news.mail) == 1


async def test_exchange_tells_its_tracking_log_and_holds_certificates() -> None:
    async with line_to("exchange") as line:
        await line.ask("host", description=description("exchange", port=free_port()))
        sent = Envelope("alice@contoso.test", ("bob@contoso.test",), b"Subject: x\r\n\r\nx\r\n")
        _, news = (await line.ask("process", submitted=(sent,)))["value"]
        assert [row["event-id"] for row in news.tracking] == ["RECEIVE", "DELIVER"]
        _, again = (await line.ask("process", submitted=()))["value"]
        assert again.tracking == ()
        assert "refused" not in await line.ask("hold", connector="Default Frontend EX01", name="<I>x<S>y")
        assert "refused" not in await line.ask("restart")
    async with line_to("online") as line:
        await line.ask("host", description=description("online", port=free_port()))
        assert (await line.ask("restart"))["refused"] == "the host online is a real MTA and no Exchange"


async def test_entries_come_before_the_answer_that_they_belong_to() -> None:
    async with line_to("internet") as line:
        await line.ask("host", description=description("internet", port=free_port()))
        envelope = Envelope(ERIN, (CAROL,), b"Subject: x\r\n\r\nx\r\n")
        await line.ask("process", submitted=(envelope,))
        kinds = ["entry" if "entry" in one else "answer" for one in line.heard]
        assert kinds[0] == "answer"
        assert "entry" in kinds[1:-1]
        assert kinds[-1] == "answer"


async def test_a_session_that_is_held_goes_on_when_its_own_name_is_said() -> None:
    """What frees another session frees nobody else; a host that goes on as a whole frees all."""
    service = HostService(description("internet", port=free_port()), lambda _: None)
    held = [asyncio.ensure_future(service._struck(facts(f"internet-{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    for given, waiting in ({"session": "internet-1"}, [True, False, True]), ({}, [False, False, False]):
        await service.answer("go-on", given)
        await asyncio.wait(held, timeout=0.05, return_when=asyncio.ALL_COMPLETED)
        assert [not one.done() for one in held] == waiting
    await asyncio.gather(*held)


async def test_the_clock_moves_the_queue() -> None:
    async with line_to("internet") as line:
        await line.ask("host", description=description("internet", port=free_port()))
        envelope = Envelope(ERIN, (CAROL,), b"Subject: x\r\n\r\nx\r\n")
        _, first = (await line.ask("process", submitted=(envelope,)))["value"]
        assert first.messages[0].outcome is Outcome.DEFERRED
        assert (await line.ask("process", submitted=()))["value"][1].messages == ()
        await line.ask("clock", moment=datetime.now(UTC) + timedelta(hours=1))
        _, second = (await line.ask("process", submitted=()))["value"]
        assert len(second.messages[0].attempts) == 1, "the second attempt only"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: replace(one, role="exchange"), "not of 'internet'"),
        (lambda one: replace(one, source="other"), "another version"),
        (lambda _: 7, "no description"),
    ],
)
async def test_a_description_that_does_not_fit_is_refused(change: Callable[[HostDescription], Any], said: str) -> None:
    async with line_to("internet") as line:
        answer = await line.ask("host", description=change(description("internet", port=1)))
        assert said in answer["refused"]


def test_a_host_is_handed_its_own_keys_only() -> None:
    handed = description("exchange", port=0).handed
    names = {name for name, _ in handed.credentials}
    assert names == {"exchange", "exchange-setup"}
    mint = HandedMint(handed)
    assert mint.credential("exchange").key_pem
    with pytest.raises(Exception, match="was not handed the certificate 'online'"):
        mint.credential("online")
    assert b"PRIVATE KEY" not in mint.ca_pem


@pytest.mark.slow
@pytest.mark.parametrize("imitates", [True, False])
def test_only_an_appliance_that_imitates_is_handed_an_authority(imitates: bool) -> None:
    """Its own, so that who trusts that CA trusts what it signs wherever it runs."""
    from lab.hosts.needs import note_needs
    from lab.tls.imitate import Imitation

    mint = Mint(datetime.now(UTC))
    noting = NotingMint(mint)
    behaviour = {"resign": {"imitation": "own-ca"}} if imitates else {"resign": {"certificate": "appliance-default"}}
    rules = Change(set="appliance.rules", to=[{"behaviours": [behaviour]}])
    topology = topology_of(change.apply((rules,), load_scenario("healthy").healthy))
    for role in ("appliance", "exchange"):
        note_needs(role, topology, noting if role == "appliance" else NotingMint(mint))
    signed = HandedMint(noting.handed()).imitation(mint.credential("online").leaf, Imitation.OWN_CA)
    assert (signed.root == mint.inspection_root.certificate) is imitates
    assert bool(noting.handed().authorities) is imitates


async def test_who_is_refused_meets_a_port_where_nobody_listens() -> None:
    """The reset is a kernel's; without the rule, and for everybody else, the way is as it was."""
    wanted = replace(description("online", port=0), endpoints={"appliance": (own_addresses()["appliance"], 25)})
    service = HostService(wanted, lambda _: None)
    assert isinstance(service.host, OnlineHost)
    ports = []
    for refuses in ([], ["internet"], ["online"], []):
        rules = Change(set="appliance.refuses", to=refuses)
        topology = topology_of(change.apply((rules,), load_scenario("healthy").healthy))
        await service.answer("apply", {"topology": topology, "handed": wanted.handed})
        ports.append(service.host.directory.route("online", "appliance").actual.port)
    assert ports == [25, 25, REFUSED_PORT, 25]


def test_the_command_serves_a_description_from_a_file(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "host.json"
    file.write_bytes(wire.line(host=description("internet", port=port)))
    command = [str(Path(sys.executable).with_name("smtplab")), "host", "internet", "--description", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        import smtplib

        until = time.monotonic() + 20
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=10) as session:
                    session.sendmail(CAROL, [ERIN], b"Subject: x\r\n\r\nx\r\n")
                break
            except ConnectionRefusedError:
                assert time.monotonic() < until
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)  # another process; there is no event to wait for
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    entries = [wire.parts(line)["entry"] for line in out.splitlines()]
    assert {entry.host for entry in entries} == {"internet"}
    assert any(entry.data == b"QUIT" for entry in entries)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from lab.cli.host import host

    assert "there is no role 'toaster'" in CliRunner().invoke(host, ["toaster"]).output
    (tmp_path / "bad.json").write_text("{}\n")
    result = CliRunner().invoke(host, ["internet", "--description", str(tmp_path / "bad.json")])
    assert "the description cannot be read" in str(result.exception)


def test_a_host_imports_what_its_own_role_needs() -> None:
    """Six processes make a lab: what each holds for nothing is held six times."""

    def imported(role: str) -> set[str]:
        code = f"""
import sys
import lab.hosts.service
from lab.clock import Clock
from lab.hosts.host import Surroundings
from lab.hosts.roles import ROLES
from lab.net.addresses import own_addresses
from lab.net.directory import Directory
from lab.tls.mint import Mint
from lab.transcript import Transcript
ROLES[{role!r}](Surroundings(Clock(), Transcript(), Mint(Clock().now()), Directory(own_addresses())))
print(*sys.modules)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        return set(done.stdout.split())

    dns, exchange = imported("dns"), imported("exchange")
    assert "lab.hosts.dns" in dns
    for room in (
        "aiosmtpd",
        "OpenSSL",
        "lab.exchange.persona",
        "lab.hosts.mailhost",
        "lab.online.persona",
        "lab.hosts.appliance",
        "pydantic",
    ):
        assert room not in dns
    assert {"lab.net.listener", "lab.exchange.persona", "lab.hosts.mailhost"} <= exchange
    assert not {"lab.online.persona", "lab.hosts.appliance", "pydantic"} & exchange
