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


@dataclass(slots=True)
class ProtocolLog:
    """One log, `receive` or `send`. Takes the clock, the form of certificate rows, and what names the connector of a session's first entry.

    `behind_hello` gives contexts that belong behind a session's EHLO in TLS (the capability rows).
    """

    kind: str
    now: Callable[[], datetime]
    connector: Callable[[Entry], str]
    form: str = "new"
    behind_hello: Callable[[str], tuple[str, ...]] = lambda _session: ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    _sessions: dict[str, _Session] = field(default_factory=dict)

    def text(self) -> str:
        """Return the file: header and rows, CRLF between."""
        out = io.StringIO()
        title = {"receive": "SMTP Receive Protocol Log", "send": "SMTP Send Protocol Log"}[self.kind]
        date = self.rows[0][0] if self.rows else stamp(self.now())
        head = ("#Software: Microsoft Exchange Server", "#Version: 15.0.0.0", f"#Log-type: {title}", f"#Date: {date}")
        out.write("\r\n".join((*head, "#Fields: " + ",".join(FIELDS))) + "\r\n")
        csv.writer(out, lineterminator="\r\n").writerows(self.rows)
        return out.getvalue()

    def see(self, entry: Entry, local: Callable[[], object]) -> None:
        """Take an entry of the transcript; `local` gives this end's address and port for a session that begins."""
        detail = entry.detail
        match entry.kind:
            case Kind.CONNECTED:
                self._begin(entry, str(local()))
            case Kind.LINE_IN:
                self._said(entry, "<")
                if self.kind == "receive" and entry.secure and entry.data[:4].upper() in (b"EHLO", b"HELO"):
                    for context in self.behind_hello(entry.session):
                        self._row(entry.session, "*", "", context)
            case Kind.LINE_OUT:
                self._said(entry, ">")
            case Kind.CERTIFICATES if detail["chain"]:
                ours = (detail["shown_by"] == "receiver") == (self.kind == "receive")
                self._certificate(entry.session, detail["chain"][0], "Sending certificate" if ours else "Remote certificate")
            case Kind.TLS:
                self._row(entry.session, "*", "", negotiated(detail["version"], detail["cipher"], server=self.kind == "receive"))
            case Kind.TLS_FAILED:
                self._row(entry.session, "*", "", f"TLS negotiation failed with error {detail.get('schannel', 'SocketError')}")
            case Kind.VERDICT if self.kind == "send":
                status = exchange_status(detail["verdict"])
                self._row(entry.session, "*", "", f"Remote certificate chain validation status: '{status}'")  # unsourced
            case Kind.CLOSED:
                how = str(detail.get("how") or ("Local" if detail.get("by") == "local" else "Remote"))
                self._row(entry.session, "-", "", how)
                self._sessions.pop(entry.session, None)
            case _:
                pass

    def _begin(self, entry: Entry, local: str) -> None:
        remote = f"{entry.detail['address']}:{entry.detail['port']}"
        self._sessions[entry.session] = _Session(self.connector(entry), session_number(entry.session), local, remote)
        if self.kind == "send":
            self._row(entry.session, "*", "", "attempting to connect")
        self._row(entry.session, "+", "", "")
        if self.kind == "receive":
            self._row(entry.session, "*", PERMISSIONS, "Set Session Permissions")

    def _said(self, entry: Entry, event: str) -> None:
        lines = entry.data.decode("utf-8", "replace").split("\r\n")
        if self.kind == "receive" and len(lines) > 1:
            words = " ".join(line[4:] for line in lines)
            self._row(entry.session, event, f"{lines[0][:3]}  {words}", "")
            return
        for line in lines:
            self._row(entry.session, event, line, "")

    def _certificate(self, session: str, certificate: Certificate, what: str) -> None:
        names = ";".join(certificate.dns_names)
        if self.form == "new":
            data = " ".join((certificate.subject, certificate.issuer, certificate.serial, certificate.thumbprint,
                             stamp(certificate.not_before), stamp(certificate.not_after), names))  # fmt: skip
            self._row(session, "*", f" {data}", f"{what} {_CERTIFICATE_COLUMNS}")
            return
        for data, context in (
            ("", what if what.startswith("Sending") else "Received certificate"),
            (certificate.subject, "Certificate subject"),
            (certificate.issuer, "Certificate issuer name"),
            (certificate.serial, "Certificate serial number"),
            (certificate.thumbprint, "Certificate thumbprint"),
            (names, "Certificate alternate names"),
        ):
            self._row(session, "*", data, context)

    def _row(self, session: str, event: str, data: str, context: str) -> None:
        known = self._sessions.get(session)
        if known is None:
            return
        moment = stamp(self.now())
        row = (
            moment,
            known.connector,
            known.number,
            str(known.sequence),
            known.local,
            known.remote,
            event,
            data,
            context,
        )
        self.rows.append(row)
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
