"""Get- and Set-SendConnector, Get-HybridConfiguration (facts/exchange 4.2, 4.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from lab.exchange.config import SendConnector
from lab.scenario.model import Change
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets import settings
from lab.shell.cmdlets.settings import IDENTITY, Setting, distinguished_name, guid
from lab.shell.values import Record, Value

KIND = "Microsoft.Exchange.Data.Directory.SystemConfiguration.SmtpSendConnectorConfig"
LEVELS = ("EncryptionOnly", "CertificateValidation", "DomainValidation")
SETTINGS = (
    Setting("Name"), Setting("AddressSpaces", Kind.ANYS), Setting("DNSRoutingEnabled", Kind.BOOL), Setting("SmartHosts", Kind.ANYS), Setting("Fqdn"),
    Setting("TlsAuthLevel", choices=LEVELS, enum="Microsoft.Exchange.Data.TlsAuthLevel"), Setting("TlsDomain"), Setting("TlsCertificateName"),
    Setting("RequireTLS", Kind.BOOL), Setting("IgnoreSTARTTLS", Kind.BOOL), Setting("CloudServicesMailEnabled", Kind.BOOL),
    Setting("ProtocolLoggingLevel", choices=("None", "Verbose"), enum="Microsoft.Exchange.Data.ProtocolLoggingLevel"), Setting("Enabled", Kind.BOOL),
)  # fmt: skip
_ANY_ADDRESS = ".".join("0000")
#: What a console's list shows, by name (facts/exchange 4.2: the names are those of a live object, that order is unsourced).
_SHOWN = (
    "AddressSpaces", "AuthenticationCredential", "CertificateSubject", "CloudServicesMailEnabled", "Comment", "ConnectedDomains",
    "ConnectionInactivityTimeOut", "ConnectorType", "DNSRoutingEnabled", "DomainSecureEnabled", "Enabled", "ErrorPolicies", "ForceHELO", "Fqdn",
    "FrontendProxyEnabled", "HomeMTA", "HomeMtaServerId", "Identity", "IgnoreSTARTTLS", "IsScopedConnector", "IsSmtpConnector", "MaxMessageSize",
    "Name", "Port", "ProtocolLoggingLevel", "Region", "RequireOorg", "RequireTLS", "SmartHostAuthMechanism", "SmartHosts", "SmartHostsString",
    "SmtpMaxMessagesPerConnection", "SourceIPAddress", "SourceRoutingGroup", "SourceTransportServers", "TlsAuthLevel", "TlsCertificateName",
    "TlsDomain", "UseExternalDNSServersEnabled",
)  # fmt: skip


def of(call: Call, connector: SendConnector) -> Record:
    """Return a connector as its cmdlet gives it, in the serialised order of a live object (facts/exchange 4.2)."""
    exchange = call.world.topology.exchange
    server, domain = exchange.name.partition(".")[0], exchange.name.partition(".")[2]
    dn = distinguished_name(domain, connector.Name, "Connections", "Exchange Routing Group (DWBGZMFD01QNBJR)", "Routing Groups",
                            "Exchange Administrative Group (FYDIBOHF23SPDLT)", "Administrative Groups")  # fmt: skip
    properties: dict[str, Value] = {
        "DNSRoutingEnabled": connector.DNSRoutingEnabled, "TlsDomain": connector.TlsDomain,
        "TlsAuthLevel": str(connector.TlsAuthLevel) if connector.TlsAuthLevel else None, "ErrorPolicies": "Default",
        "SmartHosts": list(connector.SmartHosts), "Port": 25, "ConnectionInactivityTimeOut": timedelta(minutes=10), "ForceHELO": False,
        "FrontendProxyEnabled": False, "IgnoreSTARTTLS": connector.IgnoreSTARTTLS, "CloudServicesMailEnabled": connector.CloudServicesMailEnabled,
        "Fqdn": connector.Fqdn, "TlsCertificateName": connector.TlsCertificateName, "RequireTLS": connector.RequireTLS, "RequireOorg": False,
        "Enabled": connector.Enabled, "ProtocolLoggingLevel": connector.ProtocolLoggingLevel, "SmartHostAuthMechanism": "None",
        "AuthenticationCredential": None, "UseExternalDNSServersEnabled": False, "DomainSecureEnabled": False, "SourceIPAddress": _ANY_ADDRESS,
        "SmtpMaxMessagesPerConnection": 20, "ConnectorType": "Default", "SmartHostsString": ",".join(connector.SmartHosts),
        "CertificateSubject": None, "Region": "NotSpecified", "AddressSpaces": list(connector.AddressSpaces), "ConnectedDomains": [],
        "IsScopedConnector": False, "IsSmtpConnector": True, "Comment": None, "SourceRoutingGroup": "Exchange Routing Group (DWBGZMFD01QNBJR)",
        "SourceTransportServers": [server], "HomeMTA": "Microsoft MTA", "HomeMtaServerId": server, "MaxMessageSize": "35 MB (36,700,160 bytes)",
        "AdminDisplayName": None, "ExchangeVersion": "0.1 (8.0.535.0)", "Name": connector.Name, "DistinguishedName": dn,
        "Identity": connector.Name, "Guid": guid("send", connector.Name),
        "ObjectCategory": f"{domain}/Configuration/Schema/ms-Exch-Routing-SMTP-Connector",
        "ObjectClass": ["top", "msExchConnector", "mailGateway", "msExchRoutingSMTPConnector"], **settings.times(call, "send", connector.Name),
        "OrganizationId": None, "Id": connector.Name, "OriginatingServer": call.world.domain_controller("onprem"), "IsValid": True,
        "ObjectState": "Unchanged",
    }  # fmt: skip
    made = settings.record(call, KIND, properties, connector.Name)
    return Record(made.kind, made.properties, made.text, ("RunspaceId", *_SHOWN))


def _found(call: Call) -> list[SendConnector]:
    connectors = call.world.topology.exchange.send_connectors
    places = settings.chosen(call, [(one.Name, guid("send", one.Name)) for one in connectors], call.text("Identity"))
    return [connectors[place] for place in places]


async def get(call: Call) -> list[Value]:
    """`Get-SendConnector`."""
    return [of(call, connector) for connector in _found(call)]


async def set_(call: Call) -> list[Value]:
    """`Set-SendConnector`."""
    for connector in _found(call):
        changes = settings.changes_of(call, SETTINGS, connector)
        after = settings.changed(connector, changes)
        # facts/exchange 3.1; the words are unsourced
        if after.TlsAuthLevel == "DomainValidation" and not after.TlsDomain and not after.DNSRoutingEnabled:
            message = "The TlsDomain parameter must be specified when TlsAuthLevel is set to DomainValidation and DNSRoutingEnabled is $false."
            raise call.error(message, "DataValidationException", category="InvalidArgument")
        # Set-SendConnector's page: with SmartHosts, DNSRoutingEnabled must be $false; the words are unsourced
        if after.SmartHosts and after.DNSRoutingEnabled and ("SmartHosts" in changes or "DNSRoutingEnabled" in changes):
            message = "The DNSRoutingEnabled parameter must be set to $false when the SmartHosts parameter is specified."
            raise call.error(message, "DataValidationException", category="InvalidArgument")
        if not await call.may(connector.Name):
            continue
        if not changes:
            settings.unmodified(call, connector.Name)
            continue
        path = f"exchange.send_connectors{settings.quoted(call, connector.Name)}"
        name = changes.pop("Name", None)
        made = [Change(set=f"{path}.{key}", to=value) for key, value in changes.items()]
        settings.make(call, *made, *([Change(set=f"{path}.Name", to=name)] if name else []))
    return []


async def hybrid(call: Call) -> list[Value]:
    """`Get-HybridConfiguration`: the full order of a live object (facts/exchange 4.3). No property tells who ends TLS in between."""
    exchange = call.world.topology.exchange
    domain = exchange.name.partition(".")[2]
    own = exchange.hybrid
    features: list[Value] = [
        "FreeBusy",
        "MoveMailbox",
        "Mailtips",
        "MessageTracking",
        "OwaRedirection",
        "OnlineArchive",
        "SecureMail",
        "Photos",
    ]
    properties: dict[str, Value] = {
        "ClientAccessServers": [], "EdgeTransportServers": [], "ReceivingTransportServers": list(own.ReceivingTransportServers),
        "SendingTransportServers": list(own.SendingTransportServers), "OnPremisesSmartHost": own.OnPremisesSmartHost, "Domains": list(own.Domains),
        "Features": features, "ExternalIPAddresses": [], "TlsCertificateName": own.TlsCertificateName, "ServiceInstance": 0,
        "AdminDisplayName": None, "ExchangeVersion": "0.20 (15.0.0.0)", "Name": "Hybrid Configuration",
        "DistinguishedName": distinguished_name(domain, "Hybrid Configuration", "Hybrid Configuration"), "Identity": "Hybrid Configuration",
        "Guid": guid("hybrid"), "ObjectCategory": f"{domain}/Configuration/Schema/ms-Exch-Coexistence-Relationship",
        "ObjectClass": ["top", "msExchCoexistenceRelationship"], **settings.times(call, "hybrid", ""), "OrganizationId": None,
        "Id": "Hybrid Configuration", "OriginatingServer": call.world.domain_controller("onprem"), "IsValid": True, "ObjectState": "Changed",
    }  # fmt: skip
    kind = "Microsoft.Exchange.Data.Directory.SystemConfiguration.HybridConfiguration"
    return [settings.record(call, kind, properties, "Hybrid Configuration")]


_TASK = "Microsoft.Exchange.Management.SystemConfigurationTasks."
_ID = replace(IDENTITY, values="send-connectors")
CMDLETS = (
    Cmdlet("Get-SendConnector", get, (replace(_ID, mandatory=False),), "Shows Send connectors.",
           "The list shows properties by name, an order that is unsourced; `fl *` has the serialised order of a live object. SourceIPAddress is unsourced.",
           side="onprem", each=True, task=f"{_TASK}GetSendConnector"),
    Cmdlet("Set-SendConnector", set_, (_ID, *(setting.param for setting in SETTINGS)), "Changes a Send connector.",
           "Refusals of impossible settings are worded by the lab (unsourced).", side="onprem", each=True, risk=True, task=f"{_TASK}SetSendConnector"),
    Cmdlet("Get-HybridConfiguration", hybrid, (Param("DomainController"),), "Shows the hybrid configuration.",
           "Order and spelling are those of a live Exchange 2019 object.", side="onprem",
           task="Microsoft.Exchange.Management.Hybrid.GetHybridConfiguration"),
)  # fmt: skip
