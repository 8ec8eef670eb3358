"""Exchange's queues, messages and tracking log (facts/exchange 4.8, 4.9, 6), and mail to try them with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from lab.errors import UserError
from lab.sending.attempt import Outcome
from lab.sending.message import Message
from lab.sending.schedule import EXCHANGE_SERVER
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets import settings
from lab.shell.failure import ShellError
from lab.shell.parser import parse
from lab.shell.patterns import is_wildcard, parse_moment, wildcard
from lab.shell.syntax import ScriptBlock
from lab.shell.values import Block, Record, Value, text, truth, unwrapped
from lab.shell.world import NextHop
from lab.smtp.headers import header

_FIRST = 3  # queue numbers begin somewhere: where is unsourced
_MANY = 1000


def _server(call: Call) -> str:
    return call.world.session("onprem")[0]


def waiting(call: Call) -> dict[NextHop, list[Message]]:
    """Return Exchange's waiting messages by where they go."""
    groups: dict[NextHop, list[Message]] = {}
    for message in call.world.messages("exchange"):
        if message.outcome in (None, Outcome.DEFERRED):
            groups.setdefault(call.world.hop(message), []).append(message)
    return groups


def number(call: Call, hop: NextHop) -> int:
    """Return a queue's number, which it keeps."""
    marks = call.world.marks
    return marks.queue(hop.connector, hop.domain, lambda: max(marks.queue_numbers, default=_FIRST - 1) + 1)


def _queue(call: Call, hop: NextHop | None, messages: Sequence[Message]) -> Record:
    server = _server(call)
    tried = [message for message in messages if message.attempts]
    last = max((message.attempts[-1].at for message in tried), default=None)
    next_try = min((message.next_try for message in messages if message.next_try is not None), default=None)
    words = next((message.words[-1] for message in reversed(tried) if message.words), None)
    status = "Ready" if not tried else "Retry"
    name = f"{server}\\Submission" if hop is None else f"{server}\\{number(call, hop)}"
    properties: dict[str, Value] = {
        "DeliveryType": "Undefined" if hop is None else hop.delivery, "NextHopDomain": "Submission" if hop is None else hop.domain,
        "TlsDomain": None if hop is None else hop.tls_domain or None,
        "NextHopConnector": settings.guid("send", hop.connector) if hop is not None else "00000000-0000-0000-0000-000000000000",
        "Status": status, "MessageCount": len(messages), "LastError": words, "RetryCount": max((len(one.attempts) - 1 for one in tried), default=0),
        "LastRetryTime": last, "NextRetryTime": next_try if status == "Retry" else None,
        "FirstRetryTime": min((one.attempts[0].at for one in tried), default=None), "DeferredMessageCount": 0, "LockedMessageCount": 0,
        "MessageCountsPerPriority": [0, len(messages), 0, 0], "DeferredMessageCountsPerPriority": [0, 0, 0, 0], "RiskLevel": "Normal",
        "OutboundIPPool": 0, "NextHopCategory": "Internal" if hop is None else "External", "IncomingRate": 0, "OutgoingRate": 0, "Velocity": 0,
        "OverrideSource": None, "PriorityDescriptions": ["High", "Normal", "Low", "None"], "Identity": name, "IsValid": True, "ObjectState": "New",
    }  # fmt: skip
    return settings.record(call, "Microsoft.Exchange.Data.QueueViewer.ExtensibleQueueInfo", properties, name)


def _all(call: Call) -> list[tuple[Record, NextHop | None, list[Message]]]:
    """Return every queue: those that have messages, and Submission, which is always there."""
    found = [(hop, messages) for hop, messages in waiting(call).items()]
    found.sort(key=lambda pair: number(call, pair[0]))
    rows: list[tuple[Record, NextHop | None, list[Message]]] = [
        (_queue(call, hop, messages), hop, messages) for hop, messages in found
    ]
    return [*rows, (_queue(call, None, []), None, [])]


