"""The cmdlets of Exchange: what they change is changed in the running hosts, each with its control."""

from __future__ import annotations

import re
import smtplib

import pytest

from lab.net.directory import Endpoint
from lab.tls.certificate import Certificate
from lab.tls.mint import Mint
from tests.shell.workbench import Bench, bench

pytestmark = pytest.mark.slow
_FRONTEND = "'EX01\\Default Frontend EX01'"


async def keywords(shell: Bench) -> list[str]:
    """Return what Exchange offers to a stranger who connects now."""
    import asyncio

    endpoint: Endpoint = shell.lab.endpoint("exchange")

    def ask() -> list[str]:
        with smtplib.SMTP(endpoint.address, endpoint.port, timeout=10) as client:
            client.ehlo("outside.test")
            return [word.upper() for word in client.esmtp_features]

    return await asyncio.to_thread(ask)


async def test_set_receive_connector_changes_what_the_server_offers() -> None:
    async with bench() as shell:
        assert "CHUNKING" in await keywords(shell)
        assert await shell(f"Set-ReceiveConnector {_FRONTEND} -ChunkingEnabled $false -MaxMessageSize 10MB") == ""
        assert "CHUNKING" not in await keywords(shell)
        shown = await shell(f"Get-ReceiveConnector {_FRONTEND} | fl Chunking*,MaxMessageSize")
        assert shown == "\n\nChunkingEnabled : False\nMaxMessageSize  : 10 MB (10,485,760 bytes)\n\n\n\n"


async def test_a_connectors_certificate_is_taken_at_the_restart_of_the_front_end() -> None:
    """facts/exchange 9, row 1: Set-ReceiveConnector -TlsCertificateName, then restart the front end transport service."""
    async with bench("healthy", width=1000) as shell:
        assert "STARTTLS" in await keywords(shell)
        await shell(f"Set-ReceiveConnector {_FRONTEND} -TlsCertificateName '<I>CN=Gone<S>CN=mail.contoso.test'")
        assert await shell(f"(Get-ReceiveConnector {_FRONTEND}).TlsCertificateName") == "<I>CN=Gone<S>CN=mail.contoso.test\n"
        assert "STARTTLS" in await keywords(shell)  # not yet
        warning = await shell("Restart-Service MSExchangeFrontEndTransport")
        assert (
            warning
            == "WARNING: Waiting for service 'Microsoft Exchange Frontend Transport (MSExchangeFrontEndTransport)' to start...\n"
        )
        assert "STARTTLS" not in await keywords(shell)
        assert "12014" in await shell("(Get-EventLog Application -Newest 1).EventID")
        # back again, with the name built as everybody builds it
        await shell("$cert = Get-ExchangeCertificate | ? Subject -eq 'CN=mail.contoso.test'")
        await shell(f'Set-ReceiveConnector {_FRONTEND} -TlsCertificateName "<I>$($cert.Issuer)<S>$($cert.Subject)"')
        assert "STARTTLS" not in await keywords(shell)
        await shell("Restart-Service MSExchangeFrontEndTransport -WhatIf")
        assert "STARTTLS" not in await keywords(shell)
        await shell("Get-Service *FrontEnd* | Restart-Service")
        assert "STARTTLS" in await keywords(shell)


async def test_a_fix_of_the_scenario_needs_no_restart() -> None:
    async with bench("receive-connector-certificate-dangling") as shell:
        assert "STARTTLS" not in await keywords(shell)
        fix = shell.lab.loaded.scenario.fixes[0]
        await shell.lab.fix_async(fix.name)
        assert "STARTTLS" in await keywords(shell)


async def test_a_change_builds_on_what_a_fix_has_done() -> None:
    async with bench("appliance-resigns-tls") as shell:
        await shell.lab.fix_async("pass-smtp-through")
        await shell(f"Set-ReceiveConnector {_FRONTEND} -RequireTLS $true")
        topology = shell.lab.backend.topology
        assert topology.exchange.receive_connectors[0].RequireTLS
        assert not any(topology.appliance.rules)  # the fix is not taken back
        assert topology.online.era == shell.lab.era


