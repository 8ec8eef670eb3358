"""Only CRLF ends a line; the limit holds; nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.smtp.lines import LineBuffer, LineTooLong


def lines_of(buffer: LineBuffer) -> list[bytes]:
    found = []
    while (line := buffer.maybe_line()) is not None:
        found.append(line)
    return found


CASES = [
    (b"EHLO a\r\n", [b"EHLO a"], b""),
    (b"EHLO a\r\nSTARTTLS\r\n\x16\x03", [b"EHLO a", b"STARTTLS"], b"\x16\x03"),
    (b"a\nb\r\n", [b"a\nb"], b""),
    (b"a\rb\r\n", [b"a\rb"], b""),
    (b"a\r\r\n", [b"a\r"], b""),
    (b"\r\n\r\n", [b"", b""], b""),
    (b"a\x00b\r\n", [b"a\x00b"], b""),
    (b"half\r", [], b"half\r"),
]


@pytest.mark.parametrize(("data", "lines", "rest"), CASES)
def test_whole_and_byte_by_byte(data: bytes, lines: list[bytes], rest: bytes) -> None:
    whole = LineBuffer()
    whole.feed(data)
    assert (lines_of(whole), len(whole), whole.take()) == (lines, len(rest), rest)
    single = LineBuffer()
    found = []
    for byte in data:
        single.feed(bytes([byte]))
        found += lines_of(single)
    assert (found, single.take()) == (lines, rest)


@pytest.mark.parametrize("data", [b"x" * 101, b"x" * 99 + b"\r\n"])
def test_a_line_beyond_the_limit_is_refused(data: bytes) -> None:
    buffer = LineBuffer(limit=100)
    buffer.feed(data)
    with pytest.raises(LineTooLong):
        buffer.maybe_line()


def test_a_line_at_the_limit_is_taken() -> None:
    buffer = LineBuffer(limit=100)
    buffer.feed(b"x" * 98 + b"\r\n")
    assert buffer.maybe_line() == b"x" * 98


@given(st.lists(st.binary().filter(lambda line: b"\r\n" not in line and not line.endswith(b"\r")), max_size=8), st.data())
def test_however_it_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    buffer, found = LineBuffer(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer.feed(stream[start:end])
        found += lines_of(buffer)
    assert found == stream.split(b"\r\n")[:-1]
    assert len(buffer) == 0
