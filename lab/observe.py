"""Holds what happened in a lab against what a scenario expects."""

from __future__ import annotations

from lab.backends.backend import Backend
from lab.online.config import Era
from lab.scenario.loaded import Loaded
from lab.scenario.model import Expectation, FlowExpectation, Log, Standing, words_for
from lab.scenario.result import Check, CheckKind, FlowResult, ValidationResult
from lab.sending.attempt import Outcome, Security
from lab.sending.message import Message
from lab.smtp.headers import header, header_block

#: How a message may have travelled, the safer the later.
_SAFER = (Security.CLEAR.value, Security.ENCRYPTED.value, Security.AUTHENTICATED.value)


def flow_result(lab: Backend, flow: str, message: Message) -> FlowResult:
    """Return what became of a flow's message up to now."""
    last = message.attempts[-1] if message.attempts else None
    failed = next((attempt for attempt in reversed(message.attempts) if attempt.outcome is not Outcome.DELIVERED), None)
    judged = last.verdict if last else None
    receiver = lab.mail_hosts[flow.rpartition(" ")[2]]
    mailbox = receiver.mailboxes.get(message.envelope.recipients[0].lower(), [])
    copies = [one.envelope.content for one in mailbox if one.envelope.content.endswith(message.envelope.content)]
    counted = {header(content, "X-MS-Exchange-Organization-AuthAs") for content in copies}
    return FlowResult(
        flow=flow,
        outcome=message.outcome,
        security=last.security if last else Security.CLEAR,
        reason=last.reason.id if last and last.reason else None,
        findings=tuple(finding.id for finding in judged.findings) if judged else (),
        words=message.words[-1] if message.words and failed is not None else "",
        attempts=tuple(message.attempts),
        copies=len(copies),
        session=last.session if last else "",
        counts_as=Standing.INTERNAL if "Internal" in counted else Standing.EXTERNAL if "Anonymous" in counted else None,
    )


def judge(
    lab: Backend, expect: Expectation, era: Era, flows: dict[str, FlowResult], queued: dict[str, FlowResult],
    validation: tuple[ValidationResult, ...],
) -> tuple[Check, ...]:  # fmt: skip
    """Hold everything that is expected against what was seen."""
    checks: list[Check] = []
    for flow, result in flows.items():
        checks += _judge_flow(flow, expect.flow(flow), result, era)
    for flow, result in queued.items():
        wanted = expect.flow(flow)
        if wanted.outcome is Outcome.DELIVERED:
            checks += _judge_flow(f"{flow} (queued)", FlowExpectation(), result, era)
    for row in expect.logs:
        text = log_text(lab, row.log)
        if row.contains is not None:
            seen = row.contains in text
            checks.append(Check(CheckKind.LOG, row.log, f"contains {row.contains}", "found" if seen else _tail(text), seen))
        if row.absent is not None:
            seen = row.absent not in text
            checks.append(Check(CheckKind.LOG, row.log, f"does not contain {row.absent}", "absent" if seen else "found", seen))
    if expect.validation is not None:
        good = all(row.successful for row in validation)
        detail = "passes" if good else next(row.detail or row.task for row in validation if not row.successful)
        checks.append(
            Check(CheckKind.VALIDATION, "connector", "passes" if expect.validation else "fails", detail, good is expect.validation)
        )
    return tuple(checks)


def _judge_flow(subject: str, wanted: FlowExpectation, result: FlowResult, era: Era) -> list[Check]:
    def check(kind: CheckKind, expected: str, seen: str, met: bool) -> Check:
        return Check(kind, subject, expected, seen, met, result.session)

    outcome = result.outcome.value if result.outcome else "not tried"
    checks = [check(CheckKind.OUTCOME, wanted.outcome.value, outcome, result.outcome is wanted.outcome)]
    copies = wanted.copies if wanted.copies is not None else 1 if wanted.outcome is Outcome.DELIVERED else 0
    checks.append(check(CheckKind.COPIES, str(copies), str(result.copies), result.copies == copies))
    if wanted.reason is not None:
        checks.append(check(CheckKind.REASON, wanted.reason, result.reason or "none", result.reason is wanted.reason))
    if wanted.security is not None:
        checks.append(check(CheckKind.SECURITY, wanted.security, result.security, result.security is wanted.security))
    if wanted.findings is not None:
        expected, seen = sorted(wanted.findings), sorted(result.findings)
        checks.append(check(CheckKind.FINDINGS, ", ".join(expected) or "none", ", ".join(seen) or "none", expected == seen))
    if wanted.counts_as is not None:
        seen_as = result.counts_as or "none of both"
        checks.append(check(CheckKind.STANDING, wanted.counts_as, seen_as, result.counts_as is wanted.counts_as))
    checks += [
        check(CheckKind.WORDS, text, result.words or "nothing", text in result.words) for text in words_for(wanted.words, era)
    ]
    return checks


