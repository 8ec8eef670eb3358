"""The appliance's command line: what it says, and what it makes of the rules."""

from __future__ import annotations

import pytest

from tests.shell.workbench import bench


async def test_binding_rewrites_what_concerns_tls_and_nothing_else() -> None:
    async with bench("appliance-resigns-tls") as shell:
        await shell("Connect-Appliance")
        assert shell.shell.prompt == "gateway# "
        for line in ("certificate import exchange", "certificate bind exchange inbound", "tls passthrough outbound"):
            assert not (await shell.output(line)).failed
        (rule,) = shell.lab.backend.topology.appliance.rules
        assert (rule.direction.value, [(spec.name, spec.settings["certificate"]) for spec in rule.behaviours]) == (
            "inbound",
            [("resign", "exchange")],
        )
        await shell("tls passthrough")
        assert not any(shell.lab.backend.topology.appliance.rules)
        assert "no rules" in await shell("show rules")
        await shell("tls terminate appliance-default outbound")
        assert [one.direction.value for one in shell.lab.backend.topology.appliance.rules] == ["outbound"]
        await shell("exit")
        assert shell.shell.prompt == "[PS] C:\\>"


async def test_rules_for_some_senders_and_other_behaviours_stay() -> None:
    from lab.scenario.model import Change

    async with bench("healthy") as shell:
        rules = [
            {"direction": "inbound", "senders": ["online"], "behaviours": [{"resign": {"certificate": "appliance-default"}}]},
            {"behaviours": [{"resign": {"certificate": "appliance-default"}}]},
        ]
        shell.shell.state.world.change(Change(set="appliance.rules", to=rules))
        await shell("Connect-Appliance -Command 'tls passthrough inbound'")
        kept = shell.lab.backend.topology.appliance.rules
        assert [(rule.direction.value, rule.senders) for rule in kept] == [("inbound", ("online",)), ("outbound", ())]


#: Line -> what stands in the answer, and whether it failed.
ANSWERS = [
    ("help", "certificate bind NAME [DIRECTION]", False), ("sh int", "inbound", False), ("cert list", "CN=mail-gateway", False),
    ("certificate show appliance-default", "thumbprint", False), ("certificate available", "exchange", False), ("log", "session", False),
    ("", "", False), ("# a comment", "", False), ("nonsense", "% there is no command 'nonsense'.", True), ("certficate list", "Did you mean certificate?", True),
    ("show", "% show what? interface, rules", True), ("certificate", "% certificate what?", True), ("certificate frob", "% there is no certificate command 'frob'.", True),
    ("certificate bind", "needs a name", True), ("certificate bind exchange", "% the store has no certificate 'exchange'.", True),
    ("certificate import nope", "% there is no certificate 'nope' to import.", True), ("certificate import appliance-default", "has appliance-default already", True),
    ("certificate remove appliance-default", "% appliance-default is bound.", True),
    ("certificate bind appliance-default sideways", "% there is no direction or certificate 'sideways'.", True),
    ("tls terminate nope", "% there is no direction or certificate 'nope'.", True), ("tls passthrough both now", "% 'now' is too much", True),
    ("log appliance-99999", "% there is no session", True), ("log 0", "no session", False), ("s i", "inbound", False),
]  # fmt: skip


async def test_answers() -> None:
    async with bench("appliance-resigns-tls", played=True) as shell:
        await shell("Connect-Appliance")
        before = shell.lab.backend.topology
        for line, expected, failed in ANSWERS:
            output = await shell.output(line)
            assert expected in output.text, line
            assert output.failed is failed, line
        assert shell.lab.backend.topology == before


async def test_the_log_shows_whose_certificate_was_shown() -> None:
    async with bench("appliance-resigns-tls", played=True) as shell:
        await shell("Connect-Appliance")
        session = (await shell("log")).splitlines()[1].split()[0]
        lines = await shell(f"log {session}")
        assert "sender < STARTTLS" in lines
        assert "certificate of the receiver: CN=mail-gateway" in lines


async def test_one_command_from_the_management_shell() -> None:
    async with bench("appliance-resigns-tls") as shell:
        assert "CN=mail-gateway" in await shell("Connect-Appliance 'certificate list'")
        assert shell.shell.prompt == "[PS] C:\\>"
        output = await shell.output("Connect-Appliance -Command nonsense; $?")
        assert "% there is no command 'nonsense'." in output.text
        assert output.failed


@pytest.mark.slow
async def test_a_certificate_of_exchange_can_be_brought_by_its_thumbprint() -> None:
    async with bench("appliance-resigns-tls", width=1000) as shell:
        made = (
            await shell(
                "$c = New-ExchangeCertificate -SubjectName cn=gw.contoso.test -DomainName gw.contoso.test -Force; $c.Thumbprint"
            )
        ).strip()
        assert "imported own-" in await shell(f"Connect-Appliance 'certificate import {made}'")
        assert made in await shell("Connect-Appliance 'certificate list'")
