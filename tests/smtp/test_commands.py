"""Commands and paths are parsed without judging them."""

import pytest

from lab.smtp.commands import Command, Path, parse_path


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EHLO mail.contoso.test", Command("EHLO", "mail.contoso.test")),
        (b"starttls", Command("STARTTLS")),
        (b"MAIL FROM:<a@b.test> SIZE=10", Command("MAIL", "FROM:<a@b.test> SIZE=10")),
        (b"", Command("")),
        (b"\xff\xfe", Command("\udcff\udcfe")),
    ],
)
def test_a_line_is_a_verb_and_an_argument(line: bytes, command: Command) -> None:
    assert Command.parse(line) == command


def test_a_command_goes_back_to_the_wire() -> None:
    assert Command("EHLO", "a.test").to_bytes() == b"EHLO a.test\r\n"
    assert Command("QUIT").to_bytes() == b"QUIT\r\n"
    assert Command.parse(b"RCPT TO:<\xff@b>").to_bytes() == b"RCPT TO:<\xff@b>\r\n"


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("FROM:<a@b.test>", Path("a@b.test")),
        ("FROM:<>", Path("")),
        ("from: <a@b.test>", Path("a@b.test")),
        ("TO:<a@b.test> NOTIFY=NEVER ORCPT=rfc822;a@b.test", Path("a@b.test", (("NOTIFY", "NEVER"), ("ORCPT", "rfc822;a@b.test")))),
        ("FROM:<a@b.test> smtputf8", Path("a@b.test", (("SMTPUTF8", ""),))),
        ("FROM:a@b.test", None),
        ("FROM:<a@b.test", None),
        ("FROM:<a@b.test>SIZE=1", None),
        ("<a@b.test>", None),
    ],
)
def test_paths(argument: str, path: Path | None) -> None:
    assert parse_path(argument) == path


def test_a_path_belongs_to_mail_and_rcpt_and_knows_its_parameters() -> None:
    mail = Command.parse(b"MAIL FROM:<a@b.test> SIZE=10 SMTPUTF8").path
    assert mail is not None
    assert (mail.parameter("size"), mail.parameter("SMTPUTF8"), mail.parameter("BODY")) == ("10", "", None)
    assert Command.parse(b"VRFY FROM:<a@b.test>").path is None
