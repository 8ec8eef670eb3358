"""The SMTP protocol logs, drawn from the transcript as it grows (facts/exchange 5.1).

The receive log writes a whole EHLO reply as one row, the send log a row for each line. Certificates come in one row (`new`)
or in one row each (`old`, 2013 to 2016).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import NamedTuple

from lab.data import dataclass
from lab.exchange.numbers import session_number
from lab.tls.certificate import Certificate
from lab.tls.views import exchange_status
from lab.transcript import Entry, Kind

FIELDS = (
    "date-time",
    "connector-id",
    "session-id",
    "sequence-number",
    "local-endpoint",
    "remote-endpoint",
    "event",
    "data",
    "context",
)
_HELLOS = (b"EHLO", b"HELO")
_UNDRAWN = 5000  # entries that wait to be drawn at most
PERMISSIONS = "SMTPSubmit SMTPAcceptAnySender SMTPAcceptAuthoritativeDomainSender AcceptRoutingHeaders"
_CERTIFICATE_COLUMNS = "Subject Issuer name Serial number Thumbprint Not before Not after Subject alternate names"
#: How Schannel names what OpenSSL negotiated: bulk cipher and its bits, hash and its bits. The TLS 1.2 AES-128 row is
#: attested; the others are built alike.
_CIPHERS = {
    "AES_256": ("CALG_AES_256", 256),
    "AES256": ("CALG_AES_256", 256),
    "AES_128": ("CALG_AES_128", 128),
    "AES128": ("CALG_AES_128", 128),
}


def stamp(moment: datetime) -> str:
    """Return `2023-01-11T15:59:51.433Z`; the moment's own time of day, whatever its zone."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"  # a tenth of what strftime takes, for each row


@dataclass(slots=True)
class _Session:
    connector: str
    number: str
    local: str
    remote: str
    sequence: int = 0


class _Seen(NamedTuple):
    """An entry, when it came, the form that certificate rows had then, and what had to be found out at once."""

    entry: Entry
    moment: datetime
    form: str
    facts: tuple[str, ...]