def judge_control(
    loaded: Loaded, expect: Expectation, checks: tuple[Check, ...], flows: dict[str, FlowResult]
) -> tuple[Check, ...]:
    """Turn the checks round for a run without the faults: all flows are delivered, and nothing that names the failure is met.

    What is expected of flows that are not touched by the fault must still hold.
    """
    turned: list[Check] = []
    faulty = bool(loaded.scenario.faults)
    for check in checks:
        failing = check.subject in flows and expect.flow(check.subject).outcome is not Outcome.DELIVERED
        lost = not failing and check.subject in flows and expect.flow(check.subject).copies == 0
        if (
            (failing and check.kind in (CheckKind.OUTCOME, CheckKind.REASON, CheckKind.WORDS))
            or (faulty and check.kind is CheckKind.STANDING and check.expected == Standing.EXTERNAL)
            or (faulty and lost and check.kind is CheckKind.COPIES)
            or (faulty and _weakened(check))
        ):
            turned.append(
                Check(CheckKind.CONTROL, check.subject, f"not: {check.expected}", check.seen, not check.met, check.session)
            )
        elif faulty and _names_failure(check, expect):
            turned.append(Check(CheckKind.CONTROL, check.subject, f"not: {check.expected}", check.seen, not check.met))
        elif not failing and check.kind in (CheckKind.OUTCOME, CheckKind.COPIES):
            turned.append(check)
    for flow, result in flows.items():
        if expect.flow(flow).outcome is not Outcome.DELIVERED:
            seen = result.outcome.value if result.outcome else "not tried"
            turned.append(Check(CheckKind.CONTROL, flow, Outcome.DELIVERED.value, seen, result.delivered, result.session))
    if faulty and not any(check.kind is CheckKind.CONTROL for check in turned):
        turned.append(Check(CheckKind.CONTROL, loaded.name, "a difference without the fault", "none", False))
    return tuple(turned)


def _weakened(check: Check) -> bool:
    """Whether a flow travels more safely here than with the fault: that was what the fault did to it."""
    if check.kind is not CheckKind.SECURITY or check.met or check.seen not in _SAFER:
        return False
    return _SAFER.index(check.seen) > _SAFER.index(check.expected)


def _names_failure(check: Check, expect: Expectation) -> bool:
    """Whether a check is about what only the fault can bring: a failed validation, a line in a log."""
    if check.kind is CheckKind.VALIDATION:
        return not expect.validation
    return check.kind is CheckKind.LOG and check.expected.startswith("contains")


def log_text(lab: Backend, log: Log) -> str:
    """Return a log as text to look into."""
    match log:
        case Log.RECEIVE | Log.SEND:
            return lab.exchange.protocol_log(log)
        case Log.TRACKING:
            return lab.exchange.tracking_log()
        case Log.EVENTS:
            return "\n".join(f"{event.id} {event.message}" for event in lab.exchange.events)
        case Log.TRACE:
            traces = [lab.online.trace_of(message) for message in lab.online.messages]
            return "\n".join(f"{trace.Status} {event.Event} {event.Detail}" for trace in traces for event in trace.Events)
        case Log.MAILBOX:
            boxes = [host.mailboxes for host in lab.mail_hosts.values()]
            contents = [delivered.envelope.content for box in boxes for messages in box.values() for delivered in messages]
            return "\n".join(header_block(content).decode("utf-8", "replace") for content in contents)


def _tail(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines[-3:]) if lines else "nothing"
