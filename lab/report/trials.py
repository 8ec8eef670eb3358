"""Trials in words: a table of one client's cases, the matrix of several clients, JSON, JUnit, Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from lab.report import features as feature_report
from lab.report.junit import clean, document
from lab.report.transcript import render
from lab.trial.case import TrialPolicy
from lab.trial.expectation import Wanted
from lab.trial.features import features
from lab.trial.result import FAULT_RULES, CaseResult, Did, Fault, Mark, TrialResult


def row(result: CaseResult) -> list[str]:
    """Return the lines for one case: what it did, and where that was wrong, why, with the evidence."""
    mark = result.mark
    wanted = f" should {result.expectation.wanted}" if result.expectation.wanted is not Wanted.EITHER else " should end"
    lines = [f"{mark.upper() if mark is Mark.WRONG else mark:8} {result.case.name:36} {did(result):9} {_seen(result)}".rstrip()]
    if mark is not Mark.WRONG:
        return lines
    lines.append(f"         {result.case.what};{wanted}: {result.expectation.why}")
    lines += [f"         {_fault(fault, result)} ({FAULT_RULES[fault]})" for fault in result.faults]
    last = result.output.strip().splitlines()[-1:] or ["nothing"]
    lines.append(f"         its last words: {last[0][:200]}")
    return lines


def _fault(fault: Fault, result: CaseResult) -> str:
    match fault:
        case Fault.CLEAR:
            return f"in clear went: {', '.join(result.leaks)}"
        case Fault.CREDENTIALS:
            return "its password went in clear"
        case Fault.FOOLED:
            return "it took the injected reply for the receiver's answer inside TLS"
        case Fault.AGAIN:
            return "it began STARTTLS inside TLS"
        case Fault.ASTRAY:
            return "it gave the message to the first host, which must not have it"
        case Fault.UNHEEDED:
            return "it asked for an OCSP response, and did not heed it"
        case Fault.LIES:
            told = "success" if result.code == 0 else f"failure (exit code {result.code})"
            return f"the client reports {told}, the receiver took {result.observation.messages} message(s)"


def did(result: CaseResult) -> str:
    """Return what the client did, as a verb."""
    return {Did.ACCEPT: "accepts", Did.REFUSE: "refuses", Did.HUNG: "hangs", Did.UNSUPPORTED: "(cannot)"}[result.did]


def _seen(result: CaseResult) -> str:
    observation = result.observation
    if result.did is Did.UNSUPPORTED:
        return result.unsupported
    if observation.messages:
        return "message taken inside TLS" if observation.secure_message else "message taken in clear"
    if observation.alert:
        return f"ended the handshake: {observation.alert}"
    reached = {
        "nothing": "never connected", "connected": "left before STARTTLS", "starttls": "left at STARTTLS", "tls": "left after the handshake",
        "command": "spoke inside TLS", "mail": "left after MAIL", "message": "sent a message that was not taken",
    }  # fmt: skip
    return reached[observation.spoke]


def closing(result: TrialResult) -> list[str]:
    """Return the last lines: the count of each mark, and what follows."""
    if not result.sane:
        sanity = result.cases[0]
        return [
            f"{result.client}: the sanity case failed, so nothing else was tried: {did(sanity)}, exit code {sanity.code}",
            *(f"  {line}" for line in result.output_of_sanity()),
            "  Does the command trust {ca}, verify {name} and read the message from standard input?",
        ]
    counts = ", ".join(f"{result.count(mark)} {mark}" for mark in Mark if result.count(mark))
    verdict = "does what it should" if result.right else "does NOT do what it should"
    return [*feature_report.lines(features(result)), f"{result.client} ({result.policy}): {counts}; {verdict}"]


def side_by_side(results: Sequence[TrialResult]) -> list[str]:
    """Return the lines of a table of several clients: a row for each case, a column for each client; empty for a single one."""
    if len(results) < 2:
        return []
    table = [["case", *(f"{result.client} ({result.policy})" for result in results)]]
    for name in dict.fromkeys(case.case.name for result in results for case in result.cases):
        cells = [next((case for case in result.cases if case.case.name == name), None) for result in results]
        table.append([name, *(f"{did(cell)}{', WRONG' * (cell.mark is Mark.WRONG)}" if cell else "" for cell in cells)])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]


def as_json(results: Sequence[TrialResult]) -> dict[str, Any]:
    """Return results as plain JSON data: a list of clients, and for each what it did with every case."""
    return {
        "trials": [
            {
                "client": result.client, "version": result.version, "policy": result.policy, "command": list(result.command),
                "sane": result.sane, "right": result.right, "marks": {mark: result.count(mark) for mark in Mark},
                "cases": [_case_json(case) for case in result.cases], "features": feature_report.as_json(features(result)),
            }
            for result in results
        ],
        "matrix": matrices(results),
    }  # fmt: skip


def matrices(results: Sequence[TrialResult]) -> dict[str, dict[str, dict[str, str]]]:
    """Return several clients side by side as plain JSON data: policy -> case -> client -> what it did and its mark, as `refuse: right`."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for result in results:
        for case in result.cases:
            row = found.setdefault(result.policy, {}).setdefault(case.case.name, {})
            row[result.client] = f"{case.did}: {case.mark}"
    return found