@dataclass(slots=True)
class ProtocolLog:
    """One log, `receive` or `send`. Takes the clock, the form of certificate rows, and what names the connector of a session's first entry.

    `behind_hello` gives contexts that belong behind a session's EHLO in TLS (the capability rows). Entries are kept as they come, and
    drawn when somebody looks: a lab takes thousands, and is asked for its logs seldom.
    """

    kind: str
    now: Callable[[], datetime]
    connector: Callable[[Entry], str]
    form: str = "new"
    behind_hello: Callable[[str], tuple[str, ...]] = lambda _session: ()
    _rows: list[tuple[str, ...]] = field(default_factory=list)
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _seen: list[_Seen] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """All rows up to now, in one list that grows."""
        seen, self._seen = self._seen, []
        for one in seen:
            self._draw(one)
        return self._rows

    def text(self) -> str:
        """Return the file: header and rows, CRLF between."""
        out = io.StringIO()
        title = {"receive": "SMTP Receive Protocol Log", "send": "SMTP Send Protocol Log"}[self.kind]
        rows = self.rows
        date = rows[0][0] if rows else stamp(self.now())
        head = ("#Software: Microsoft Exchange Server", "#Version: 15.0.0.0", f"#Log-type: {title}", f"#Date: {date}")
        out.write("\r\n".join((*head, "#Fields: " + ",".join(FIELDS))) + "\r\n")
        csv.writer(out, lineterminator="\r\n").writerows(rows)
        return out.getvalue()

    def see(self, entry: Entry, local: Callable[[], object]) -> None:
        """Take an entry of the transcript; `local` gives this end's address and port for a session that begins."""
        facts: tuple[str, ...] = ()
        if entry.kind is Kind.CONNECTED:
            facts = (self.connector(entry), str(local()))
        elif self.kind == "receive" and entry.kind is Kind.LINE_IN and entry.secure and entry.data[:4].upper() in _HELLOS:
            facts = self.behind_hello(entry.session)
        self._seen.append(_Seen(entry, self.now(), self.form, facts))
        if len(self._seen) > _UNDRAWN:
            _ = self.rows

    def _draw(self, seen: _Seen) -> None:
        entry, detail = seen.entry, seen.entry.detail
        match entry.kind:
            case Kind.CONNECTED:
                self._begin(seen)
            case Kind.LINE_IN:
                self._said(seen, "<")
                for context in seen.facts:
                    self._row(seen, "*", "", context)
            case Kind.LINE_OUT:
                self._said(seen, ">")
            case Kind.CERTIFICATES if detail["chain"]:
                ours = (detail["shown_by"] == "receiver") == (self.kind == "receive")
                self._certificate(seen, detail["chain"][0], "Sending certificate" if ours else "Remote certificate")
            case Kind.TLS:
                self._row(seen, "*", "", negotiated(detail["version"], detail["cipher"], server=self.kind == "receive"))
            case Kind.TLS_FAILED:
                self._row(seen, "*", "", f"TLS negotiation failed with error {detail.get('schannel', 'SocketError')}")
            case Kind.VERDICT if self.kind == "send":
                status = exchange_status(detail["verdict"])
                self._row(seen, "*", "", f"Remote certificate chain validation status: '{status}'")  # unsourced
            case Kind.CLOSED:
                how = str(detail.get("how") or ("Local" if detail.get("by") == "local" else "Remote"))
                self._row(seen, "-", "", how)
                self._sessions.pop(entry.session, None)
            case _:
                pass

    def _begin(self, seen: _Seen) -> None:
        session, (connector, local) = seen.entry.session, seen.facts
        remote = f"{seen.entry.detail['address']}:{seen.entry.detail['port']}"
        self._sessions[session] = _Session(connector, session_number(session), local, remote)
        if self.kind == "send":
            self._row(seen, "*", "", "attempting to connect")
        self._row(seen, "+", "", "")
        if self.kind == "receive":
            self._row(seen, "*", PERMISSIONS, "Set Session Permissions")

    def _said(self, seen: _Seen, event: str) -> None:
        lines = seen.entry.data.decode("utf-8", "replace").split("\r\n")
        if self.kind == "receive" and len(lines) > 1:
            words = " ".join(line[4:] for line in lines)
            self._row(seen, event, f"{lines[0][:3]}  {words}", "")
            return
        for line in lines:
            self._row(seen, event, line, "")

    def _certificate(self, seen: _Seen, certificate: Certificate, what: str) -> None:
        names = ";".join(certificate.dns_names)
        if seen.form == "new":
            data = " ".join((certificate.subject, certificate.issuer, certificate.serial, certificate.thumbprint,
                             stamp(certificate.not_before), stamp(certificate.not_after), names))  # fmt: skip
            self._row(seen, "*", f" {data}", f"{what} {_CERTIFICATE_COLUMNS}")
            return
        for data, context in (
            ("", what if what.startswith("Sending") else "Received certificate"),
            (certificate.subject, "Certificate subject"),
            (certificate.issuer, "Certificate issuer name"),
            (certificate.serial, "Certificate serial number"),
            (certificate.thumbprint, "Certificate thumbprint"),
            (names, "Certificate alternate names"),
        ):
            self._row(seen, "*", data, context)

    def _row(self, seen: _Seen, event: str, data: str, context: str) -> None:
        known = self._sessions.get(seen.entry.session)
        if known is None:
            return
        row = (
            stamp(seen.moment),
            known.connector,
            known.number,
            str(known.sequence),
            known.local,
            known.remote,
            event,
            data,
            context,
        )
        self._rows.append(row)
        known.sequence += 1


def negotiated(version: str, cipher: str, *, server: bool) -> str:
    """Return the row that Schannel's negotiation leaves, such as `TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded ...`."""
    side = "SERVER" if server else "CLIENT"
    protocol = f"SP_PROT_TLS1_{version.partition('.')[2] or '0'}_{side}"
    name, bits = next((value for key, value in _CIPHERS.items() if key in cipher), ("CALG_AES_256", 256))
    digest = "CALG_SHA_384" if cipher.endswith("SHA384") else "CALG_SHA_256"
    return (
        f"TLS protocol {protocol} negotiation succeeded using bulk encryption algorithm {name} with strength {bits} bits, "
        f"MAC hash algorithm {digest} with strength 0 bits and key exchange algorithm CALG_ECDH_EPHEM with strength 256 bits"
    )