async def test_what_if_and_no_change_change_nothing() -> None:
    async with bench(width=1000) as shell:
        before = shell.lab.backend.topology
        shown = await shell(f"Set-ReceiveConnector {_FRONTEND} -RequireTLS $true -WhatIf")
        assert shown == 'What if: Performing the operation "Set-ReceiveConnector" on target "EX01\\Default Frontend EX01".\n'
        shown = await shell(f"Set-ReceiveConnector {_FRONTEND} -RequireTLS $false")
        assert (
            shown
            == "WARNING: The command completed successfully but no settings of 'EX01\\Default Frontend EX01' have been modified.\n"
        )
        assert shell.lab.backend.topology == before
        await shell(f"Set-ReceiveConnector {_FRONTEND} -RequireTLS $true")
        assert shell.lab.backend.topology != before


async def test_confirm_asks_and_no_means_no() -> None:
    async with bench(answers=("?", "n", "y"), width=1000) as shell:
        await shell(f"Set-ReceiveConnector {_FRONTEND} -RequireTLS $true -Confirm")
        assert shell.prompts[0] == (
            "\nConfirm\nAre you sure you want to perform this action?\n"
            'Performing the operation "Set-ReceiveConnector" on target "EX01\\Default Frontend EX01".\n'
            '[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [?] Help (default is "Y"): '
        )
        assert shell.prompts[1].startswith("Y - Continue with only the next step of the operation.\n")
        assert await shell(f"(Get-ReceiveConnector {_FRONTEND}).RequireTLS") == "False\n"
        await shell(f"Set-ReceiveConnector {_FRONTEND} -RequireTLS $true -Confirm")
        assert await shell(f"(Get-ReceiveConnector {_FRONTEND}).RequireTLS") == "True\n"


async def test_the_pipeline_carries_identities() -> None:
    async with bench() as shell:
        await shell("Get-ReceiveConnector | Set-ReceiveConnector -ProtocolLoggingLevel None")
        assert await shell("Get-ReceiveConnector | ? ProtocolLoggingLevel -eq None | measure | % Count") == "1\n"
        await shell("Get-SendConnector | ? Name -like 'Outbound*' | Set-SendConnector -TlsAuthLevel $null")
        assert await shell("(Get-SendConnector Outbound*).TlsAuthLevel") == ""


async def test_receive_connectors_come_and_go_and_the_closest_range_takes_the_session() -> None:
    async with bench(answers=("y",), width=1000) as shell:
        assert "CHUNKING" in await keywords(shell)
        made = await shell(
            "New-ReceiveConnector -Name Relay -Usage Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 127.0.0.1,10.1.0.0/16 -ChunkingEnabled $false"
        )
        assert "EX01\\Relay" in made
        assert await shell("(Get-ReceiveConnector Relay).RemoteIPRanges") == "127.0.0.1\n10.1.0.0/16\n"
        assert "CHUNKING" not in await keywords(shell)  # the test comes from 127.0.0.1
        assert "EX01\\Relay" in await shell(
            "(Get-Content ($exinstall + 'TransportRoles\\Logs\\FrontEnd\\ProtocolLog\\SmtpReceive\\*.LOG'))[-1]"
        )
        assert "must have unique combinations" in await shell(
            "New-ReceiveConnector More -Usage Custom -Bindings 0.0.0.0:25 -RemoteIPRanges 10.1.0.0/16"
        )
        assert "already exists" in await shell(
            "New-ReceiveConnector Relay -Usage Custom -Bindings 0.0.0.0:2527 -RemoteIPRanges 10.0.0.1"
        )
        await shell("Set-ReceiveConnector Relay -RemoteIPRanges 10.1.0.0/16")
        assert "CHUNKING" in await keywords(shell)
        await shell("Remove-ReceiveConnector EX01\\Relay")
        assert await shell("(Get-ReceiveConnector).Name") == "Default Frontend EX01\n"


