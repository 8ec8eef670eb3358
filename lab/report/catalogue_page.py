"""The page of the documentation that tells every scenario, as Markdown, from the files alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.online.config import Era
from lab.report.explain import REASONS
from lab.report.groups import heading
from lab.scenario.model import Cures, Expectation, Fix, FlowExpectation, Scenario, Standing, words_for
from lab.sending.attempt import Security

_CURES = {Cures.YES: "cures", Cures.NO: "does not cure", Cures.PARTLY: "cures in part"}
_HOW = {
    Security.CLEAR: "in clear",
    Security.ENCRYPTED: "encrypted, receiver not checked",
    Security.AUTHENTICATED: "encrypted, receiver checked",
    Security.LOCAL: "within the organisation",
}
_INTRODUCTION = """\
# The catalogue

Every scenario that comes with smtplab, by where the fault is. What stands here is what a run holds the lab against: `smtplab run
NAME` plays one, `smtplab run --all` all of them with their controls, `smtplab scenarios --grep PATTERN` looks for words, codes and
findings. `make docs` writes this page anew from the files in `scenarios/`.
"""


def page(scenarios: Mapping[str, tuple[str, Scenario]]) -> str:
    """Return the page. Takes each scenario's folder and scenario, by name, in order."""
    groups: dict[str, dict[str, Scenario]] = {}
    for name, (group, scenario) in scenarios.items():
        groups.setdefault(group, {})[name] = scenario
    out = [_INTRODUCTION, f"There are {len(scenarios)}.", ""]
    for group, inside in groups.items():
        out += [f"- {heading(group)}", *(f"  - [{scenario.title}](#{name})" for name, scenario in inside.items())]
    for group, inside in groups.items():
        out += ["", f"## {heading(group)}"]
        for name, scenario in inside.items():
            out += ["", *_section(name, scenario)]
    return "\n".join(out) + "\n"


def _section(name: str, scenario: Scenario) -> Iterable[str]:
    yield from (f'<a id="{name}"></a>', "", f"### {scenario.title}", "", f"`{name}`", "")
    yield from (f"*What users report:* {_line(scenario.report)}", "", f"*What happens:* {_line(scenario.why)}", "")
    for fault in scenario.faults:
        passed = f" (after {fault.passes} on the lab's clock)" if fault.passes else ""
        yield f"*The fault* `{fault.name}`: {_line(fault.what)}{passed}."
    yield from ("", "| flow | outcome | how, or why not | findings |", "|---|---|---|---|")
    yield from (_row(flow, wanted) for flow, wanted in scenario.expect.flows.items())
    yield from _words(scenario.expect)
    yield from _logs(scenario.expect)
    if scenario.fixes:
        yield from ("", "| fix | what | result |", "|---|---|---|")
        yield from (_fix(fix) for fix in scenario.fixes)
    yield from ("", f"Sources: {'; '.join(scenario.sources)}.")


def _line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".").replace("<", "&lt;") + ("." if text.strip().endswith(".") else "")


def _row(flow: str, wanted: FlowExpectation) -> str:
    how = _HOW[wanted.security] if wanted.security else REASONS[wanted.reason] if wanted.reason else ""
    if wanted.counts_as is not None:
        how += (", " if how else "") + {Standing.INTERNAL: "counts as internal", Standing.EXTERNAL: "counts as a stranger's"}[
            wanted.counts_as
        ]
    found = "" if wanted.findings is None else ", ".join(wanted.findings) or "none"
    return f"| {'all others' if flow == '*' else f'`{flow}`'} | {wanted.outcome} | {how} | {found} |"


def _words(expect: Expectation) -> Iterable[str]:
    """Who says what, in both eras, or once where they say the same."""
    for flow, wanted in expect.flows.items():
        classic, current = (words_for(wanted.words, era) for era in (Era.CLASSIC, Era.CURRENT))
        for era, words in (("in both eras", classic),) if classic == current else (("classic", classic), ("current", current)):
            if words:
                yield from ("", f"The sender's words for `{flow}`, {era}:", "", "```text", *words, "```")


def _logs(expect: Expectation) -> Iterable[str]:
    rows = [(row.log, row.contains, row.absent) for row in expect.logs]
    if rows:
        yield ""
    for log, contains, absent in rows:
        yield f"- the {log} log {'has' if contains is not None else 'does not have'} `{contains if contains is not None else absent}`"
    if expect.validation is not None:
        yield from ("", f"Connector validation {'passes' if expect.validation else 'fails'}.")


def _fix(fix: Fix) -> str:
    weakens = f", and weakens: {_line(fix.weakens)}" if fix.weakens else ""
    return f"| `{fix.name}` | {_line(fix.what)} | {_CURES[fix.cures]}{weakens} |"
