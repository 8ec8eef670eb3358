"""Exchange Online as data, under the property names that its cmdlets print (facts/exchange 3.1, 3.2, 4.5, 4.6)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from lab.data import dataclass
from lab.sending.attempt import TlsLevel


class Era(StrEnum):
    """Which wording Exchange Online uses: `classic` as in the post (2017), `current` as traces since 2020."""

    CLASSIC = "classic"
    CURRENT = "current"


class StsMode(StrEnum):
    """Set-OutboundConnector's MtaStsMode (facts/exchange 2.4)."""

    OPPORTUNISTIC = "Opportunistic"
    NONE = "None"


class DaneMode(StrEnum):
    """Set-OutboundConnector's SmtpDaneMode (facts/exchange 2.4)."""

    OPPORTUNISTIC = "Opportunistic"
    MANDATORY = "Mandatory"
    NONE = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundConnector:
    """`Outbound to <GUID>` and its like (facts/exchange 4.5). The two modes count where UseMXRecord is set and TlsSettings are not
    (unsourced).
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    Name: str
    ConnectorType: str = "OnPremises"
    ConnectorSource: str = "HybridWizard"
    RecipientDomains: tuple[str, ...] = ()
    SmartHosts: tuple[str, ...] = ()
    UseMXRecord: bool = False
    TlsSettings: TlsLevel | None = None
    TlsDomain: str | None = None
    CloudServicesMailEnabled: bool = True
    ValidationRecipients: tuple[str, ...] = ()
    Enabled: bool = True
    MtaStsMode: StsMode = StsMode.NONE
    SmtpDaneMode: DaneMode = DaneMode.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundConnector:
    """`Inbound from <GUID>` and its like (facts/exchange 3.2, 4.6)."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    Name: str
    ConnectorType: str = "OnPremises"
    ConnectorSource: str = "HybridWizard"
    SenderDomains: tuple[str, ...] = ("smtp:*;1",)
    SenderIPAddresses: tuple[str, ...] = ()
    RequireTls: bool = True
    RestrictDomainsToCertificate: bool = False
    RestrictDomainsToIPAddresses: bool = False
    TlsSenderCertificateName: str | None = None
    CloudServicesMailEnabled: bool = True
    Enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineConfig:
    """The tenant: the receiving host's name, server name for traces, domains, mailboxes and connectors.

    `mta_sts` and `dane` say whether mail that takes no connector keeps what the receiver's domain has published, as Exchange
    Online does for every tenant; a topology without such domains leaves the look-ups out.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str  # contoso-mail-onmicrosoft-test.mail.protection.outlook.test
    server: str  # DM6NAM11FT035.eop-nam11.prod.protection.outlook.test
    accepted_domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    certificate: str = "online"
    trust: tuple[str, ...] = ("public",)
    outbound_connectors: tuple[OutboundConnector, ...] = ()
    inbound_connectors: tuple[InboundConnector, ...] = ()
    era: Era = Era.CURRENT
    mta_sts: bool = False
    dane: bool = False
