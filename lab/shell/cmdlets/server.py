"""The server itself: services, the Application log, a test of its connectors (facts/exchange 3.6)."""

from __future__ import annotations

from datetime import datetime

from lab.sending.attempt import Outcome
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets import settings
from lab.shell.failure import ShellError
from lab.shell.operators import number
from lab.shell.patterns import is_wildcard, wildcard
from lab.shell.values import Record, Value

_SERVICES = {
    "MSExchangeFrontEndTransport": "Microsoft Exchange Frontend Transport",
    "MSExchangeTransport": "Microsoft Exchange Transport",
}
#: The high word of an event's InstanceId by its level, as `Qualifiers` of exported events have it (unsourced in the facts).
_QUALIFIERS = {"Error": 0xC004, "Warning": 0x8004, "Information": 0x4004}


def _services(call: Call) -> list[str]:
    wanted = call.strings("Name") or ["*"]
    found: list[str] = []
    for word in wanted:
        names = [
            name
            for name, title in _SERVICES.items()
            if wildcard(word, name) or (not call.strings("Name") and wildcard(word, title))
        ]
        if not names and not is_wildcard(word):
            identifier = f"NoServiceFoundForGivenName,{call.cmdlet.class_name}"
            message = f"Cannot find any service with service name '{word}'."
            call.fail(
                ShellError(
                    message,
                    category="ObjectNotFound",
                    id=identifier,
                    exception="ServiceCommandException",
                    target=word,
                    kind="String",
                )
            )
        found += [name for name in names if name not in found]
    return found


def _service(name: str) -> Record:
    properties: dict[str, Value] = {
        "Name": name, "RequiredServices": ["MSExchangeADTopology"], "CanPauseAndContinue": False, "CanShutdown": True, "CanStop": True,
        "DisplayName": _SERVICES[name], "DependentServices": [], "MachineName": ".", "ServiceName": name, "ServicesDependedOn": ["MSExchangeADTopology"],
        "ServiceHandle": None, "Status": "Running", "ServiceType": "Win32OwnProcess", "StartType": "Automatic", "Site": None, "Container": None,
    }  # fmt: skip
    return Record("System.ServiceProcess.ServiceController", properties, "System.ServiceProcess.ServiceController")


async def get_service(call: Call) -> list[Value]:
    """`Get-Service`."""
    return [_service(name) for name in _services(call)]


async def restart_service(call: Call) -> list[Value]:
    """`Restart-Service`: the front end takes its configuration, the transport service tries what waits."""
    out: list[Value] = []
    for name in _services(call):
        if not await call.may(f"{_SERVICES[name]} ({name})"):
            continue
        call.warn(f"Waiting for service '{_SERVICES[name]} ({name})' to start...")
        if name == "MSExchangeFrontEndTransport":
            call.world.restart_front_end()
        else:
            await call.world.retry([one for one in call.world.messages("exchange") if one.outcome in (None, Outcome.DEFERRED)])
        out.append(_service(name))
    return out if call.on("PassThru") else []


