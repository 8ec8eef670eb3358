"""What Exchange Online's Get cmdlets print (facts/exchange 4.5)."""

from __future__ import annotations

from datetime import datetime

from lab.exchange.cmdlet import braces, format_list
from lab.online.config import OutboundConnector


def outbound_connector(connector: OutboundConnector, *, validated: bool | None = None, when: datetime | None = None) -> str:
    """`Get-OutboundConnector | Format-List` in Exchange Online (facts/exchange 4.5)."""
    rows = [
        ("Enabled", str(connector.Enabled)),
        ("UseMXRecord", str(connector.UseMXRecord)),
        ("Comment", ""),
        ("ConnectorType", connector.ConnectorType),
        ("ConnectorSource", connector.ConnectorSource),
        ("RecipientDomains", braces(connector.RecipientDomains)),
        ("SmartHosts", braces(connector.SmartHosts)),
        ("TlsDomain", connector.TlsDomain or ""),
        ("TlsSettings", connector.TlsSettings or ""),
        ("IsTransportRuleScoped", "False"),
        ("RouteAllMessagesViaOnPremises", "False"),
        ("CloudServicesMailEnabled", str(connector.CloudServicesMailEnabled)),
        ("AllAcceptedDomains", "False"),
        ("TestMode", "False"),
        ("LinkForModifiedConnector", "00000000-0000-0000-0000-000000000000"),
        ("ValidationRecipients", braces(connector.ValidationRecipients)),
        ("IsValidated", "" if validated is None else str(validated)),
        ("LastValidationTimestamp", f"{when:%d.%m.%Y %H:%M:%S}" if when else ""),
        ("AdminDisplayName", ""),
        ("ExchangeVersion", "0.1 (8.0.535.0)"),
        ("Name", connector.Name),
    ]
    return format_list(rows)
