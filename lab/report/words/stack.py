"""Whose words there are, and what a word is."""

from __future__ import annotations

from enum import StrEnum

from lab.data import dataclass


class Stack(StrEnum):
    """The systems whose words are kept, by the name that an administrator knows; the order is the one of reports."""

    OPENSSL = "OpenSSL"
    EXCHANGE = "Exchange Server"
    ONLINE_CLASSIC = "Exchange Online (classic)"
    ONLINE_CURRENT = "Exchange Online (current)"
    POSTFIX = "Postfix"
    EXIM = "Exim"
    JAVA = "Java"
    DOTNET = ".NET"
    GO = "Go"
    GNUTLS = "GnuTLS"
    CURL = "curl"
    SWAKS = "swaks"


@dataclass(frozen=True, slots=True)
class Word:
    """What a stack says of a finding, and where that is known from; an empty text: it takes it without a word.

    `NAME`, `ADDRESS`, `PORT`, `SUBJECT` and such in capitals stand for what differs from case to case.
    """

    text: str
    source: str
    note: str = ""

    @property
    def taken(self) -> bool:
        """The stack has nothing against it."""
        return not self.text
