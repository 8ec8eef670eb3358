"""Formats, against real outputs: the property order of live objects (facts/exchange 4), captured tables, 5.1's blank lines and wrapping."""

from __future__ import annotations

import pytest

from lab.shell.layout import Column, column_widths, format_list, format_table, wrap
from tests.shell.emptiness import text
from tests.shell.workbench import bench

#: facts/exchange 4.1, a live Exchange 2019 (HealthChecker's test data), in order.
RECEIVE_CONNECTOR = [
    "AuthMechanism",
    "Banner",
    "BinaryMimeEnabled",
    "Bindings",
    "ChunkingEnabled",
    "DefaultDomain",
    "DeliveryStatusNotificationEnabled",
    "EightBitMimeEnabled",
    "SmtpUtf8Enabled",
    "BareLinefeedRejectionEnabled",
    "DomainSecureEnabled",
    "EnhancedStatusCodesEnabled",
    "LongAddressesEnabled",
    "OrarEnabled",
    "SuppressXAnonymousTls",
    "ProxyEnabled",
    "AdvertiseClientSettings",
    "Fqdn",
    "ServiceDiscoveryFqdn",
    "TlsCertificateName",
    "Comment",
    "Enabled",
    "ConnectionTimeout",
    "ConnectionInactivityTimeout",
    "MessageRateLimit",
    "MessageRateSource",
    "MaxInboundConnection",
    "MaxInboundConnectionPerSource",
    "MaxInboundConnectionPercentagePerSource",
    "MaxHeaderSize",
    "MaxHopCount",
    "MaxLocalHopCount",
    "MaxLogonFailures",
    "MaxMessageSize",
    "MaxProtocolErrors",
    "MaxRecipientsPerMessage",
    "PermissionGroups",
    "PipeliningEnabled",
    "ProtocolLoggingLevel",
    "RemoteIPRanges",
    "RequireEHLODomain",
    "RequireTLS",
    "EnableAuthGSSAPI",
    "ExtendedProtectionPolicy",
    "LiveCredentialEnabled",
    "TlsDomainCapabilities",
    "Server",
    "TransportRole",
    "RejectReservedTopLevelRecipientDomains",
    "RejectReservedSecondLevelRecipientDomains",
    "RejectSingleLabelRecipientDomains",
    "AcceptConsumerMail",
    "SizeEnabled",
    "TarpitInterval",
    "AuthTarpitInterval",
    "MaxAcknowledgementDelay",
    "AdminDisplayName",
    "ExchangeVersion",
    "Name",
    "DistinguishedName",
    "Identity",
    "Guid",
    "ObjectCategory",
    "ObjectClass",
    "WhenChanged",
    "WhenCreated",
    "WhenChangedUTC",
    "WhenCreatedUTC",
    "OrganizationId",
    "Id",
    "OriginatingServer",
    "IsValid",
    "ObjectState",
]
#: Values of the same object that a default installation has too.
RECEIVE_VALUES = {
    "AuthMechanism": "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer", "Bindings": "{[::]:25, 0.0.0.0:25}", "ConnectionTimeout": "00:10:00",
    "MaxHeaderSize": "256 KB (262,144 bytes)", "MaxMessageSize": "36 MB (37,748,736 bytes)", "MaxHopCount": "60", "TarpitInterval": "00:00:05",
    "PermissionGroups": "AnonymousUsers, ExchangeServers, ExchangeLegacyServers", "Banner": "", "RequireTLS": "False", "SizeEnabled": "Enabled",
    "RemoteIPRanges": "{::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 0.0.0.0-255.255.255.255}", "ObjectClass": "{top, msExchSmtpReceiveConnector}",
    "Identity": "EX01\\Default Frontend EX01", "TransportRole": "FrontendTransport", "ProtocolLoggingLevel": "Verbose",
}  # fmt: skip
#: facts/exchange 4.2, serialised order of a live object.
SEND_CONNECTOR = [
    "DNSRoutingEnabled",
    "TlsDomain",
    "TlsAuthLevel",
    "ErrorPolicies",
    "SmartHosts",
    "Port",
    "ConnectionInactivityTimeOut",
    "ForceHELO",
    "FrontendProxyEnabled",
    "IgnoreSTARTTLS",
    "CloudServicesMailEnabled",
    "Fqdn",
    "TlsCertificateName",
    "RequireTLS",
    "RequireOorg",
    "Enabled",
    "ProtocolLoggingLevel",
    "SmartHostAuthMechanism",
    "AuthenticationCredential",
    "UseExternalDNSServersEnabled",
    "DomainSecureEnabled",
    "SourceIPAddress",
    "SmtpMaxMessagesPerConnection",
    "ConnectorType",
    "SmartHostsString",
    "CertificateSubject",
    "Region",
    "AddressSpaces",
    "ConnectedDomains",
    "IsScopedConnector",
    "IsSmtpConnector",
    "Comment",
    "SourceRoutingGroup",
    "SourceTransportServers",
    "HomeMTA",
    "HomeMtaServerId",
    "MaxMessageSize",
    "AdminDisplayName",
    "ExchangeVersion",
    "Name",
    "DistinguishedName",
    "Identity",
    "Guid",
    "ObjectCategory",
    "ObjectClass",
    "WhenChanged",
    "WhenCreated",
    "WhenChangedUTC",
    "WhenCreatedUTC",
    "OrganizationId",
    "Id",
    "OriginatingServer",
    "IsValid",
    "ObjectState",
]
#: facts/exchange 4.3.
HYBRID = [
    "ClientAccessServers",
    "EdgeTransportServers",
    "ReceivingTransportServers",
    "SendingTransportServers",
    "OnPremisesSmartHost",
    "Domains",
    "Features",
    "ExternalIPAddresses",
    "TlsCertificateName",
    "ServiceInstance",
    "AdminDisplayName",
    "ExchangeVersion",
    "Name",
    "DistinguishedName",
    "Identity",
    "Guid",
    "ObjectCategory",
    "ObjectClass",
    "WhenChanged",
    "WhenCreated",
    "WhenChangedUTC",
    "WhenCreatedUTC",
    "OrganizationId",
    "Id",
    "OriginatingServer",
    "IsValid",
    "ObjectState",
]
#: facts/exchange 4.5, captured in 2019 up to Name.
OUTBOUND = [
    "Enabled",
    "UseMXRecord",
    "Comment",
    "ConnectorType",
    "ConnectorSource",
    "RecipientDomains",
    "SmartHosts",
    "TlsDomain",
    "TlsSettings",
    "IsTransportRuleScoped",
    "RouteAllMessagesViaOnPremises",
    "CloudServicesMailEnabled",
    "AllAcceptedDomains",
    "TestMode",
    "LinkForModifiedConnector",
    "ValidationRecipients",
    "IsValidated",
    "LastValidationTimestamp",
    "AdminDisplayName",
    "ExchangeVersion",
    "Name",
]
#: facts/exchange 4.4, documented set.
CERTIFICATE = [
    "AccessRules",
    "CertificateDomains",
    "HasPrivateKey",
    "IsSelfSigned",
    "Issuer",
    "NotAfter",
    "NotBefore",
    "PublicKeySize",
    "RootCAType",
    "SerialNumber",
    "Services",
    "Status",
    "Subject",
    "Thumbprint",
]
#: facts/exchange 4.7.
TRACE = [
    "Organization",
    "MessageId",
    "Received",
    "SenderAddress",
    "RecipientAddress",
    "Subject",
    "Status",
    "ToIP",
    "FromIP",
    "Size",
    "MessageTraceId",
    "StartDate",
    "EndDate",
    "Index",
]
TRACE_V2 = [
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
]
DETAIL = ["Date", "Event", "Action", "Detail", "Data", "MessageId", "MessageTraceId"]
#: facts/exchange 4.8, documented set.
QUEUE = {
    "DeferredMessageCount", "DeferredMessageCountsPerPriority", "DeliveryType", "FirstRetryTime", "Identity", "IncomingRate", "LastError", "LastRetryTime",
    "LockedMessageCount", "MessageCount", "MessageCountsPerPriority", "NextHopCategory", "NextHopConnector", "NextHopDomain", "NextRetryTime", "OutboundIPPool",
    "OutgoingRate", "OverrideSource", "PriorityDescriptions", "RetryCount", "RiskLevel", "Status", "TlsDomain", "Velocity",
}  # fmt: skip


