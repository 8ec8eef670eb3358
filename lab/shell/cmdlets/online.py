"""Exchange Online: connectors, their validation, message trace, accepted domains (facts/exchange 2, 3.1, 3.2, 4.5 to 4.7, 4.10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from lab.online.config import InboundConnector, OutboundConnector
from lab.online.trace import MessageTrace
from lab.scenario.model import Change
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets import settings
from lab.shell.cmdlets.send_connectors import LEVELS
from lab.shell.cmdlets.settings import IDENTITY, Setting, distinguished_name, guid
from lab.shell.patterns import is_wildcard, wildcard
from lab.shell.values import Record, Value

_DIRECTORY = "Microsoft.Exchange.Data.Directory.SystemConfiguration."
_TYPES = Setting("ConnectorType", choices=("OnPremises", "Partner"), enum=f"{_DIRECTORY}TenantConnectorType")
_SOURCES = Setting(
    "ConnectorSource", choices=("Default", "Migrated", "HybridWizard", "AdminUI"), enum=f"{_DIRECTORY}TenantConnectorSource"
)
OUTBOUND = (
    Setting("Name"), _TYPES, _SOURCES, Setting("RecipientDomains", Kind.ANYS), Setting("SmartHosts", Kind.ANYS), Setting("UseMXRecord", Kind.BOOL),
    Setting("TlsSettings", choices=LEVELS, enum="Microsoft.Exchange.Data.TlsAuthLevel"), Setting("TlsDomain"),
    Setting("CloudServicesMailEnabled", Kind.BOOL), Setting("ValidationRecipients", Kind.ANYS), Setting("Enabled", Kind.BOOL),
)  # fmt: skip
INBOUND = (
    Setting("Name"), _TYPES, _SOURCES, Setting("SenderDomains", Kind.ANYS), Setting("SenderIPAddresses", Kind.ANYS), Setting("RequireTls", Kind.BOOL),
    Setting("RestrictDomainsToCertificate", Kind.BOOL), Setting("RestrictDomainsToIPAddresses", Kind.BOOL), Setting("TlsSenderCertificateName"),
    Setting("CloudServicesMailEnabled", Kind.BOOL), Setting("Enabled", Kind.BOOL),
)  # fmt: skip
_DOMAIN = "NAMPR05A001.PROD.OUTLOOK.TEST"


def _directory(call: Call, kind: str, name: str, container: str) -> dict[str, Value]:
    return {
        "AdminDisplayName": None, "ExchangeVersion": "0.1 (8.0.535.0)", "Name": name,
        "DistinguishedName": distinguished_name(_DOMAIN.lower(), name, container, "Transport Settings"), "Identity": name, "Guid": guid(kind, name),
        "ObjectCategory": f"{_DOMAIN}/Configuration/Schema/ms-Exch-SMTP-{container.split(maxsplit=1)[0]}-Connector",
        "ObjectClass": ["top", f"msExchSMTP{container.split(maxsplit=1)[0]}Connector"], **settings.times(call, kind, name),
        "OrganizationId": f"{_DOMAIN}/Microsoft Exchange Hosted Organizations/{call.world.topology.online.accepted_domains[0]}",
        "Id": name, "OriginatingServer": call.world.domain_controller("online"), "IsValid": True, "ObjectState": "Unchanged",
    }  # fmt: skip


def outbound_of(call: Call, connector: OutboundConnector) -> Record:
    """Return an outbound connector in the order of a live object (facts/exchange 4.5)."""
    validated = call.world.marks.validated.get(connector.Name.lower())
    properties: dict[str, Value] = {
        "Enabled": connector.Enabled, "UseMXRecord": connector.UseMXRecord, "Comment": None, "ConnectorType": connector.ConnectorType,
        "ConnectorSource": connector.ConnectorSource, "RecipientDomains": list(connector.RecipientDomains), "SmartHosts": list(connector.SmartHosts),
        "TlsDomain": connector.TlsDomain, "TlsSettings": str(connector.TlsSettings) if connector.TlsSettings else None,
        "IsTransportRuleScoped": False, "RouteAllMessagesViaOnPremises": False, "CloudServicesMailEnabled": connector.CloudServicesMailEnabled,
        "AllAcceptedDomains": False, "TestMode": False, "LinkForModifiedConnector": "00000000-0000-0000-0000-000000000000",
        "ValidationRecipients": list(connector.ValidationRecipients), "IsValidated": validated is not None, "LastValidationTimestamp": validated,
        **_directory(call, "outbound", connector.Name, "Outbound Connectors"),
    }  # fmt: skip
    return settings.record(call, f"{_DIRECTORY}TenantOutboundConnector", properties, connector.Name)


def inbound_of(call: Call, connector: InboundConnector) -> Record:
    """Return an inbound connector; the properties are attested, their order is unsourced (facts/exchange 4.6)."""
    properties: dict[str, Value] = {
        "Enabled": connector.Enabled, "ConnectorType": connector.ConnectorType, "ConnectorSource": connector.ConnectorSource, "Comment": None,
        "SenderIPAddresses": list(connector.SenderIPAddresses), "SenderDomains": list(connector.SenderDomains), "TrustedOrganizations": [],
        "ClientHostNames": [], "AssociatedAcceptedDomains": [], "RequireTls": connector.RequireTls,
        "RestrictDomainsToIPAddresses": connector.RestrictDomainsToIPAddresses, "RestrictDomainsToCertificate": connector.RestrictDomainsToCertificate,
        "CloudServicesMailEnabled": connector.CloudServicesMailEnabled, "TreatMessagesAsInternal": False,
        "TlsSenderCertificateName": connector.TlsSenderCertificateName, "EFTestMode": False, "EFSkipLastIP": False, "EFSkipIPs": [],
        "EFSkipMailGateway": [], "EFUsers": [], "ScanAndDropRecipients": [], **_directory(call, "inbound", connector.Name, "Inbound Connectors"),
    }  # fmt: skip
    return settings.record(call, f"{_DIRECTORY}TenantInboundConnector", properties, connector.Name)


def _outbound(call: Call) -> list[OutboundConnector]:
    connectors = call.world.topology.online.outbound_connectors
    return [
        connectors[place]
        for place in settings.chosen(call, [(c.Name, guid("outbound", c.Name)) for c in connectors], call.text("Identity"))
    ]


def _inbound(call: Call) -> list[InboundConnector]:
    connectors = call.world.topology.online.inbound_connectors
    return [
        connectors[place]
        for place in settings.chosen(call, [(c.Name, guid("inbound", c.Name)) for c in connectors], call.text("Identity"))
    ]


async def get_outbound(call: Call) -> list[Value]:
    """`Get-OutboundConnector`."""
    return [outbound_of(call, connector) for connector in _outbound(call)]


async def get_inbound(call: Call) -> list[Value]:
    """`Get-InboundConnector`."""
    return [inbound_of(call, connector) for connector in _inbound(call)]


async def set_outbound(call: Call) -> list[Value]:
    """`Set-OutboundConnector`."""
    for connector in _outbound(call):
        await _set(call, OUTBOUND, connector, "outbound")
    return []


async def set_inbound(call: Call) -> list[Value]:
    """`Set-InboundConnector`."""
    for connector in _inbound(call):
        await _set(call, INBOUND, connector, "inbound")
    return []


async def _set(call: Call, known: tuple[Setting, ...], connector: OutboundConnector | InboundConnector, kind: str) -> None:
    changes = settings.changes_of(call, known, connector)
    after = settings.changed(connector, changes)
    _check(call, after)
    flag = call.get("IsValidated")
    if not await call.may(connector.Name):
        return
    if flag is not None and kind == "outbound":
        moment = call.get("LastValidationTimestamp") or call.world.now()
        call.world.marks.validate(connector.Name, moment if flag else None)
    if not changes:
        if flag is None:
            settings.unmodified(call, connector.Name)
        return
    path = f"online.{kind}_connectors{settings.quoted(call, connector.Name)}"
    name = changes.pop("Name", None)
    made = [Change(set=f"{path}.{key}", to=value) for key, value in changes.items()]
    settings.make(call, *made, *([Change(set=f"{path}.Name", to=name)] if name else []))


def _check(call: Call, connector: OutboundConnector | InboundConnector) -> None:
    """Documented rules (facts/exchange 3.1, Set-OutboundConnector's page); the words are unsourced."""
    if isinstance(connector, OutboundConnector):
        rules = (
            (connector.TlsSettings == "DomainValidation" and not connector.TlsDomain,
             "The TlsDomain parameter must be specified when TlsSettings is set to DomainValidation."),
            (not connector.UseMXRecord and not connector.SmartHosts, "SmartHosts must be specified when UseMXRecord is $false."),
        )  # fmt: skip
        for broken, message in rules:
            if broken:
                raise call.error(message, "OutboundConnectorValidationException", category="InvalidArgument")
        for domain in connector.RecipientDomains:
            if is_wildcard(domain.removeprefix("*.")) and domain != "*":
                raise call.error(f"'{domain}' isn't a valid SMTP domain.", "DataValidationException", category="InvalidArgument")


async def new_outbound(call: Call) -> list[Value]:
    """`New-OutboundConnector`."""
    name = str(call.text("Name"))
    before = OutboundConnector(
        Name=name,
        ConnectorSource="Default",
        ConnectorType="Partner",
        UseMXRecord="SmartHosts" not in call,
        CloudServicesMailEnabled=False,
    )
    if any(one.Name.lower() == name.lower() for one in call.world.topology.online.outbound_connectors):
        message = f'The name "{name}" is already being used. Please try another name.'  # unsourced
        raise call.error(message, "ADObjectAlreadyExistsException", category="NotSpecified")
    settings.quoted(call, name)
    changes = settings.changes_of(call, OUTBOUND, before)
    made = settings.changed(before, changes)
    _check(call, made)
    if not await call.may(name):
        return []
    data = {"Name": name, "ConnectorSource": made.ConnectorSource, "ConnectorType": made.ConnectorType, "UseMXRecord": made.UseMXRecord, "CloudServicesMailEnabled": made.CloudServicesMailEnabled, **changes}  # fmt: skip
    settings.make(call, Change(add="online.outbound_connectors", to=data))
    return [outbound_of(call, one) for one in call.world.topology.online.outbound_connectors if one.Name == name]


async def validate(call: Call) -> list[Value]:
    """`Validate-OutboundConnector`: a connection to each smart host, then a test message to each recipient; IsValidated stays."""
    out: list[Value] = []
    for connector in _outbound(call):
        if not await call.may(connector.Name):
            continue
        for step in await call.world.validate(connector.Name, call.strings("Recipients")):
            properties: dict[str, Value] = {
                "TaskName": step.name,
                "IsTaskSuccessful": step.successful,
                "TaskDetail": step.detail or None,
            }
            out.append(Record("Microsoft.Exchange.Management.Transport.ValidationTask", properties))
    return out


# --- message trace --------------------------------------------------------------------------------------------------------


def _trace(call: Call, trace: MessageTrace, index: int, *, second: bool) -> Record:
    common: dict[str, Value] = {
        "MessageId": trace.MessageId, "Received": trace.Received, "SenderAddress": trace.SenderAddress, "RecipientAddress": trace.RecipientAddress,
        "Subject": trace.Subject, "Status": trace.Status, "ToIP": trace.ToIP or None, "FromIP": trace.FromIP or None, "Size": trace.Size,
        "MessageTraceId": str(trace.MessageTraceId),
    }  # fmt: skip
    if second:
        order = (
            "MessageTraceId",
            "MessageId",
            "Received",
            "SenderAddress",
            "RecipientAddress",
            "FromIP",
            "ToIP",
            "Subject",
            "Status",
            "Size",
        )
        return Record(
            "Microsoft.Exchange.Management.FfoReporting.MessageTrace", {name: common[name] for name in order}, trace.MessageId
        )
    now = call.world.now()
    properties: dict[str, Value] = {
        "Organization": next((d for d in call.world.topology.online.accepted_domains if d.count(".") > 1), None), **common,
        "StartDate": now - timedelta(days=2), "EndDate": now, "Index": index,
    }  # fmt: skip
    return Record("Microsoft.Exchange.Management.FfoReporting.MessageTrace", properties, trace.MessageId)


def _seen(call: Call) -> list[MessageTrace]:
    now = call.world.now()
    end = call.get("EndDate") or now
    start = call.get("StartDate") or end - timedelta(days=2)
    limit = 90 if call.cmdlet.name.endswith("V2") else 10
    if start > end:
        raise call.error(
            "Invalid StartDate value. The StartDate can't be later than the EndDate.",
            "InvalidExpressionException",
            category="InvalidArgument",
        )
    if start < now - timedelta(days=limit):
        message = f"Invalid StartDate value. The StartDate can't be older than {limit} days from today."
        raise call.error(message, "InvalidExpressionException", category="InvalidArgument")
    words: list[tuple[str, Callable[[MessageTrace], str]]] = [
        ("SenderAddress", lambda one: one.SenderAddress), ("RecipientAddress", lambda one: one.RecipientAddress), ("Status", lambda one: one.Status),
        ("MessageId", lambda one: one.MessageId), ("MessageTraceId", lambda one: str(one.MessageTraceId)), ("ToIP", lambda one: one.ToIP),
    ]  # fmt: skip
    found = []
    for trace in reversed(call.world.traces()):
        if not start <= trace.Received <= end:
            continue
        if all(any(wildcard(pattern, take(trace)) for pattern in call.strings(name)) for name, take in words if name in call):
            subject = call.text("Subject")
            if subject is None or subject.lower() in trace.Subject.lower():
                found.append(trace)
    return found


async def trace(call: Call) -> list[Value]:
    """`Get-MessageTrace`, `Get-MessageTraceV2`: newest first; without dates the last 48 hours."""
    second = call.cmdlet.name.endswith("V2")
    most = call.get("ResultSize") or call.get("PageSize") or 1000
    if not 1 <= most <= 5000:
        message = f"Cannot process argument transformation on parameter '{'ResultSize' if second else 'PageSize'}'. The value must be between 1 and 5000."
        raise call.error(message, "ArgumentOutOfRangeException", category="InvalidArgument")
    page = max(call.get("Page") or 1, 1)
    rows = _seen(call)[(page - 1) * most : page * most]
    return [_trace(call, one, index, second=second) for index, one in enumerate(rows)]


async def detail(call: Call) -> list[Value]:
    """`Get-MessageTraceDetail`, `Get-MessageTraceDetailV2`: the events of a message, as a trace from the pipeline gives it."""
    wanted, recipient = str(call.text("MessageTraceId")).lower(), str(call.text("RecipientAddress")).lower()
    events = [word.lower() for word in call.strings("Event")]
    out: list[Value] = []
    for one in call.world.traces():
        if str(one.MessageTraceId).lower() != wanted or one.RecipientAddress.lower() != recipient:
            continue
        for number, event in enumerate(one.Events):
            if events and event.Event.lower() not in events:
                continue
            server = call.world.topology.online.server
            data = f'<root><MEP Name="ServerHostName" String="{server}"/><MEP Name="SequenceNumber" Long="{number}"/></root>'
            properties: dict[str, Value] = {
                "Date": event.Date, "Event": event.Event, "Action": event.Action, "Detail": event.Detail, "Data": data, "MessageId": one.MessageId,
                "MessageTraceId": str(one.MessageTraceId),
            }  # fmt: skip
            out.append(Record("Microsoft.Exchange.Management.FfoReporting.MessageTraceDetail", properties, event.Event))
    return out


async def domains(call: Call) -> list[Value]:
    """`Get-AcceptedDomain`, on both sides."""
    online = call.cmdlet.side == "online"
    names = call.world.topology.online.accepted_domains if online else call.world.topology.exchange.accepted_domains
    default = next((name for name in names if not online or ".onmicrosoft." not in name), "")
    places = settings.chosen(call, [(name,) for name in names], call.text("Identity"))
    out: list[Value] = []
    for name in (names[place] for place in places):
        properties: dict[str, Value] = {
            "DomainName": name, "CatchAllRecipientID": None, "DomainType": "Authoritative", "MatchSubDomains": False, "AddressBookEnabled": not online,
            "Default": name == default, "EmailOnly": False, "ExternallyManaged": False, "AuthenticationType": "Managed" if online else None,
            "LiveIdInstanceType": "Business" if online else None, "PendingRemoval": False, "PendingCompletion": False, "Name": name, "Identity": name,
            "Guid": guid("domain", call.cmdlet.side, name), "IsValid": True, "ObjectState": "Unchanged",
        }  # fmt: skip
        out.append(settings.record(call, f"{_DIRECTORY}AcceptedDomain", properties, name))
    return out


_TASK = "Microsoft.Exchange.Management.SystemConfigurationTasks."
_OUT, _IN = replace(IDENTITY, values="outbound-connectors"), replace(IDENTITY, values="inbound-connectors")
_FILTERS = (
    Param("SenderAddress", Kind.STRINGS, values="addresses"), Param("RecipientAddress", Kind.STRINGS, values="addresses"),
    Param("Status", Kind.STRINGS, choices=("None", "GettingStatus", "Failed", "Pending", "Delivered", "Expanded", "Quarantined", "FilteredAsSpam"), enum="System.String[]"),
    Param("MessageId", Kind.STRINGS), Param("MessageTraceId"), Param("ToIP"), Param("FromIP"), Param("Subject"), Param("StartDate", Kind.MOMENT),
    Param("EndDate", Kind.MOMENT),
)  # fmt: skip
_DETAIL = (
    Param("MessageTraceId", mandatory=True, by_name=("MessageTraceId",)), Param("RecipientAddress", mandatory=True, by_name=("RecipientAddress",), values="addresses"),
    Param("Event", Kind.STRINGS), Param("MessageId"), Param("SenderAddress"), Param("StartDate", Kind.MOMENT), Param("EndDate", Kind.MOMENT),
)  # fmt: skip
_TRACE_NOTE = "The table's heads are as captured in 2020; what is refused for its dates is worded by the lab (unsourced)."
_DETAIL_NOTE = "The words of Receive and Send external, the default table and Data beyond its two names are unsourced."
_FFO = "Microsoft.Exchange.Management.FfoReporting."
CMDLETS = (
    Cmdlet("Get-OutboundConnector", get_outbound, (replace(_OUT, mandatory=False),), "Shows outbound connectors.",
           "Order as captured in 2019; the default table is unsourced.", side="online", each=True, task=f"{_TASK}GetOutboundConnector"),
    Cmdlet("Set-OutboundConnector", set_outbound, (_OUT, *(s.param for s in OUTBOUND), Param("IsValidated", Kind.BOOL), Param("LastValidationTimestamp", Kind.MOMENT)),
           "Changes an outbound connector.", "Refusals are worded by the lab (unsourced).", side="online", each=True, risk=True, task=f"{_TASK}SetOutboundConnector"),
    Cmdlet("New-OutboundConnector", new_outbound, (replace(OUTBOUND[0].param, position=0, mandatory=True), *(s.param for s in OUTBOUND[1:])),
           "Makes an outbound connector.", "Refusals are worded by the lab (unsourced).", side="online", risk=True, task=f"{_TASK}NewOutboundConnector"),
    Cmdlet("Validate-OutboundConnector", validate, (_OUT, Param("Recipients", Kind.STRINGS, mandatory=True, values="addresses")),
           "Tests an outbound connector.", "TaskName and IsTaskSuccessful are attested; TaskDetail and the names of the tasks are unsourced. The detail is "
           "the line of the message trace.", side="online", each=True, risk=True, task="Microsoft.Exchange.Management.Transport.ValidateOutboundConnector"),
    Cmdlet("Get-InboundConnector", get_inbound, (replace(_IN, mandatory=False),), "Shows inbound connectors.",
           "The order of properties and the default table are unsourced.", side="online", each=True, task=f"{_TASK}GetInboundConnector"),
    Cmdlet("Set-InboundConnector", set_inbound, (_IN, *(s.param for s in INBOUND)), "Changes an inbound connector.",
           side="online", each=True, risk=True, task=f"{_TASK}SetInboundConnector"),
    Cmdlet("Get-MessageTrace", trace, (*_FILTERS, Param("PageSize", Kind.INT), Param("Page", Kind.INT)), "Shows what became of messages.", _TRACE_NOTE,
           side="online", task=f"{_FFO}GetMessageTrace"),
    Cmdlet("Get-MessageTraceV2", trace, (*_FILTERS, Param("ResultSize", Kind.INT)), "Shows what became of messages.", _TRACE_NOTE,
           side="online", task=f"{_FFO}GetMessageTraceV2"),
    Cmdlet("Get-MessageTraceDetail", detail, _DETAIL, "Shows the events of a message.", _DETAIL_NOTE, side="online", each=True, task=f"{_FFO}GetMessageTraceDetail"),
    Cmdlet("Get-MessageTraceDetailV2", detail, _DETAIL, "Shows the events of a message.", _DETAIL_NOTE, side="online", each=True, task=f"{_FFO}GetMessageTraceDetailV2"),
    Cmdlet("Get-AcceptedDomain", domains, (replace(IDENTITY, mandatory=False),), "Shows accepted domains.", "The order of properties is unsourced.",
           side="online", each=True, task=f"{_TASK}GetAcceptedDomain"),
    Cmdlet("Get-AcceptedDomain", domains, (replace(IDENTITY, mandatory=False),), "Shows accepted domains.", "The order of properties is unsourced.",
           side="onprem", each=True, task=f"{_TASK}GetAcceptedDomain"),
)  # fmt: skip
