"""What a real MTA writes into its log, as attempts: pure reading, line by line.

Sources: facts/docker section 5 (lines recorded from Postfix 3.7.11 and Exim 4.96 of Debian 12), postfix/smtp(8).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Protocol

from lab.data import dataclass
from lab.sending.attempt import Outcome, Reason, ReasonId, Security
from lab.smtp.replies import Reply
from lab.tls.channel import TlsFacts
from lab.tls.findings import Finding, FindingId


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt as the log tells it: the queue's id and recipient, the other side, what came of it and the MTA's own words."""

    id: str
    recipient: str
    outcome: Outcome
    words: str
    target: str = ""
    address: str = ""
    port: int = 0
    security: Security = Security.CLEAR
    reason: Reason | None = None
    findings: tuple[Finding, ...] = ()
    tls: TlsFacts | None = None
    reply: Reply | None = None
    lines: tuple[str, ...] = ()


class MtaLog(Protocol):
    """Reads one MTA's log."""

    def read(self, line: str) -> Tried | None:
        """Take a line; return the attempt that it ends, where it ends one."""
        ...


#: What OpenSSL's words in Postfix's log, and GnuTLS's in Exim's, mean. The first that is found counts.
FINDINGS: tuple[tuple[str, FindingId], ...] = (
    ("self-signed certificate in certificate chain", FindingId.UNTRUSTED_ROOT),
    ("self-signed certificate", FindingId.SELF_SIGNED),
    ("self signed certificate", FindingId.SELF_SIGNED),
    ("untrusted issuer", FindingId.UNTRUSTED_ROOT),
    ("unable to get local issuer certificate", FindingId.ISSUER_MISSING),
    ("unable to get issuer certificate", FindingId.ISSUER_MISSING),
    ("certificate has expired", FindingId.EXPIRED),
    ("certificate is not yet valid", FindingId.NOT_YET_VALID),
    ("hostname mismatch", FindingId.NAME_MISMATCH),
    ("name mismatch", FindingId.NAME_MISMATCH),
    ("certificate revoked", FindingId.REVOKED),
    ("unsuitable certificate purpose", FindingId.WRONG_USAGE),
)

_POSTFIX = re.compile(r"postfix/(?P<program>[a-z]+)\[(?P<number>\d+)\]: (?P<text>.*)$")
_DELIVERY = re.compile(
    r"(?P<id>[0-9A-Za-z]+): to=<(?P<recipient>[^>]*)>, (?:orig_to=<[^>]*>, )?relay=(?P<relay>[^,]+), .*"
    r"dsn=(?P<dsn>[245]\.\d+\.\d+), status=(?P<status>[a-z]+) \((?P<why>.*)\)$"
)
_EXPIRED = re.compile(r"(?P<id>[0-9A-Za-z]+): from=<[^>]*>, (?P<words>status=(?:force-)?expired, returned to sender)$")
_RELAY = re.compile(r"(?P<name>[^\[]+)\[(?P<address>[^\]]+)\](?::(?P<port>\d+))?$")
_TLS = re.compile(
    r"(?P<trust>Verified|Trusted|Untrusted|Anonymous) TLS connection established to .*?: "
    r"(?P<version>\S+) with cipher (?P<cipher>\S+) \((?P<bits>\d+)/"
)
_CERTIFICATE = re.compile(r"(?:server )?certificate verification failed for [^ ]+: (?P<why>.*)$")
_SAID = re.compile(r"host \S+ (?:said|refused to talk to me): (?P<reply>[245]\d\d[ -].*?)(?: \(in reply to [^)]*\))?$")
#: What stands in Postfix's status for each reason, in the order in which it is looked for.
_POSTFIX_REASONS: tuple[tuple[str, ReasonId, str], ...] = (
    ("Server certificate not", ReasonId.CERTIFICATE, "verdict"),
    ("Server certificate is not", ReasonId.CERTIFICATE, "verdict"),
    ("TLSA lookup error", ReasonId.DNSSEC, "connect"),
    ("TLS is required, but was not offered", ReasonId.STARTTLS_MISSING, "starttls"),
    ("TLS is required, but host", ReasonId.STARTTLS_REFUSED, "starttls"),
    ("Cannot start TLS", ReasonId.TLS_FAILED, "handshake"),
    ("Connection refused", ReasonId.CONNECTION_REFUSED, "connect"),
    ("Connection timed out", ReasonId.CONNECTION_TIMED_OUT, "connect"),
    ("No route to host", ReasonId.CONNECTION_TIMED_OUT, "connect"),
    ("Network is unreachable", ReasonId.CONNECTION_TIMED_OUT, "connect"),
    ("Host or domain name not found", ReasonId.DNS_FAILED, "connect"),
    ("lost connection", ReasonId.CONNECTION_CLOSED, "data"),
    ("timed out while", ReasonId.TIMED_OUT, "data"),
)