def pairs(shown: str) -> dict[str, str]:
    """Return the names and values of the first object of a list that did not wrap."""
    out: dict[str, str] = {}
    for line in shown.strip("\n").split("\n"):
        if not line:
            break
        name, _, value = line.partition(" : ")
        out[name.strip()] = value
    return out


async def test_properties_stand_in_the_order_of_live_objects() -> None:
    async with bench("appliance-resigns-tls", online=True, played=True, width=1000) as shell:
        receive = pairs(await shell("Get-ReceiveConnector | fl"))
        assert list(receive) == ["RunspaceId", *RECEIVE_CONNECTOR]
        assert {name: receive[name] for name in RECEIVE_VALUES} == RECEIVE_VALUES
        assert list(pairs(await shell("Get-SendConnector Internet | fl *"))) == ["RunspaceId", *SEND_CONNECTOR]
        shown = [name for name in pairs(await shell("Get-SendConnector Internet | fl")) if name != "RunspaceId"]
        assert shown == sorted(shown, key=str.lower)
        hybrid = pairs(await shell("Get-HybridConfiguration | fl"))
        assert list(hybrid) == ["RunspaceId", *HYBRID]
        assert (
            hybrid["Features"]
            == "{FreeBusy, MoveMailbox, Mailtips, MessageTracking, OwaRedirection, OnlineArchive, SecureMail, Photos}"
        )
        assert list(pairs(await shell("Get-OutboundConnector | fl")))[1 : len(OUTBOUND) + 1] == OUTBOUND
        assert list(pairs(await shell("Get-ExchangeCertificate | fl"))) == CERTIFICATE
        assert list(pairs(await shell("Get-MessageTrace | select -First 1 | fl"))) == TRACE
        assert list(pairs(await shell("Get-MessageTraceV2 | select -First 1 | fl"))) == TRACE_V2
        assert (
            list(pairs(await shell("Get-MessageTraceV2 | select -First 1 | Get-MessageTraceDetailV2 | select -First 1 | fl")))
            == DETAIL
        )
        assert set(pairs(await shell("Get-Queue EX01\\3 | fl"))) >= QUEUE


