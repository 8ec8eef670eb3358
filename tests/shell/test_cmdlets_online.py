"""The cmdlets of Exchange Online, over a running lab."""

from __future__ import annotations

import pytest

from tests.shell.workbench import bench

pytestmark = pytest.mark.slow
_OUT = "'Outbound to 6d3f0c1a-6d0b-4a7e-9a83-0c1f6d1f2a55'"
_IN = "'Inbound from 6d3f0c1a-6d0b-4a7e-9a83-0c1f6d1f2a55'"


async def test_the_cmdlets_are_there_when_connected_and_gone_afterwards() -> None:
    async with bench(answers=("n", "y")) as shell:
        assert "is not recognized as the name of a cmdlet" in await shell("Get-MessageTrace")
        assert "Get-EXOMailbox" in await shell("Connect-ExchangeOnline")  # the module's banner
        assert await shell("Connect-ExchangeOnline -ShowBanner:$false") == ""
        assert await shell("Get-MessageTrace") == ""
        assert await shell("Disconnect-ExchangeOnline") == ""
        assert "Disconnected successfully !" in await shell("Disconnect-ExchangeOnline")
        assert "is not recognized" in await shell("Get-MessageTrace")


async def test_accepted_domains_are_those_of_the_side_that_was_connected_last() -> None:
    async with bench() as shell:
        assert await shell("(Get-AcceptedDomain).DomainName") == "contoso.test\n"
        await shell("Connect-ExchangeOnline -ShowBanner:$false")
        assert await shell("(Get-AcceptedDomain | ? Default).DomainName") == "contoso.test\n"
        assert await shell("(Get-AcceptedDomain).Count") == "3\n"


async def test_a_connector_without_checks_lets_mail_through_and_with_them_not() -> None:
    async with bench("appliance-resigns-tls", online=True, played=True, width=1000) as shell:
        await shell("Start-Sleep 1800")
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Pending\n"  # the control
        await shell(f"Set-OutboundConnector {_OUT} -TlsSettings EncryptionOnly")
        assert await shell(f"(Get-OutboundConnector {_OUT}).TlsSettings") == "EncryptionOnly\n"
        await shell("Start-Sleep 1800")
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Delivered\n"


async def test_the_inbound_connectors_certificate_decides_whose_mail_it_is() -> None:
    async with bench(online=True, width=1000) as shell:
        await shell("Send-MailMessage -From alice@contoso.test -To carol@contoso.test -Subject one")
        assert b"AuthAs: Internal" in shell.lab.mailbox("carol@contoso.mail.onmicrosoft.test")[-1].envelope.content
        await shell(f"Set-InboundConnector {_IN} -TlsSenderCertificateName other.contoso.test")
        await shell("Send-MailMessage -From alice@contoso.test -To carol@contoso.test -Subject two")
        assert b"AuthAs: Internal" not in shell.lab.mailbox("carol@contoso.mail.onmicrosoft.test")[-1].envelope.content


async def test_validation_has_its_steps_and_sets_no_mark() -> None:
    async with bench("hybrid-certificate-mismatch", online=True, width=1000) as shell:
        steps = await shell(f"Validate-OutboundConnector {_OUT} -Recipients bob@contoso.test,alice@contoso.test | % TaskName")
        assert steps == "Check connectivity to mail.contoso.test\nSend test email\nSend test email\n"
        assert await shell(f"(Get-OutboundConnector {_OUT}).IsValidated") == "False\n"
        await shell(f"Set-OutboundConnector {_OUT} -IsValidated $true")
        assert await shell(f"(Get-OutboundConnector {_OUT}).IsValidated") == "True\n"
        await shell(f"Set-OutboundConnector {_OUT} -Enabled $false")
        shown = await shell(f"(Validate-OutboundConnector {_OUT} -Recipients bob@contoso.test).TaskDetail")
        assert shown == "The domain of the recipient is not configured as part of connector.\n"


async def test_the_trace_is_filtered_and_its_details_follow_by_the_pipeline() -> None:
    async with bench("appliance-resigns-tls", online=True, played=True, width=1000) as shell:
        assert await shell("(Get-MessageTrace -SenderAddress carol@contoso.onmicrosoft.test).Count") == "3\n"
        assert await shell("(Get-MessageTrace -SenderAddress carol@* -Status Delivered).Count") == "2\n"
        assert await shell("(Get-MessageTraceV2 -Subject 'onprem').RecipientAddress") == "alice@contoso.test\n"
        assert await shell("Get-MessageTrace -SenderAddress nobody@contoso.test") == ""
        assert await shell("Get-MessageTrace -Status Pending | Get-MessageTraceDetail | % Event") == "Receive\nDefer\n"
        assert await shell("Get-MessageTraceV2 -Status Pending | Get-MessageTraceDetailV2 -Event Defer | % Event") == "Defer\n"
        await shell("$t = Get-MessageTrace -Status Pending")
        assert (
            await shell("(Get-MessageTraceDetail -MessageTraceId $t.MessageTraceId -RecipientAddress $t.RecipientAddress).Count")
            == "2\n"
        )


