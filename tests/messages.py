"""Real messages of awkward kinds, made the same at each run."""

from __future__ import annotations

import random
from email.message import EmailMessage
from email.policy import SMTP


def large() -> bytes:
    """About 20 MB with three attachments, base64, as mail programs make it."""
    chance = random.Random(20)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "Carol <carol@contoso.onmicrosoft.test>", "Alice <alice@contoso.test>"
    message["Subject"], message["Message-ID"] = "The drawings", "<large@contoso.onmicrosoft.test>"
    message.set_content("Three files.\n")
    for number in range(3):
        message.add_attachment(chance.randbytes(5_000_000), maintype="application", subtype="zip", filename=f"drawing-{number}.zip")
    return message.as_bytes()


def eight_bit() -> bytes:
    """Raw UTF-8 in body and header (needs 8BITMIME and SMTPUTF8)."""
    return (
        "From: Käthe <käthe@fabrikam.test>\r\nTo: alice@contoso.test\r\nSubject: Grüße aus Köln ✉\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nÄÖÜ – ß\r\n"
    ).encode()


def dots() -> bytes:
    """Lines that begin with dots, one that is a dot alone, and one at the very end."""
    return b"Subject: dots\r\n\r\n.\r\n..\r\n...three\r\n.x\r\n\r\n.\r\nlast\r\n.\r\n"


def one_byte() -> bytes:
    """The smallest content; SMTP ends it with a line end."""
    return b"x\r\n"


def bare_line_ends() -> dict[str, bytes]:
    """Contents that a receiver must refuse, by what is wrong with them."""
    return {
        "bare LF": b"Subject: a\r\n\r\nsmuggled\n.\nMAIL FROM:<x@y.test>\r\n",
        "bare CR": b"Subject: a\r\n\r\nsmuggled\r.\rMAIL FROM:<x@y.test>\r\n",
        "LF dot CRLF": b"Subject: a\r\n\r\nsmuggled\n.\r\nMAIL FROM:<x@y.test>\r\n",
        "CRLF dot LF": b"Subject: a\r\n\r\nsmuggled\r\n.\nMAIL FROM:<x@y.test>\r\n",
        "CRLF dot CR": b"Subject: a\r\n\r\nsmuggled\r\n.\rMAIL FROM:<x@y.test>\r\n",
    }
