"""Which columns a table of Exchange's objects has by default. A width of 0 is an equal share of what is left, a negative one stands to the right.

Get-ReceiveConnector's columns are attested (facts/exchange 4.1), Get-ExchangeCertificate's with their widths (captured output on
learn.microsoft.com/answers and in deployment scripts: 41 and 10), Get-MessageTrace's heads and fitted widths (a captured session of
2020). The others name documented properties in an order that is unsourced (facts/exchange 4.8, 4.9).
"""

from __future__ import annotations

from lab.data import dataclass
from lab.shell.layout import Column


@dataclass(frozen=True, slots=True)
class View:
    """A default table: head and property of each column, and whether columns fit their content."""

    columns: tuple[tuple[Column, str], ...]
    autosize: bool = False


def _view(*columns: tuple[str, int] | str, autosize: bool = False) -> View:
    pairs = []
    for column in columns:
        head, width = column if isinstance(column, tuple) else (column, 0)
        label, _, name = head.partition("=")
        pairs.append((Column(label, abs(width), right=width < 0), name or label))
    return View(tuple(pairs), autosize)


#: By the last word of the type's name.
VIEWS: dict[str, View] = {
    "ReceiveConnector": _view("Identity", "Bindings", "Enabled"),
    "SmtpSendConnectorConfig": _view("Identity", "AddressSpaces", "Enabled"),
    "ExchangeCertificate": _view(("Thumbprint", 41), ("Services=ServicesStringForm", 10), "Subject"),
    "ExtensibleQueueInfo": _view(
        ("Identity", 23), ("DeliveryType", 17), ("Status", 6), ("MessageCount", 12), ("Velocity", 8), ("RiskLevel", 9),
        ("OutboundIPPool", 14), "NextHopDomain",
    ),
    "ExtensibleMessageInfo": _view(("Identity", 23), ("FromAddress", 31), ("Status", 6), ("Queue", 21), "Subject"),
    "MessageTrackingEvent": _view(("EventId", 8), ("Source", 11), ("Sender", 33), ("Recipients", 36), "MessageSubject"),
    "MessageTrace": _view("Received", "Sender Address=SenderAddress", "Recipient Address=RecipientAddress", "Subject", "Status", autosize=True),
    "MessageTraceDetail": _view("Date", "Event", "Detail", autosize=True),
    "TenantOutboundConnector": _view("Name", "SmartHosts", "TlsSettings", "Enabled"),
    "TenantInboundConnector": _view("Name", "SenderDomains", "SenderIPAddresses", "Enabled"),
    "AcceptedDomain": _view(("Name", 30), ("DomainName", 30), ("DomainType", 16), "Default"),
    "EventLogEntry": _view(("Index", -8), ("Time=TimeText", 13), ("EntryType", 11), ("Source", 20), ("InstanceID=InstanceId", -12), "Message"),
    "ServiceController": _view(("Status", 8), ("Name", 18), ("DisplayName", 38)),
    "AliasOrCmdletInfo": _view(("CommandType", 15), ("Name", 50), ("Version", 10), "Source"),
    "ValidationTask": _view(("TaskName", 40), ("IsTaskSuccessful", 16), "TaskDetail"),
    "SmtpConnectivityStatus": _view("Server", "ReceiveConnector", "Binding", "EndPoint", "StatusCode", "Details"),
    "GroupInfo": _view(("Count", -5), ("Name", 25), "Group"),
    "GroupInfoNoElement": _view(("Count", -5), ("Name", 25)),
    "MemberDefinition": _view("Name", "MemberType", "Definition", autosize=True),
    "FileInfo": _view(("Mode", 14), ("LastWriteTime", 25), ("Length", -14), "Name"),
}  # fmt: skip
