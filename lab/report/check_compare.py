"""Whose certificate it is, and two ways side by side, in words."""

from __future__ import annotations

import textwrap

from lab.check.difference import Aspect, Difference
from lab.check.ownership import Ownership, SignId, Sureness, thumbprint
from lab.report.check_text import place

_SURENESS = {
    Sureness.CERTAIN: "A box in between answers: certain, it gives itself away.",
    Sureness.LIKELY: "A box in between answers: likely.",
    Sureness.POSSIBLE: "A box in between answers: possible. Look at the certificates of the server itself to be sure.",
    Sureness.UNLIKELY: "A box in between answers: unlikely, there is a better explanation.",
    Sureness.NO_SIGN: "",
}
_TO_DO = {
    SignId.SERVERS_OWN: "The server shows its own self-signed certificate: bind the expected one to its receive connector.",
    SignId.SAME_NAMES: "The server shows another certificate of the same kind: restart the transport service, remove the old one.",
    SignId.SAME_KEY: "The certificate was renewed with its old key: expect the new thumbprint.",
}
_FIND_THE_BOX = "Find the device that answers in the server's place; let it pass TLS through, or give it the expected certificate."
_ASPECTS = {
    Aspect.BANNER: "greeting", Aspect.GREETING: "greeted by", Aspect.KEYWORDS: "keywords in clear", Aspect.STARTTLS: "STARTTLS",
    Aspect.VERSION: "TLS version", Aspect.CIPHER: "cipher", Aspect.GROUP: "group", Aspect.SUBJECT: "subject", Aspect.ISSUER: "issuer",
    Aspect.THUMBPRINT: "thumbprint", Aspect.CHAIN: "certificates", Aspect.FINDINGS: "findings", Aspect.KEYWORDS_SECURE: "keywords in TLS",
    Aspect.MAIL: "MAIL FROM",
}  # fmt: skip
_HEAD, _SIDE = 19, 54


def ownership(answers: tuple[Ownership, ...]) -> list[str]:
    """Return the plain answer for each host."""
    lines: list[str] = []
    for one in answers:
        lines += [*_answer(one), ""]
    return lines


def _answer(one: Ownership) -> list[str]:
    where = f"{one.host} [{one.address}]"
    if one.shown is None:
        return [f"Whose certificate? {where} showed none, so nothing can be said.", *_signs(one)]
    if one.same:
        return [f"Whose certificate? {where} shows the expected one: {one.expected.thumbprint}.",
                "  Nobody between here and there terminates TLS, unless with the same certificate and key."]  # fmt: skip
    lines = [f"Whose certificate? {where}: this is NOT the expected certificate.",
             f"  expected  thumbprint {one.expected.thumbprint}"]  # fmt: skip
    if one.expected.certificate is not None:
        lines += [
            f"            subject    {one.expected.certificate.subject}",
            f"            issuer     {one.expected.certificate.issuer}",
        ]
    lines += [
        f"  shown     thumbprint {thumbprint(one.shown, one.expected.thumbprint)}",
        f"            subject    {one.shown.subject or '(empty)'}",
        f"            issuer     {one.shown.issuer}",
        f"  {_SURENESS[one.sureness]}",
    ]
    cure = next((_TO_DO[sign.id] for sign in one.signs if sign.id in _TO_DO), _FIND_THE_BOX)
    return [*lines, *_signs(one), f"  To do: {cure}"]


def _signs(one: Ownership) -> list[str]:
    return [f"    {'for:    ' if sign.weight > 0 else 'against:'} {sign.detail}" for sign in one.signs]


def difference(found: Difference) -> list[str]:
    """Return both ways side by side; a row that differs is marked."""
    lines = [f"Two ways to {found.left.exchanger.name}", f"   {'':{_HEAD}}{place(found.left):{_SIDE}}  {place(found.right)}"]
    for row in found.rows:
        if not row.left and not row.right:
            continue
        left, right = _wrapped(row.left), _wrapped(row.right)
        if row.same:
            right = ["the same"]
        for number in range(max(len(left), len(right))):
            mark = "!=" if not row.same and number == 0 else "  "
            head = _ASPECTS[row.aspect] if number == 0 else ""
            one, other = (side[number] if number < len(side) else "" for side in (left, right))
            lines.append(f"{mark} {head:{_HEAD}}{one:{_SIDE}}  {other}".rstrip())
    if found.telling:
        what = ", ".join(_ASPECTS[aspect] for aspect in found.telling)
        lines.append(f"  They do NOT lead to the same answers ({what}): something stands on one of the ways.")
    else:
        lines.append("  Both lead to the same receiver, as far as can be seen.")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text or "(none)", _SIDE, break_on_hyphens=False) or [""]
