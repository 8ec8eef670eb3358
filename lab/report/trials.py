"""Trials in words: a table of one client's cases, the matrix of several clients, JSON, JUnit, Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from lab.report.junit import clean, document
from lab.report.transcript import render
from lab.trial.expectation import TrialPolicy, Wanted
from lab.trial.result import CaseResult, Did, Mark, TrialResult


def row(result: CaseResult, policy: TrialPolicy) -> list[str]:
    """Return the lines for one case: what it did, and where that was wrong, why, with the evidence."""
    mark = result.mark(policy)
    wanted = f" should {result.expectation.wanted}" if result.expectation.wanted is not Wanted.EITHER else " should end"
    seen = _seen(result)
    lines = [f"{mark.upper() if mark is Mark.WRONG else mark:8} {result.case.name:36} {did(result):9} {seen}".rstrip()]
    if mark is not Mark.WRONG:
        return lines
    lines.append(f"         {result.case.what};{wanted}: {result.expectation.why}")
    if result.leaks and policy is TrialPolicy.VERIFY:
        lines.append(f"         in clear went: {', '.join(result.leaks)}")
    if result.lies:
        told = "success" if result.code == 0 else f"failure (exit code {result.code})"
        lines.append(f"         the client reports {told}, the receiver took {result.observation.messages} message(s)")
    last = result.output.strip().splitlines()[-1:] or ["nothing"]
    lines.append(f"         its last words: {last[0][:200]}")
    return lines


def did(result: CaseResult) -> str:
    """Return what the client did, as a verb."""
    return {Did.ACCEPT: "accepts", Did.REFUSE: "refuses", Did.HUNG: "hangs", Did.UNSUPPORTED: "(cannot)"}[result.did]


def _seen(result: CaseResult) -> str:
    observation = result.observation
    if result.did is Did.UNSUPPORTED:
        return "this case needs a host name of several labels, which cannot be had here"
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
    return [f"{result.client} ({result.policy}): {counts}; {verdict}"]


def as_json(results: Sequence[TrialResult]) -> dict[str, Any]:
    """Return results as plain JSON data: a list of clients, and for each what it did with every case."""
    return {
        "trials": [
            {
                "client": result.client, "version": result.version, "policy": result.policy, "command": list(result.command),
                "sane": result.sane, "right": result.right, "marks": {mark: result.count(mark) for mark in Mark},
                "cases": [_case_json(case, result.policy) for case in result.cases],
            }
            for result in results
        ]
    }  # fmt: skip


def _case_json(result: CaseResult, policy: TrialPolicy) -> dict[str, Any]:
    observation = result.observation
    return {
        "case": result.case.name, "kind": result.case.kind, "what": result.case.what, "did": result.did,
        "wanted": result.expectation.wanted, "why": result.expectation.why, "mark": result.mark(policy), "exit_code": result.code,
        "seconds": round(result.seconds, 3), "leaks": list(result.leaks), "messages": observation.messages,
        "inside_tls": observation.secure_message, "reached": observation.spoke, "alert": observation.alert,
        "tls_version": observation.version, "sni": observation.sni, "exit_code_contradicts": result.lies,
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
            mark = case.mark(result.policy)
            if mark is Mark.WRONG:
                failure = ET.SubElement(element, "failure", message=clean(f"{did(case)}, should {case.expectation.wanted}"))
                failure.text = clean("\n".join([*row(case, result.policy), *render(case.transcript)]))
            elif mark is Mark.UNTESTED:
                ET.SubElement(element, "skipped")
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


def trials_page(trials: Sequence[dict[str, Any]]) -> str:
    """Return the documentation's page of recorded trials as Markdown: versions, a table for each policy, and what was wrong."""
    lines = [
        "# What mail clients really do", "",
        "Made by `make trials`, which puts every known client before every case of `smtplab trial --list`, over loopback, and writes down",
        "what the receiver saw. `yes`: the client went on, and where it sends mail its message was taken. `no`: it did not. **Bold** is",
        "not what it should do; `clear`: the message went without TLS. *free*: standards leave it to the client. Run it again with your own",
        "versions before you rely on it.", "",
        "| client | version |", "|---|---|",
        *(f"| {name} | {told} |" for name, told in dict.fromkeys((trial["client"], trial["version"]) for trial in trials)),
    ]  # fmt: skip
    for policy in TrialPolicy:
        own = [trial for trial in trials if trial["policy"] == policy.value]
        if own:
            lines += ["", f"## Told to be: {policy.value}", "", *matrix(own)]
            wrong = [(trial, case) for trial in own for case in trial["cases"] if case["mark"] == Mark.WRONG.value]
            lines += [
                "",
                *(f"- {t['client']} {_verb(c)} `{c['case']}` ({c['what']}), and {_should(c)}: {c['why']}." for t, c in wrong),
            ]
    return "\n".join(lines).rstrip() + "\n"


def _verb(case: dict[str, Any]) -> str:
    return {Did.ACCEPT.value: "accepts", Did.REFUSE.value: "refuses", Did.HUNG.value: "hangs at"}[case["did"]]


def _should(case: dict[str, Any]) -> str:
    return "should not hang" if case["wanted"] == Wanted.EITHER.value else f"should {case['wanted']}"
