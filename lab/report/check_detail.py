"""An examination at length: every command and reply with the clock, the TLS, each certificate, all findings, and what to do.

The shape is the one that users of CheckTLS know (facts/diagnostics 1.5): clock, arrows, clear text (`-->`, `<--`) and inside TLS
(`~~>`, `<~~`) told apart, and a sentence where a stage ends. The sentences are ours.
"""

from __future__ import annotations

from lab.check.findings import Severity
from lab.check.policy import PolicyCheck
from lab.check.result import Examination, HostResult, State
from lab.report.check_text import conclusion, found_at_length, heading, matrix, place, score_line
from lab.report.transcript import certificates, render
from lab.tls.suites import Weakness, forward_secret
from lab.transcript import Entry, Kind

_BROKEN = {Severity.FAULT: "FAIL", Severity.WARNING: "warn", Severity.NOTE: "note"}
_STAGES = {
    ("answer", State.PASSED): "the address answers", ("answer", State.FAILED): "the address does NOT answer",
    ("connect", State.PASSED): "the receiver lets us in", ("connect", State.FAILED): "the receiver does NOT let us in",
    ("helo", State.PASSED): "the receiver greets us back", ("helo", State.FAILED): "the receiver does NOT greet us back",
    ("tls", State.PASSED): "STARTTLS is offered and taken", ("tls", State.FAILED): "STARTTLS is NOT to be had",
    ("cert", State.PASSED): "the certificate is verified", ("cert", State.FAILED): "the certificate is NOT verified",
    ("secure", State.PASSED): "the session goes on inside TLS", ("secure", State.FAILED): "the session does NOT go on inside TLS",
    ("from", State.PASSED): "our sender is taken", ("from", State.FAILED): "our sender is NOT taken",
}  # fmt: skip


def detail(examination: Examination) -> list[str]:
    """Return the lines of the whole examination."""
    lines = [*heading(examination), ""]
    if examination.exchangers:
        lines += [*_names(examination), ""]
    if examination.found:
        lines += [*found_at_length(examination.found), ""]
    for host in examination.hosts:
        lines += [*host_lines(host), ""]
    lines += _policies(examination)
    return [*lines, *matrix(examination), "", score_line(examination)]


def _names(examination: Examination) -> list[str]:
    lines = []
    for exchanger in examination.exchangers:
        preference = f" (preference {exchanger.preference})" if exchanger.preference is not None else ""
        alias = f", an alias of {exchanger.alias_of}" if exchanger.alias_of else ""
        lines.append(f"{exchanger.name}{preference}{alias}: {', '.join(exchanger.addresses) or 'no address'}")
    return lines


def host_lines(host: HostResult) -> list[str]:
    """Return the lines of one host."""
    lines = [f"--- {host.exchanger.name} {place(host) if host.address else '(no address)'}"]
    if host.entries:
        lines += ["seconds    what was said and seen", *_transcript(host.entries), ""]
    lines += [f"Result: {conclusion(host)}", ""]
    if host.tls is not None:
        lines += [*_tls(host), ""]
    if host.versions:
        lines += [*_probes(host), ""]
    if host.found:
        lines += ["Findings", *(f"  {line}" for line in found_at_length(host.found)), ""]
    if host.score is not None:
        parts = ", ".join(f"{part.part} {part.reached}/{part.possible}" for part in host.score.parts)
        cap = f", capped at {host.score.cap} by {host.score.capped_by}" if host.score.percent == host.score.cap < 100 else ""
        lines.append(f"Score {host.score.percent} of 100: {parts}{cap}")
    return lines


def stage_sentence(entry: Entry) -> str:
    """Return what a note at the end of a stage says."""
    return _STAGES[str(entry.detail["stage"]), State(entry.detail["state"])]


def _transcript(entries: tuple[Entry, ...]) -> list[str]:
    """Return the transcript with a sentence at the end of each stage; certificates and verdict stand below in full."""
    lines = []
    began = entries[0].at
    for entry in entries:
        if entry.kind is Kind.NOTE and "stage" in entry.detail:
            lines.append(f"[{entry.at - began:07.3f}]      {stage_sentence(entry)}")
        elif entry.kind is Kind.VERDICT:
            ids = ", ".join(dict.fromkeys(finding.id.value for finding in entry.detail["verdict"].findings))
            lines.append(f"[{entry.at - began:07.3f}] ***  verdict: {ids or 'good'}")
        elif entry.kind is Kind.CERTIFICATES:
            count = len(entry.detail["chain"])
            lines.append(
                f"[{entry.at - began:07.3f}] ***  {count or 'no'} certificate{'s' if count != 1 else ''} sent by the receiver, see below"
            )
        else:
            lines += render([entry], began=began)
    return lines


def _tls(host: HostResult) -> list[str]:
    assert host.tls is not None
    facts = host.tls
    lines = [
        f"TLS        {facts.version}, {facts.cipher} ({facts.bits} bits){f', group {facts.group}' if facts.group else ''}",
        f"           forward secrecy: {'yes' if forward_secret(facts.cipher) else 'NO'}; asked for the name (SNI): {facts.sni or 'none'}",
    ]
    if host.verdict is not None and facts.peer_chain:
        lines += certificates(facts.peer_chain, "receiver")
        added = [one for one in host.verdict.path if one not in facts.peer_chain]
        lines += [f"***  added from the trust store: {one.subject}, until {one.not_after:%Y-%m-%d}" for one in added]
        expected, matched = host.verdict.expected, host.verdict.matched
        if expected is not None:
            lines.append(f"***  name   {expected}: {f'matched by {matched}' if matched else 'NOT in the certificate'}")
    return lines


def _policies(examination: Examination) -> list[str]:
    """Return every rule of MTA-STS and DANE that was checked, with its section."""
    lines: list[str] = []
    if examination.sts is not None:
        mode = examination.sts.mode
        lines += [f"MTA-STS of {examination.sts.domain}: {f'mode {mode}' if mode else 'no policy is in force'}"]
        lines += [*_rules(examination.sts.checks), ""]
    for host in examination.sts_hosts:
        lines += [f"MTA-STS, {host.host}", *_rules(host.checks), ""]
    for name, dane in examination.dane:
        lines += [
            f"DANE, {name}: {dane.lookup.state}{f', {dane.lookup.detail}' if dane.lookup.detail else ''}",
            *_rules(dane.checks),
            "",
        ]
    return lines


def _rules(checks: tuple[PolicyCheck, ...]) -> list[str]:
    """Return a line for each rule: a kept one by its section, since its id is the name of the fault, a broken one by that."""
    lines = []
    for one in checks:
        if one.failed:
            lines.append(f"  {_BROKEN[one.severity]:5} {one.id}: {one.detail} ({one.rule})")
        else:
            word = "kept" if one.state is State.PASSED else "not checked"
            lines.append(f"  {'ok' if one.state is State.PASSED else '-':5} {one.rule}: {one.detail or word} (else {one.id})")
    return lines


def _probes(host: HostResult) -> list[str]:
    lines = ["Versions and ciphers that are taken"]
    for version in host.versions:
        state = "unknown" if version.taken is None else "yes" if version.taken else "no"
        lines.append(f"  {version.version:10} {state:8} {version.cipher or version.detail}")
    for cipher in host.ciphers:
        state = "unknown" if cipher.taken is None else "YES" if cipher.taken else "no"
        state = state.lower() if cipher.weakness == Weakness.STATIC_RSA else state
        lines.append(f"  {cipher.weakness:10} {state:8} {cipher.cipher or ''}".rstrip())
    return lines
