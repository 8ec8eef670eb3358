"""The state on the disk: from the future, damaged, read-only, full; and that what was there is there again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from lab.errors import CannotTest, NotKept, UserError
from lab.live import operations, views
from lab.live.database import FILE, connect, readable, salvage
from lab.live.laboratory import LiveLab
from lab.live.origin import Origin
from lab.live.shells import Shells
from lab.sending.attempt import Envelope, Outcome

HOSTS = ("appliance", "exchange", "online", "internet", "dns")


def origin(scenario: str = "appliance-resigns-tls") -> Origin:
    return Origin.of(scenario, None, dict.fromkeys(HOSTS, 0))


@asynccontextmanager
async def lab_in(folder: Path, scenario: str = "appliance-resigns-tls") -> AsyncIterator[LiveLab]:
    lab = LiveLab("x", folder, connect(folder), origin(scenario))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


def play(lab: LiveLab) -> None:
    for flow, ends in lab.backend.topology.flows.items():
        host = lab.backend.mail_hosts[flow.partition(" ")[0]]
        host.submit(Envelope(ends.sender, (ends.recipient,), f"Subject: {flow}\r\n\r\nhello\r\n".encode()))


def session_in(lab: LiveLab, name: str) -> tuple[object, ...]:
    """A session without the times of its lines, which are rounded when they are kept."""
    session = views.session(lab, name)
    return session.session, [line.text for line in session.lines], session.chains


async def settled(lab: LiveLab) -> None:
    await asyncio.gather(*(host.process() for host in lab.backend.mail_hosts.values()))
    await lab.keeper.durable()


async def test_what_was_there_is_there_again(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        play(lab)
        await settled(lab)
        lab.clock.advance(timedelta(hours=3))
        await lab.fix("renew-exchange-certificate")
        before = {
            host.name: ([(m.envelope, m.outcome, m.attempts, m.words) for m in host.messages], dict(host.mailboxes))
            for host in lab.backend.mail_hosts.values()
        }
        logs = lab.backend.exchange.tracking_log(), lab.backend.exchange.protocol_log("send"), list(lab.backend.exchange.events)
        ca, ports, moment, sessions = lab.lab.ca_file.read_bytes(), dict(lab.origin.ports), lab.clock.now(), lab.recorder.count
        assert sessions > 0
        seen = {one.id: session_in(lab, one.id) for one in views.sessions(lab) if not one.open}
        assert seen
        assert any(m.outcome is Outcome.DEFERRED for host in lab.backend.mail_hosts.values() for m in host.messages)
    async with lab_in(tmp_path) as again:
        hosts = again.backend.mail_hosts.values()
        assert {
            host.name: ([(m.envelope, m.outcome, m.attempts, m.words) for m in host.messages], dict(host.mailboxes))
            for host in hosts
        } == before
        exchange = again.backend.exchange
        assert (exchange.tracking_log(), exchange.protocol_log("send"), list(exchange.events)) == logs
        assert {name: session_in(again, name) for name in seen} == seen
        play(again)
        await settled(again)
        listed = views.sessions(again)  # some of this life, some of the last one
        assert len({one.id for one in listed} - set(seen)) > 3
        parts = [views.sessions(again, limit=3, offset=offset) for offset in range(0, len(listed), 3)]
        assert [one.id for part in parts for one in part] == [one.id for one in listed]
        assert again.lab.ca_file.read_bytes() == ca
        assert again.origin.ports == ports
        assert again.clock.now() >= moment
        assert [version.kind for version in again.configuration.versions] == ["start", "fix"]
        assert again.backend.topology.exchange.certificates[0].certificate == "exchange-renewed"
        assert int(again.backend.transcript.new_session("x").rpartition("-")[2]) > sessions
        message = again.backend.exchange.submit(Envelope("alice@contoso.test", ("bob@contoso.test",), b"Subject: a\r\n\r\nb\r\n"))
        assert message.id == max(m.id for m in again.backend.exchange.messages)
        assert len({m.id for m in again.backend.exchange.messages}) == len(again.backend.exchange.messages)


async def test_what_nobody_waits_for_is_kept_at_leisure(tmp_path: Path) -> None:
    """The index of sessions does not go along with each commit; what could not be kept of it is not lost."""
    row = "INSERT OR REPLACE INTO facts VALUES (?, ?)"
    async with lab_in(tmp_path, "healthy") as lab:
        keeper = lab.keeper
        await keeper.all_durable()
        keeper.put_later(row, ("later", "1"))
        keeper.put_fact("now", 1)
        await keeper.durable()
        assert (keeper.fact("now"), keeper.fact("later")) == (1, None)
        await keeper.all_durable()
        assert keeper.fact("later") == 1
        for number in range(100):
            keeper.put_later(row, (f"many {number}", "1"))
        keeper.put("INSERT INTO nowhere VALUES (?)", ("refused",))
        with pytest.raises(NotKept):
            await keeper.durable()
        keeper._now.pending = [one for one in keeper._now.pending if "nowhere" not in one[0]]
        await keeper.durable()
        assert all(keeper.fact(f"many {number}") == 1 for number in range(100))


async def test_a_certificate_is_kept_as_soon_as_it_was_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made when it is first wanted, and whoever has seen it must see it again after whatever end."""
    monkeypatch.setattr("lab.live.laboratory._TICK", 1000.0)
    async with lab_in(tmp_path, "healthy") as lab:
        kept, put = asyncio.Event(), lab.keeper.put_fact

        def noted(name: str, value: object) -> None:
            put(name, value)
            if name == "mint":
                kept.set()

        monkeypatch.setattr(lab.keeper, "put_fact", noted)
        place = lab.lab.endpoint("exchange")
        reader, writer = await asyncio.open_connection(place.address, place.port)
        writer.write(b"EHLO x.test\r\nSTARTTLS\r\n")
        while not (line := await reader.readline()).startswith(b"220 2.0.0"):
            assert line
        async with asyncio.timeout(20):
            await kept.wait()
        await lab.keeper.durable()
        assert any(row[0] == "exchange" for row in lab.keeper.fact("mint")["credentials"])
        writer.close()


