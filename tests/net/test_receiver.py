"""The receiver under the Exchange persona, over real sockets: replies, framing, TLS, and everything that a sender can do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.errors import Blame, CannotTest
from lab.exchange.certificates import StoreEntry
from lab.exchange.config import ExchangeConfig, ReceiveConnector
from lab.exchange.persona import ExchangeReceiver
from lab.net.listener import Receiver
from lab.sending.attempt import Envelope
from lab.tls.mint import Mint
from lab.tls.verifying import VerifyingChannel, verifying_client
from lab.transcript import Kind, Transcript

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINT = Mint(MOMENT)
CONFIG = ExchangeConfig(name="EX01.contoso.test", accepted_domains=("contoso.test",), mailboxes=("alice@contoso.test",))
CONNECTOR = ReceiveConnector(Fqdn="mail.contoso.test", MaxMessageSize=1_000_000, MaxRecipientsPerMessage=3)
ENVELOPE = ["MAIL FROM:<a@b.test>", "RCPT TO:<alice@contoso.test>"]


class Wire(asyncio.Protocol):
    """A sender that sees each write of the receiver by itself."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.tls: VerifyingChannel | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if self.tls is not None:
            data = self.tls.receive(data)
            self.transport.write(self.tls.outgoing())
            if not data:
                return
        self.pieces.put_nowait(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.pieces.put_nowait(b"")

    def raw(self, data: bytes) -> None:
        if self.tls is not None and self.tls.established:
            self.tls.send(data)
            data = self.tls.outgoing()
        self.transport.write(data)

    async def piece(self) -> bytes:
        return await asyncio.wait_for(self.pieces.get(), 5)

    async def say(self, line: str | bytes) -> str:
        """Send a line; the answer must come in one piece, whole."""
        self.raw((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        answer = await self.piece()
        assert answer.endswith(b"\r\n")
        return answer.decode().removesuffix("\r\n")

    async def start_tls(self) -> None:
        self.tls = verifying_client(sni="mail.contoso.test", trust=MINT.trust(), moment=MOMENT)
        self.tls.start()
        self.transport.write(self.tls.outgoing())
        await self.secured()

    async def secured(self) -> None:
        for _ in range(100):
            if self.tls is not None and self.tls.established:
                return
            await asyncio.sleep(0.005)  # the handshake has no event of its own at this end
        raise AssertionError("no handshake")


class Desk:
    """A receiver with what it took."""

    def __init__(self, connector: ReceiveConnector, names: tuple[str, ...], inactivity: float | None) -> None:
        self.taken: list[Envelope] = []
        self.transcript = Transcript()
        store = tuple(StoreEntry(MINT.credential(name), ("SMTP",)) for name in names)

        def deliver(_session: object, envelope: Envelope) -> int:
            self.taken.append(envelope)
            return 5111011082268 + len(self.taken)

        persona = ExchangeReceiver(
            CONFIG, connector, store, MINT.trust().revoking(), lambda: MOMENT, deliver=deliver, log=lambda _event: None
        )
        if inactivity is not None:
            persona.limits = replace(persona.limits, inactivity=inactivity)
        self.receiver = Receiver("exchange", persona, self.transcript, lambda: MOMENT)

    def faults(self) -> list[tuple[Blame | None, str]]:
        return [(entry.blame, str(entry.detail["message"])) for entry in self.transcript if entry.kind is Kind.FAULT]


@asynccontextmanager
async def desk(
    connector: ReceiveConnector = CONNECTOR, *, names: tuple[str, ...] = ("good",), inactivity: float | None = None
) -> AsyncIterator[tuple[Desk, Wire]]:
    one = Desk(connector, names, inactivity)
    endpoint = await one.receiver.start("127.0.0.1")
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(Wire, endpoint.address, endpoint.port)
    try:
        assert (await wire.piece()).startswith(
            b"220 mail.contoso.test Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 12:00:00 +0000\r\n"
        )
        yield one, wire
    finally:
        wire.transport.abort()
        await one.receiver.stop()
        assert one.receiver.sessions == set()


async def greeted(wire: Wire, *more: str) -> None:
    for line in ("EHLO mx.fabrikam.test", *more):
        assert (await wire.say(line)).startswith("250")


# --- replies ------------------------------------------------------------------------------------------------------------


async def test_ehlo_comes_in_one_write_before_and_after_tls() -> None:
    async with desk() as (_, wire):
        before = (await wire.say("EHLO mx.fabrikam.test")).split("\r\n")
        assert before[0] == "250-mail.contoso.test Hello [127.0.0.1]"
        assert "250-STARTTLS" in before
        assert before[-1] == "250 XRDST"
        assert await wire.say("STARTTLS") == "220 2.0.0 SMTP server ready"
        await wire.start_tls()
        after = (await wire.say("EHLO mx.fabrikam.test")).split("\r\n")
        assert "250-STARTTLS" not in after
        assert "250-AUTH NTLM LOGIN" in after
        assert (await wire.say("STARTTLS")).startswith("503")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["HELO mx.fabrikam.test"], "250 mail.contoso.test Hello [127.0.0.1]"),
        (["EHLO"], "501 5.5.4 Invalid domain name"),
        (["FOO"], "500 5.3.3 Unrecognized command"),
        (["EXPN all"], "500 5.3.3 Unrecognized command"),
        (["MAIL FROM:<a@b.test>"], "503 5.5.2 Send hello first"),
        (["EHLO x.test", "MAIL FROM:<a@b.test>"], "250 2.1.0 Sender OK"),
        (["EHLO x.test", "MAIL FROM:<>"], "250 2.1.0 Sender OK"),
        (["EHLO x.test", "MAIL FROM:a@b.test"], "501 5.1.7 Invalid address"),
        (["EHLO x.test", "MAIL FROM:<a@b.test> SIZE=2000000"], "552 5.3.4 Message size exceeds fixed maximum message size"),
        (["EHLO x.test", "MAIL FROM:<a@b.test>", "MAIL FROM:<a@b.test>"], "503 5.5.1 Bad sequence of commands"),
        (["EHLO x.test", "RCPT TO:<alice@contoso.test>"], "503 5.5.1 Need MAIL before RCPT"),
        (["EHLO x.test", *ENVELOPE], "250 2.1.5 Recipient OK"),
        (["EHLO x.test", ENVELOPE[0], "RCPT TO:<nobody@contoso.test>"], "550 5.1.1 User unknown"),
        (["EHLO x.test", ENVELOPE[0], "RCPT TO:<erin@fabrikam.test>"], "550 5.7.1 Unable to relay"),
        (["EHLO x.test", ENVELOPE[0], "RCPT TO:alice"], "501 5.1.3 Invalid address"),
        (["EHLO x.test", *ENVELOPE, ENVELOPE[1], ENVELOPE[1], ENVELOPE[1]], "452 4.5.3 Too many recipients"),
        (["EHLO x.test", "DATA"], "503 5.5.1 Need RCPT first"),
        (["EHLO x.test", *ENVELOPE, "DATA"], "354 Start mail input; end with <CRLF>.<CRLF>"),
        (["EHLO x.test", *ENVELOPE, "RSET", "DATA"], "503 5.5.1 Need RCPT first"),
        (["NOOP anything"], "250 2.0.0 OK"),
        (["VRFY alice"], "252 2.1.5 Cannot VRFY user"),
        (["HELP"], "214 This server supports the commands of its EHLO reply"),
        (["EHLO x.test", "BDAT x"], "501 5.5.4 Invalid arguments"),
        (["EHLO x.test", "X-ANONYMOUSTLS"], "454 4.7.0 TLS for Exchange servers is not available here"),
        (["EHLO x.test", "AUTH PLAIN AGEAYg=="], "504 5.7.4 Unrecognized authentication type"),
        (["QUIT"], "221 2.0.0 Service closing transmission channel"),
        ([b"NOOP \x00"], "501 5.5.4 Invalid arguments"),
        ([b"NOOP a\nRSET"], "501 5.5.4 Invalid arguments"),
    ],
)
async def test_each_command_gets_its_reply(lines: list[str | bytes], answer: str) -> None:
    async with desk() as (_, wire):
        seen = ""
        for line in lines:
            seen = await wire.say(line)
        assert seen == answer