async def test_the_table_of_certificates_has_the_columns_of_captured_ones() -> None:
    """Widths and flags as on learn.microsoft.com/answers (`8490...8A3B  I..WS..    CN=...`): Services begins at column 43, Subject at 54."""
    async with bench("healthy") as shell:
        lines = (await shell("Get-ExchangeCertificate")).split("\n")
        assert lines[0] == ""
        assert lines[1] == "Thumbprint                                Services   Subject"
        assert lines[2] == "----------                                --------   -------"
        assert lines[3][:40].isalnum()
        assert lines[3][40:] == "  ...WS..    CN=mail.contoso.test"
        assert lines[4][40:] == "  IP.WS..    CN=EX01"
        assert lines[5:] == ["", "", ""]


async def test_the_table_of_the_trace_has_the_heads_of_a_captured_one() -> None:
    async with bench("healthy", online=True, played=True) as shell:
        head = (await shell("Get-MessageTrace")).split("\n")[1]
        assert head.split("  ")[0] == "Received"
        assert [word.strip() for word in head.split("  ") if word.strip()] == [
            "Received",
            "Sender Address",
            "Recipient Address",
            "Subject",
            "Status",
        ]


def test_blank_lines() -> None:
    """Format-Table: one before, two behind. Format-List: two before, one behind each object, two more at the end."""
    assert text("[pscustomobject]@{a=1;b=2}") == "\na b\n- -\n1 2\n\n\n"
    assert text("[pscustomobject]@{a=1;b=2} | fl") == "\n\na : 1\nb : 2\n\n\n\n"
    assert text("[pscustomobject]@{a=1},[pscustomobject]@{a=2} | fl") == "\n\na : 1\n\na : 2\n\n\n\n"
    assert (
        text("@{a=1}")
        == "\nName                           Value\n----                           -----\na                              1\n\n\n"
    )


def test_what_is_shown_as_a_table_and_what_as_a_list() -> None:
    """Up to four properties are a table, more a list (about_Format)."""
    assert text("[pscustomobject]@{a=1;b=2;c=3;d=4}").startswith("\na b c d\n")
    assert text("[pscustomobject]@{a=1;b=2;c=3;d=4;e=5}").startswith("\n\na : 1\n")


def test_numbers_stand_to_the_right_where_no_view_says_otherwise() -> None:
    assert text("[pscustomobject]@{Name='x';Count=7} | ft -AutoSize") == "\nName Count\n---- -----\nx        7\n\n\n"


