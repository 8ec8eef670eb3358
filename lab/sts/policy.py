"""MTA-STS as text: the DNS record, the policy, and which MX hosts it allows (RFC 8461 sections 3.1, 3.2 and 4.1).

Parsing never raises: it returns what can be used, None where nothing can, and everything that was noticed on the way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from lab.data import dataclass
from lab.tls.names import pattern_matches

#: RFC 8461 section 3.2.
LONGEST = 31557600
#: "It is expected that this value typically be in the range of weeks or greater" (RFC 8461 section 3.2).
SHORT = 7 * 86400
_VERSION = "STSv1"
_DELIMITER = re.compile(r"[ \t]*;[ \t]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_RECORD_VALUE = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_SECONDS = re.compile(r"[0-9]{1,10}")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


class Mode(StrEnum):
    """What a policy asks of senders (RFC 8461 section 5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class StsProblem(StrEnum):
    """What can be wrong with record and policy. Stable ids; which of them make it unusable, `FATAL` says."""

    RECORD_MISSING = "sts-record-missing"
    RECORD_MULTIPLE = "sts-record-multiple"
    RECORD_MALFORMED = "sts-record-malformed"
    RECORD_ID_MISSING = "sts-record-id-missing"
    RECORD_ID_INVALID = "sts-record-id-invalid"
    POLICY_MALFORMED = "sts-policy-malformed"
    VERSION_MISSING = "sts-version-missing"
    VERSION_UNKNOWN = "sts-version-unknown"
    MODE_MISSING = "sts-mode-missing"
    MODE_UNKNOWN = "sts-mode-unknown"
    MAX_AGE_MISSING = "sts-max-age-missing"
    MAX_AGE_INVALID = "sts-max-age-invalid"
    MAX_AGE_TOO_LARGE = "sts-max-age-too-large"
    MAX_AGE_SHORT = "sts-max-age-short"
    MX_MISSING = "sts-mx-missing"
    MX_INVALID = "sts-mx-invalid"
    FIELD_REPEATED = "sts-field-repeated"


#: The section behind each problem.
RULES = {
    StsProblem.RECORD_MISSING: "RFC 8461 section 3.1",
    StsProblem.RECORD_MULTIPLE: "RFC 8461 section 3.1",
    StsProblem.RECORD_MALFORMED: "RFC 8461 section 3.1",
    StsProblem.RECORD_ID_MISSING: "RFC 8461 section 3.1",
    StsProblem.RECORD_ID_INVALID: "RFC 8461 section 3.1",
    StsProblem.POLICY_MALFORMED: "RFC 8461 section 3.2",
    StsProblem.VERSION_MISSING: "RFC 8461 section 3.2",
    StsProblem.VERSION_UNKNOWN: "RFC 8461 section 3.2",
    StsProblem.MODE_MISSING: "RFC 8461 section 3.2",
    StsProblem.MODE_UNKNOWN: "RFC 8461 section 3.2",
    StsProblem.MAX_AGE_MISSING: "RFC 8461 section 3.2",
    StsProblem.MAX_AGE_INVALID: "RFC 8461 section 3.2",
    StsProblem.MAX_AGE_TOO_LARGE: "RFC 8461 section 3.2",
    StsProblem.MAX_AGE_SHORT: "RFC 8461 sections 3.2 and 10.2",
    StsProblem.MX_MISSING: "RFC 8461 section 3.2",
    StsProblem.MX_INVALID: "RFC 8461 sections 3.2 and 4.1",
    StsProblem.FIELD_REPEATED: "RFC 8461 section 3.2",
}
#: What does not keep record or policy from being used. A value above the maximum is taken for the maximum, which is our reading.
_HARMLESS = frozenset({StsProblem.MAX_AGE_TOO_LARGE, StsProblem.MAX_AGE_SHORT, StsProblem.FIELD_REPEATED})
FATAL = frozenset(StsProblem) - _HARMLESS


@dataclass(frozen=True, slots=True)
class StsNotice:
    """One thing noticed: the problem, the facts, the line of the policy (from 1; None where it is of no line)."""

    problem: StsProblem
    detail: str = ""
    line: int | None = None

    @property
    def rule(self) -> str:
        return RULES[self.problem]


@dataclass(frozen=True, slots=True)
class StsRecord:
    """A valid `_mta-sts` record."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A valid policy; `max_age` in seconds, at most `LONGEST`."""

    mode: Mode
    mx: tuple[str, ...]
    max_age: int
    extensions: tuple[tuple[str, str], ...] = ()

    @property
    def lifetime(self) -> timedelta:
        return timedelta(seconds=self.max_age)

    def allows(self, host: str) -> str | None:
        """Return the pattern that an MX host matches, None where it matches none."""
        return next((pattern for pattern in self.mx if mx_matches(pattern, host)), None)


def mx_matches(pattern: str, host: str) -> bool:
    """Whether an MX host is allowed by a pattern: equal, or `*.` for exactly the left-most label (RFC 8461 section 4.1)."""
    if pattern.startswith("*."):
        label, dot, rest = host.rstrip(".").partition(".")
        return bool(label and dot) and rest.lower() == pattern[2:].rstrip(".").lower()
    return pattern_matches(pattern, host)


def parse_record(texts: Sequence[str]) -> tuple[StsRecord | None, tuple[StsNotice, ...]]:
    """Read the TXT records of `_mta-sts.DOMAIN`, the strings of each joined.

    What does not begin with `v=STSv1;` is thrown away first; then there must be one, and it must be right (section 3.1).
    """
    ours = [text for text in texts if re.match(r"v=STSv1[ \t]*(;|$)", text)]
    if len(ours) != 1:
        near = f"{len(texts)} other TXT records, such as {texts[0][:80]!r}" if texts else "no TXT record"
        if ours:
            return None, (StsNotice(StsProblem.RECORD_MULTIPLE, f"{len(ours)} records begin with v=STSv1"),)
        return None, (StsNotice(StsProblem.RECORD_MISSING, near),)
    text = ours[0]
    fields = _DELIMITER.split(text)
    if fields[-1] == "":
        fields.pop()
    notices: list[StsNotice] = []
    found: dict[str, str] = {}
    for field in fields[1:]:
        name, equals, value = field.partition("=")
        if not equals or not _NAME.fullmatch(name) or not _RECORD_VALUE.fullmatch(value):
            notices.append(StsNotice(StsProblem.RECORD_MALFORMED, f"{field!r} is no field"))
        elif name in found:
            notices.append(StsNotice(StsProblem.FIELD_REPEATED, f"{name} is there twice; the first counts"))
        else:
            found[name] = value
    if "id" not in found:
        notices.append(StsNotice(StsProblem.RECORD_ID_MISSING, f"there is no id in {text!r}"))
    elif not _ID.fullmatch(found["id"]):
        notices.append(StsNotice(StsProblem.RECORD_ID_INVALID, f"{found['id']!r} is not 1 to 32 letters and digits"))
    if any(notice.problem in FATAL for notice in notices):
        return None, tuple(notices)
    return StsRecord(found["id"], text), tuple(notices)


def parse_policy(body: bytes) -> tuple[StsPolicy | None, tuple[StsNotice, ...]]:
    """Read a policy as it was fetched; lines end with LF or CRLF (section 3.2)."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, (StsNotice(StsProblem.POLICY_MALFORMED, f"not UTF-8 at byte {error.start}"),)
    notices: list[StsNotice] = []
    single: dict[str, tuple[str, int]] = {}
    mx: list[tuple[str, int]] = []
    lines = re.split(r"\r?\n", text)
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        name, colon, value = line.rstrip(" \t").partition(":")
        value = value.lstrip(" \t")
        if not colon or not _NAME.fullmatch(name) or not value or not value.isprintable():
            notices.append(StsNotice(StsProblem.POLICY_MALFORMED, f"{line[:80]!r} is no key and value", number))
        elif name == "mx":
            mx.append((value, number))
        elif name in single:
            notices.append(StsNotice(StsProblem.FIELD_REPEATED, f"{name} is there twice; the first counts", number))
        else:
            single[name] = (value, number)
    notices += _version(single)
    mode, more = _mode(single)
    max_age, others = _max_age(single)
    notices += [*more, *others, *_patterns(mx, mode)]
    if any(notice.problem in FATAL for notice in notices) or mode is None or max_age is None:
        return None, tuple(notices)
    extensions = tuple((name, value) for name, (value, _) in single.items() if name not in ("version", "mode", "max_age"))
    return StsPolicy(mode, tuple(pattern for pattern, _ in mx), max_age, extensions), tuple(notices)


def _version(fields: dict[str, tuple[str, int]]) -> list[StsNotice]:
    if "version" not in fields:
        return [StsNotice(StsProblem.VERSION_MISSING)]
    value, line = fields["version"]
    return [] if value == _VERSION else [StsNotice(StsProblem.VERSION_UNKNOWN, f"{value!r} is not {_VERSION}", line)]


def _mode(fields: dict[str, tuple[str, int]]) -> tuple[Mode | None, list[StsNotice]]:
    if "mode" not in fields:
        return None, [StsNotice(StsProblem.MODE_MISSING)]
    value, line = fields["mode"]
    if value not in {mode.value for mode in Mode}:
        return None, [StsNotice(StsProblem.MODE_UNKNOWN, f"{value!r} is not enforce, testing or none", line)]
    return Mode(value), []


def _max_age(fields: dict[str, tuple[str, int]]) -> tuple[int | None, list[StsNotice]]:
    if "max_age" not in fields:
        return None, [StsNotice(StsProblem.MAX_AGE_MISSING)]
    value, line = fields["max_age"]
    if not _SECONDS.fullmatch(value):
        return None, [StsNotice(StsProblem.MAX_AGE_INVALID, f"{value!r} is no number of seconds", line)]
    seconds = int(value)
    if seconds > LONGEST:
        return LONGEST, [StsNotice(StsProblem.MAX_AGE_TOO_LARGE, f"{seconds} is more than {LONGEST}", line)]
    if seconds < SHORT:
        return seconds, [StsNotice(StsProblem.MAX_AGE_SHORT, f"{seconds} seconds are less than a week", line)]
    return seconds, []


def _patterns(patterns: list[tuple[str, int]], mode: Mode | None) -> list[StsNotice]:
    if not patterns and mode is not Mode.NONE:
        return [StsNotice(StsProblem.MX_MISSING)]
    return [
        StsNotice(StsProblem.MX_INVALID, f"{pattern!r} is no host name and no *. before one", line)
        for pattern, line in patterns
        if not _DOMAIN.fullmatch(pattern.removeprefix("*.")) or pattern == "*."
    ]
