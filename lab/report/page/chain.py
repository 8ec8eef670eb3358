"""A chain of certificates as a picture: who signed whom, what is missing, and what is wrong with each.

Leaf on the left, each issuer to the right of what it signed. Sent certificates have a solid frame, those from the trust store a
dashed one; where the chain ends before an anchor the missing issuer is drawn as an empty frame. Drawn as SVG with classes for
colours, so that the page's dark and light dress it.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from lab.data import dataclass
from lab.tls.certificate import Certificate
from lab.tls.findings import Finding, FindingId, Verdict

_BOX, _GAP, _TOP, _LINE = 236, 74, 30, 17
_LONGEST = 31
_MOST = 6


@dataclass(frozen=True, slots=True)
class _Frame:
    """One box: what stands in it, what is wrong with it, whether it was sent, is trusted, or is missing."""

    certificate: Certificate | None
    title: str
    lines: tuple[str, ...]
    findings: tuple[Finding, ...]
    kind: str  # sent, trusted, missing, stranger


def draw(verdict: Verdict, anchors: Sequence[Certificate] = ()) -> str:
    """Return the picture of what was shown and of the path that was built from it; '' where no certificate was shown.

    `anchors` are the roots that were trusted, where they are known: those on the path are marked.
    """
    if not verdict.chain:
        return ""
    frames = _frames(verdict, frozenset(anchors))
    if len(frames) > _MOST:
        frames = [*frames[: _MOST - 1], _Frame(None, f"{len(frames) - _MOST + 1} more", (), (), "missing")]
    deepest = max(len(frame.lines) + len(frame.findings) for frame in frames)
    height = _TOP + 32 + deepest * _LINE + 10
    width = len(frames) * _BOX + (len(frames) - 1) * _GAP + 8
    svg = ET.Element("svg", {"viewBox": f"0 0 {width} {height}", "class": "chain", "role": "img", "width": str(width)})
    ET.SubElement(svg, "title").text = "The chain of certificates, leaf first"
    for number, frame in enumerate(frames):
        left = 4 + number * (_BOX + _GAP)
        if number:
            _arrow(svg, left - _GAP, height, whole=frame.kind != "stranger", good=frame.kind != "missing")
        _box(svg, left, height, frame, number)
    return ET.tostring(svg, encoding="unicode")


def _frames(verdict: Verdict, anchors: frozenset[Certificate]) -> list[_Frame]:
    path = verdict.path or verdict.chain[:1]
    frames = []
    for depth, certificate in enumerate(path):
        findings = tuple(one for one in verdict.findings if one.depth == depth and one.id is not FindingId.ISSUER_MISSING)
        sent = certificate in verdict.chain
        title = "leaf" if depth == 0 else "root" if certificate.subject == certificate.issuer else "intermediate"
        trusted = certificate in anchors or not sent
        kind = "trusted" if trusted else "sent"
        told = "sent" if sent else "not sent"
        frames.append(
            _Frame(
                certificate,
                f"{title}, {told}{', trusted' if trusted else ''}",
                _lines(certificate, alone=certificate.subject == certificate.issuer and depth == 0),
                findings,
                kind,
            )
        )
    missing = [one for one in verdict.findings if one.id is FindingId.ISSUER_MISSING]
    if missing:
        frames.append(_Frame(None, "not sent, not known", (f"{_name(path[-1].issuer)}",), tuple(missing), "missing"))
    strangers = [one for one in verdict.chain if one not in path]
    frames += [_Frame(one, "sent, signed nothing here", _lines(one), (), "stranger") for one in dict.fromkeys(strangers)]
    return frames


def _lines(certificate: Certificate, *, alone: bool = False) -> tuple[str, ...]:
    names = certificate.dns_names
    shown = f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}" if names else ""
    return tuple(
        line for line in (
            _name(certificate.subject) or "(empty subject)",
            f"names: {shown}" if shown and shown != _name(certificate.subject) else "",
            f"until {certificate.not_after:%Y-%m-%d}",
            certificate.key,
            "signed by itself" if alone else "",
        ) if line
    )  # fmt: skip


def _name(distinguished: str) -> str:
    """Return the part of a name that tells one from another: its CN, else its first part."""
    first = distinguished.split(", ", maxsplit=1)[0]
    return first.partition("=")[2] or first


def _box(svg: ET.Element, left: int, height: int, frame: _Frame, number: int) -> None:
    wrong = " wrong" if frame.findings else ""
    group = ET.SubElement(svg, "g", {"class": f"{frame.kind}{wrong}", "transform": f"translate({left} 0)"})
    if frame.certificate is not None:
        ET.SubElement(
            group, "title"
        ).text = f"{frame.certificate.subject}\nissued by {frame.certificate.issuer}\n{frame.certificate.thumbprint}"
    ET.SubElement(group, "text", {"x": "0", "y": str(_TOP - 10), "class": "place"}).text = f"{number}  {frame.title}"
    ET.SubElement(group, "rect", {"x": "0", "y": str(_TOP), "width": str(_BOX), "height": str(height - _TOP - 4), "rx": "8"})
    at = _TOP + 26
    for line_number, line in enumerate(frame.lines):
        style = "name" if line_number == 0 else "fact"
        ET.SubElement(group, "text", {"x": "14", "y": str(at), "class": style}).text = _short(line)
        at += _LINE + (3 if line_number == 0 else 0)
    at += 8
    for finding in frame.findings:
        ET.SubElement(group, "text", {"x": "14", "y": str(at), "class": "finding"}).text = f"\N{MULTIPLICATION X} {finding.id}"
        at += _LINE


def _arrow(svg: ET.Element, left: int, height: int, *, whole: bool, good: bool) -> None:
    """Draw from an issuer to what it signed: the arrow points at the signed one."""
    if not whole:
        return
    middle = (_TOP + height) // 2
    group = ET.SubElement(svg, "g", {"class": "signs" if good else "signs lost"})
    ET.SubElement(group, "path", {"d": f"M{left + _GAP - 6} {middle}H{left + 12}"})
    ET.SubElement(group, "path", {"d": f"M{left + 20} {middle - 6}L{left + 8} {middle}L{left + 20} {middle + 6}", "class": "tip"})
    ET.SubElement(group, "text", {"x": str(left + _GAP // 2), "y": str(middle - 10)}).text = "signed by"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