async def filtered(call: Call, records: Sequence[Record]) -> list[Record]:
    """Return the records that -Filter lets through: `Status -eq 'Retry' -and MessageCount -gt 10`."""
    how = call.get("Filter")
    if how is None:
        return list(records)
    source = how.source[how.syntax.start + 1 : how.syntax.end - 1] if isinstance(how, Block) else text(how)
    names = {name.lower(): name for record in records for name in record.properties}
    words = re.sub(
        r"(?<![\w$.-])([A-Za-z]+)(?=\s+-[A-Za-z]+(?:\s|$))",
        lambda match: f"$_.{names[match.group().lower()]}" if match.group().lower() in names else match.group(),
        source,
    )
    try:
        body = parse(words)
    except ShellError as error:
        error.source = words
        raise
    block = Block(ScriptBlock(0, len(words), body), words)
    return [record for record in records if truth(unwrapped(await call.run_block(block, record)))]


async def _chosen(call: Call) -> list[tuple[Record, NextHop | None, list[Message]]]:
    rows = _all(call)
    identity = call.text("Identity")
    if identity is not None:
        server = _server(call)
        wanted = identity if "\\" in identity else f"{server}\\{identity}"
        rows = [row for row in rows if wildcard(wanted, text(row[0]))]
        if not rows and not is_wildcard(identity):
            message = f'The queue "{wanted}" doesn\'t exist on the server.'  # unsourced
            raise call.error(message, "ObjectNotFoundException", category="NotSpecified")
    kept = await filtered(call, [row[0] for row in rows])
    return [row for row in rows if row[0] in kept]


async def get_queue(call: Call) -> list[Value]:
    """`Get-Queue`."""
    call.check_server()
    return [record for record, _, _ in await _chosen(call)]


async def retry_queue(call: Call) -> list[Value]:
    """`Retry-Queue`: the messages are tried at once; where that fails the timer begins again (facts/exchange 6)."""
    call.check_server()
    if "Identity" not in call and "Filter" not in call:
        message = "Cannot process command because of one or more missing mandatory parameters: Identity."
        raise call.error(message, "ParameterBindingException", category="InvalidArgument")
    for record, hop, messages in await _chosen(call):
        if hop is not None and await call.may(text(record)):
            await call.world.retry(messages)
    return []


def _message(call: Call, message: Message, queue: str) -> Record:
    content = message.envelope.content
    tried = bool(message.attempts)
    identity = f"{queue}\\{message.id}"
    properties: dict[str, Value] = {
        "Subject": header(content, "Subject") or "", "InternetMessageId": header(content, "Message-ID") or message.envelope.message_id,
        "FromAddress": message.envelope.sender or "<>", "Status": "Retry" if tried else "Ready", "Size": settings.size(len(content)),
        "MessageSourceName": "FromLocal", "SourceIP": "255.255.255.255", "SCL": -1, "DateReceived": message.submitted,
        "ExpirationTime": EXCHANGE_SERVER.expires(message.submitted), "LastError": message.words[-1] if message.words else None,
        "RetryCount": max(len(message.attempts) - 1, 0), "Recipients": list(message.envelope.recipients), "Queue": queue, "Identity": identity,
        "IsValid": True, "ObjectState": "New",
    }  # fmt: skip
    return settings.record(call, "Microsoft.Exchange.Data.QueueViewer.ExtensibleMessageInfo", properties, identity)


async def get_message(call: Call) -> list[Value]:
    """`Get-Message`: messages in queues."""
    call.check_server()
    rows = [
        _message(call, message, text(record)) for record, hop, messages in _all(call) if hop is not None for message in messages
    ]
    queue, identity = call.text("Queue"), call.text("Identity")
    server = _server(call)
    if queue is not None:
        wanted = queue if "\\" in queue else f"{server}\\{queue}"
        rows = [row for row in rows if wildcard(wanted, text(row.get("Queue")))]
    if identity is not None:
        rows = [row for row in rows if wildcard(identity, text(row))]
        if not rows and not is_wildcard(identity):
            message = f'The message "{identity}" doesn\'t exist.'  # unsourced
            raise call.error(message, "ObjectNotFoundException", category="NotSpecified")
    return _first(call, await filtered(call, rows))


