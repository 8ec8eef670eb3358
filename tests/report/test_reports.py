"""Reports say what the data says, in every form, whatever bytes are in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lab.errors import Blame
from lab.net.loop import run
from lab.report import json_report, matrix, text, transcript
from lab.report.explain import FINDINGS, REASONS
from lab.report.junit import junit
from lab.runner import run_scenario
from lab.scenario.load import load_scenario
from lab.scenario.result import Check, CheckKind, ScenarioResult
from lab.sending.attempt import ReasonId
from lab.tls.certificate import Certificate
from lab.tls.findings import FindingId
from lab.transcript import Kind, Leg, Transcript


@pytest.fixture(scope="module")
def post() -> ScenarioResult:
    return run(run_scenario(load_scenario("appliance-resigns-tls"), fix="bind-exchange-certificate"))


def spoiled(result: ScenarioResult, seen: str) -> ScenarioResult:
    """Return the result with one check more, which is not met."""
    session = result.stages[0].flows["online -> onprem"].session
    stage = replace(
        result.stages[0],
        checks=(*result.stages[0].checks, Check(CheckKind.WORDS, "online -> onprem", "this", seen, False, session)),
    )
    return replace(result, stages=(stage, *result.stages[1:]))


def test_every_finding_and_reason_is_explained() -> None:
    assert set(FINDINGS) == set(FindingId)
    assert set(REASONS) == set(ReasonId)


def test_the_matrix_has_a_row_for_each_flow(post: ScenarioResult) -> None:
    rows = {row.flow: row for row in matrix.rows(post.stages[0].flows)}
    assert len(rows) == 8
    assert not rows["online -> onprem"].good
    assert rows["online -> onprem"].why.endswith("self-signed, name-mismatch")
    assert rows["internet -> onprem"].why == "encrypted, receiver not checked"
    assert len({line.index("de") for line in matrix.lines(post.stages[0].flows)}) == 1


def test_an_unmet_check_shows_expected_seen_and_transcript(post: ScenarioResult) -> None:
    lines = text.lines(spoiled(post, "that"))
    start = lines.index("  NOT MET words of online -> onprem")
    assert lines[start + 1 : start + 3] == ["    expected: this", "    seen:     that"]
    assert any("-->  STARTTLS" in line for line in lines[start:])
    assert "NOT as expected (1 of" in text.summary(spoiled(post, "that"))
    assert "NOT MET" not in "\n".join(text.lines(post))


def test_json_is_json_and_keeps_the_chain(post: ScenarioResult) -> None:
    data = json.loads(json.dumps(json_report.results([post])))
    assert (data["format"], data["met"]) == ("smtplab-results", True)
    flow = data["scenarios"][0]["stages"][0]["flows"]["online -> onprem"]
    assert flow["findings"] == ["self-signed", "name-mismatch"]
    assert flow["verdict"]["views"] == {
        "openssl": [18, 62], "dotnet": 32, "exchange": "UntrustedRoot", "tlsrpt": "certificate-not-trusted", "postfix": "self-signed certificate",
        "ssl_policy_errors": 6,
    }  # fmt: skip
    import base64

    leaf = Certificate.from_der(base64.b64decode(flow["verdict"]["chain"][0]["der"]))
    assert leaf.thumbprint == flow["verdict"]["chain"][0]["thumbprint"]


def test_junit_counts_and_survives_control_characters(post: ScenarioResult) -> None:
    root = ET.fromstring(junit([spoiled(post, "a\x00b\x1b[31m<&>\ud800")]))
    suite = root[0]
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "0")) == len(cases) == sum(len(stage.checks) for stage in post.stages) + 1
    (failure,) = suite.iter("failure")
    assert suite.get("failures") == "1"
    assert failure.text == "seen: a\ufffdb\ufffd[31m<&>\ufffd"


def test_a_transcript_tells_directions_tls_and_blame() -> None:
    book = Transcript(monotonic=iter([0.0, *[n / 4 for n in range(20)]]).__next__)
    say: list[tuple[Kind, bytes, bool, dict[str, Any]]] = [
        (Kind.CONNECTED, b"", False, {"address": "127.25.0.20", "port": 25}),
        (Kind.LINE_IN, b"250-a\r\n250 b", False, {}),
        (Kind.LINE_OUT, b"EHLO \x1b[31m", False, {}),
        (Kind.LINE_IN, b"220 in", True, {}),
        (Kind.LINE_OUT, b"QUIT", True, {}),
        (Kind.CONTENT_OUT, b"x", True, {"size": 20_000_000}),
        (Kind.LINE_OUT, b"y" * 1000, False, {}),
        (Kind.CLOSED, b"", False, {"by": "peer", "opaque_bytes": 7}),
    ]
    for kind, data, secure, detail in say:
        book.record("s", "online", Leg.RECEIVER, kind, data, secure=secure, **detail)
    book.record("s", "online", Leg.RECEIVER, Kind.FAULT, blame=Blame.RECEIVER, message="broken")
    lines = transcript.render(book)
    assert lines[:6] == [
        "[000.000] ===  connected: 127.25.0.20:25", "[000.250] <--  250-a", "          <--  250 b", "[000.500] -->  EHLO \\x1b[31m",
        "[000.750] <~~  220 in", "[001.000] ~~>  QUIT",
    ]  # fmt: skip
    assert lines[6] == "[001.250] ~~>  (20000000 bytes of content)"
    assert lines[7].endswith("... (1000 bytes)")
    assert lines[8:] == ["[001.750] ===  closed by the peer, 7 bytes carried unread", "[002.000] !!!  broken (blame: receiver)"]
    assert transcript.render([]) == []


def test_both_legs_of_the_appliance_stand_side_by_side(post: ScenarioResult) -> None:
    lines = transcript.sessions(post.stages[0].transcript)
    start = next(n for n, line in enumerate(lines) if line.startswith("--- appliance-"))
    part = lines[start : lines.index("", start)]
    assert any(" sender  | " in line for line in part)
    assert any(" receiver| " in line for line in part)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=45.3), "45 s"),
        (timedelta(minutes=15, microseconds=63438), "15 min"),
        (timedelta(hours=1, minutes=30), "1 h 30 min"),
        (timedelta(hours=24), "24 h"),
    ],
)
def test_spans_read_as_one_says_them(time: timedelta, words: str) -> None:
    assert text.span(time) == words