def test_columns_share_the_console() -> None:
    """120 columns less the last one, three columns: 39 each, as `Get-ReceiveConnector` prints it."""
    line = text("[pscustomobject]@{a='1';b='2';c='3'} | ft").split("\n")[1]
    assert (line.index("b"), line.index("c")) == (40, 80)
    assert column_widths([0, 0, 0], 119) == [39, 39, 39]
    assert column_widths([41, 10, 0], 119) == [41, 10, 66]
    assert column_widths([60, 60, 60], 119) == [60, 58, -1]
    assert column_widths([5, 5], 119) == [5, 5]


def test_what_does_not_fit_is_cut_with_three_dots_or_wrapped() -> None:
    rows = [["abcdefghij", "x"]]
    assert format_table([Column("A", 6), Column("B", 3)], rows, 80).split("\n")[3] == "abc... x"
    assert format_table([Column("A", 6), Column("B", 3)], rows, 80, wrapping=True).split("\n")[3:5] == ["abcdef x", "ghij"]
    assert format_table([Column("A", 9)], [["one\ntwo"]], 80).split("\n")[3] == "one..."


def test_long_values_go_on_below_their_value() -> None:
    shown = format_list([[("Name", "one two three four"), ("B", "x")]], 20)
    assert shown == "\n\nName : one two \n       three four\nB    : x\n\n\n\n"
    assert format_list([[("N", "abcdefghijklmno")]], 12) == "\n\nN : abcdefg\n    hijklmn\n    o\n\n\n\n"


@pytest.mark.parametrize(
    ("value", "width", "lines"),
    [("a b", 10, ["a b"]), ("aaa bbb ccc", 7, ["aaa ", "bbb ccc"]), ("aaaaaaaa", 3, ["aaa", "aaa", "aa"]), ("a\nb", 5, ["a", "b"]), ("", 5, [""]),
     ("ab cdefghij", 4, ["ab c", "defg", "hij"]), ("a\r\nb", 5, ["a", "b"])],
)  # fmt: skip
def test_wrapping(value: str, width: int, lines: list[str]) -> None:
    """A blank stays at the end of its line; a word that is longer than a line begins where the last one ended."""
    assert wrap(value, width) == lines


#: Line -> what is shown, whole.
SHOWN = [
    ("Get-Date", "\nWednesday, November 25, 2026 1:05:07 PM\n\n\n"),
    ("[pscustomobject]@{t=Get-Date} | fl", "\n\nt : 11/25/2026 1:05:07 PM\n\n\n\n"),
    ("[pscustomobject]@{n=$null; b=$true; l=@(1,2); e=@()} | fl", "\n\nn : \nb : True\nl : {1, 2}\ne : {}\n\n\n\n"),
    ("[pscustomobject]@{l=1..20} | fl", "\n\nl : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16...}\n\n\n\n"),
    ("[pscustomobject]@{TlsA=1; Name='x'; TlsB=2} | fl Name,Tls*", "\n\nName : x\nTlsA : 1\nTlsB : 2\n\n\n\n"),
    ("[pscustomobject]@{a=1} | fl @{n='Double';e={$_.a * 2}}", "\n\nDouble : 2\n\n\n\n"),
    ("[pscustomobject]@{a=1} | ft a,@{Label='Two';Expression={$_.a+1};Width=5},@{n='x';e={'y'};Align='Right'} -AutoSize", "\na Two x\n- --- -\n1   2 y\n\n\n"),
    ("[pscustomobject]@{a=1} | select a,b", "\na b\n- -\n1\n\n\n"),
    ("'a' | fl", "a\n"),
    ("1,'a',$true", "1\na\nTrue\n"),
    ("[pscustomobject]@{a=1} | ft -HideTableHeaders", "\n" + " " * 118 + "1\n\n\n"),
    ("1..3 | measure", "\n\nCount    : 3\nAverage  : \nSum      : \nMaximum  : \nMinimum  : \nProperty : \n\n\n\n"),
    ("'b','a' | group", "\nCount Name                      Group\n----- ----                      -----\n    1 b                         {b}\n    1 a                         {a}\n\n\n"),
    ("'one','two' | Select-String o | select -Expand Line", "one\ntwo\n"),
    ("'one','two' | Select-String wo", "\ntwo\n\n\n"),
    ("Write-Warning careful", "WARNING: careful\n"),
    ("Write-Host a b", "a b\n"),
    ("@{a=1} | Out-String -Stream | select -Index 1", "Name                           Value\n"),
    ("New-TimeSpan -Hours 1 | % { \"$_\" }", "01:00:00\n"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), SHOWN, ids=lambda value: str(value)[:50])
def test_shown(line: str, expected: str) -> None:
    assert text(line) == expected