def _first(call: Call, rows: Sequence[Value]) -> list[Value]:
    """Return as many as ResultSize allows, and say so where there are more; the words are Exchange's, no source has them here."""
    most = _limit(call)
    if len(rows) > most:
        call.warn(
            "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."
        )
    return list(rows[:most])


def _limit(call: Call) -> int:
    """ResultSize is a number or Unlimited."""
    given = call.text("ResultSize")
    if given is None:
        return _MANY
    if given.lower() == "unlimited":
        return 10**9
    if given.isdigit():
        return int(given)
    message = f'Cannot process argument transformation on parameter \'ResultSize\'. Cannot convert value "{given}" to type "Microsoft.Exchange.Data.Unlimited`1[System.UInt32]".'
    raise call.error(message, "ParameterBindingArgumentTransformationException", category="InvalidData")


# --- message tracking -----------------------------------------------------------------------------------------------------


def _tracked(call: Call, row: dict[str, str]) -> Record:
    at = row["date-time"]
    moment = parse_moment(at) or call.world.now()
    properties: dict[str, Value] = {
        "PSComputerName": call.world.session("onprem")[1], "PSShowComputerName": False, "Timestamp": moment, "ClientIp": row["client-ip"] or None,
        "ClientHostname": row["client-hostname"] or None, "ServerIp": row["server-ip"] or None, "ServerHostname": row["server-hostname"] or None,
        "SourceContext": row["source-context"] or None, "ConnectorId": row["connector-id"] or None, "Source": row["source"], "EventId": row["event-id"],
        "InternalMessageId": row["internal-message-id"], "MessageId": row["message-id"], "NetworkMessageId": row["network-message-id"] or None,
        "Recipients": list(row["recipient-address"].split(";")), "RecipientStatus": [one for one in [row["recipient-status"]] if one],
        "TotalBytes": int(row["total-bytes"] or 0), "RecipientCount": int(row["recipient-count"] or 0),
        "RelatedRecipientAddress": row["related-recipient-address"] or None, "Reference": row["reference"] or None,
        "MessageSubject": row["message-subject"], "Sender": row["sender-address"], "ReturnPath": row["return-path"],
        "Directionality": row["directionality"] or None, "TenantId": row["tenant-id"] or None, "OriginalClientIp": row["original-client-ip"] or None,
        "MessageInfo": row["message-info"] or None, "MessageLatency": None, "MessageLatencyType": "None", "EventData": None,
        "TransportTrafficType": row["transport-traffic-type"] or None,
    }  # fmt: skip
    return settings.record(
        call, "Microsoft.Exchange.Management.TransportLogSearchTasks.MessageTrackingEvent", properties, row["event-id"]
    )


async def tracking(call: Call) -> list[Value]:
    """`Get-MessageTrackingLog`."""
    call.check_server()
    exact = (
        ("EventId", "event-id"),
        ("Source", "source"),
        ("Sender", "sender-address"),
        ("MessageId", "message-id"),
        ("InternalMessageId", "internal-message-id"),
    )
    start, end = call.get("Start"), call.get("End")
    out: list[Value] = []
    for row in call.world.tracking():
        at = parse_moment(row["date-time"])
        if at is not None and ((isinstance(start, datetime) and at < start) or (isinstance(end, datetime) and at >= end)):
            continue
        if any(name in call and (call.text(name) or "").lower() != row[key].lower() for name, key in exact):
            continue
        subject = call.text("MessageSubject")
        if subject is not None and subject.lower() not in row["message-subject"].lower():
            continue
        recipients = [one.lower() for one in call.strings("Recipients")]
        if recipients and not set(recipients) & set(row["recipient-address"].lower().split(";")):
            continue
        out.append(_tracked(call, row))
    return _first(call, out)


# --- mail to try it with --------------------------------------------------------------------------------------------------