BAD_INPUT = [
    ("Set-ReceiveConnector nope -RequireTLS $true", "object 'nope' couldn't be found on 'DC01.contoso.test'."),
    (f"Set-ReceiveConnector {_FRONTEND} -AuthMechanism Integrated -RequireTLS $true", "RequireTLS requires the authentication mechanism Tls."),
    (f"Set-ReceiveConnector {_FRONTEND} -AuthMechanism BasicAuthRequireTLS", "BasicAuthRequireTLS requires BasicAuth and Tls."),
    (f"Set-ReceiveConnector {_FRONTEND} -Bindings nowhere", "'nowhere' isn't a valid IP address and port."),
    (f"Set-ReceiveConnector {_FRONTEND} -RemoteIPRanges 10.0.0.9-10.0.0.1", "isn't a valid IP address range."),
    (f"Set-ReceiveConnector {_FRONTEND} -Banner hello", "The banner must begin with 220."),
    (f"Set-ReceiveConnector {_FRONTEND} -TlsCertificateName mail.contoso.test", "It must have the form <I>X.500Issuer<S>X.500Subject."),
    (f"Set-ReceiveConnector {_FRONTEND} -MaxMessageSize huge", "isn't a valid value"),
    (f"Set-ReceiveConnector {_FRONTEND} -AuthMechanism Kerberos", "Unable to match the identifier name Kerberos to a valid enumerator name."),
    (f"Set-ReceiveConnector {_FRONTEND} -Tls x", "the parameter name 'Tls' is ambiguous. Possible matches include: -TlsCertificateName -TlsDomainCapabilities."),
    ("Set-SendConnector Internet -DNSRoutingEnabled $false -SmartHosts x.test -TlsAuthLevel DomainValidation", "The TlsDomain parameter must be specified"),
    ("Get-Queue EX01\\99", "doesn't exist"),
    ("Get-Queue -Filter 'Status -eq'", "You must provide a value expression following the '-eq' operator."),
    ("Get-MessageTrackingLog -ResultSize many", "Cannot convert value \"many\""),
    ("Get-MessageTrackingLog -Start never", "String was not recognized as a valid DateTime."),
    ("Get-EventLog Nonsense", "Unable to match the identifier name Nonsense"),
    ("Enable-ExchangeCertificate 00 -Services SMTP", "The certificate with thumbprint 00 was not found."),
    ("Enable-ExchangeCertificate 00 -Services FTP", "Unable to match the identifier name FTP"),
    ("Import-ExchangeCertificate -FileName C:\\Certificates\\nope.pfx", "Cannot find path 'C:\\Certificates\\nope.pfx' because it does not exist."),
    ("Import-ExchangeCertificate -FileData 'rubbish'", "Cannot import certificate."),
    ("Import-ExchangeCertificate -FileName C:\\Certificates\\exchange.pfx", "already exists."),
    ("New-ExchangeCertificate -SubjectName nonsense", "is no subject name"),
    ("New-ExchangeCertificate -DomainName 'a b'", "is no domain name"),
    ("New-ExchangeCertificate -GenerateRequest", "which this lab does not emulate"),
    ("Send-MailMessage -From nobody@contoso.test -To bob@contoso.test", "There is no mailbox 'nobody@contoso.test' in the lab"),
    ("Retry-Queue", "one or more missing mandatory parameters: Identity."),
    (f"Set-ReceiveConnector {_FRONTEND} -TlsDomainCapabilities mail.protection.outlook.test", "isn't a valid domain with capabilities."),
    ("Set-SendConnector Internet -SmartHosts relay.contoso.test", "The DNSRoutingEnabled parameter must be set to $false"),
    ("Get-Queue -Server EX99", "object 'EX99' couldn't be found"),
    ("Get-ExchangeCertificate -Server EX99", "object 'EX99' couldn't be found"),
    ("Get-ReceiveConnector -Server EX99", "object 'EX99' couldn't be found"),
    ("Test-SmtpConnectivity EX99", "object 'EX99' couldn't be found"),
]  # fmt: skip