async def event_log(call: Call) -> list[Value]:
    """`Get-EventLog`: newest first."""
    if str(call.text("LogName")).lower() != "application":
        message = f"The event log '{call.text('LogName')}' on computer '.' does not exist."
        raise call.error(message, "InvalidOperationException", category="ObjectNotFound", id="GetEventLogEntries")
    out: list[Value] = []
    events = call.world.events()
    sources, kinds = call.strings("Source"), [kind.lower() for kind in call.strings("EntryType")]
    numbers = call.get("InstanceId")
    wanted = [int(number(one)) for one in (numbers if isinstance(numbers, list) else [numbers])] if numbers is not None else []
    after, before, words = call.get("After"), call.get("Before"), call.text("Message")
    for index, event in reversed(list(enumerate(events, 1))):
        instance = (_QUALIFIERS.get(event.level, 0x4004) << 16) + event.id
        if (sources and not any(wildcard(one, event.source) for one in sources)) or (kinds and event.level.lower() not in kinds):
            continue
        if (wanted and instance not in wanted and event.id not in wanted) or (
            words is not None and not wildcard(words, event.message)
        ):
            continue
        if (isinstance(after, datetime) and event.at <= after) or (isinstance(before, datetime) and event.at >= before):
            continue
        properties: dict[str, Value] = {
            "EventID": event.id, "MachineName": call.world.topology.exchange.name, "Data": [], "Index": index, "Category": "TransportService",
            "CategoryNumber": 12, "EntryType": event.level, "Message": event.message, "Source": event.source, "ReplacementStrings": [],
            "InstanceId": instance, "TimeGenerated": event.at, "TimeWritten": event.at, "UserName": None, "Site": None, "Container": None,
        }  # fmt: skip
        kind = "System.Diagnostics.EventLogEntry"
        out.append(Record(kind, {**properties, "TimeText": f"{event.at:%b %d %H:%M}"}, kind, tuple(properties)))
    newest = call.get("Newest")
    return out[: max(newest, 0)] if newest is not None else out


async def connectivity(call: Call) -> list[Value]:
    """`Test-SmtpConnectivity`: a session with each enabled connector of the server, up to MAIL FROM."""
    call.check_server(param="Identity")
    server, _ = call.world.session("onprem")
    out: list[Value] = []
    for connector in call.world.topology.exchange.receive_connectors:
        if not connector.Enabled:
            continue
        attempt = await call.world.connectivity(connector.Name)
        good = attempt.outcome is Outcome.DELIVERED
        reason = attempt.reason
        details = (
            "" if good or reason is None else reason.reply.text if reason.reply is not None else reason.detail or reason.id.value
        )
        properties: dict[str, Value] = {
            "Server": server, "ReceiveConnector": f"{server}\\{connector.Name}", "Binding": "0.0.0.0:25",
            "EndPoint": f"{attempt.address}:25" if attempt.address else "", "StatusCode": "Success" if good else "UnableToConnect",
            "Details": details or None, "Identity": None, "IsValid": True, "ObjectState": "New",
        }  # fmt: skip
        out.append(
            settings.record(
                call, "Microsoft.Exchange.Management.Powershell.Support.SmtpConnectivityStatus", properties, connector.Name
            )
        )
    return out


_NAME = Param("Name", Kind.STRINGS, position=0, pipeline=True, by_name=("Name",), values="services")
CMDLETS = (
    Cmdlet("Get-Service", get_service, (_NAME,), "Shows services.", each=True, aliases=("gsv",)),
    Cmdlet("Restart-Service", restart_service, (
        Param("Name", Kind.STRINGS, position=0, mandatory=True, pipeline=True, by_name=("Name",), values="services"), Param("Force", Kind.SWITCH),
        Param("PassThru", Kind.SWITCH),
    ), "Restarts a service.", "MSExchangeFrontEndTransport takes changed certificates of connectors, MSExchangeTransport tries all queues.",
        each=True, risk=True),
    Cmdlet("Get-EventLog", event_log, (
        Param("LogName", position=0, mandatory=True, choices=("Application", "System", "Security"), enum="System.String"),
        Param("InstanceId", Kind.ANYS, position=1), Param("Source", Kind.STRINGS), Param("EntryType", Kind.STRINGS, choices=("Error", "Warning", "Information")),
        Param("Newest", Kind.INT), Param("After", Kind.MOMENT), Param("Before", Kind.MOMENT), Param("Message"),
    ), "Shows events.", "Only what transport and its certificates write. The high word of InstanceId is unsourced."),
    Cmdlet("Test-SmtpConnectivity", connectivity, (Param("Identity", position=0, pipeline=True, by_name=("Name",)),),
           "Tests the server's Receive connectors.", "Property names are documented; their order, the words of StatusCode and Details are unsourced.",
           side="onprem", each=True, task="Microsoft.Exchange.Management.SystemConfigurationTasks.TestSmtpConnectivity"),
)  # fmt: skip