async def test_a_new_lab_listens_before_its_certificates_are_made(tmp_path: Path) -> None:
    async with lab_in(tmp_path) as lab:
        assert not any(map(lab.mint.made_for, ("exchange", "exchange-setup", "online", "internet")))
        place = lab.lab.endpoint("exchange")
        await say(place.address, place.port, Envelope("erin@fabrikam.test", ("alice@contoso.test",), b"Subject: x\r\n\r\nx\r\n"))
        assert all(map(lab.mint.made_for, ("exchange", "exchange-setup")))
        await lab.prepare()


async def test_what_the_shell_knows_of_objects_is_the_labs_and_lasts(tmp_path: Path) -> None:
    look = "Get-OutboundConnector | select IsValidated,LastValidationTimestamp,WhenChanged | fl"
    async with lab_in(tmp_path, "healthy") as lab:
        shells = Shells(lab)
        before = (await shells.run("a", "Connect-ExchangeOnline -ShowBanner:$false; " + look))[0].text
        assert "IsValidated             : False" in before
        lab.clock.advance(timedelta(hours=1))
        await shells.run("a", "Get-OutboundConnector | Set-OutboundConnector -IsValidated $true -TlsSettings EncryptionOnly")
        after = (await shells.run("b", "Connect-ExchangeOnline -ShowBanner:$false; " + look))[0].text
        assert "IsValidated             : True" in after
        changed = lab.marks.changed["outbound", lab.backend.topology.online.outbound_connectors[0].Name.lower()]
        assert f"WhenChanged             : {changed.month}/{changed.day}/{changed.year}" in after
    async with lab_in(tmp_path, "healthy") as again:
        await operations.set_value(again, "exchange.receive_connectors[0].Enabled", False)  # past the shell
        shells = Shells(again)
        assert (await shells.run("c", "Connect-ExchangeOnline -ShowBanner:$false; " + look))[0].text == after
        assert ("receive", "default frontend ex01") in again.marks.changed
        await operations.reset(again)
        assert (await shells.run("c", look))[0].text == before


async def test_what_was_wiped_may_come_again(tmp_path: Path) -> None:
    """Exchange's store drops a message that it has had; after a reset it has had none."""
    post = Envelope("alice@contoso.test", ("bob@contoso.test",), b"Message-ID: <1@contoso.test>\r\n\r\nx\r\n")
    async with lab_in(tmp_path, "healthy") as lab:
        for _ in range(2):
            place = lab.lab.endpoint("exchange")
            await say(place.address, place.port, post)
            assert len(lab.backend.exchange.mailboxes["bob@contoso.test"]) == 1
            await operations.reset(lab)


async def say(address: str, port: int, post: Envelope) -> None:
    reader, writer = await asyncio.open_connection(address, port)
    lines = f"EHLO x.test\r\nMAIL FROM:<erin@fabrikam.test>\r\nRCPT TO:<{post.recipients[0]}>\r\nDATA\r\n".encode()
    writer.write(lines)
    while not (line := await reader.readline()).startswith(b"354"):
        assert line
    writer.write(post.content + b".\r\n")
    assert (await reader.readline()).startswith(b"250 2.6.0")
    writer.close()


async def test_time_goes_on_while_the_lab_is_down(tmp_path: Path) -> None:
    async with lab_in(tmp_path, "healthy") as lab:
        lab.clock.advance(timedelta(days=2))
        lab.clock.run_at(600)
        ahead = lab.clock.now()
    async with lab_in(tmp_path, "healthy") as again:
        assert again.clock.now() >= ahead
        assert again.clock.speed == 600


