"""An examination on a page: a row for each host with its stages and times, what was found, and what it means for mail."""

from __future__ import annotations

from datetime import timedelta

from lab.check.findings import Severity
from lab.check.result import Examination, Found, HostResult, Stage, State
from lab.report.check_explain import explanation

_HEADS = {
    Stage.ANSWER: "Answer", Stage.CONNECT: "Connect", Stage.HELO: "HELO", Stage.TLS: "TLS", Stage.CERT: "Cert", Stage.SECURE: "Secure",
    Stage.FROM: "From", Stage.MTA_STS: "MTA-STS", Stage.DANE: "DANE",
}  # fmt: skip
_POLICIES = {"sts": "MTA-STS policy", "dane": "DANE records"}
_CELL = 9
_STATES = {State.PASSED: "ok", State.FAILED: "FAIL", State.SKIPPED: "-"}
_WORDS = {Severity.FAULT: "FAULT", Severity.WARNING: "warning", Severity.NOTE: "note"}


def summary(examination: Examination) -> list[str]:
    """Return the lines of the summary."""
    return [
        *heading(examination),
        "",
        *matrix(examination),
        "",
        *([*conclusions(examination), ""] if examination.hosts else []),
        *found_lines(examination),
        score_line(examination),
    ]


def heading(examination: Examination) -> list[str]:
    """Return what was examined, when, and how its names were found."""
    target = examination.target
    if target.domain is None or not examination.exchangers or examination.exchangers[0].preference is None:
        hosts = "one host" if examination.exchangers else "no host"
    else:
        count = len(examination.exchangers)
        hosts = f"{count} MX host{'s' if count > 1 else ''}"
    spent, as_of = duration(examination.seconds), judged_as_of(examination)
    return [f"{target.text}: {hosts}, examined at {examination.began:%Y-%m-%d %H:%M:%S}Z in {spent}{as_of}"]


def judged_as_of(examination: Examination) -> str:
    """Return the moment that certificates were judged at, where that is not the examination's own."""
    moments = [host.verdict.moment for host in examination.hosts if host.verdict]
    if not moments or abs(moments[0] - examination.began) < timedelta(hours=1):
        return ""
    return f", certificates judged as of {moments[0]:%Y-%m-%d %H:%M}Z"


def matrix(examination: Examination) -> list[str]:
    """Return the table: two lines a host, states above and times below."""
    if not examination.hosts:
        return ["no host to examine"]
    asked = [stage for stage in Stage if any(one.stage is stage for host in examination.hosts for one in host.stages)]
    width = max(len("MX host"), *(len(place) for host in examination.hosts for place in (host.exchanger.name, where(host)))) + 2
    lines = [f"{'MX host':{width}}" + "".join(f"{_HEADS[stage]:{_CELL}}" for stage in asked) + "Score"]
    for host in examination.hosts:
        results = [host.stage(stage) for stage in asked]
        states = "".join(f"{_STATES[one.state]:{_CELL}}" for one in results)
        times = "".join(f"{duration(one.seconds) if one.seconds is not None else '':{_CELL}}" for one in results)
        lines.append(f"{host.exchanger.name:{width}}{states}{host.score.percent if host.score else '-':>5}".rstrip())
        lines.append(f"{where(host):{width}}{times}".rstrip())
    return lines


def where(host: HostResult) -> str:
    """Return preference, address and port of a row."""
    preference = f"{host.exchanger.preference}  " if host.exchanger.preference is not None else ""
    return f"  {preference}{place(host)}" if host.address else f"  {preference}no address"


def place(host: HostResult) -> str:
    """Return address and port as one writes them."""
    return f"[{host.address}]:{host.port}" if ":" in host.address else f"{host.address}:{host.port}"


def title(host: HostResult) -> str:
    """Return a host's name with the address that was examined, where that says more."""
    return host.exchanger.name if host.address in ("", host.exchanger.name) else f"{host.exchanger.name} [{host.address}]"


def conclusions(examination: Examination) -> list[str]:
    """Return for each host what a sender gets there, in one sentence."""
    return [f"{title(host)}: {conclusion(host)}" for host in examination.hosts]


def conclusion(host: HostResult) -> str:
    """Return what a sender gets at a host."""
    faults = {one.id.partition("-")[0] for one in host.policy_findings if one.severity is Severity.FAULT}
    kept = [word for prefix, word in _POLICIES.items() if prefix in faults]
    under = f" Under its {' and '.join(kept)}, senders that keep to that do not deliver." if kept else ""
    return _conclusion(host) + under


def _conclusion(host: HostResult) -> str:
    passed = {one.stage for one in host.stages if one.state is State.PASSED}
    if Stage.ANSWER not in passed:
        return "could not be reached, so nothing is known of it."
    if Stage.HELO not in passed and Stage.SECURE not in passed:
        return "does not let us in, so nothing is known of its TLS."
    if Stage.SECURE not in passed:
        return "mail travels in the clear or not at all: there is no TLS to be had."
    hidden = "" if Stage.TLS in passed else " Senders do not know of the encryption, though: STARTTLS is not offered."
    if Stage.CERT not in passed:
        return (
            f"mail is encrypted, but who the receiver is cannot be verified: validating senders defer, the others deliver.{hidden}"
        )
    if host.verdict is not None and host.verdict.expected is None:
        return f"mail is encrypted, and the certificate is good; there was no name to look for in it (--name).{hidden}"
    return f"mail is encrypted, and the receiver is verified.{hidden}"


def found_lines(examination: Examination) -> list[str]:
    """Return faults and warnings with their facts, and how many notes there are besides."""
    lines: list[str] = []
    notes = 0
    for name, found in _groups(examination):
        weighty = [one for one in found if one.severity is not Severity.NOTE]
        notes += len(found) - len(weighty)
        if weighty:
            lines += [name, *(f"  {_WORDS[one.severity]:8} {one.id}: {one.detail}" for one in weighty), ""]
    if notes:
        lines += [f"{notes} note{'s' if notes > 1 else ''} besides: --format detail shows {'them' if notes > 1 else 'it'}", ""]
    return lines


def found_at_length(found: tuple[Found, ...]) -> list[str]:
    """Return findings with what they mean, what comes of them and what to do."""
    lines = []
    for one in found:
        lines.append(f"{_WORDS[one.severity]:8} {one.id}: {one.detail}")
        if (means := explanation(one)) is not None:
            lines += [f"           {means.what}", f"           A sender: {means.consequence}", f"           To do:    {means.cure}"]
    return lines


def _groups(examination: Examination) -> list[tuple[str, tuple[Found, ...]]]:
    groups = [(examination.target.text, examination.found)]
    groups += [(title(host), host.found) for host in examination.hosts]
    return [(name, found) for name, found in groups if found]


def score_line(examination: Examination) -> str:
    """Return the score of the whole and how many findings stand against it."""
    counts = dict.fromkeys(Severity, 0)
    for _, found in _groups(examination):
        for one in found:
            counts[one.severity] += 1
    words = ", ".join(f"{count} {severity}{'s' if count != 1 else ''}" for severity, count in counts.items())
    if not examination.tested:
        return f"Nothing could be tested: {words}."
    return f"Score {examination.score.percent if examination.score else 0} of 100: {words}."


def duration(seconds: float) -> str:
    """Return a time as one reads it best: `0.3 ms`, `35 ms`, `5.1 s`."""
    if seconds < 0.01:
        return f"{1000 * seconds:.1f} ms"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
