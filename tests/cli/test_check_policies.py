"""`smtplab check --mta-sts --dane` against the lab's own policies, good and bad: the row, the rules, the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Lab
from lab.cli.main import outcome

#: scenario -> what --mta-sts and --dane say of mx.fabrikam.test, and the findings of them that are faults
CASES: dict[str, tuple[str, str, list[str]]] = {
    "sts-enforced": ("passed", "skipped", []),
    "sts-wrong-mx": ("failed", "skipped", ["sts-mx-uncovered", "sts-mx-not-allowed"]),
    "sts-policy-missing": ("failed", "skipped", ["sts-http-status"]),
    "sts-policy-certificate-expired": ("failed", "skipped", ["sts-certificate"]),
    "dane-3-1-1": ("skipped", "passed", []),
    "dane-tlsa-other-key": ("skipped", "failed", ["dane-no-match", "dane-not-authenticated"]),
    "dane-bogus": ("skipped", "failed", ["dane-dns-failed"]),
}


def examined(lab: Lab, capsys: pytest.CaptureFixture[str], shape: str, *more: str) -> tuple[int, str]:
    web = lab.endpoint("sts").port if lab.backend.topology.sts.sites else 443
    code = outcome([
        "check", "erin@fabrikam.test", "--port", str(lab.endpoint("internet").port), "--resolver", str(lab.endpoint("dns")), "--ca",
        str(lab.ca_file), "--mta-sts", "--mta-sts-port", str(web), "--dane", "--format", shape, *more,
    ])  # fmt: skip
    return code, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("scenario", CASES)
def test_policies_are_judged_by_what_the_sessions_showed(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    sts, dane, faults = CASES[scenario]
    with Lab(scenario) as lab:
        code, shown = examined(lab, capsys, "json")
        data: dict[str, Any] = json.loads(shown)
    (host,) = data["hosts"]
    assert (host["stages"]["mta-sts"]["state"], host["stages"]["dane"]["state"]) == (sts, dane)
    assert [one["id"] for one in (*data["findings"], *host["findings"]) if one["severity"] == "fault"] == faults
    assert host["stages"]["cert"]["state"] == "passed"
    assert code == (1 if faults or any(one["severity"] == "warning" for one in host["findings"]) else 0)
    assert data["dane"][0]["host"] == "mx.fabrikam.test"
    assert all(rule["rule"].startswith("RFC ") for rule in data["dane"][0]["rules"])


@pytest.mark.slow
def test_rules_stand_in_the_detail_with_their_sections(capsys: pytest.CaptureFixture[str]) -> None:
    with Lab("sts-wrong-mx") as lab:
        _, shown = examined(lab, capsys, "detail")
    assert "MTA-STS of fabrikam.test: mode enforce" in shown
    assert "FAIL  sts-mx-not-allowed: mx.fabrikam.test matches none of: mail-old.fabrikam.test (RFC 8461 section 4.1)" in shown
    assert "ok    RFC 8461 section 3.1: v=STSv1" in shown
    assert "Under its MTA-STS policy, senders that keep to that do not deliver." in shown


#: What Exchange Online says of a host under the domain's own policies; the words are those of the lab's sender.
WORDS = {
    "dane-tlsa-other-key": "450 4.7.323 tlsa-invalid: The domain failed DANE validation.",
    "dane-bogus": "450 4.7.324 dnssec-invalid",
    "sts-wrong-mx": "450 4.4.8 MX hosts of fabrikam.test failed MTA-STS validation",
    "dane-3-1-1": "delivers, encrypted, to a receiver that is verified",
    "sts-enforced": "delivers, encrypted, to a receiver that is verified",
}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", WORDS)
def test_exchange_online_keeps_the_policies_that_were_examined(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Lab(scenario) as lab:
        _, shown = examined(lab, capsys, "summary", "--as", "exchange-online")
    _, _, without = shown.partition("without a connector, keeping the domain's DANE and MTA-STS: ")
    assert WORDS[scenario] in without