async def send_mail(call: Call) -> list[Value]:
    """`Send-MailMessage`: a message of one of the lab's users, submitted where the mailbox is and tried once."""
    sender, now = _address(str(call.text("From"))), call.world.now()
    recipients = [_address(one) for one in (*call.strings("To"), *call.strings("Cc"), *call.strings("Bcc"))]
    subject = re.sub(r"[\r\n]+", " ", call.text("Subject") or "")
    body = "\r\n".join((call.text("Body") or "").splitlines())
    for number_, recipient in enumerate(recipients):
        identity = f"<{now:%Y%m%d%H%M%S%f}.{number_}@{sender.rpartition('@')[2]}>"
        lines = [f"From: <{sender}>", f"To: {', '.join(f'<{one}>' for one in call.strings('To'))}", f"Subject: {subject}", f"Date: {format_datetime(now)}",
                 f"Message-ID: {identity}", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", body, ""]  # fmt: skip
        try:
            await call.world.send(sender, recipient, "\r\n".join(lines).encode("utf-8", "replace"))
        except UserError as error:
            call.fail(
                call.error(
                    settings.sentence(error),
                    "SmtpException",
                    category="InvalidOperation",
                    target="System.Net.Mail.SmtpClient",
                    kind="SmtpClient",
                )
            )
    return []


def _address(word: str) -> str:
    match = re.search(r"<([^<>\s]*)>", word)
    return re.sub(r"[\r\n<>]", "", match.group(1) if match else word.strip())


_FILTER = Param("Filter", Kind.ANY)
_SERVER = Param("Server")
_IDENTITY = Param("Identity", position=0, pipeline=True, by_name=("Identity",), values="queues")
_QUEUE_TASK = "Microsoft.Exchange.Management.QueueViewerTasks."
CMDLETS = (
    Cmdlet("Get-Queue", get_queue, (_IDENTITY, _FILTER, _SERVER), "Shows queues.",
           "Property names are documented; their order, the table's columns and the numbers of queues are unsourced. Submission is always there.",
           side="onprem", each=True, task=f"{_QUEUE_TASK}GetQueueInfo"),
    Cmdlet("Retry-Queue", retry_queue, (_IDENTITY, _FILTER, _SERVER, Param("Resubmit", Kind.BOOL)), "Tries a queue's messages now.",
           side="onprem", each=True, risk=True, task=f"{_QUEUE_TASK}RetryQueue"),
    Cmdlet("Get-Message", get_message, (
        Param("Identity", position=0, values="messages"), Param("Queue", pipeline=True, by_name=("Identity",), values="queues"), _FILTER, _SERVER, Param("ResultSize"),
        Param("IncludeRecipientInfo", Kind.SWITCH),
    ), "Shows messages in queues.", "The order of properties, the table's columns and the warning that there are more are unsourced.", side="onprem", each=True, task=f"{_QUEUE_TASK}GetMessageInfo"),
    Cmdlet("Get-MessageTrackingLog", tracking, (
        Param("Server"), Param("Start", Kind.MOMENT), Param("End", Kind.MOMENT), Param("EventId"), Param("Source"), Param("Sender", values="addresses"),
        Param("Recipients", Kind.STRINGS, values="addresses"), Param("MessageSubject"), Param("MessageId"), Param("InternalMessageId"), Param("ResultSize"),
        Param("Reference"),
    ), "Shows the message tracking log.", "The default columns are documented; the order of properties is unsourced.", side="onprem",
        task="Microsoft.Exchange.Management.TransportLogSearchTasks.GetMessageTrackingLog"),
    Cmdlet("Send-MailMessage", send_mail, (
        Param("To", Kind.STRINGS, position=0, mandatory=True, values="addresses"), Param("Subject", position=1, aliases=("sub",)), Param("Body", position=2),
        Param("SmtpServer", position=3, aliases=("ComputerName",)), Param("From", mandatory=True, values="addresses"), Param("Cc", Kind.STRINGS),
        Param("Bcc", Kind.STRINGS), Param("Port", Kind.INT), Param("UseSsl", Kind.SWITCH), Param("Encoding"), Param("Priority"),
    ), "Sends a message of one of the lab's users.", "The lab submits it where the sender's mailbox is, whatever -SmtpServer says."),
)  # fmt: skip
