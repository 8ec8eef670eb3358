"""The headers that Exchange Online puts on and takes off (facts/exchange 7, row 5)."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from lab.online.config import OnlineConfig
from lab.receiving.persona import SessionFacts
from lab.sending.attempt import Envelope
from lab.smtp.headers import received, without


def outgoing(config: OnlineConfig, envelope: Envelope, submitted: datetime, *, cloud: bool) -> bytes:
    """Return the content as it leaves; with `cloud` (CloudServicesMailEnabled) the cross-premises headers go along."""
    domain = envelope.sender.rpartition("@")[2] or config.accepted_domains[0]
    trace = received(
        by=config.server, sender=config.server, address="[127.0.0.1]", protocol="Microsoft SMTP Server", moment=submitted
    )
    extra = f"X-OriginatorOrg: {domain}\r\n"
    if cloud:
        extra += (
            "X-MS-Exchange-CrossPremises-AuthAs: Internal\r\nX-MS-Exchange-CrossPremises-MessageDirectionality: Originating\r\n"
        )
    return trace + extra.encode() + envelope.content


def incoming(config: OnlineConfig, session: SessionFacts, envelope: Envelope, now: datetime, *, attributed: bool) -> bytes:
    """Return the content as it lies in a mailbox: internal for the tenant's own servers, else a stranger's."""
    trace = received(
        by=config.server, sender=session.ehlo or "", address=session.peer[0], protocol="Microsoft SMTP Server", moment=now,
        tls=session.tls.version if session.tls else None,
    )  # fmt: skip
    words = ("Internal", "Originating") if attributed else ("Anonymous", "Incoming")
    extra = f"X-MS-Exchange-Organization-AuthAs: {words[0]}\r\nX-MS-Exchange-Organization-MessageDirectionality: {words[1]}\r\n"
    content = (
        envelope.content
        if attributed
        else without(envelope.content, ("X-MS-Exchange-Organization-", "X-MS-Exchange-CrossPremises-"))
    )
    return trace + extra.encode() + content


def report(config: OnlineConfig, envelope: Envelope, body: str, now: datetime) -> bytes:
    """Return a whole NDR message around its body."""
    head = [
        f"From: <postmaster@{config.accepted_domains[0]}>", f"To: {envelope.sender}", "Subject: Undeliverable",
        f"Date: {format_datetime(now)}", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit",
    ]  # fmt: skip
    return ("\r\n".join(head) + "\r\n\r\n" + body + "\r\n").encode("utf-8", "replace")
