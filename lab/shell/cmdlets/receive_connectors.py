"""Get-, Set-, New- and Remove-ReceiveConnector (facts/exchange 3.4, 3.7, 4.1)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lab.exchange.config import ReceiveConnector
from lab.exchange.routing import address_range
from lab.scenario.model import Change
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets import settings
from lab.shell.cmdlets.settings import IDENTITY, Setting, distinguished_name, guid
from lab.shell.values import Record, Value

#: facts/exchange 3.5: the two capabilities that there are, and NO-TLS for a domain.
_CAPABILITY = re.compile(
    r"(NO-TLS|[^\s:,]+):(AcceptCloudServicesMail|AcceptOorgProtocol)(,(AcceptCloudServicesMail|AcceptOorgProtocol))*", re.IGNORECASE
)
KIND = "Microsoft.Exchange.Data.Directory.SystemConfiguration.ReceiveConnector"
_MECHANISMS = ("None", "Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer", "ExternalAuthoritative")
_GROUPS = ("None", "AnonymousUsers", "ExchangeUsers", "ExchangeServers", "ExchangeLegacyServers", "Partners", "Custom")
_BOOLS = ("PipeliningEnabled", "DeliveryStatusNotificationEnabled", "EnhancedStatusCodesEnabled", "EightBitMimeEnabled", "BinaryMimeEnabled", "ChunkingEnabled", "SmtpUtf8Enabled", "OrarEnabled", "LongAddressesEnabled", "Enabled", "RequireTLS", "SuppressXAnonymousTls", "EnableAuthGSSAPI")  # fmt: skip
SETTINGS = (
    Setting("Name"), Setting("Bindings", Kind.ANYS), Setting("RemoteIPRanges", Kind.ANYS), Setting("Fqdn"), Setting("Banner"), Setting("TlsCertificateName"), Setting("TlsDomainCapabilities", Kind.ANYS),
    Setting("AuthMechanism", Kind.STRINGS, _MECHANISMS, "Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthMechanisms"),
    Setting("PermissionGroups", Kind.STRINGS, _GROUPS, "Microsoft.Exchange.Data.Directory.SystemConfiguration.PermissionGroups"),
    *(Setting(name, Kind.BOOL) for name in _BOOLS),
    Setting("SizeEnabled", choices=("Disabled", "Enabled", "EnabledWithoutValue"), enum="Microsoft.Exchange.Data.Directory.SystemConfiguration.SizeMode"),
    Setting("MaxMessageSize", Kind.SIZE), Setting("MaxRecipientsPerMessage", Kind.INT), Setting("MaxProtocolErrors", Kind.INT),
    Setting("ConnectionTimeout", Kind.SPAN, stored=settings.seconds), Setting("ConnectionInactivityTimeout", Kind.SPAN, stored=settings.seconds),
    Setting("TarpitInterval", Kind.SPAN, stored=settings.seconds),
    Setting("ProtocolLoggingLevel", choices=("None", "Verbose"), enum="Microsoft.Exchange.Data.ProtocolLoggingLevel"),
)  # fmt: skip


def of(call: Call, connector: ReceiveConnector) -> Record:
    """Return a connector as its cmdlet gives it, in the order of a live object (facts/exchange 4.1)."""
    exchange = call.world.topology.exchange
    server, domain = exchange.name.partition(".")[0], exchange.name.partition(".")[2]
    identity = f"{server}\\{connector.Name}"
    dn = distinguished_name(domain, connector.Name, "SMTP Receive Connectors", "Protocols", server, "Servers",
                            "Exchange Administrative Group (FYDIBOHF23SPDLT)", "Administrative Groups")  # fmt: skip
    properties: dict[str, Value] = {
        "AuthMechanism": ", ".join(connector.AuthMechanism), "Banner": connector.Banner, "BinaryMimeEnabled": connector.BinaryMimeEnabled,
        "Bindings": list(connector.Bindings), "ChunkingEnabled": connector.ChunkingEnabled, "DefaultDomain": None,
        "DeliveryStatusNotificationEnabled": connector.DeliveryStatusNotificationEnabled, "EightBitMimeEnabled": connector.EightBitMimeEnabled,
        "SmtpUtf8Enabled": connector.SmtpUtf8Enabled, "BareLinefeedRejectionEnabled": False, "DomainSecureEnabled": True,
        "EnhancedStatusCodesEnabled": connector.EnhancedStatusCodesEnabled, "LongAddressesEnabled": connector.LongAddressesEnabled,
        "OrarEnabled": connector.OrarEnabled, "SuppressXAnonymousTls": connector.SuppressXAnonymousTls, "ProxyEnabled": False,
        "AdvertiseClientSettings": False, "Fqdn": connector.Fqdn or exchange.name, "ServiceDiscoveryFqdn": None,
        "TlsCertificateName": connector.TlsCertificateName, "Comment": None, "Enabled": connector.Enabled,
        "ConnectionTimeout": timedelta(seconds=connector.ConnectionTimeout),
        "ConnectionInactivityTimeout": timedelta(seconds=connector.ConnectionInactivityTimeout), "MessageRateLimit": "Unlimited",
        "MessageRateSource": "IPAddress", "MaxInboundConnection": "5000", "MaxInboundConnectionPerSource": "20",
        "MaxInboundConnectionPercentagePerSource": 2, "MaxHeaderSize": "256 KB (262,144 bytes)", "MaxHopCount": 60, "MaxLocalHopCount": 5,
        "MaxLogonFailures": 3, "MaxMessageSize": settings.size(connector.MaxMessageSize), "MaxProtocolErrors": str(connector.MaxProtocolErrors),
        "MaxRecipientsPerMessage": connector.MaxRecipientsPerMessage, "PermissionGroups": ", ".join(connector.PermissionGroups),
        "PipeliningEnabled": connector.PipeliningEnabled, "ProtocolLoggingLevel": connector.ProtocolLoggingLevel,
        "RemoteIPRanges": list(connector.RemoteIPRanges), "RequireEHLODomain": False,
        "RequireTLS": connector.RequireTLS, "EnableAuthGSSAPI": connector.EnableAuthGSSAPI, "ExtendedProtectionPolicy": "None",
        "LiveCredentialEnabled": False, "TlsDomainCapabilities": list(connector.TlsDomainCapabilities), "Server": server,
        "TransportRole": "FrontendTransport", "RejectReservedTopLevelRecipientDomains": False,
        "RejectReservedSecondLevelRecipientDomains": False, "RejectSingleLabelRecipientDomains": False, "AcceptConsumerMail": False,
        "SizeEnabled": connector.SizeEnabled, "TarpitInterval": timedelta(seconds=connector.TarpitInterval),
        "AuthTarpitInterval": timedelta(seconds=5), "MaxAcknowledgementDelay": timedelta(seconds=30), "AdminDisplayName": None,
        "ExchangeVersion": "0.1 (8.0.535.0)", "Name": connector.Name, "DistinguishedName": dn, "Identity": identity,
        "Guid": guid("receive", connector.Name), "ObjectCategory": f"{domain}/Configuration/Schema/ms-Exch-Smtp-Receive-Connector",
        "ObjectClass": ["top", "msExchSmtpReceiveConnector"], **settings.times(call, "receive", connector.Name), "OrganizationId": None,
        "Id": identity, "OriginatingServer": call.world.domain_controller("onprem"), "IsValid": True, "ObjectState": "Unchanged",
    }  # fmt: skip
    return settings.record(call, KIND, properties, identity)


def _names(call: Call, connector: ReceiveConnector) -> tuple[str, ...]:
    server = call.world.topology.exchange.name
    short = server.partition(".")[0]
    return (f"{short}\\{connector.Name}", connector.Name, f"{server}\\{connector.Name}", guid("receive", connector.Name))


def _found(call: Call) -> list[ReceiveConnector]:
    connectors = call.world.topology.exchange.receive_connectors
    places = settings.chosen(call, [_names(call, one) for one in connectors], call.text("Identity"))
    return [connectors[place] for place in places]


async def get(call: Call) -> list[Value]:
    """`Get-ReceiveConnector`."""
    call.check_server()
    return [of(call, connector) for connector in _found(call)]


async def set_(call: Call) -> list[Value]:
    """`Set-ReceiveConnector`. A new TlsCertificateName takes effect when the front end transport service is restarted."""
    for connector in _found(call):
        identity = _names(call, connector)[0]
        changes = settings.changes_of(call, SETTINGS, connector)
        _check(call, connector, changes)
        if not await call.may(identity):
            continue
        if not changes:
            settings.unmodified(call, identity)
            continue
        path = f"exchange.receive_connectors{settings.quoted(call, connector.Name)}"
        certificate = changes.pop("TlsCertificateName", connector.TlsCertificateName)
        if certificate != connector.TlsCertificateName:
            call.world.set_connector_certificate(connector.Name, certificate)
        name = changes.pop("Name", None)
        made = [Change(set=f"{path}.{key}", to=value) for key, value in changes.items()]
        made += [Change(set=f"{path}.Name", to=name)] if name else []
        if made:
            settings.make(call, *made)
    return []


def _check(call: Call, before: ReceiveConnector, changes: dict[str, Any]) -> None:
    """The documented rules (facts/exchange 3.3, 3.7); the words of the refusals are unsourced."""
    after = settings.changed(before, changes)
    mechanisms = after.AuthMechanism
    name = after.TlsCertificateName
    rules: tuple[tuple[bool, str], ...] = (
        ("None" in mechanisms and len(mechanisms) > 1, "The authentication mechanism None can't be combined with another one."),
        ("BasicAuthRequireTLS" in mechanisms and not {"BasicAuth", "Tls"} <= set(mechanisms),
         "The authentication mechanism BasicAuthRequireTLS requires BasicAuth and Tls."),
        ("ExternalAuthoritative" in mechanisms and not set(mechanisms) <= {"ExternalAuthoritative", "Tls"},
         "The authentication mechanism ExternalAuthoritative can only be combined with Tls."),
        ("ExternalAuthoritative" in mechanisms and "ExchangeServers" not in after.PermissionGroups,
         "The authentication mechanism ExternalAuthoritative requires the permission group ExchangeServers."),
        (after.RequireTLS and "Tls" not in mechanisms, "RequireTLS requires the authentication mechanism Tls."),
        (bool(after.Banner) and not str(after.Banner).startswith("220 "), "The banner must begin with 220."),
        (name is not None and not ("<i>" in name.lower() and "<s>" in name.lower()),
         f"'{name}' isn't a valid certificate name. It must have the form <I>X.500Issuer<S>X.500Subject."),
    )  # fmt: skip
    rules += tuple(
        (
            _CAPABILITY.fullmatch(entry) is None,
            f"'{entry}' isn't a valid domain with capabilities. It must have the form Domain:Capability1,Capability2.",
        )
        for entry in after.TlsDomainCapabilities
    )
    for broken, message in rules:
        if broken:
            raise call.error(message, "DataValidationException", category="InvalidArgument")
    _check_places(call, before, after)


def _check_places(call: Call, before: ReceiveConnector, after: ReceiveConnector) -> None:
    """Bindings and ranges must be such, and no two connectors may have both the same (the words of that are Exchange's)."""
    for binding in after.Bindings:
        address, _, port = binding.rpartition(":")
        if address_range(address.strip("[]")) is None or not port.isdigit() or not 0 < int(port) < 65536:
            raise call.error(
                f"'{binding}' isn't a valid IP address and port.", "DataValidationException", category="InvalidArgument"
            )
    for one in after.RemoteIPRanges:
        if address_range(one) is None:
            raise call.error(f"'{one}' isn't a valid IP address range.", "DataValidationException", category="InvalidArgument")
    for other in call.world.topology.exchange.receive_connectors:
        same = (
            other.Name != before.Name
            and set(other.Bindings) & set(after.Bindings)
            and set(other.RemoteIPRanges) & set(after.RemoteIPRanges)
        )
        if same:
            identity = _names(call, other)[0]
            message = (
                f'The values that you specified for the Bindings and RemoteIPRanges parameters conflict with the settings on Receive connector "{identity}". '
                "Receive connectors assigned to a given Exchange server must have unique combinations of IP address & port bindings and remote IP "
                "address ranges. Change at least one of these values."
            )
            raise call.error(message, "ConnectorMappingConflictException", category="InvalidOperation")


async def new(call: Call) -> list[Value]:
    """`New-ReceiveConnector`."""
    name = str(call.text("Name"))
    exchange = call.world.topology.exchange
    server = exchange.name.partition(".")[0]
    if any(one.Name.lower() == name.lower() for one in exchange.receive_connectors):
        message = (
            f'The Receive connector "{server}\\{name}" already exists on server "{server}". Specify another name.'  # unsourced
        )
        raise call.error(message, "ConnectorConfigurationException", category="InvalidOperation")
    settings.quoted(call, name)
    given = settings.changes_of(call, SETTINGS, ReceiveConnector())
    _check(call, ReceiveConnector(Name=name), given)
    if await call.may(f"{server}\\{name}"):
        settings.make(call, Change(add="exchange.receive_connectors", to={**given, "Name": name}))
        return [of(call, one) for one in call.world.topology.exchange.receive_connectors if one.Name == name]
    return []


async def remove(call: Call) -> list[Value]:
    """`Remove-ReceiveConnector`: asks first."""
    for connector in _found(call):
        identity = _names(call, connector)[0]
        question = f'Are you sure you want to perform this action?\nRemoving Receive connector "{identity}".'
        if await call.may(identity, question=question, ask=True):
            settings.make(call, Change(remove=f"exchange.receive_connectors{settings.quoted(call, connector.Name)}"))
    return []


_TASK = "Microsoft.Exchange.Management.SystemConfigurationTasks."
_ID = replace(IDENTITY, values="receive-connectors")
_SET = tuple(setting.param for setting in SETTINGS)
CMDLETS = (
    Cmdlet("Get-ReceiveConnector", get, (replace(_ID, mandatory=False), Param("Server")), "Shows Receive connectors.",
           "Properties and their order are those of a live Exchange 2019 object; that RunspaceId comes first is unsourced.",
           side="onprem", each=True, task=f"{_TASK}GetReceiveConnector"),
    Cmdlet("Set-ReceiveConnector", set_, (_ID, *_SET), "Changes a Receive connector.",
           "A new TlsCertificateName is taken when MSExchangeFrontEndTransport is restarted. Refusals of impossible settings are worded by "
           "the lab (unsourced). Limits of rates are not emulated, and no other port than 25 listens.",
           side="onprem", each=True, risk=True, task=f"{_TASK}SetReceiveConnector"),
    Cmdlet("New-ReceiveConnector", new, (
        replace(_SET[0], position=0, mandatory=True), *_SET[1:], Param("Usage", choices=("Custom", "Internet", "Internal", "Client", "Partner"),
        enum="Microsoft.Exchange.Management.SystemConfigurationTasks.NewReceiveConnector+UsageType"), Param("Server"),
        Param("TransportRole", choices=("FrontendTransport", "HubTransport")),
        Param("Custom", Kind.SWITCH), Param("Internet", Kind.SWITCH), Param("Internal", Kind.SWITCH), Param("Client", Kind.SWITCH), Param("Partner", Kind.SWITCH),
    ), "Makes a Receive connector.", "A session meets the connector on port 25 whose RemoteIPRanges fit the sender most closely; no other port listens. Usage does nothing.",
        side="onprem", risk=True, task=f"{_TASK}NewReceiveConnector"),
    Cmdlet("Remove-ReceiveConnector", remove, (_ID,), "Removes a Receive connector.", "The question's second line is unsourced.",
           side="onprem", each=True, risk=True, asks=True, task=f"{_TASK}RemoveReceiveConnector"),
)  # fmt: skip
