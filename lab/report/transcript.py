"""A transcript in the shape that users of CheckTLS know: clock, arrows, plain and inside TLS told apart (facts/diagnostics 1.5).

`-->` and `<--` are clear text, `~~>` and `<~~` inside TLS; `>` is what the recording host said to the peer of the leg.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.report.explain import FINDINGS
from lab.tls.certificate import Certificate
from lab.tls.findings import Verdict
from lab.transcript import Entry, Kind, Leg

_ARROWS = {(False, False): "<--", (True, False): "-->", (False, True): "<~~", (True, True): "~~>"}
_OUTWARD = {Kind.LINE_OUT, Kind.CONTENT_OUT}
_LONGEST = 400


def render(entries: Iterable[Entry], *, legs: bool = False, began: float | None = None) -> list[str]:
    """Return the lines for entries in order; with `legs` each names its host and leg, for sessions with two.

    `began` is the moment that the clock counts from, by default the first entry's.
    """
    entries = list(entries)
    if not entries:
        return []
    began = entries[0].at if began is None else began
    lines: list[str] = []
    for entry in entries:
        stamp = f"[{entry.at - began:07.3f}]"
        where = f" {_leg(entry)}" if legs else ""
        for number, text in enumerate(texts(entry)):
            lines.append(f"{stamp if number == 0 else ' ' * len(stamp)}{where} {text}")
    return lines


def sessions(entries: Sequence[Entry]) -> list[str]:
    """Return all sessions one after the other, each with a heading."""
    lines: list[str] = []
    for session in dict.fromkeys(entry.session for entry in entries):
        own = [entry for entry in entries if entry.session == session]
        two_legs = len({entry.leg for entry in own}) > 1
        lines += [f"--- {session} ({own[0].host})", *render(own, legs=two_legs), ""]
    return lines


def _leg(entry: Entry) -> str:
    return "sender  |" if entry.leg is Leg.SENDER else "receiver|"


def texts(entry: Entry) -> list[str]:
    """Return the lines of text of one entry, arrows included."""
    detail = entry.detail
    match entry.kind:
        case Kind.LINE_IN | Kind.LINE_OUT:
            arrow = _ARROWS[entry.kind in _OUTWARD, entry.secure]
            return [f"{arrow}  {_printable(line)}" for line in entry.data.split(b"\r\n")]
        case Kind.CONTENT_IN | Kind.CONTENT_OUT:
            arrow = _ARROWS[entry.kind in _OUTWARD, entry.secure]
            return [f"{arrow}  ({detail.get('size', len(entry.data))} bytes of content)"]
        case Kind.CONNECTED:
            return [f"===  connected: {detail['address']}:{detail['port']}"]
        case Kind.CLOSED:
            opaque = f", {detail['opaque_bytes']} bytes carried unread" if detail.get("opaque_bytes") else ""
            return [f"===  closed by {'the peer' if detail.get('by') == 'peer' else 'us'}{opaque}"]
        case Kind.TLS:
            group = f", {detail['group']}" if detail.get("group") else ""
            return [f"***  TLS established: {detail['version']}, {detail['cipher']}{group}"]
        case Kind.TLS_FAILED:
            return [f"***  TLS failed: {detail['message']}{_blame(entry)}"]
        case Kind.CERTIFICATES:
            return certificates(detail["chain"], str(detail["shown_by"]))
        case Kind.VERDICT:
            return verdict(detail["verdict"])
        case Kind.BEHAVIOUR:
            did = f": {detail['message']}" if detail.get("message") else ""
            return [f"###  behaviour: {_printable(entry.data)}{did}"]
        case Kind.FAULT:
            return [f"!!!  {detail.get('message', '')}{_blame(entry)}"]
        case _:
            return [f"...  {detail.get('message', '')}"]


def _blame(entry: Entry) -> str:
    return f" (blame: {entry.blame})" if entry.blame else ""


def certificates(chain: Sequence[Certificate], shown_by: str) -> list[str]:
    """Return the lines for a chain, leaf first."""
    if not chain:
        return [f"***  the {shown_by} shows no certificate"]
    lines = []
    for number, certificate in enumerate(chain, 1):
        lines += [
            f"***  certificate {number} of {len(chain)}, shown by the {shown_by}",
            f"       subject:    {certificate.subject or '(empty)'}",
            f"       issuer:     {certificate.issuer}",
            f"       names:      {', '.join(certificate.dns_names[:6]) or 'none'}{' ...' if len(certificate.dns_names) > 6 else ''}",
            f"       serial:     {certificate.serial}",
            f"       valid:      {certificate.not_before:%Y-%m-%d %H:%M}Z to {certificate.not_after:%Y-%m-%d %H:%M}Z",
            f"       key:        {certificate.key}, signed with {certificate.signature}",
            f"       thumbprint: {certificate.thumbprint}",
        ]
    return lines


def verdict(judged: Verdict) -> list[str]:
    """Return the lines for a verdict: every finding, with what it means."""
    name = f" for {judged.expected}" if judged.expected else ""
    if judged.good:
        matched = f", name matched by {judged.matched}" if judged.matched else ""
        return [f"***  verdict{name}: good{matched}"]
    lines = [f"***  verdict{name}: {', '.join(finding.id for finding in judged.findings)}"]
    for finding in judged.findings:
        lines += [f"       {finding.id}: {finding.detail}", f"         {FINDINGS[finding.id].consequence}"]
    return lines


def _printable(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(data)} bytes)"