async def test_bad_input_is_answered_and_changes_nothing() -> None:
    async with bench(width=2000) as shell:
        before = shell.lab.backend.topology
        for line, message in BAD_INPUT:
            output = await shell.output(line)
            assert message in output.text, line
            assert "+ FullyQualifiedErrorId : " in output.text, line
            assert output.failed, line
        assert shell.lab.backend.topology == before


# --- certificates -----------------------------------------------------------------------------------------------------


async def test_the_question_about_the_default_smtp_certificate() -> None:
    """Words as in Microsoft's page on the Auth Certificate; without an answer nothing is replaced."""
    async with bench(answers=("n", "y"), width=1000) as shell:
        await shell(
            "$new = Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('C:\\Certificates\\exchange-renewed.pfx')) -Password (ConvertTo-SecureString x -AsPlainText -Force)"
        )
        await shell("$new | Enable-ExchangeCertificate -Services SMTP")
        assert re.fullmatch(
            r"\nConfirm\nOverwrite the existing default SMTP certificate\?\n\n"
            r"Current certificate: '[0-9A-F]{40}' \(expires \d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M\)\n"
            r"Replace it with certificate: '[0-9A-F]{40}' \(expires \d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M\)\n"
            r'\[Y\] Yes  \[A\] Yes to All  \[N\] No  \[L\] No to All  \[\?\] Help \(default is "Y"\): ', shell.prompts[0],
        )  # fmt: skip
        assert await shell("(Get-ExchangeCertificate $new.Thumbprint).Services") == "SMTP\n"


async def test_a_new_certificate_is_shown_to_those_who_connect() -> None:
    async with bench("receive-connector-certificate-unset", played=True, online=True, width=1000) as shell:
        await shell("$c = Get-ExchangeCertificate | ? IsSelfSigned -eq $false")
        await shell(
            f'Set-ReceiveConnector {_FRONTEND} -TlsCertificateName "<I>$($c.Issuer)<S>$($c.Subject)"; Restart-Service MSExchangeFrontEndTransport'
        )
        assert "Delivered" in await shell("Start-Sleep 900; (Get-MessageTrace -RecipientAddress alice@contoso.test).Status")
        # one of the server's own makes it fail again
        made = await shell(
            "$own = New-ExchangeCertificate -SubjectName 'cn=mail.contoso.test' -DomainName mail.contoso.test -Force; $own.Thumbprint"
        )
        await shell(
            f'Set-ReceiveConnector {_FRONTEND} -TlsCertificateName "<I>$($own.Issuer)<S>$($own.Subject)"; Restart-Service MSExchangeFrontEndTransport'
        )
        connector = shell.lab.backend.topology.online.outbound_connectors[0].Name
        shown = await shell(f"(Validate-OutboundConnector '{connector}' -Recipients bob@contoso.test)[0].TaskDetail")
        assert "UntrustedRoot" in shown
        assert made.strip() in {entry.certificate.thumbprint for entry in shell.lab.backend.exchange.store_entries}


async def test_certificates_of_ones_own_as_pem() -> None:
    from lab.clock import Clock

    credential = Mint(Clock().now()).credential("wildcard")
    pem = credential.chain_pem.decode() + credential.key_pem.decode()
    async with bench(width=1000) as shell:
        shell.shell.set_variable("pem", pem)
        assert await shell("(Import-ExchangeCertificate -FileData $pem).Subject") == "CN=*.contoso.test\n"
        stored = shell.lab.backend.exchange.store_entries[-1]
        assert stored.certificate == credential.leaf
        assert (
            await shell("Get-ExchangeCertificate | ? Subject -like 'CN=`**' | select -Expand Status") == "Untrusted\n"
        )  # another lab's root
        shell.shell.set_variable("pem", credential.chain_pem.decode())
        assert "has no private key" in await shell("Import-ExchangeCertificate -FileData $pem")


