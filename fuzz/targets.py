"""The targets. Each takes bytes, drives one parser or the whole relay with them, and checks what must hold whatever they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from lab.appliance.actions import SendToReceiver, SendToSender, Wake
from lab.appliance.behaviours import Behaviour, load_behaviour
from lab.appliance.config import BehaviourSpec
from lab.appliance.relay import Relay
from lab.hosts.appliance import Store
from lab.smtp.commands import Command, parse_path
from lab.smtp.lines import LineBuffer, LineTooLong
from lab.smtp.replies import BadReply, ReplyReader
from lab.tls.engine import relay_client
from lab.tls.hello import NoHello, maybe_hello
from lab.tls.mint import Mint
from lab.transcript import Transcript


def lines(data: bytes) -> None:
    """Nothing is lost and nothing added, however the bytes are cut."""
    size = data[0] % 7 + 1 if data else 1
    buffer, found = LineBuffer(limit=256), b""
    try:
        for start in range(0, len(data), size):
            buffer.feed(data[start : start + size])
            while (line := buffer.maybe_line()) is not None:
                assert b"\r\n" not in line
                found += line + b"\r\n"
            assert len(buffer) <= 256 + size
    except LineTooLong:
        return
    assert found + buffer.take() == data


def commands(data: bytes) -> None:
    """A command line always parses, and says again what it was but for blanks."""
    line = data.replace(b"\r\n", b" ")
    command = Command.parse(line)
    parse_path(command.argument)
    assert Command.parse(command.to_bytes()[:-2]).to_bytes() == command.to_bytes()


def replies(data: bytes) -> None:
    """A reply that is read is written as it was, or what is no reply is said to be none."""
    reader, taken = ReplyReader(), b""
    for line in data.split(b"\r\n"):
        try:
            reply = reader.maybe_reply(line)
        except BadReply:
            return
        taken += line + b"\r\n"
        if reply is not None:
            assert 200 <= reply.code <= 599
            assert reply.to_bytes().replace(b" ", b"-") == taken.replace(b" ", b"-") or len(line) == 3
            taken = b""


def hello(data: bytes) -> None:
    """A ClientHello is there when all of it is there, and not before."""
    try:
        found = maybe_hello(data)
    except NoHello:
        return
    if found is not None:
        assert found.sni is None or found.sni
        for size in (0, 1, 4, 5, 9):
            with contextlib.suppress(NoHello):
                assert maybe_hello(data[:size]) is None


# --- the relay ----------------------------------------------------------------------------------------------------------

_MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
_STORE = Store(Mint(_MOMENT), ("good", "exchange-setup", "wrong-host"))


def _first_flight() -> bytes:
    client = relay_client(sni="mail.contoso.test")
    client.start()
    return client.outgoing()


#: What gets a session somewhere, for a fuzzer to put together; more of it, it finds itself.
PHRASES: tuple[bytes, ...] = (
    b"EHLO a.test\r\n", b"STARTTLS\r\n", b"MAIL FROM:<a@b.test> SIZE=9\r\n", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n", b"BDAT 5 LAST\r\nhello",
    b"Subject: x\r\n\r\nbody\r\n.\r\n", b"QUIT\r\n", b"220 ready\r\n", b"250-EX01\r\n250-STARTTLS\r\n250 CHUNKING\r\n", b"250 ok\r\n",
    b"354 go\r\n", b"421 no\r\n", b"AUTH LOGIN\r\n334 x\r\n", _first_flight(), b"\r\n.\r", b"\n.\n", b"BDAT 99999999999999999999999\r\n",
)  # fmt: skip

_SETS: tuple[tuple[tuple[str, dict[str, object]], ...], ...] = (
    (),
    (("resign", {"certificate": "good"}),),
    (("resign", {"certificate": "good", "leftover": "allow"}), ("answer-sni-wrongly", {"certificate": "wrong-host"}), ("strip-headers", {})),
    (("resign", {"imitation": "own-ca"}), ("break-after-handshake", {"how": "garbage"})),
    (("cisco-inspection", {}), ("latency", {"delay": "1s", "stream": "both"}), ("limit-size", {"maximum": 20})),
    (("one-sided-tls", {"certificate": "good"}), ("edit-keywords", {"hide": ["SIZE"]})),
    (("one-sided-tls", {"stream": "receiver"}), ("override-reply", {"code": 450, "when": {"verb": "RCPT"}, "times": {"every": 2}})),
    (("fake-starttls", {"then": "plaintext"}), ("slice", {"size": 3})),
    (("inject-command", {"commands": ["RSET"]}), ("inject-reply", {}), ("break-handshake", {"how": "alert", "flight": 2})),
    (("break-bdat", {"how": "as-commands"}), ("tarpit", {"delay": "1s", "after": 1}), ("smuggle", {}), ("quarantine", {"holds": "x"})),
    (("greylist", {}), ("rate-limit", {"of": "messages", "most": 1}), ("split-lines", {"length": 8, "stream": "both"}), ("join-lines", {})),
    (("bandwidth", {"rate": 10}), ("limit-data", {"bytes": 30, "stream": "sender"}), ("close-session", {"at": "quit"})),
    (("half-open", {"when": {"phase": "data"}}), ("timeout", {"when": {"phase": "quit"}}), ("drop-chunking", {})),
)  # fmt: skip
_LOADED: tuple[tuple[Behaviour, ...], ...] = tuple(
    tuple(load_behaviour(BehaviourSpec(name, settings)) for name, settings in listed) for listed in _SETS
)


def relay(data: bytes) -> None:
    """A session with any peers: no exception, and never more out or kept than what came in gives reason for."""
    if not data:
        return
    session = Relay(_LOADED[data[0] % len(_LOADED)], _STORE, Transcript(keep=100_000), implicit_tls=data[0] >= 250, moment=_MOMENT)
    session.connected("127.0.0.1", 1)
    session.receiver_connected("127.0.0.2", 25)
    wakes, came, went = _act(session)
    at = 1
    for _ in range(200):
        if at >= len(data):
            break
        code, at = data[at], at + 1
        match code % 8:
            case 0 | 1 | 2 | 3:  # a phrase or bytes of the fuzzer's own, from one side or the other
                if code % 8 < 2:
                    said = PHRASES[(code >> 3) % len(PHRASES)]
                else:
                    said, at = data[at : at + (code >> 3)], at + (code >> 3)
                (session.from_sender if code % 2 else session.from_receiver)(said)
                came += len(said)
            case 4 | 5:
                for number in wakes:
                    session.woke(number)
                wakes = []
            case 6:
                session.sender_closed() if code & 64 else session.receiver_closed("reset")
            case _:
                if code > 250:
                    session.timed_out()
        woken, _, out = _act(session)
        wakes += woken
        went += out
        assert went <= 200_000 + 50 * came
        assert len(wakes) < 100_000
    session.release()


def _act(session: Relay) -> tuple[list[int], int, int]:
    actions = session.actions()
    wakes = [action.number for action in actions if isinstance(action, Wake)]
    return wakes, 0, sum(len(action.data) for action in actions if isinstance(action, SendToSender | SendToReceiver))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "lines": lines,
    "commands": commands,
    "replies": replies,
    "hello": hello,
    "relay": relay,
}
SEEDS: dict[str, tuple[bytes, ...]] = {
    "lines": PHRASES,
    "commands": PHRASES,
    "replies": PHRASES,
    "hello": (PHRASES[14], PHRASES[14][:40]),
    # greeting, EHLO, its answer, STARTTLS, 220, hello; then an envelope and a message
    "relay": tuple(
        bytes([number, *_codes])
        for number in range(len(_SETS))
        for _codes in ((64, 1, 72, 9, 64, 113, 4), (64, 1, 72, 17, 80, 25, 80, 33, 88, 49, 80))
    ),
}
