"""Replies are read and written whole."""

import pytest

from lab.smtp.replies import BadReply, Reply, ReplyReader, ehlo_keywords


def read(*lines: bytes) -> list[Reply | None]:
    reader = ReplyReader()
    return [reader.maybe_reply(line) for line in lines]


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"220 2.0.0 SMTP server ready"], Reply(220, ("2.0.0 SMTP server ready",))),
        ([b"250"], Reply(250, ("",))),
        ([b"250 "], Reply(250, ("",))),
        ([b"250-one", b"250-", b"250 three"], Reply(250, ("one", "", "three"))),
        ([b"250-one", b"250-two", b"250"], Reply(250, ("one", "two", ""))),
        ([b"550 caf\xc3\xa9"], Reply(550, ("café",))),
        ([b"550 \xff"], Reply(550, ("\udcff",))),
    ],
)
def test_lines_make_a_reply(lines: list[bytes], reply: Reply) -> None:
    *early, last = read(*lines)
    assert early == [None] * len(early)
    assert last == reply


@pytest.mark.parametrize(
    "lines",
    [
        [b""],
        [b"25"],
        [b"hello"],
        [b"150 no"],
        [b"650 no"],
        [b"250_no"],
        [b"2500 no"],
        [b"\x16\x03\x01"],
        [b"250-one", b"251 two"],
        [b"250-x"] * 513,
    ],
)
def test_what_is_no_reply_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(BadReply):
        read(*lines)


def test_a_reader_knows_that_a_reply_is_under_way() -> None:
    reader = ReplyReader()
    pending = [reader.pending]
    for line in (b"250-one", b"250 two"):
        reader.maybe_reply(line)
        pending.append(reader.pending)
    assert pending == [False, True, False]


@pytest.mark.parametrize(
    ("reply", "wire"),
    [
        (Reply(250, ("a", "b")), b"250-a\r\n250 b\r\n"),
        (Reply(221), b"221 \r\n"),
        (Reply.of("250 2.1.0 Sender OK"), b"250 2.1.0 Sender OK\r\n"),
        (Reply(550, ("\udcff",)), b"550 \xff\r\n"),
    ],
)
def test_a_reply_is_written_in_one_piece(reply: Reply, wire: bytes) -> None:
    assert reply.to_bytes() == wire


def test_enhanced_code_classes_and_text() -> None:
    assert Reply.of("450 4.7.320 Certificate validation failed").enhanced == "4.7.320"
    assert Reply.of("250 ok").enhanced is None
    assert Reply(250, ("a", "b")).text == "250 a b"
    table = {
        "250 x": (True, False, False),
        "354 x": (True, False, False),
        "450 x": (False, True, False),
        "550 x": (False, False, True),
    }
    for text, expected in table.items():
        reply = Reply.of(text)
        assert (reply.positive, reply.transient, reply.permanent) == expected


def test_ehlo_keywords_keep_their_parameters() -> None:
    reply = Reply(250, ("EX01 Hello [127.25.0.30]", "SIZE 37748736", "starttls", "AUTH NTLM LOGIN", ""))
    assert ehlo_keywords(reply) == {"SIZE": "37748736", "STARTTLS": "", "AUTH": "NTLM LOGIN"}