async def test_a_certificate_that_a_send_connector_names_cannot_be_removed() -> None:
    """learn.microsoft.com: cannot remove an installed certificate (facts/exchange 3.3)."""
    async with bench(width=1000, answers=("y",)) as shell:
        shown = await shell(
            "Remove-ExchangeCertificate (Get-ExchangeCertificate | ? IsSelfSigned -eq $false).Thumbprint -Confirm:$false"
        )
        assert "These certificates are tagged with following Send Connectors : Outbound to Office 365" in shown
        await shell("Get-SendConnector Outbound* | Set-SendConnector -TlsCertificateName $null")
        assert await shell("Get-ExchangeCertificate | ? IsSelfSigned -eq $false | Remove-ExchangeCertificate") == ""
        assert len(shell.lab.backend.exchange.store_entries) == 1


# --- queues and logs --------------------------------------------------------------------------------------------------


async def test_the_queue_is_the_real_one() -> None:
    async with bench("appliance-resigns-tls", played=True, width=1000) as shell:
        assert await shell("Get-Queue | select -First 1 | % { $_.Status, $_.MessageCount, $_.DeliveryType, $_.NextHopDomain }") == (
            "Retry\n1\nDnsConnectorDelivery\ncontoso.mail.onmicrosoft.test\n"
        )
        await shell("Send-MailMessage -From alice@contoso.test -To carol@contoso.test -Subject 'one more' -Body x")
        assert await shell("(Get-Queue EX01\\3).MessageCount") == "2\n"
        cut = await shell("Get-Message -ResultSize 1 | % Identity")
        assert cut.startswith("WARNING: There are more results available than are currently displayed.")
        assert "WARNING" not in await shell("Get-Message -ResultSize Unlimited")
        assert await shell("Get-Message -Queue EX01\\3 | ? Subject -eq 'one more' | % FromAddress") == "alice@contoso.test\n"
        assert await shell("Get-Queue -Filter \"Status -eq 'Retry' -and MessageCount -gt 1\" | % Identity") == "EX01\\3\n"
        assert await shell("Get-Queue -Filter 'MessageCount -gt 2'") == ""
        before = [len(message.attempts) for message in shell.lab.backend.exchange.messages]
        await shell("Retry-Queue EX01\\3")
        after = [len(message.attempts) for message in shell.lab.backend.exchange.messages]
        assert sum(after) == sum(before) + 2
        assert await shell("(Get-Queue EX01\\3).RetryCount") == "1\n"


async def test_logs_are_read_where_they_lie() -> None:
    async with bench("healthy", played=True, width=1000) as shell:
        folder = '"$exinstall\\TransportRoles\\Logs\\FrontEnd\\ProtocolLog\\SmtpReceive"'
        lines = await shell(f"Get-ChildItem {folder} | Get-Content -TotalCount 3")
        assert lines == "#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: SMTP Receive Protocol Log\n"
        assert "Status='Success'; Domain='mail.protection.outlook.test'" in await shell(
            f"gc ({folder} + '\\*.LOG') | sls TlsDomainCapabilities"
        )
        assert await shell("Test-Path C:\\Certificates; Test-Path C:\\Windows") == "True\nFalse\n"
        assert "exchange.pfx" in await shell("dir C:\\Certificates -Name")
        assert (
            await shell("(Get-MessageTrackingLog -Sender alice@contoso.test -EventId DELIVER).Recipients") == "bob@contoso.test\n"
        )
        assert await shell("Get-MessageTrackingLog -Start (Get-Date).AddHours(1)") == ""
        assert await shell("(Test-SmtpConnectivity).StatusCode") == "Success\n"


def test_a_certificate_of_another_key_is_refused() -> None:
    from lab.clock import Clock
    from lab.errors import UserError
    from lab.tls.own import credential_of_pem

    mint = Mint(Clock().now())
    one, other = mint.credential("good"), mint.credential("wrong-host")
    with pytest.raises(UserError, match="belongs to none of the certificates"):
        credential_of_pem(one.chain_pem.decode() + other.key_pem.decode())
    read = credential_of_pem(one.key_pem.decode() + "".join(c.pem for c in reversed(one.chain)))
    assert read.leaf == one.leaf
    assert isinstance(read.chain[1], Certificate)
