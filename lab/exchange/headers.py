"""The headers that Exchange puts on and takes off (facts/exchange 7, row 5)."""

from __future__ import annotations

from datetime import datetime

from lab.exchange.config import ExchangeConfig
from lab.receiving.persona import SessionFacts
from lab.sending.attempt import Envelope
from lab.smtp.headers import received, without

_ORGANIZATION = ("X-MS-Exchange-Organization-", "X-MS-Exchange-CrossPremises-")


def outgoing(config: ExchangeConfig, envelope: Envelope, submitted: datetime, *, cloud: bool) -> bytes:
    """Return the content as it leaves; with `cloud` (CloudServicesMailEnabled) the cross-premises headers go along."""
    trace = received(by=config.name, sender=config.name, address="[127.0.0.1]", protocol="Microsoft SMTP Server", moment=submitted)
    if not cloud:
        return trace + without(envelope.content, _ORGANIZATION)
    extra = (
        f"X-OriginatorOrg: {config.accepted_domains[0]}\r\n"
        "X-MS-Exchange-CrossPremises-AuthAs: Internal\r\nX-MS-Exchange-CrossPremises-MessageDirectionality: Originating\r\n"
    )
    return trace + extra.encode() + envelope.content


def incoming(config: ExchangeConfig, session: SessionFacts, envelope: Envelope, now: datetime) -> bytes:
    """Return the content as it lies in a mailbox: internal where the sender's certificate earned it, else a stranger's."""
    trace = received(
        by=config.name, sender=session.ehlo or "", address=session.peer[0], protocol="Microsoft SMTP Server", moment=now,
        tls=session.tls.version if session.tls else None,
    )  # fmt: skip
    if "AcceptCloudServicesMail" in session.granted:
        extra = (
            "X-MS-Exchange-Organization-AuthAs: Internal\r\nX-MS-Exchange-Organization-MessageDirectionality: Originating\r\n"
            f"X-MS-Exchange-Organization-Cross-Premises-Headers-Promoted: {config.name}\r\n"
        )
        return trace + extra.encode() + envelope.content
    extra = "X-MS-Exchange-Organization-AuthAs: Anonymous\r\nX-MS-Exchange-Organization-MessageDirectionality: Incoming\r\n"
    return trace + extra.encode() + without(envelope.content, _ORGANIZATION)
