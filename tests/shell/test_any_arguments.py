"""Every cmdlet with arguments that make no sense, over a running lab: always an answer, never a traceback."""

from __future__ import annotations

import random

import pytest

from lab.shell.cmdlets import registry
from tests.shell.workbench import bench

_VALUES = [
    "$null", "$true", "1", "-1", "0", "'x'", "''", "'*'", "@()", "@('a','b')", "@{Add='x'}", "@{Remove='x'}", "@{a=1}", "{ $_ }", "{ 1/0 }", "(Get-Date)", "'1/1/2026'",
    "'EX01\\Default Frontend EX01'", "Internet", "contoso.test", "alice@contoso.test", "(Get-ReceiveConnector)", "(Get-Queue)", "(Get-ExchangeCertificate)[0].Thumbprint",
    "10MB", "'00:10:00'", "99999999999", "'[x'", "'('", "$(Get-MessageTrace)", "([byte[]](1,2,3))", "é", "'a\"b'", "\"a'b\"", "SMTP", "Tls", "Verbose", "127.0.0.1",
    "'10.0.0.0/8'", "'0.0.0.0:25'",
]  # fmt: skip
_BEFORE = ["", "", "", "Get-ReceiveConnector | ", "Get-Queue | ", "Get-ExchangeCertificate | ", "Get-MessageTrace | ", "1..3 | ", "@{a=1} | ", "Get-OutboundConnector | ", "Get-Message | ", "$null | "]  # fmt: skip
_BEHIND = ["", "", "", "", " | fl", " | ft", " | select *", " | measure", " | sort", " | group", " | % { $_ }", " | ? { $_.Name }", " | Out-String", " | select -First 1 | fl *"]  # fmt: skip
_LINES = 400


def line(chance: random.Random) -> str:
    """Return a call of some cmdlet."""
    cmdlet = chance.choice(
        [
            one
            for one in registry.CMDLETS
            if one.name not in ("exit", "Connect-Appliance", "Start-Sleep", "Disconnect-ExchangeOnline")
        ]
    )
    words = [chance.choice(_BEFORE) + cmdlet.name]
    for _ in range(chance.randint(0, 3)):
        param = chance.choice(cmdlet.all_parameters)
        words.append(f"-{param.name}")
        words += [chance.choice([*_VALUES, *param.choices])] if param.kind.name != "SWITCH" else []
    words += [chance.choice(_VALUES)] if chance.random() < 0.3 else []
    return " ".join(words) + chance.choice(_BEHIND)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_any_arguments_are_answered(seed: int) -> None:
    chance = random.Random(seed)
    async with bench("appliance-resigns-tls", online=True, played=True, answers=("y",) * 10_000) as shell:
        answered = failed = 0
        for _ in range(_LINES):
            typed = line(chance)
            output = await shell.output(typed)
            assert "Traceback" not in output.text, typed
            assert not output.failed or "+ FullyQualifiedErrorId : " in output.text, typed
            answered, failed = answered + 1, failed + output.failed
        assert answered == _LINES
        assert 0 < failed < _LINES, "some make sense, some do not"