def _case_json(result: CaseResult) -> dict[str, Any]:
    observation = result.observation
    return {
        "case": result.case.name, "kind": result.case.kind, "what": result.case.what, "did": result.did,
        "wanted": result.expectation.wanted, "why": result.expectation.why, "mark": result.mark, "exit_code": result.code,
        "seconds": round(result.seconds, 3), "faults": list(result.faults), "leaks": list(result.leaks), "messages": observation.messages,
        "inside_tls": observation.secure_message, "reached": observation.spoke, "alert": observation.alert,
        "tls_version": observation.version, "sni": observation.sni, "exit_code_contradicts": result.lies, "unsupported": result.unsupported,
    }  # fmt: skip


def junit(results: Sequence[TrialResult]) -> str:
    """Return a suite for each client, a test case for each case; what is free or untested passes or is skipped."""
    root = ET.Element("testsuites", name="smtplab trial")
    for result in results:
        suite = ET.SubElement(root, "testsuite", name=clean(f"{result.client} ({result.policy})"), tests=str(len(result.cases)),
                              failures=str(result.count(Mark.WRONG)))  # fmt: skip
        for case in result.cases:
            element = ET.SubElement(
                suite, "testcase", classname=clean(result.client), name=case.case.name, time=f"{case.seconds:.3f}"
            )
            mark = case.mark
            if mark is Mark.WRONG:
                failure = ET.SubElement(element, "failure", message=clean(f"{did(case)}, should {case.expectation.wanted}"))
                failure.text = clean("\n".join([*row(case), *render(case.transcript)]))
            elif mark is Mark.UNTESTED:
                ET.SubElement(element, "skipped", message=clean(case.unsupported))
    return document(root)


