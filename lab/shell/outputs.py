"""Which properties the objects of a cmdlet have, as PowerShell's OutputType says it, for completion behind the next bar.

A table, since to run what stands to the left would change what the session has seen. Its rows are held against what each cmdlet gives.
"""

from __future__ import annotations

_CONFIGURATION = (
    "AdminDisplayName ExchangeVersion Name DistinguishedName Identity Guid ObjectCategory ObjectClass WhenChanged "
    "WhenCreated WhenChangedUTC WhenCreatedUTC OrganizationId Id OriginatingServer IsValid ObjectState"
)

#: Properties by cmdlet, in the order in which they are shown.
OUTPUTS: dict[str, tuple[str, ...]] = {name: tuple(names.split()) for name, names in {
    "Get-ReceiveConnector": (
        "RunspaceId AuthMechanism Banner BinaryMimeEnabled Bindings ChunkingEnabled DefaultDomain "
        "DeliveryStatusNotificationEnabled EightBitMimeEnabled SmtpUtf8Enabled BareLinefeedRejectionEnabled DomainSecureEnabled "
        "EnhancedStatusCodesEnabled LongAddressesEnabled OrarEnabled SuppressXAnonymousTls ProxyEnabled AdvertiseClientSettings "
        "Fqdn ServiceDiscoveryFqdn TlsCertificateName Comment Enabled ConnectionTimeout ConnectionInactivityTimeout "
        "MessageRateLimit MessageRateSource MaxInboundConnection MaxInboundConnectionPerSource "
        "MaxInboundConnectionPercentagePerSource MaxHeaderSize MaxHopCount MaxLocalHopCount MaxLogonFailures MaxMessageSize "
        "MaxProtocolErrors MaxRecipientsPerMessage PermissionGroups PipeliningEnabled ProtocolLoggingLevel RemoteIPRanges "
        "RequireEHLODomain RequireTLS EnableAuthGSSAPI ExtendedProtectionPolicy LiveCredentialEnabled TlsDomainCapabilities "
        "Server TransportRole RejectReservedTopLevelRecipientDomains RejectReservedSecondLevelRecipientDomains "
        "RejectSingleLabelRecipientDomains AcceptConsumerMail SizeEnabled TarpitInterval AuthTarpitInterval "
        "MaxAcknowledgementDelay "
    ) + _CONFIGURATION,
    "Get-SendConnector": (
        "RunspaceId DNSRoutingEnabled TlsDomain TlsAuthLevel ErrorPolicies SmartHosts Port ConnectionInactivityTimeOut "
        "ForceHELO FrontendProxyEnabled IgnoreSTARTTLS CloudServicesMailEnabled Fqdn TlsCertificateName RequireTLS RequireOorg "
        "Enabled ProtocolLoggingLevel SmartHostAuthMechanism AuthenticationCredential UseExternalDNSServersEnabled "
        "DomainSecureEnabled SourceIPAddress SmtpMaxMessagesPerConnection ConnectorType SmartHostsString CertificateSubject "
        "Region AddressSpaces ConnectedDomains IsScopedConnector IsSmtpConnector Comment SourceRoutingGroup "
        "SourceTransportServers HomeMTA HomeMtaServerId MaxMessageSize "
    ) + _CONFIGURATION,
    "Get-HybridConfiguration": (
        "RunspaceId ClientAccessServers EdgeTransportServers ReceivingTransportServers SendingTransportServers "
        "OnPremisesSmartHost Domains Features ExternalIPAddresses TlsCertificateName ServiceInstance "
    ) + _CONFIGURATION,
    "Get-ExchangeCertificate": (
        "RunspaceId AccessRules CertificateDomains HasPrivateKey IsSelfSigned Issuer NotAfter NotBefore PublicKeySize "
        "RootCAType SerialNumber Services Status Subject Thumbprint FriendlyName Identity DnsNameList EnhancedKeyUsageList "
        "PrivateKeyExportable ServicesStringForm Version"
    ),
    "Get-Queue": (
        "RunspaceId DeliveryType NextHopDomain TlsDomain NextHopConnector Status MessageCount LastError RetryCount "
        "LastRetryTime NextRetryTime FirstRetryTime DeferredMessageCount LockedMessageCount MessageCountsPerPriority "
        "DeferredMessageCountsPerPriority RiskLevel OutboundIPPool NextHopCategory IncomingRate OutgoingRate Velocity "
        "OverrideSource PriorityDescriptions Identity IsValid ObjectState"
    ),
    "Get-Message": (
        "RunspaceId Subject InternetMessageId FromAddress Status Size MessageSourceName SourceIP SCL DateReceived "
        "ExpirationTime LastError RetryCount Recipients Queue Identity IsValid ObjectState"
    ),
    "Get-MessageTrackingLog": (
        "RunspaceId PSComputerName PSShowComputerName Timestamp ClientIp ClientHostname ServerIp ServerHostname SourceContext "
        "ConnectorId Source EventId InternalMessageId MessageId NetworkMessageId Recipients RecipientStatus TotalBytes "
        "RecipientCount RelatedRecipientAddress Reference MessageSubject Sender ReturnPath Directionality TenantId "
        "OriginalClientIp MessageInfo MessageLatency MessageLatencyType EventData TransportTrafficType"
    ),
    "Get-EventLog": (
        "EventID MachineName Data Index Category CategoryNumber EntryType Message Source ReplacementStrings InstanceId "
        "TimeGenerated TimeWritten UserName Site Container TimeText"
    ),
    "Get-Service": (
        "Name RequiredServices CanPauseAndContinue CanShutdown CanStop DisplayName DependentServices MachineName ServiceName "
        "ServicesDependedOn ServiceHandle Status ServiceType StartType Site Container"
    ),
    "Test-SmtpConnectivity": "RunspaceId Server ReceiveConnector Binding EndPoint StatusCode Details Identity IsValid ObjectState",
    "Get-AcceptedDomain": (
        "RunspaceId DomainName CatchAllRecipientID DomainType MatchSubDomains AddressBookEnabled Default EmailOnly "
        "ExternallyManaged AuthenticationType LiveIdInstanceType PendingRemoval PendingCompletion Name Identity Guid IsValid "
        "ObjectState"
    ),
    "Get-OutboundConnector": (
        "RunspaceId Enabled UseMXRecord Comment ConnectorType ConnectorSource RecipientDomains SmartHosts TlsDomain TlsSettings "
        "IsTransportRuleScoped RouteAllMessagesViaOnPremises CloudServicesMailEnabled AllAcceptedDomains TestMode "
        "LinkForModifiedConnector ValidationRecipients IsValidated LastValidationTimestamp "
    ) + _CONFIGURATION,
    "Get-InboundConnector": (
        "RunspaceId Enabled ConnectorType ConnectorSource Comment SenderIPAddresses SenderDomains TrustedOrganizations "
        "ClientHostNames AssociatedAcceptedDomains RequireTls RestrictDomainsToIPAddresses RestrictDomainsToCertificate "
        "CloudServicesMailEnabled TreatMessagesAsInternal TlsSenderCertificateName EFTestMode EFSkipLastIP EFSkipIPs "
        "EFSkipMailGateway EFUsers ScanAndDropRecipients "
    ) + _CONFIGURATION,
    "Get-MessageTrace": (
        "Organization MessageId Received SenderAddress RecipientAddress Subject Status ToIP FromIP Size MessageTraceId "
        "StartDate EndDate Index"
    ),
    "Get-MessageTraceV2": "MessageTraceId MessageId Received SenderAddress RecipientAddress FromIP ToIP Subject Status Size",
    "Get-MessageTraceDetail": "Date Event Action Detail Data MessageId MessageTraceId",
    "Validate-OutboundConnector": "TaskName IsTaskSuccessful TaskDetail",
    "Get-ChildItem": "Mode LastWriteTime Length Name FullName",
    "Get-Command": "CommandType Name Version Source",
    "Get-Alias": "CommandType Name Version Source",
    "Select-String": "IgnoreCase LineNumber Line Filename Path Pattern",
    "Get-Member": "Name MemberType Definition",
    "Group-Object": "Count Name Group",
    "Measure-Object": "Count Average Sum Maximum Minimum Property",
    "Get-Variable": "Name Value",
    "Get-MessageTraceDetailV2": "Date Event Action Detail Data MessageId MessageTraceId",
}.items()}  # fmt: skip

#: What they give is what comes to them.
PASS = frozenset({"Where-Object", "Sort-Object", "Tee-Object", "Get-Unique"})
