"""The examiner against every behaviour of the appliance that touches STARTTLS or TLS, beside openssl and posttls-finger at the same port."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.appliance.behaviours.register import OURS
from lab.check.result import Exchanger, HostResult, Stage, State
from lab.check.setting import Setting
from lab.net.examiner import examine_host
from lab.report.viewers import viewed
from tests.net.scripted import finished

pytestmark = [pytest.mark.slow, pytest.mark.peer]

HOST = "mail.contoso.test"
SCENARIO = """\
title: one behaviour
topology: {{inherit: hybrid}}
faults:
  - name: it
    what: the appliance does it
    changes:
      - set: appliance.rules
        to:
          - {{behaviours: [{behaviour}]}}
expect: {{flows: {{}}}}
"""
#: What touches STARTTLS or TLS and needs nothing but its defaults or what stands here; (settings, stages, findings).
KNOWN: dict[str, tuple[str, str, list[str]]] = {
    "passthrough": ("passthrough", "PPPPPPP", []),
    "resign": ("{resign: {certificate: appliance-default}}", "PPPPFPP", ["self-signed", "name-mismatch"]),
    "strip-starttls": ("strip-starttls", "PPPFPPP", ["starttls-hidden"]),
    "refuse-starttls": ("refuse-starttls", "PPPF--P", ["starttls-refused"]),
}
#: Those that came later are met too: whatever they do, there is a row with a reason.
OTHERS = sorted(name for name, place in OURS.items() if name not in KNOWN and place.startswith(("starttls.", "tls.")))


def lab(tmp_path: Path, behaviour: str) -> Lab:
    file = tmp_path / "one.yaml"
    file.write_text(SCENARIO.format(behaviour=behaviour))
    return Lab(file)


async def examined(running: Lab) -> HostResult:
    place = running.endpoint("appliance")
    setting = Setting(trust=running.backend.mint.trust(), moment=running.clock.now(), ehlo_name="mx.fabrikam.test", timeout=3)
    return await examine_host(Exchanger(HOST), place.address, place.port, setting)


def letters(result: HostResult) -> str:
    short = {State.PASSED: "P", State.FAILED: "F", State.SKIPPED: "-"}
    return "".join(short[result.stage(stage).state] for stage in list(Stage)[:7])


@pytest.mark.parametrize("name", KNOWN)
async def test_what_each_behaviour_looks_like(name: str, tmp_path: Path) -> None:
    behaviour, stages, findings = KNOWN[name]
    async with lab(tmp_path, behaviour) as running:
        place = running.endpoint("appliance")
        command = ("posttls-finger", "-c", "-l", "secure", "-F", str(running.ca_file), f"[{place.address}]:{place.port}", HOST)
        result, finger = await asyncio.gather(examined(running), finished(*command))
        # openssl goes on with TLS after a refusal, and then both sides wait for ever: its trap, so it is not asked there
        openssl = (
            ""
            if name == "refuse-starttls"
            else await finished(
                "openssl",
                "s_client",
                "-starttls",
                "smtp",
                "-connect",
                str(place),
                "-CAfile",
                str(running.ca_file),
                "-verify_hostname",
                HOST,
            )
        )
    assert (letters(result), [one.id for one in result.found]) == (stages, findings)
    (secure, *_) = viewed("postfix", result, running.clock.now())
    _same_as_postfix(finger, secure.lines)
    if name == "refuse-starttls":
        assert secure.lines == (
            "TLS is required, but host mail.contoso.test[127.25.0.20] refused to start TLS: 454 4.7.0 TLS not available due to temporary reason",
        )
    assert ("BEGIN CERTIFICATE" in openssl) is (result.tls is not None)


def _same_as_postfix(said: str, ours: tuple[str, ...]) -> None:
    """Its lines and those of our view of it have the same state; where it gets no TLS, our view has none."""
    for state in ("Verified", "Untrusted"):
        theirs = f"{state} TLS connection established" in said
        assert theirs is any(line.startswith(f"{state} TLS connection") for line in ours), said


@pytest.mark.parametrize("name", OTHERS or ["passthrough"])
async def test_every_other_behaviour_has_a_row(name: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {}
    async with lab(tmp_path, f"{{{name}: {settings}}}") as running:
        result = await examined(running)
    assert result.stages
    if State.FAILED in {one.state for one in result.stages}:
        assert result.found
