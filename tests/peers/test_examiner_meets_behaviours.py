"""The examiner against every behaviour of the appliance that touches STARTTLS or TLS, beside openssl and posttls-finger at the same port."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
_RESIGN = "{resign: {certificate: appliance-default}}"
_BOXED = ["self-signed", "name-mismatch"]
_EXCHANGE = ["no-tls13"]  # what shines through where the box passes the handshake
#: (behaviours of the rule, stages, findings) for all that touch STARTTLS or TLS and work for themselves or beside `resign`.
KNOWN: dict[str, tuple[str, str, list[str]]] = {
    "passthrough": ("passthrough", "PPPPPPP", _EXCHANGE),
    "resign": (_RESIGN, "PPPPFPP", _BOXED),
    "strip-starttls": ("strip-starttls", "PPPFPPP", ["starttls-hidden", *_EXCHANGE]),
    "refuse-starttls": ("refuse-starttls", "PPPF--P", ["starttls-refused"]),
    "refuse-ehlo": ("refuse-ehlo", "PPPFPPP", ["ehlo-refused", "starttls-hidden", *_EXCHANGE]),
    "fake-starttls": ("fake-starttls", "PPPP-F-", ["not-tls"]),
    "inject-reply": ("inject-reply", "PPPPPPP", ["plaintext-after-starttls", *_EXCHANGE]),
    "inject-command": ("inject-command", "PPPPPPP", _EXCHANGE),  # on the other leg: nobody in front of the appliance sees it
    "one-sided-tls": ("one-sided-tls", "PPPPFPP", _BOXED),
    "cisco-inspection": ("cisco-inspection", "PPPF--P", ["banner-masked", "ehlo-masked", "starttls-not-offered"]),
    "reoffer-starttls": (f"{_RESIGN}, reoffer-starttls", "PPPPFPP", ["starttls-after-tls", *_BOXED]),
    "break-handshake": ("break-handshake", "PPPP-F-", ["handshake-closed"]),
    "break-after-handshake": ("break-after-handshake", "PPPPPF-", [*_EXCHANGE, "connection-closed"]),
    "downgrade": (f"{_RESIGN}, downgrade", "PPPPFPP", ["old-version", *_BOXED]),
    "answer-sni-wrongly": (f"{_RESIGN}, answer-sni-wrongly", "PPPPFPP", _BOXED),
    "drop-client-certificate": (f"{_RESIGN}, drop-client-certificate", "PPPPFPP", _BOXED),
    "no-close-notify": (f"{_RESIGN}, no-close-notify", "PPPPFPP", _BOXED),
}
#: Behind which openssl goes on with TLS, or waits for it, though there is none to be had: its trap, so it is not asked there.
OPENSSL_WAITS = {"refuse-starttls", "cisco-inspection", "fake-starttls", "break-handshake", "refuse-ehlo"}
#: Those that came later, or need more of a topology, are at least met: whatever they do, there is a row with a reason.
#: What makes no sense without more of a topology than one line.
NEEDS_MORE = {"second-receiver"}
OTHERS = sorted(
    name for name, place in OURS.items() if name not in KNOWN and place.startswith(("starttls.", "tls.")) and name not in NEEDS_MORE
)


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
        openssl = (
            ""
            if name in OPENSSL_WAITS
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
    assert name in OPENSSL_WAITS or ("BEGIN CERTIFICATE" in openssl) is (result.tls is not None)


def _same_as_postfix(said: str, ours: tuple[str, ...]) -> None:
    """Its lines and those of our view of it have the same state; where it gets no TLS, our view has none."""
    for state in ("Verified", "Untrusted"):
        theirs = f"{state} TLS connection established" in said
        assert theirs is any(line.startswith(f"{state} TLS connection") for line in ours), said


@pytest.mark.parametrize("name", OTHERS or ["passthrough"])
async def test_every_other_behaviour_has_a_row(name: str, tmp_path: Path) -> None:
    async with lab(tmp_path, name) as running:
        result = await examined(running)
    assert result.stages
    if State.FAILED in {one.state for one in result.stages}:
        assert result.found