class PostfixLog:
    """Postfix's log with `smtp_tls_loglevel = 1`: what a process says about TLS stands before the line with the status."""

    def __init__(self) -> None:
        self._open: dict[str, list[str]] = {}

    def read(self, line: str) -> Tried | None:
        match = _POSTFIX.search(line)
        if match is None:
            return None
        if match["program"] == "qmgr" and (expired := _EXPIRED.match(match["text"])) is not None:
            return _given_up(expired["id"], expired["words"], match["text"])
        if match["program"] not in ("smtp", "relay", "error", "virtual"):
            return None
        lines = self._open.setdefault(match["number"], [])
        lines.append(match["text"])
        delivery = _DELIVERY.match(match["text"])
        if delivery is None:
            del lines[:-50]
            return None
        del self._open[match["number"]]
        return self._tried(delivery, lines)

    def _tried(self, delivery: re.Match[str], lines: list[str]) -> Tried:
        why, status = delivery["why"], delivery["status"]
        outcome = {"sent": Outcome.DELIVERED, "deferred": Outcome.DEFERRED}.get(status, Outcome.BOUNCED)
        relay = _RELAY.match(delivery["relay"])
        tried = Tried(
            id=delivery["id"], recipient=delivery["recipient"], outcome=outcome, words=f"dsn={delivery['dsn']}, status={status} ({why})",
            target=relay["name"] if relay else "", address=relay["address"] if relay else "",
            port=int(relay["port"] or 25) if relay else 0, lines=tuple(lines),
            security=Security.LOCAL if delivery["relay"] == "virtual" else Security.CLEAR,
        )  # fmt: skip
        for line in lines:
            if tls := _TLS.search(line):
                facts = TlsFacts(tls["version"], tls["cipher"], int(tls["bits"]))
                verified = tls["trust"] == "Verified"
                tried = replace(tried, tls=facts, security=Security.AUTHENTICATED if verified else Security.ENCRYPTED)
            elif found := _CERTIFICATE.search(line):
                tried = replace(tried, findings=(*tried.findings, *findings_in(found["why"])))
        said = _SAID.search(why)
        reply = Reply.of(said["reply"]) if said else Reply.of(why) if re.match(r"250[ -]", why) else None
        tried = replace(tried, reply=reply)
        if outcome is Outcome.DELIVERED:
            return tried
        return replace(tried, security=Security.CLEAR, reason=_reason(why, _POSTFIX_REASONS, reply))


def _given_up(ident: str, words: str, line: str) -> Tried:
    """A message that the MTA returns to its sender, without another try."""
    reason = Reason(ReasonId.EXPIRED, detail=words)
    return Tried(id=ident, recipient="", outcome=Outcome.BOUNCED, words=words, reason=reason, lines=(line,))


def findings_in(words: str) -> tuple[Finding, ...]:
    """Return what a TLS library's words say is wrong with a certificate; nothing where they are not known."""
    lower = words.lower()
    found = next((finding for text, finding in FINDINGS if text in lower), None)
    return () if found is None else (Finding(found, detail=words),)


def _reason(why: str, table: tuple[tuple[str, ReasonId, str], ...], reply: Reply | None) -> Reason:
    if reply is not None:
        return Reason(ReasonId.REPLY, "data", reply, why)
    for text, reason, phase in table:
        if text in why:
            return Reason(reason, phase, detail=why)
    return Reason(ReasonId.PROTOCOL, detail=why)


# --- Exim -----------------------------------------------------------------------------------------------------------------

