"""The story of the post, played in the shell alone."""

from __future__ import annotations

import pytest

from tests.shell.workbench import bench

_CONNECTOR = "Outbound to 6d3f0c1a-6d0b-4a7e-9a83-0c1f6d1f2a55"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("era", "led"),
    [("classic", "450 4.7.320 Certificate validation failed"), ("current", "450 4.4.317 Cannot connect to remote server")],
)
async def test_from_the_trace_to_the_cure(era: str, led: str) -> None:
    async with bench("appliance-resigns-tls", played=True, era=era, width=1000) as shell:
        await shell("Connect-ExchangeOnline -ShowBanner:$false")
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Pending\n"
        detail = await shell(
            "Get-MessageTrace -Status Pending | Get-MessageTraceDetail | ? Event -eq Defer | select -Expand Detail"
        )
        assert detail.startswith(f"Reason: [{{LED={led}")

        # all that the post looks at is right
        hybrid = await shell("(Get-HybridConfiguration).TlsCertificateName")
        assert await shell("(Get-ReceiveConnector 'EX01\\Default Frontend EX01').TlsCertificateName") == hybrid
        assert (
            await shell('$cert = Get-ExchangeCertificate -DomainName mail.contoso.test; "<I>$($cert.Issuer)<S>$($cert.Subject)"')
            == hybrid
        )
        assert await shell("$cert.Status") == "Valid\n"
        assert led.split(" ")[1] not in await shell(
            'Get-Content "$exinstall\\TransportRoles\\Logs\\FrontEnd\\ProtocolLog\\SmtpReceive\\*.LOG"'
        )

        validate = f"Validate-OutboundConnector '{_CONNECTOR}' -Recipients bob@contoso.test"
        assert await shell(f"({validate}).IsTaskSuccessful") == "False\nFalse\n"
        assert led in await shell(f"({validate})[0].TaskDetail")
        assert "454 4.7.5 Certificate validation failure, Reason:UntrustedRoot" in await shell(
            "(Get-Queue | ? MessageCount -gt 0).LastError"
        )

        # the culprit, and the cure
        await shell("Connect-Appliance")
        assert "CN=mail-gateway" in await shell("certificate list")
        assert "terminate    appliance-default" in (await shell("show interface")).replace("terminate  ", "terminate    ")
        for command in ("certificate import exchange", "certificate bind exchange inbound", "tls passthrough outbound"):
            assert not (await shell.output(command)).failed
        await shell("exit")

        assert await shell(f"({validate}).IsTaskSuccessful") == "True\nTrue\n"
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Pending\n"
        await shell("Get-Queue | Retry-Queue")
        assert await shell("(Get-Queue | measure -Sum MessageCount).Sum") == "0\n"
        await shell("Start-Sleep -Seconds 900")
        assert await shell("(Get-MessageTrace -RecipientAddress alice@contoso.test).Status") == "Delivered\n"
        assert len(shell.lab.mailbox("alice@contoso.test")) == 2  # from the internet, and this one
        assert len(shell.lab.mailbox("carol@contoso.mail.onmicrosoft.test")) == 1


@pytest.mark.slow
async def test_without_the_fault_there_is_nothing_to_find() -> None:
    async with bench("healthy", played=True, online=True) as shell:
        assert await shell("Get-MessageTrace -Status Pending") == ""
        assert (
            await shell(f"(Validate-OutboundConnector '{_CONNECTOR}' -Recipients bob@contoso.test).IsTaskSuccessful")
            == "True\nTrue\n"
        )
        assert await shell("(Get-Queue).Identity") == "EX01\\Submission\n"