def matrix(trials: Sequence[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of recorded trials (`as_json`'s) of one policy: a row for each case, a column for each client."""
    first = {case["case"]: case for trial in reversed(trials) for case in trial["cases"]}
    names = list(dict.fromkeys(case["case"] for trial in trials for case in trial["cases"]))
    did_by = [{case["case"]: _sign(case) for case in trial["cases"]} for trial in trials]
    heads = ["case", "should", *(trial["client"] for trial in trials)]
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join('---' for _ in heads)}|"]
    for name in names:
        should = {Wanted.ACCEPT.value: "yes", Wanted.REFUSE.value: "no"}.get(first[name]["wanted"], "free")
        lines.append(f"| `{name}` | {should} | {' | '.join(one.get(name, '') for one in did_by)} |")
    return lines


def _sign(case: dict[str, Any]) -> str:
    """`yes` and `no` say whether the client went on; bold is wrong, `clear` went without TLS."""
    text = {Did.ACCEPT.value: "yes", Did.REFUSE.value: "no", Did.HUNG.value: "hung"}.get(case["did"], "")
    if case["messages"] and not case["inside_tls"]:
        text += ", clear"
    return f"**{text}**" if case["mark"] == Mark.WRONG.value else text


_HEADS = {
    TrialPolicy.VERIFY: "Told to verify: TLS or nothing, with a certificate for the name",
    TrialPolicy.OPPORTUNISTIC: "Told to be opportunistic: TLS where it can be had",
    TrialPolicy.DANE: "Told to follow DANE",
    TrialPolicy.MTA_STS: "Told to follow MTA-STS",
}


def trials_page(trials: Sequence[dict[str, Any]]) -> str:
    """Return the documentation's page of recorded trials as Markdown: versions, a table for each policy, and what was wrong."""
    lines = [
        "# What mail clients really do", "",
        "Made by `make trials`, which puts every known client before every case of `smtplab trial --list`, over loopback, and writes down",
        "what the receiver saw. `yes`: the client went on, and where it sends mail its message was taken. `no`: it did not. **Bold** is",
        "not what it should do; `clear`: the message went without TLS. *free*: standards leave it to the client. An empty field: the case",
        "cannot be put to the client. How to put a client of your own there: [clients.md](clients.md). Run it again with your own versions",
        "before you rely on it.", "",
        "| client | version |", "|---|---|",
        *(f"| {name} | {told} |" for name, told in dict.fromkeys((trial["client"], trial["version"]) for trial in trials)),
    ]  # fmt: skip
    asked = [policy for policy in TrialPolicy if any(trial["policy"] == policy.value for trial in trials)]
    supports = list({trial["client"]: trial for trial in reversed(trials) if _tells(trial)}.values())[::-1]
    lines += ["", "## What they support", "", *feature_report.matrix(supports)]
    for policy in asked:
        own = [trial for trial in trials if trial["policy"] == policy.value]
        lines += ["", f"## {_HEADS[policy]}", "", *matrix(own)]
        wrong = [(trial, case) for trial in own for case in trial["cases"] if case["mark"] == Mark.WRONG.value]
        lines += ["", *(f"- {t['client']} {_verb(c)} `{c['case']}` ({c['what']}), and {_should(c)}." for t, c in wrong)]
    return "\n".join(lines).rstrip() + "\n"


def _tells(trial: dict[str, Any]) -> bool:
    return any(one["answer"] is not None for one in trial["features"]) and trial["policy"] in (
        TrialPolicy.VERIFY,
        TrialPolicy.OPPORTUNISTIC,
    )


def _verb(case: dict[str, Any]) -> str:
    return {Did.ACCEPT.value: "accepts", Did.REFUSE.value: "refuses", Did.HUNG.value: "hangs at"}[case["did"]]


#: What was wrong with a client that did what was wanted.
_FAULTS = {
    Fault.CLEAR: "should say nothing of a message in clear",
    Fault.CREDENTIALS: "should not say its password in clear",
    Fault.FOOLED: "should not take an injected reply for one inside TLS",
    Fault.AGAIN: "should not begin STARTTLS inside TLS",
    Fault.ASTRAY: "should not give the message to the preferred host",
    Fault.UNHEEDED: "should heed the OCSP response that it asked for",
    Fault.LIES: "should not leave with an exit code that says the contrary of what the receiver saw",
}


def _should(case: dict[str, Any]) -> str:
    words = [f"{_FAULTS[Fault(fault)]}: {FAULT_RULES[Fault(fault)]}" for fault in case["faults"]]
    if case["did"] == Did.HUNG.value and case["wanted"] == Wanted.EITHER.value:
        words.append("should not hang")
    elif case["wanted"] not in (Wanted.EITHER.value, case["did"]):
        words.append(f"should {case['wanted']}: {case['why']}")
    return ", and ".join(words)
