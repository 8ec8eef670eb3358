"""JSON by its schema, JUnit as pipelines read it, the TLS report by RFC 8460: each says what was found and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from lab.check.findings import SessionFinding, Severity
from lab.check.findings import SessionFindingId as S
from lab.check.result import HostResult
from lab.report import check_json
from lab.report.check_junit import junit
from lab.report.check_schema import json_schema
from lab.report.tlsrpt import file_name, result_type, tlsrpt
from lab.tls.mint_cases import CASES
from tests.peers.one_fault import FAULTS
from tests.report.examined import examination, host, unreached

SCHEMA = json_schema()
PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "check.schema.json"
SLOW_TO_MAKE = {"rsa3072", "rsa4096", "1000-sans", "10000-sans"}
RESULTS: list[tuple[str, str]] = [
    *((case, "") for case in CASES if case not in SLOW_TO_MAKE), *(("good", fault) for fault in FAULTS if fault),
]  # fmt: skip


def as_printed(*hosts: HostResult, **more: Any) -> Any:
    return json.loads(json.dumps(check_json.examination(examination(*hosts, **more))))


# --- JSON ---------------------------------------------------------------------------------------------------------------


def test_the_published_schema_is_this_one() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.slow
def test_every_result_keeps_to_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for case, fault in RESULTS:
        validator.validate(as_printed(host(case, fault)))
    validator.validate(as_printed(host(all_versions=True), unreached(), findings=[S.MX_ALIAS]))
    validator.validate(as_printed())


def test_the_schema_refuses_what_is_not_one() -> None:
    good = as_printed(host())
    validator = jsonschema.Draft202012Validator(SCHEMA)
    spoils: tuple[dict[str, Any], ...] = (
        {"version": 99}, {"seconds": "long"}, {"more": 1}, {"hosts": [{}]}, {"findings": [{"id": "Self Signed"}]},
    )  # fmt: skip
    for spoil in spoils:
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**good, **spoil})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({key: value for key, value in good.items() if key != "tested"})


# --- JUnit --------------------------------------------------------------------------------------------------------------


def suites(*hosts: HostResult, **more: Any) -> list[ET.Element]:
    return list(ET.fromstring(junit([examination(*hosts, **more)])))


def test_junit_has_a_case_for_each_stage_and_finding_and_its_sums_are_right() -> None:
    names, good, bad = suites(host(), host("self-signed-expired-wrong-host"))
    assert [one.get("name") for one in good] == [one.stage.value for one in host().stages]
    assert (good.get("failures"), good.get("errors"), names.get("tests")) == ("0", "0", "1")
    failed = {str(one.get("name")): one.find("failure") for one in bad if one.find("failure") is not None}
    assert set(failed) == {"cert", "self-signed (certificate 0)", "expired (certificate 0)", "name-mismatch (certificate 0)"}
    failure = failed["expired (certificate 0)"]
    assert failure is not None
    assert failure.get("type") == "fault"
    assert "To do: Renew it" in str(failure.text)
    root = ET.fromstring(junit([examination(host(), host("self-signed-expired-wrong-host"))]))
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(key, "")) == sum(int(suite.get(key, "")) for suite in root) == len(list(root.iter(tag)))


def test_junit_calls_what_could_not_be_tested_an_error_and_a_note_no_failure() -> None:
    _, suite = suites(unreached())
    assert suite.get("failures") == "1"  # the finding; the stage is an error
    assert suite.get("errors") == "1"
    assert int(suite.get("skipped", "")) == len(unreached().stages) - 1
    noted = replace(host(), session_findings=(SessionFinding(S.BANNER_MULTILINE, "two lines"),))
    assert noted.session_findings[0].severity is Severity.NOTE
    _, suite = suites(noted)
    assert suite.get("failures") == "0"
    assert "two lines" in str(suite[-1].findtext("system-out"))
    (only,) = suites(findings=[S.DOMAIN_UNKNOWN])
    assert (only.get("failures"), only.get("errors")) == ("1", "1")


def test_junit_is_what_the_common_schema_wants() -> None:
    """The attributes that the schema of Ant's JUnit task requires, in its forms, and nothing that XML does not hold."""
    spoiled = replace(host("expired"), session_findings=(SessionFinding(S.EARLY_BYTES, "a\x00b\x1b[31m<&>\ud800"),))
    for suite in suites(spoiled):
        assert {"name", "tests", "failures", "errors", "time", "timestamp"} <= set(suite.keys())
        assert "+" not in suite.get("timestamp", "")
        for case in suite:
            assert {"name", "classname", "time"} == set(case.keys())
            assert len(case) <= 1
            assert all(child.tag in ("failure", "error", "skipped", "system-out") for child in case)
            assert all(child.get("type") for child in case if child.tag in ("failure", "error"))


# --- RFC 8460 -----------------------------------------------------------------------------------------------------------

# certificate, fault of the session, result type (RFC 8460 section 4.3)
TYPES = [
    ("good", "", None), ("wildcard", "", None), ("self-signed", "", "certificate-not-trusted"), ("incomplete-chain", "", "certificate-not-trusted"),
    ("expired", "", "certificate-expired"), ("wrong-host", "", "certificate-host-mismatch"), ("client-only", "", "validation-failure"),
    ("good", "no-starttls", "starttls-not-supported"), ("good", "refuses-starttls", "starttls-not-supported"),
    ("good", "refuses-ehlo", "starttls-not-supported"), ("good", "no-tls", "validation-failure"), ("good", "closes", "validation-failure"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "fault", "kind"), TYPES, ids=[f"{case}-{fault}" for case, fault, _ in TYPES])
def test_each_session_has_its_result_type(case: str, fault: str, kind: str | None) -> None:
    result = host(case, fault)
    assert result_type(result) == kind
    report = tlsrpt(examination(result), organization="Contoso", contact="postmaster@contoso.test", report_id="7")
    (policy,) = report["policies"]
    assert policy["summary"] == {
        "total-successful-session-count": int(kind is None),
        "total-failure-session-count": int(kind is not None),
    }
    assert [one["result-type"] for one in policy["failure-details"]] == ([kind] if kind else [])


def test_a_report_has_all_fields_of_section_4_4() -> None:
    bad = host("self-signed-expired-wrong-host")
    report = tlsrpt(examination(host(), bad, bad, unreached()))
    assert list(report) == ["organization-name", "date-range", "contact-info", "report-id", "policies"]
    assert all(moment.endswith("Z") for moment in report["date-range"].values())
    assert report["date-range"]["start-datetime"] < report["date-range"]["end-datetime"]
    (policy,) = report["policies"]
    assert policy["policy"] == {"policy-type": "no-policy-found", "policy-domain": "contoso.test"}
    assert policy["summary"] == {
        "total-successful-session-count": 1,
        "total-failure-session-count": 2,
    }  # the unreached one had no TLS
    (detail,) = policy["failure-details"]
    assert detail == {
        "result-type": "certificate-not-trusted", "sending-mta-ip": "127.0.0.1", "receiving-mx-hostname": "mail.contoso.test",
        "receiving-mx-helo": "mail.contoso.test", "receiving-ip": "127.0.0.1", "failed-session-count": 2,
        "failure-reason-code": "self-signed, expired, name-mismatch",
    }  # fmt: skip
    assert file_name(examination(bad)).split("!")[:2] == ["smtplab.invalid", "contoso.test"]
    json.dumps(report)
