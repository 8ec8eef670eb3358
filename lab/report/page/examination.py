"""The page of an examination: the data that its markup shows, and the page made from both."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version as installed_version
from importlib.resources import files
from typing import Any

from lab.check.findings import Severity
from lab.check.policy import PolicyCheck
from lab.check.result import Examination, Found, HostResult, Stage, State
from lab.data import dataclass
from lab.report.check_answers import answers
from lab.report.check_detail import stage_sentence
from lab.report.check_explain import explanation
from lab.report.check_text import conclusion, duration, judged_as_of, place
from lab.report.explained import words
from lab.report.junit import clean
from lab.report.page.chain import draw
from lab.report.transcript import render
from lab.report.words.stack import Stack
from lab.transcript import Entry, Kind

STAGES = {
    Stage.ANSWER: "Answer", Stage.CONNECT: "Connect", Stage.HELO: "HELO", Stage.TLS: "TLS", Stage.CERT: "Cert", Stage.SECURE: "Secure",
    Stage.FROM: "From", Stage.MTA_STS: "MTA-STS", Stage.DANE: "DANE",
}  # fmt: skip
_GOOD, _FAIR = 90, 50
VERSION = installed_version("smtplab")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a transcript: clock, text, and how it is marked."""

    clock: str
    text: str
    style: str


def page(examination: Examination, viewers: Sequence[str] = ()) -> str:
    """Return the whole page, with what the viewers (senders by name) would make of it.

    What no text may hold (a receiver's bytes that are no UTF-8, control characters) is replaced.
    """
    style = _text("check.css")
    return clean(_template().render(
        style=style, style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"), version=VERSION,
        examination=examination, stages=[(stage, STAGES[stage]) for stage in _asked(examination)], percent=_percent(examination),
        grade=_grade(examination), hosts=[_host(host, number) for number, host in enumerate(examination.hosts, 1)],
        found=[_finding(one) for one in examination.found], policies=list(_policies(examination)),
        answers=answers(examination, viewers), counts=_counts(examination), as_of=judged_as_of(examination), duration=duration,
        place=place, state=State,
    ))  # fmt: skip


@cache
def _template() -> Any:
    """The markup; everything that is put into it is escaped."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({"check.html": _text("check.html")}), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("check.html")


@cache
def _text(name: str) -> str:
    return files("lab.report.page").joinpath("templates", name).read_text(encoding="utf-8")


def _policies(examination: Examination) -> Iterator[tuple[str, State, tuple[PolicyCheck, ...]]]:
    """Return each policy that was examined: whose it is, what became of it, every rule."""
    if examination.sts is not None:
        yield f"MTA-STS of {examination.sts.domain}", examination.sts.state, examination.sts.checks
    for one in examination.sts_hosts:
        yield f"{one.host} under MTA-STS", one.state, one.checks
    for name, result in examination.dane:
        yield f"DANE of {name}", result.state, result.checks


def _asked(examination: Examination) -> list[Stage]:
    return [stage for stage in Stage if any(one.stage is stage for host in examination.hosts for one in host.stages)]


def _percent(examination: Examination) -> int:
    return examination.score.percent if examination.score else 0


def _grade(examination: Examination) -> str:
    if not examination.tested:
        return "unknown"
    percent = _percent(examination)
    return "good" if percent >= _GOOD else "fair" if percent >= _FAIR else "bad"


def _counts(examination: Examination) -> dict[str, int]:
    found = [*examination.found, *(one for host in examination.hosts for one in host.found)]
    return {severity.value: sum(one.severity is severity for one in found) for severity in Severity}


def _host(host: HostResult, number: int) -> dict[str, Any]:
    from markupsafe import Markup

    picture = Markup(draw(host.verdict)) if host.verdict else ""  # noqa: S704  (ElementTree has escaped what is in it)
    return {
        "result": host, "id": f"host-{number}", "conclusion": _sentence(conclusion(host)), "picture": picture,
        "found": [_finding(one) for one in host.found], "transcript": list(transcript(host.entries)),
        "keywords": _both(host), "added": _added(host),
    }  # fmt: skip


def _both(host: HostResult) -> list[tuple[str, str | None, str | None]]:
    """Return each EHLO keyword with its parameters as offered in clear and inside TLS; None where it was not."""
    clear, secure = dict(host.keywords), dict(host.keywords_secure)
    return [(key, clear.get(key), secure.get(key)) for key in dict.fromkeys((*clear, *secure))]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _added(host: HostResult) -> Sequence[Any]:
    return [one for one in host.verdict.path if one not in host.verdict.chain] if host.verdict else ()


def _finding(one: Found) -> dict[str, Any]:
    attested = words(one.id)
    return {
        "found": one, "means": explanation(one),
        "words": [(stack.value, attested[stack]) for stack in Stack if stack in attested],
    }  # fmt: skip


def transcript(entries: Sequence[Entry]) -> Iterator[Line]:
    """Return a session's lines with their marks: `clear` and `secure` for what was said, `told` for what we say of it."""
    began = entries[0].at if entries else 0.0
    for entry in entries:
        clock = f"{entry.at - began:07.3f}"
        for number, text in enumerate(_texts(entry)):
            yield Line(clock if number == 0 else "", text, _style(entry))


def _texts(entry: Entry) -> list[str]:
    if entry.kind is Kind.NOTE and "stage" in entry.detail:
        return [stage_sentence(entry)]
    if entry.kind is Kind.CERTIFICATES:
        count = len(entry.detail["chain"])
        return [f"{count or 'no'} certificate{'s' if count != 1 else ''} sent by the receiver"]
    if entry.kind is Kind.VERDICT:
        ids = ", ".join(dict.fromkeys(finding.id.value for finding in entry.detail["verdict"].findings))
        return [f"verdict: {ids or 'good'}"]
    return [line.partition("] ")[2] or line.strip() for line in render([entry])]


def _style(entry: Entry) -> str:
    if entry.kind in (Kind.LINE_IN, Kind.LINE_OUT, Kind.CONTENT_IN, Kind.CONTENT_OUT):
        way = "out" if entry.kind in (Kind.LINE_OUT, Kind.CONTENT_OUT) else "in"
        return f"{'secure' if entry.secure else 'clear'} {way}"
    if entry.kind in (Kind.FAULT, Kind.TLS_FAILED):
        return "fault"
    if entry.kind is Kind.NOTE and entry.detail.get("state") == State.FAILED:
        return "told failed"
    return "told"