async def test_what_expires_is_failed_in_the_trace() -> None:
    async with bench("certificate-name-mismatch", online=True, width=1000) as shell:
        await shell("Send-MailMessage -From carol@contoso.onmicrosoft.test -To alice@contoso.test -Subject late")
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Pending\n"
        await shell("Start-Sleep -Seconds 90000")
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Failed\n"
        detail = await shell("Get-MessageTrace -Status Failed | Get-MessageTraceDetail | select -Last 1 | % Event")
        assert detail == "Fail\n"


async def test_mail_without_a_date_range_is_that_of_48_hours() -> None:
    async with bench(online=True, played=True) as shell:
        assert await shell("(Get-MessageTrace).Count") == "3\n"
        await shell("Start-Sleep -Seconds (49 * 3600)")
        assert await shell("(Get-MessageTrace).Count") == "0\n"
        assert await shell("(Get-MessageTrace -StartDate (Get-Date).AddDays(-5) -EndDate (Get-Date)).Count") == "3\n"


async def test_outbound_connectors_are_made_and_used() -> None:
    async with bench(online=True, width=1000) as shell:
        await shell(
            "New-OutboundConnector -Name Fabrikam -RecipientDomains fabrikam.test -TlsSettings DomainValidation -TlsDomain other.fabrikam.test"
        )
        await shell("Send-MailMessage -From carol@contoso.onmicrosoft.test -To erin@fabrikam.test -Subject strict")
        assert await shell("(Get-MessageTrace -Subject strict).Status") == "Pending\n"
        await shell("Set-OutboundConnector Fabrikam -TlsDomain mx.fabrikam.test; Start-Sleep 900")
        assert await shell("(Get-MessageTrace -Subject strict).Status") == "Delivered\n"


BAD_INPUT = [
    ("Get-OutboundConnector nope", "object 'nope' couldn't be found on 'NAMPR05A01DC001"),
    (f"Set-OutboundConnector {_OUT} -TlsSettings Strict", "Unable to match the identifier name Strict to a valid enumerator name."),
    (f"Set-OutboundConnector {_OUT} -TlsDomain $null", "The TlsDomain parameter must be specified"),
    (f"Set-OutboundConnector {_OUT} -SmartHosts @()", "SmartHosts must be specified when UseMXRecord is $false."),
    (f"Set-OutboundConnector {_OUT} -RecipientDomains 'a.*.test'", "isn't a valid SMTP domain."),
    ("New-OutboundConnector -Name x -TlsSettings DomainValidation", "The TlsDomain parameter must be specified"),
    (f"New-OutboundConnector -Name {_OUT}", "is already being used"),
    ("New-OutboundConnector", "missing mandatory parameters: Name."),
    (f"Validate-OutboundConnector {_OUT}", "missing mandatory parameters: Recipients."),
    ("Get-MessageTrace -StartDate 1/1/2020", "The StartDate can't be older than 10 days from today."),
    ("Get-MessageTrace -StartDate (Get-Date) -EndDate (Get-Date).AddDays(-1)", "The StartDate can't be later than the EndDate."),
    ("Get-MessageTraceV2 -ResultSize 6000", "The value must be between 1 and 5000."),
    ("Get-MessageTrace -Status Lost", "Unable to match the identifier name Lost"),
    ("Get-MessageTraceDetail", "missing mandatory parameters: MessageTraceId RecipientAddress."),
]  # fmt: skip


async def test_bad_input_is_answered_and_changes_nothing() -> None:
    async with bench(online=True, width=2000) as shell:
        before = shell.lab.backend.topology
        for line, message in BAD_INPUT:
            output = await shell.output(line)
            assert message in output.text, line
            assert "+ FullyQualifiedErrorId : " in output.text, line
            assert output.failed, line
        assert shell.lab.backend.topology == before


async def test_errors_of_exchange_online_name_its_session() -> None:
    async with bench(online=True, width=1000) as shell:
        lines = (await shell("Get-InboundConnector nope")).split("\n")
        assert (
            lines[1] == "    + CategoryInfo          : NotSpecified: (:) [Get-InboundConnector], ManagementObjectNotFoundException"
        )
        assert lines[2].startswith("    + FullyQualifiedErrorId : [Server=DM6NAM11FT035,RequestId=")
        assert "[FailureCategory=Cmdlet-ManagementObjectNotFoundException]" in lines[2]
        assert lines[3] == "    + PSComputerName        : outlook.office365.test"
