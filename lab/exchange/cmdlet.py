"""What the management shell's Get cmdlets print, as `| Format-List` and tables do (facts/exchange 4).

Order and spelling are those of live objects. Properties that the lab has no value for print what a default installation has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.exchange.certificates import StoreEntry
from lab.exchange.config import ExchangeConfig, HybridConfiguration, ReceiveConnector

_SCHEMA = "contoso.test/Configuration/Schema"


def format_list(properties: Iterable[tuple[str, str]]) -> str:
    """Return `Name : Value` lines, colons aligned, as Format-List does; an empty value leaves nothing behind the colon."""
    rows = list(properties)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}} : {value}".rstrip() for name, value in rows)


def format_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns under their heads with a row of dashes, as Format-Table does."""
    cells = [list(heads), ["-" * len(head) for head in heads], *map(list, rows)]
    widths = [max(len(row[number]) for row in cells) for number in range(len(heads))]
    return "\n".join(" ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


def braces(values: Iterable[str]) -> str:
    """Return a collection as PowerShell prints it: `{a, b}`."""
    return "{" + ", ".join(values) + "}"


def _size(number: int) -> str:
    """Return `36 MB (37,748,736 bytes)`."""
    return f"{number // 1024 // 1024} MB ({number:,} bytes)"


def _span(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def receive_connector(config: ExchangeConfig, connector: ReceiveConnector) -> str:
    """`Get-ReceiveConnector | Format-List` (facts/exchange 4.1)."""
    server = config.name.partition(".")[0]
    identity = f"{server}\\{connector.Name}"
    rows = [
        ("AuthMechanism", ", ".join(connector.AuthMechanism)),
        ("Banner", connector.Banner or ""),
        ("BinaryMimeEnabled", str(connector.BinaryMimeEnabled)),
        ("Bindings", braces(("[::]:25", "0.0.0.0:25"))),
        ("ChunkingEnabled", str(connector.ChunkingEnabled)),
        ("DefaultDomain", ""),
        ("DeliveryStatusNotificationEnabled", str(connector.DeliveryStatusNotificationEnabled)),
        ("EightBitMimeEnabled", str(connector.EightBitMimeEnabled)),
        ("SmtpUtf8Enabled", str(connector.SmtpUtf8Enabled)),
        ("BareLinefeedRejectionEnabled", "False"),
        ("DomainSecureEnabled", "True"),
        ("EnhancedStatusCodesEnabled", str(connector.EnhancedStatusCodesEnabled)),
        ("LongAddressesEnabled", str(connector.LongAddressesEnabled)),
        ("OrarEnabled", str(connector.OrarEnabled)),
        ("SuppressXAnonymousTls", str(connector.SuppressXAnonymousTls)),
        ("ProxyEnabled", "False"),
        ("AdvertiseClientSettings", "False"),
        ("Fqdn", connector.Fqdn or config.name),
        ("ServiceDiscoveryFqdn", ""),
        ("TlsCertificateName", connector.TlsCertificateName or ""),
        ("Comment", ""),
        ("Enabled", str(connector.Enabled)),
        ("ConnectionTimeout", _span(connector.ConnectionTimeout)),
        ("ConnectionInactivityTimeout", _span(connector.ConnectionInactivityTimeout)),
        ("MessageRateLimit", "Unlimited"),
        ("MessageRateSource", "IPAddress"),
        ("MaxInboundConnection", "5000"),
        ("MaxInboundConnectionPerSource", "20"),
        ("MaxInboundConnectionPercentagePerSource", "2"),
        ("MaxHeaderSize", "256 KB (262,144 bytes)"),
        ("MaxHopCount", "60"),
        ("MaxLocalHopCount", "5"),
        ("MaxLogonFailures", "3"),
        ("MaxMessageSize", _size(connector.MaxMessageSize)),
        ("MaxProtocolErrors", str(connector.MaxProtocolErrors)),
        ("MaxRecipientsPerMessage", str(connector.MaxRecipientsPerMessage)),
        ("PermissionGroups", ", ".join(connector.PermissionGroups)),
        ("PipeliningEnabled", str(connector.PipeliningEnabled)),
        ("ProtocolLoggingLevel", connector.ProtocolLoggingLevel),
        ("RemoteIPRanges", braces(("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255"))),
        ("RequireEHLODomain", "False"),
        ("RequireTLS", str(connector.RequireTLS)),
        ("EnableAuthGSSAPI", str(connector.EnableAuthGSSAPI)),
        ("ExtendedProtectionPolicy", "None"),
        ("LiveCredentialEnabled", "False"),
        ("TlsDomainCapabilities", braces(connector.TlsDomainCapabilities)),
        ("Server", server),
        ("TransportRole", "FrontendTransport"),
        ("RejectReservedTopLevelRecipientDomains", "False"),
        ("RejectReservedSecondLevelRecipientDomains", "False"),
        ("RejectSingleLabelRecipientDomains", "False"),
        ("AcceptConsumerMail", "False"),
        ("SizeEnabled", connector.SizeEnabled),
        ("TarpitInterval", _span(connector.TarpitInterval)),
        ("AuthTarpitInterval", "00:00:05"),
        ("MaxAcknowledgementDelay", "00:00:30"),
        ("AdminDisplayName", ""),
        ("ExchangeVersion", "0.1 (8.0.535.0)"),
        ("Name", connector.Name),
        ("Identity", identity),
        ("ObjectCategory", f"{_SCHEMA}/ms-Exch-Smtp-Receive-Connector"),
        ("ObjectClass", braces(("top", "msExchSmtpReceiveConnector"))),
        ("OrganizationId", ""),
        ("Id", identity),
        ("OriginatingServer", config.name),
        ("IsValid", "True"),
        ("ObjectState", "Unchanged"),
    ]
    return format_list(rows)


def hybrid_configuration(config: ExchangeConfig) -> str:
    """`Get-HybridConfiguration | Format-List` (facts/exchange 4.3). No property tells whether something in between ends TLS."""
    hybrid: HybridConfiguration = config.hybrid
    features = ("FreeBusy", "MoveMailbox", "Mailtips", "MessageTracking", "OwaRedirection", "OnlineArchive", "SecureMail", "Photos")
    rows = [
        ("ClientAccessServers", "{}"),
        ("EdgeTransportServers", "{}"),
        ("ReceivingTransportServers", braces(hybrid.ReceivingTransportServers)),
        ("SendingTransportServers", braces(hybrid.SendingTransportServers)),
        ("OnPremisesSmartHost", hybrid.OnPremisesSmartHost),
        ("Domains", braces(hybrid.Domains)),
        ("Features", braces(features)),
        ("ExternalIPAddresses", "{}"),
        ("TlsCertificateName", hybrid.TlsCertificateName),
        ("ServiceInstance", "0"),
        ("AdminDisplayName", ""),
        ("ExchangeVersion", "0.20 (15.0.0.0)"),
        ("Name", "Hybrid Configuration"),
        ("Identity", "Hybrid Configuration"),
        ("ObjectCategory", f"{_SCHEMA}/ms-Exch-Coexistence-Relationship"),
        ("ObjectClass", braces(("top", "msExchCoexistenceRelationship"))),
        ("OrganizationId", ""),
        ("Id", "Hybrid Configuration"),
        ("OriginatingServer", config.name),
        ("IsValid", "True"),
        ("ObjectState", "Unchanged"),
    ]
    return format_list(rows)


def exchange_certificates(entries: Iterable[StoreEntry]) -> str:
    """`Get-ExchangeCertificate` as a table (facts/exchange 4.4; the flags' form is unsourced there)."""
    letters = (("IMAP", "I"), ("POP", "P"), ("UM", "U"), ("IIS", "W"), ("SMTP", "S"), ("Federation", "F"), ("UMCallRouter", "C"))
    rows = []
    for entry in entries:
        flags = "".join(letter if service in entry.services else "." for service, letter in letters)
        rows.append((entry.certificate.thumbprint, flags, entry.certificate.subject))
    return format_table(("Thumbprint", "Services", "Subject"), rows)