async def test_a_state_from_the_future_is_left_alone(tmp_path: Path) -> None:
    async with lab_in(tmp_path, "healthy"):
        pass
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("PRAGMA user_version=7")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(UserError, match=r"newer smtplab \(state version 7; this one knows 1\)"):
        connect(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("CREATE TABLE mine (a)")
    with pytest.raises(UserError, match="is no state of a lab"):
        connect(tmp_path)


async def test_a_damaged_state_says_what_can_be_saved_and_goes_on_with_it(tmp_path: Path) -> None:
    async with lab_in(tmp_path, "healthy") as lab:
        for number in range(40):
            content = f"Message-ID: <{number}@x.test>\r\nSubject: {number}\r\n\r\n{'x' * 3000}\r\n".encode()
            lab.backend.exchange.submit(Envelope("alice@contoso.test", ("bob@contoso.test",), content))
        await settled(lab)
    file = tmp_path / FILE
    data = bytearray(file.read_bytes())
    place = len(data) * 3 // 4 // 4096 * 4096
    data[place : place + 4096 * 3] = b"\xa5" * 4096 * 3
    file.write_bytes(data)
    with pytest.raises(UserError, match=r"is damaged .*can be saved: \d+ ") as caught:
        LiveLab("x", tmp_path, connect(tmp_path), None)
    assert "--salvage" in str(caught.value.hint)
    assert file.read_bytes() == bytes(data), "the original was touched"
    kept = salvage(tmp_path, "now")
    assert (kept / FILE).read_bytes() == bytes(data)
    async with lab_in(tmp_path, "healthy") as lab:
        found = len(lab.backend.exchange.messages) + len(lab.backend.exchange.mailboxes["bob@contoso.test"])
        assert 0 < found <= 80


def test_no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database, but long enough to be looked at as one" * 100)
    with pytest.raises(UserError, match="nothing in it can be read"):
        connect(tmp_path)
    assert all(rows == [] for rows in readable(tmp_path / FILE).values())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="ascii")
    with pytest.raises(CannotTest, match="cannot be written"):
        connect(tmp_path / "file" / "labs")


async def test_a_full_disk_refuses_mail_and_takes_back_what_it_could_not_keep(tmp_path: Path) -> None:
    async with lab_in(tmp_path, "healthy") as lab:
        database = lab.keeper._database
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count={pages + 2}")
        place = lab.lab.endpoint("exchange")

        async def send(size: int) -> bytes:
            reader, writer = await asyncio.open_connection(place.address, place.port)
            lines = b"EHLO x.test\r\nMAIL FROM:<erin@fabrikam.test>\r\nRCPT TO:<bob@contoso.test>\r\nDATA\r\n"
            await reader.readline()
            writer.write(lines)
            while not (line := await reader.readline()).startswith(b"354"):
                assert line
            writer.write(b"Message-ID: <1@x.test>\r\n\r\n" + b"x" * size + b"\r\n.\r\n")
            answer = await reader.readline()
            writer.close()
            return answer

        assert (await send(200_000)).startswith(b"452 4.3.1 ")
        assert lab.backend.exchange.mailboxes["bob@contoso.test"] == []
        why = lab.keeper.failure
        assert why is not None
        assert "full" in why
        lab.backend.exchange.submit(Envelope("alice@contoso.test", ("bob@contoso.test",), b"Subject: a\r\n\r\n" + b"x" * 200_000))
        with pytest.raises(NotKept):
            await lab.keeper.durable()
        assert lab.backend.exchange.messages == []
        database.execute(f"PRAGMA max_page_count={pages + 5000}")
        assert (await send(200_000)).startswith(b"250 ")
        assert len(lab.backend.exchange.mailboxes["bob@contoso.test"]) == 1
        assert lab.keeper.failure is None
    async with lab_in(tmp_path, "healthy") as again:
        assert len(again.backend.exchange.mailboxes["bob@contoso.test"]) == 1


def test_a_disk_without_room_is_no_damage(tmp_path: Path) -> None:
    database = connect(tmp_path)
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count={pages}")
    for size in (1000, 100, 10, 1):  # whatever room there is in pages that are there
        with suppress(sqlite3.OperationalError):
            for number in range(100):
                database.execute("INSERT INTO facts VALUES (?, ?)", (f"{size} {number}", "x" * size))
    with pytest.raises(CannotTest, match="cannot be used: database or disk is full") as caught:
        LiveLab("x", tmp_path, database, origin("healthy"))
    assert "nothing was lost" in str(caught.value.hint)


@pytest.mark.parametrize("turns", range(4))
async def test_a_lab_that_is_stirred_as_it_is_stopped_ends(tmp_path: Path, turns: int) -> None:
    """Python 3.11's wait_for loses a cancellation that meets what it waits for; the lab then tended its queues for ever."""
    async with lab_in(tmp_path, "healthy") as lab:
        for _ in range(turns):
            await asyncio.sleep(0)
        lab.stir()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await lab.stop()


async def test_addresses_that_are_no_text_are_kept(tmp_path: Path) -> None:
    odd = b"\xff\xfe@x.test".decode("utf-8", "surrogateescape")
    async with lab_in(tmp_path, "healthy") as lab:
        lab.backend.exchange.store("bob@contoso.test", Envelope(odd, ("bob@contoso.test",), b"Subject: a\r\n\r\n"))
        await lab.keeper.durable()
    async with lab_in(tmp_path, "healthy") as again:
        assert again.backend.exchange.mailboxes["bob@contoso.test"][0].envelope.sender == odd