async def test_authentication_is_played_and_refused() -> None:
    async with desk() as (_, wire):
        await greeted(wire)
        assert (await wire.say("AUTH NTLM")) == "334 NTLM supported"
        challenge = await wire.say("TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=")
        assert challenge.startswith("334 TlRMTVNTUAAC")
        assert (await wire.say("TlRMTVNTUAADAAAA")) == "535 5.7.3 Authentication unsuccessful"
        assert (await wire.say("AUTH NTLM")) == "334 NTLM supported"
        assert (await wire.say("*")).startswith("501 5.7.0")
        assert (await wire.say("AUTH NTLM !!!")).startswith("501 5.5.2")
        assert (await wire.say("AUTH LOGIN")).startswith("504")  # before TLS it is not offered


async def test_the_receiver_without_a_certificate_offers_no_starttls() -> None:
    async with desk(names=()) as (_, wire):
        lines = (await wire.say("EHLO x.test")).split("\r\n")
        assert "250-STARTTLS" not in lines
        assert "250-X-ANONYMOUSTLS" in lines
        assert await wire.say("STARTTLS") == "500 5.3.3 Unrecognized command"


async def test_pipelined_commands_are_answered_in_order_in_one_write() -> None:
    async with desk() as (one, wire):
        await greeted(wire)
        wire.raw(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@contoso.test>\r\nRCPT TO:<nobody@contoso.test>\r\nDATA\r\n")
        assert [line[:3] for line in (await wire.piece()).split(b"\r\n")] == [b"250", b"250", b"550", b"354", b""]
        wire.raw(b"x\r\n.\r\nQUIT\r\n")
        assert [line[:3] for line in (await wire.piece()).split(b"\r\n")] == [b"250", b"221", b""]
        assert await wire.piece() == b""
        assert [envelope.content for envelope in one.taken] == [b"x\r\n"]


# --- content ------------------------------------------------------------------------------------------------------------

CONTENTS = {
    "nothing": (b".\r\n", b""),
    "dots": (b"..\r\n..x\r\na\r\n...\r\n.\r\n", b".\r\n.x\r\na\r\n..\r\n"),
    "8 bit": ("Ü\r\n.\r\n".encode(), "Ü\r\n".encode()),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("size", [1, 3, 4096])
async def test_data_however_it_is_cut(name: str, size: int) -> None:
    wire_form, content = CONTENTS[name]
    async with desk() as (one, wire):
        await greeted(wire, *ENVELOPE)
        assert (await wire.say("DATA")).startswith("354")
        for start in range(0, len(wire_form), size):
            wire.raw(wire_form[start : start + size])
            await asyncio.sleep(0)
        answer = (await wire.piece()).decode()
        assert answer.startswith("250 2.6.0 <")
        assert answer.endswith("[InternalId=5111011082269, Hostname=EX01.contoso.test] Queued mail for delivery\r\n")
        assert one.taken[0].content == content


@pytest.mark.parametrize(
    ("wire_form", "codes", "taken"),
    [
        (b"BDAT 4\r\na\r\nbBDAT 2 LAST\r\n\r\n", [b"250", b"250"], [b"a\r\nb\r\n"]),
        (b"BDAT 3\r\nx\r\nBDAT 0 LAST\r\n", [b"250", b"250"], [b"x\r\n"]),
        (b"BDAT 0 LAST\r\n", [b"250"], [b""]),
        (b"BDAT 3\r\nx\r\nRSET\r\nBDAT 3 LAST\r\nx\r\n", [b"250", b"250", b"503"], []),
        (b"BDAT 3\r\nx\r\nDATA\r\n", [b"250", b"503"], []),
        (b"BDAT 3 FIRST\r\n", [b"501"], []),
        (b"BDAT 3 LAST\r\na\nb", [b"550"], []),
    ],
)
async def test_bdat(wire_form: bytes, codes: list[bytes], taken: list[bytes]) -> None:
    async with desk() as (one, wire):
        await greeted(wire, *ENVELOPE)
        wire.raw(wire_form)
        seen: list[bytes] = []
        while len(seen) < len(codes):
            seen += [line[:3] for line in (await wire.piece()).split(b"\r\n")[:-1]]
        assert seen == codes
        assert [envelope.content for envelope in one.taken] == taken


@pytest.mark.parametrize("verb", ["DATA", "BDAT"])
async def test_too_much_is_read_to_its_end_and_refused(verb: str) -> None:
    content = b"x" * 998 + b"\r\n"
    async with desk() as (one, wire):
        await greeted(wire, *ENVELOPE)
        if verb == "DATA":
            assert (await wire.say("DATA")).startswith("354")
            wire.raw(content * 1500 + b".\r\n")
        else:
            wire.raw(f"BDAT {len(content) * 1500} LAST\r\n".encode() + content * 1500)
        assert (await wire.piece()).startswith(b"552 5.3.4")
        assert (await wire.say("NOOP")).startswith("250")
        assert one.taken == []


# --- what goes wrong ----------------------------------------------------------------------------------------------------


async def test_plaintext_behind_starttls_is_thrown_away_and_blamed() -> None:
    async with desk() as (one, wire):
        await greeted(wire)
        wire.raw(b"STARTTLS\r\nMAIL FROM:<evil@b.test>\r\n")
        assert (await wire.piece()).startswith(b"220")
        await wire.start_tls()
        assert (await wire.say("RCPT TO:<alice@contoso.test>")).startswith("503")
        assert one.faults() == [(Blame.SENDER, "plaintext behind STARTTLS, thrown away")]


async def test_a_hello_in_the_segment_of_starttls() -> None:
    async with desk() as (one, wire):
        await greeted(wire)
        tls = verifying_client(trust=MINT.trust(), moment=MOMENT)
        tls.start()
        wire.transport.write(b"STARTTLS\r\n" + tls.outgoing())
        first = await wire.piece()
        assert first.startswith(b"220 2.0.0 SMTP server ready\r\n")
        wire.tls = tls
        if rest := first.partition(b"\r\n")[2]:
            wire.data_received(rest)
        await wire.secured()
        assert (await wire.say("EHLO again.test")).startswith("250")
        assert one.faults() == []


@pytest.mark.parametrize(
    ("noise", "fails"), [(b"this is no TLS at all, by no means\r\n", True), (b"\x16\x03\x01\x02\x00\x01", False)]
)
async def test_garbage_and_half_a_record_in_the_handshake(noise: bytes, fails: bool) -> None:
    async with desk() as (one, wire):
        await greeted(wire)
        assert (await wire.say("STARTTLS")).startswith("220")
        wire.raw(noise)
        if not fails:
            wire.transport.write_eof()
        while await wire.piece():
            pass
        failed = [entry for entry in one.transcript if entry.kind is Kind.TLS_FAILED]
        assert [entry.blame for entry in failed] == ([Blame.SENDER] if fails else [])
        assert [entry.kind for entry in one.transcript][-1] is Kind.CLOSED


@pytest.mark.parametrize("size", [100_000, 10_000_000])
async def test_a_line_without_end(size: int) -> None:
    async with desk() as (one, wire):
        for _ in range(size // 100_000):
            wire.raw(b"x" * 100_000)
        assert await wire.piece() == b"500 5.5.2 Line too long\r\n"
        while await wire.piece():
            pass
        assert next(blame for blame, _ in one.faults()) is Blame.SENDER


async def test_silence_until_the_timeout() -> None:
    async with desk(inactivity=0.05) as (one, wire):
        assert await wire.piece() == b"451 4.7.0 Timeout waiting for client input\r\n"
        assert await wire.piece() == b""
        assert one.faults() == [(Blame.SENDER, "nothing for 0.05 s")]


async def test_too_many_errors_end_the_session() -> None:
    async with desk() as (one, wire):
        for _ in range(5):
            assert (await wire.say("FOO")).startswith("500")
        wire.raw(b"FOO\r\n")
        assert (await wire.piece()).split(b"\r\n")[1].startswith(b"421 4.7.0")
        assert await wire.piece() == b""
        assert one.faults()[0][0] is Blame.SENDER


STEPS = ["", "EHLO x.test", "STARTTLS", *ENVELOPE, "DATA"]


@pytest.mark.parametrize("steps", range(len(STEPS) + 1))
async def test_a_reset_at_every_step_leaves_nothing(steps: int) -> None:
    lines = [line for line in STEPS[1:steps] if line != "STARTTLS"] if steps > 3 else STEPS[1:steps]
    async with desk() as (one, wire):
        for line in lines:
            await wire.say(line)
        wire.raw(b"half a li")
        wire.transport.abort()
        for _ in range(200):
            if not one.receiver.sessions:
                break
            await asyncio.sleep(0.005)  # the other end's transport tells in its own time
        assert one.receiver.sessions == set()
        assert one.taken == []
        assert [entry.kind for entry in one.transcript][-1] is Kind.CLOSED


async def test_a_port_that_is_taken() -> None:
    async with desk() as (one, _):
        taken = Receiver("exchange", one.receiver.persona, one.transcript, lambda: MOMENT)
        assert one.receiver._listener is not None
        port = one.receiver._listener.sockets[0].getsockname()[1]
        with pytest.raises(CannotTest, match=f"cannot listen on 127.0.0.1:{port}"):
            await taken.start("127.0.0.1", port)
        await taken.stop()
