"""MTA-STS records, policies and patterns by table, each row a rule of RFC 8461."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sts.policy import FATAL, LONGEST, RULES, Mode, StsProblem, mx_matches, parse_policy, parse_record

P = StsProblem
GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.contoso.test\r\nmx: *.contoso.test\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "record_id", "problems"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z", []),
        (["v=STSv1; id=1"], "1", []),
        (["v=STSv1;id=1"], "1", []),
        (["v=STSv1 ; \t id=1 ;  "], "1", []),
        (["v=STSv1; x.y-z_1=a:b; id=1;"], "1", []),
        (["v=spf1 -all", "v=STSv1; id=1;"], "1", []),
        (["v=STSv1; id=1; id=2;"], "1", [P.FIELD_REPEATED]),
        ([], None, [P.RECORD_MISSING]),
        (["v=spf1 -all"], None, [P.RECORD_MISSING]),
        (["v=STSv10; id=1;"], None, [P.RECORD_MISSING]),
        (["V=STSv1; id=1;"], None, [P.RECORD_MISSING]),
        ([" v=STSv1; id=1;"], None, [P.RECORD_MISSING]),
        (["id=1; v=STSv1;"], None, [P.RECORD_MISSING]),
        (["v=STSv1; id=1;", "v=STSv1; id=1;"], None, [P.RECORD_MULTIPLE]),
        (["v=STSv1;"], None, [P.RECORD_ID_MISSING]),
        (["v=STSv1"], None, [P.RECORD_ID_MISSING]),
        (["v=STSv1; ID=1;"], None, [P.RECORD_ID_MISSING]),
        (["v=STSv1; id=;"], None, [P.RECORD_MALFORMED, P.RECORD_ID_MISSING]),
        (["v=STSv1; id=2020-01-01;"], None, [P.RECORD_ID_INVALID]),
        (["v=STSv1; id=" + "1" * 32 + ";"], "1" * 32, []),
        (["v=STSv1; id=" + "1" * 33 + ";"], None, [P.RECORD_ID_INVALID]),
        (["v=STSv1; id=1; nonsense;"], None, [P.RECORD_MALFORMED]),
        (["v=STSv1; id=1;; x=y"], None, [P.RECORD_MALFORMED]),
        (["v=STSv1; id=1; _x=y;"], None, [P.RECORD_MALFORMED]),
        (["v=STSv1; id=1; x=a=b;"], None, [P.RECORD_MALFORMED]),
    ],
)
def test_records(texts: list[str], record_id: str | None, problems: list[StsProblem]) -> None:
    record, notices = parse_record(texts)
    assert (record.id if record else None, [notice.problem for notice in notices]) == (record_id, problems)
    assert (record is None) is any(notice.problem in FATAL for notice in notices)


def policy(*lines: str, end: str = "\r\n") -> bytes:
    return "".join(line + end for line in lines).encode()


@pytest.mark.parametrize(
    ("body", "mode", "problems"),
    [
        (GOOD, Mode.ENFORCE, []),
        (GOOD.replace(b"\r\n", b"\n"), Mode.ENFORCE, []),
        (GOOD.rstrip(), Mode.ENFORCE, []),
        (policy("mode:testing", "max_age:  604800 ", "mx:mx.test", "version:\tSTSv1"), Mode.TESTING, []),
        (policy("version: STSv1", "mode: none", "max_age: 604800"), Mode.NONE, []),
        (policy("version: STSv1", "mode: none", "mx: a.test", "max_age: 604800"), Mode.NONE, []),
        (policy("version: STSv1", "mode: enforce", "max_age: 604800"), None, [P.MX_MISSING]),
        (policy("version: STSv1", "mode: testing", "max_age: 604800"), None, [P.MX_MISSING]),
        (GOOD.replace(b"STSv1", b"STSv2"), None, [P.VERSION_UNKNOWN]),
        (GOOD.replace(b"STSv1", b"stsv1"), None, [P.VERSION_UNKNOWN]),
        (GOOD.replace(b"version", b"Version"), None, [P.VERSION_MISSING]),
        (GOOD.replace(b"enforce", b"Enforce"), None, [P.MODE_UNKNOWN]),
        (GOOD.replace(b"mode: enforce\r\n", b""), None, [P.MODE_MISSING]),
        (GOOD.replace(b"max_age: 604800\r\n", b""), None, [P.MAX_AGE_MISSING]),
        (GOOD.replace(b"604800", b"-1"), None, [P.MAX_AGE_INVALID]),
        (GOOD.replace(b"604800", b"1 week"), None, [P.MAX_AGE_INVALID]),
        (GOOD.replace(b"604800", b"10000000000"), None, [P.MAX_AGE_INVALID, ]),
        (GOOD.replace(b"604800", b"31557601"), Mode.ENFORCE, [P.MAX_AGE_TOO_LARGE]),
        (GOOD.replace(b"604800", b"31557600"), Mode.ENFORCE, []),
        (GOOD.replace(b"604800", b"0"), Mode.ENFORCE, [P.MAX_AGE_SHORT]),
        (GOOD + b"mode: none\r\n", Mode.ENFORCE, [P.FIELD_REPEATED]),
        (GOOD + b"x-later: any thing here\r\n", Mode.ENFORCE, []),
        (GOOD + b"\r\n", None, [P.POLICY_MALFORMED]),
        (GOOD + b"# comment\r\n", None, [P.POLICY_MALFORMED]),
        (GOOD + b"empty:\r\n", None, [P.POLICY_MALFORMED]),
        (GOOD.replace(b"mail.contoso.test", b"*.*.contoso.test"), None, [P.MX_INVALID]),
        (GOOD.replace(b"mail.contoso.test", b"mail*.contoso.test"), None, [P.MX_INVALID]),
        (GOOD.replace(b"mail.contoso.test", b".contoso.test"), None, [P.MX_INVALID]),
        (GOOD.replace(b"mail.contoso.test", b"mail.contoso.test."), None, [P.MX_INVALID]),
        (GOOD.replace(b"mail.contoso.test", b"*."), None, [P.MX_INVALID]),
        (GOOD.replace(b"mail.contoso.test", b"a.test, b.test"), None, [P.MX_INVALID]),
        (b"<!DOCTYPE html>\n", None, [P.POLICY_MALFORMED, P.VERSION_MISSING, P.MODE_MISSING, P.MAX_AGE_MISSING, P.MX_MISSING]),
        (b"", None, [P.VERSION_MISSING, P.MODE_MISSING, P.MAX_AGE_MISSING, P.MX_MISSING]),
        (b"\xff\xfe", None, [P.POLICY_MALFORMED]),
        (b"\xef\xbb\xbf" + GOOD, None, [P.POLICY_MALFORMED, P.VERSION_MISSING]),
    ],
)  # fmt: skip
def test_policies(body: bytes, mode: Mode | None, problems: list[StsProblem]) -> None:
    found, notices = parse_policy(body)
    assert (found.mode if found else None, [notice.problem for notice in notices]) == (mode, problems)
    assert (found is None) is any(notice.problem in FATAL for notice in notices)


def test_what_a_policy_says() -> None:
    found, _ = parse_policy(GOOD + b"x-later: any thing\r\n")
    assert found is not None
    assert (found.mx, found.max_age, found.extensions) == (
        ("mail.contoso.test", "*.contoso.test"),
        604800,
        (("x-later", "any thing"),),
    )
    assert found.allows("other.contoso.test") == "*.contoso.test"
    assert found.allows("contoso.test") is None
    longest, _ = parse_policy(GOOD.replace(b"604800", b"9999999999"))
    assert longest is not None
    assert longest.max_age == LONGEST
    (notice,) = parse_policy(GOOD + b"nothing\r\n")[1]
    assert notice.line == 6


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("mail.contoso.test", "mail.contoso.test", True),
        ("mail.contoso.test", "MAIL.Contoso.Test.", True),
        ("mail.contoso.test", "mail2.contoso.test", False),
        ("*.contoso.test", "mail.contoso.test", True),
        ("*.contoso.test", "contoso.test", False),
        ("*.contoso.test", "a.mail.contoso.test", False),
        ("*.contoso.test", ".contoso.test", False),
        ("*.test", "contoso.test", True),
        ("mail.*.test", "mail.contoso.test", False),
        ("m*.contoso.test", "mail.contoso.test", False),
    ],
)
def test_patterns(pattern: str, host: str, allowed: bool) -> None:
    assert mx_matches(pattern, host) is allowed


def test_every_problem_has_its_rule() -> None:
    assert set(RULES) == set(StsProblem)


@given(st.lists(st.text(max_size=60), max_size=3), st.binary(max_size=300))
def test_nothing_raises(texts: list[str], body: bytes) -> None:
    assert parse_record(texts)
    assert parse_policy(body)