_EXIM = re.compile(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)? (?P<rest>.*)$")
_EXIM_SENT = re.compile(
    r"^(?P<id>[0-9A-Za-z-]+) [=-]> (?P<recipient>\S+) .*?T=(?P<transport>\S+)"
    r"(?:(?: [A-Z]+=\S+)*? H=(?P<name>\S+) \[(?P<address>[^\]]+)\](?::(?P<port>\d+))?)?(?P<more>.*)$"
)
_EXIM_FAILED = re.compile(r"^(?P<id>[0-9A-Za-z-]+) (?P<mark>==|\*\*) (?P<recipient>\S+?):? (?P<why>.*)$")
_EXIM_CANCELLED = re.compile(r"^(?P<id>[0-9A-Za-z-]+) (?P<words>cancelled by \S+)$")
_EXIM_TLS = re.compile(r" X=(?P<version>TLS[0-9.]+):(?P<cipher>\S+):(?P<bits>\d+)")
_EXIM_HOST = re.compile(r"H=(?P<name>\S+) \[(?P<address>[^\]]+)\](?::(?P<port>\d+))?")
_EXIM_SAID = re.compile(r"SMTP error from remote mail server after [^:]+: (?P<reply>[245]\d\d[ -].*)$")
_EXIM_REASONS: tuple[tuple[str, ReasonId, str], ...] = (
    ("tlsa lookup DEFER", ReasonId.DNSSEC, "connect"),
    ("certificate verification failed", ReasonId.CERTIFICATE, "verdict"),
    ("certificate name mismatch", ReasonId.CERTIFICATE, "verdict"),
    ("Error in the certificate", ReasonId.CERTIFICATE, "verdict"),  # what an event said no to
    ("did not offer TLS support", ReasonId.STARTTLS_MISSING, "starttls"),
    ("TLS session", ReasonId.TLS_FAILED, "handshake"),
    ("Connection refused", ReasonId.CONNECTION_REFUSED, "connect"),
    ("Connection timed out", ReasonId.CONNECTION_TIMED_OUT, "connect"),
    ("No route to host", ReasonId.CONNECTION_TIMED_OUT, "connect"),
    ("Network is unreachable", ReasonId.CONNECTION_TIMED_OUT, "connect"),
    ("host lookup did not complete", ReasonId.DNS_FAILED, "connect"),
    ("closed connection", ReasonId.CONNECTION_CLOSED, "data"),
    ("SMTP timeout", ReasonId.TIMED_OUT, "data"),
)
#: Exim's notes about a host stand in lines before the one that defers the message: what the TLS library said is there.
_EXIM_NOTE = re.compile(
    r"^(?P<id>[0-9A-Za-z-]+) (?P<text>(?:\[[^\]]+\] SSL verify error|SSL verify denied|H=\S+ \[[^\]]+\].*TLS|TLS session|Remote host|H=).*)$"
)


class EximLog:
    """Exim's main log with `+tls_certificate_verified`: one line for each delivery, notes before it."""

    def __init__(self) -> None:
        self._notes: dict[str, list[str]] = {}

    def read(self, line: str) -> Tried | None:
        match = _EXIM.match(line.rstrip())
        if match is None:
            return None
        rest = match["rest"]
        if sent := _EXIM_SENT.match(rest):
            notes = self._notes.pop(sent["id"], [])
            return self._sent(sent, (*notes, rest))
        if failed := _EXIM_FAILED.match(rest):
            if "retry time not reached" in rest:
                return None
            notes = self._notes.pop(failed["id"], [])
            return self._failed(failed, (*notes, rest))
        if cancelled := _EXIM_CANCELLED.match(rest):
            return _given_up(cancelled["id"], cancelled["words"], rest)
        if note := _EXIM_NOTE.match(rest):
            self._notes.setdefault(note["id"], []).append(rest)
        return None

    def _sent(self, sent: re.Match[str], lines: tuple[str, ...]) -> Tried:
        more = sent["more"]
        tls = _EXIM_TLS.search(more)
        verified = " CV=yes" in more or " CV=dane" in more
        security = (
            Security.LOCAL
            if sent["transport"] == "maildir"
            else Security.CLEAR
            if tls is None
            else Security.AUTHENTICATED
            if verified
            else Security.ENCRYPTED
        )
        confirmed = re.search(r' C="(?P<reply>[^"]*)"', more)
        return Tried(
            id=sent["id"], recipient=sent["recipient"], outcome=Outcome.DELIVERED, words=lines[-1].partition(" ")[2], target=sent["name"] or "",
            address=sent["address"] or "", port=int(sent["port"] or 25), security=security, tls=_exim_facts(tls), lines=lines,
            reply=Reply.of(confirmed["reply"]) if confirmed and confirmed["reply"][:3].isdigit() else None,
        )  # fmt: skip

    def _failed(self, failed: re.Match[str], lines: tuple[str, ...]) -> Tried:
        why = failed["why"]
        host = _EXIM_HOST.search(why)
        said = _EXIM_SAID.search(why)
        reply = Reply.of(said["reply"]) if said else None
        findings: tuple[Finding, ...] = ()
        for line in lines:
            findings = findings or findings_in(line)
        if not findings and why.endswith(
            "(certificate verification failed)"
        ):  # with a bad chain it goes on: ": certificate invalid"
            findings = (Finding(FindingId.NAME_MISMATCH, detail=why),)
        return Tried(
            id=failed["id"], recipient=failed["recipient"], outcome=Outcome.DEFERRED if failed["mark"] == "==" else Outcome.BOUNCED,
            words=f"{failed['mark']} {failed['recipient']} {why}", target=host["name"] if host else "", address=host["address"] if host else "",
            port=int(host["port"] or 25) if host else 0, reason=_reason(why, _EXIM_REASONS, reply), findings=findings, reply=reply, lines=lines,
        )  # fmt: skip


def _exim_facts(match: re.Match[str] | None) -> TlsFacts | None:
    if match is None:
        return None
    return TlsFacts(match["version"].replace("TLS", "TLSv"), match["cipher"], int(match["bits"]))
