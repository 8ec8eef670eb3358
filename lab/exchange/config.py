"""On-premises Exchange as data, under the property names that its cmdlets print (facts/exchange 3 and 4)."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from lab.data import dataclass
from lab.sending.attempt import TlsLevel
from lab.sending.implementation import Implementation, MtaTls

#: Exchange 2016 runs on Windows Server 2012 to 2016, whose Schannel knows nothing newer ("Protocols in TLS/SSL (Schannel SSP)",
#: learn.microsoft.com: TLS 1.3 from Windows Server 2022 on). Its logs say SP_PROT_TLS1_2 (facts/exchange 5).
MAXIMUM_TLS = "TLSv1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveConnector:
    """`Default Frontend <SERVER>` and its like; property names and defaults from facts/exchange 4.1."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    Name: str = "Default Frontend EX01"
    Bindings: tuple[str, ...] = ("[::]:25", "0.0.0.0:25")
    RemoteIPRanges: tuple[str, ...] = ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255")
    Fqdn: str | None = None  # None: the server's physical FQDN
    Banner: str | None = None
    TlsCertificateName: str | None = None  # <I>issuer<S>subject
    TlsDomainCapabilities: tuple[str, ...] = ()
    AuthMechanism: tuple[str, ...] = ("Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer")
    PermissionGroups: tuple[str, ...] = ("AnonymousUsers", "ExchangeServers", "ExchangeLegacyServers")
    RequireTLS: bool = False
    SuppressXAnonymousTls: bool = False
    EnableAuthGSSAPI: bool = False
    SizeEnabled: str = "Enabled"  # Enabled, EnabledWithoutValue, Disabled
    MaxMessageSize: int = 37_748_736  # bytes
    MaxRecipientsPerMessage: int = 200
    MaxProtocolErrors: int = 5
    ConnectionTimeout: int = 600  # seconds
    ConnectionInactivityTimeout: int = 300  # seconds
    TarpitInterval: float = 5.0  # seconds
    PipeliningEnabled: bool = True
    DeliveryStatusNotificationEnabled: bool = True
    EnhancedStatusCodesEnabled: bool = True
    EightBitMimeEnabled: bool = True
    BinaryMimeEnabled: bool = True
    ChunkingEnabled: bool = True
    SmtpUtf8Enabled: bool = True
    OrarEnabled: bool = False
    LongAddressesEnabled: bool = False
    ProtocolLoggingLevel: str = "Verbose"
    Enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SendConnector:
    """`Outbound to Office 365 - <GUID>` and its like; property names from facts/exchange 4.2."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    Name: str
    AddressSpaces: tuple[str, ...]  # smtp:contoso.mail.onmicrosoft.test;1
    DNSRoutingEnabled: bool = True
    SmartHosts: tuple[str, ...] = ()
    Fqdn: str | None = None
    TlsAuthLevel: TlsLevel | None = None
    TlsDomain: str | None = None
    TlsCertificateName: str | None = None
    RequireTLS: bool = False
    IgnoreSTARTTLS: bool = False
    CloudServicesMailEnabled: bool = False
    ProtocolLoggingLevel: str = "Verbose"
    Enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCertificate:
    """A certificate in the LocalMachine store: its name in the mint and the services that it is enabled for."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    certificate: str
    Services: tuple[str, ...] = ("SMTP",)
    HasPrivateKey: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridConfiguration:
    """`Get-HybridConfiguration` (facts/exchange 4.3), as far as mail flow depends on it or the post shows it."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    Domains: tuple[str, ...] = ()
    OnPremisesSmartHost: str = ""
    TlsCertificateName: str = ""
    ReceivingTransportServers: tuple[str, ...] = ()
    SendingTransportServers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherServer:
    """Another server behind the same public name, with a store and receive connectors of its own; a balancer takes turns."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    certificates: tuple[StoredCertificate, ...] = ()
    receive_connectors: tuple[ReceiveConnector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeConfig:
    """The server: its physical FQDN, domains, mailboxes, store, trust and connectors.

    `remote` maps an on-premises address to its remote routing address (the mailbox lives online). `log_format` chooses the
    form of the protocol log's certificate rows, `new` (one row) or `old` (one row each), facts/exchange 5.1.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    accepted_domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    remote: dict[str, str] = field(default_factory=dict)
    certificates: tuple[StoredCertificate, ...] = ()
    trust: tuple[str, ...] = ("public",)
    receive_connectors: tuple[ReceiveConnector, ...] = ()
    send_connectors: tuple[SendConnector, ...] = ()
    hybrid: HybridConfiguration = field(default_factory=HybridConfiguration)
    log_format: str = "new"
    crls_reachable: bool = True  # revocation lists can be fetched (facts/exchange 9 row 11)
    edge: bool = False  # the connectors live on an Edge server, which gets what Edge sync carries (facts/exchange 3.3, 9 row 21)
    behind_same_name: tuple[OtherServer, ...] = ()
    implementation: Implementation = Implementation.EMULATED  # a real MTA in the place of Exchange (in containers)
    tls: MtaTls | None = None  # for a real MTA, where a send connector demands TLS (default: as it says); mta-sts: where none does
