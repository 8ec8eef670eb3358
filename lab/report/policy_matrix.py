"""The architect's matrix as text that fits a terminal, as Markdown, and as JSON data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from lab.matrix import FLOWS, Cell, End, MatrixRow, SenderPolicy
from lab.report.groups import heading

_LETTERS = {End.CLEAR: "C", End.ENCRYPTED: "E", End.AUTHENTICATED: "A", End.DEFERRED: "d", End.BOUNCED: "B"}
_MEANINGS = {
    End.CLEAR: "delivered in clear",
    End.ENCRYPTED: "delivered encrypted, but nobody made sure who took it",
    End.AUTHENTICATED: "delivered to a receiver that was authenticated",
    End.DEFERRED: "deferred: not delivered, and tried again until it expires",
    End.BOUNCED: "bounced: given back to its author",
}
#: As heads of narrow columns.
_HEADS = {
    SenderPolicy.OPPORTUNISTIC: "none",
    SenderPolicy.ENCRYPTION_ONLY: "Encr",
    SenderPolicy.CERTIFICATE_VALIDATION: "Cert",
    SenderPolicy.DOMAIN_VALIDATION: "Dom",
    SenderPolicy.MTA_STS: "STS",
    SenderPolicy.DANE: "DANE",
}
_INSISTS = {
    SenderPolicy.OPPORTUNISTIC: "nothing: opportunistic, TLS where it can be had",
    SenderPolicy.ENCRYPTION_ONLY: "EncryptionOnly: TLS, with any certificate",
    SenderPolicy.CERTIFICATE_VALIDATION: "CertificateValidation: a certificate that is good, for any name",
    SenderPolicy.DOMAIN_VALIDATION: "DomainValidation: a certificate that is good, for the connector's TlsDomain",
    SenderPolicy.MTA_STS: "MTA-STS in mode enforce, by MX: a certificate that is good, for the MX host",
    SenderPolicy.DANE: "DANE, by MX: the key that the TLSA record has",
}
_WIDTH = 4
GroupOf = Callable[[str], str]


def lines(rows: Sequence[MatrixRow], group_of: GroupOf) -> list[str]:
    """Return the table with its legend; a row for each scenario, or for each era where the eras differ."""
    rows = _by_group(rows, group_of)
    names = [_name(row, rows) for row in rows]
    width = max((len(name) for name in names), default=0)
    head = f"{'':<{width}}  " + " ".join(f"{_HEADS[policy]:<{_WIDTH}}" for policy in SenderPolicy)
    out = [head.rstrip()]
    for group, inside in groupby(_unlike(rows), key=lambda row: group_of(row.scenario)):
        out.append(f"{heading(group)}:")
        for row in inside:
            cells = " ".join(f"{letters(row, policy):<{_WIDTH}}" for policy in SenderPolicy)
            out.append(f"{_name(row, rows):<{width}}  {cells}".rstrip())
    return [*out, "", *legend()]


def legend() -> list[str]:
    """Say what columns and letters mean."""
    out = ["Columns, what the sender insists on:"]
    out += [f"  {short:<{_WIDTH}}  {_INSISTS[policy]}" for policy, short in _HEADS.items()]
    out.append(f"In each, first {FLOWS[0]}, then {FLOWS[1]}:")
    out += [f"  {letter}  {_MEANINGS[end]}" for end, letter in _LETTERS.items()]
    return [*out, "  -  this sender does not know the policy (Exchange 2016: MTA-STS and DANE)"]


def letters(row: MatrixRow, policy: SenderPolicy) -> str:
    """Return the letters of a cell, such as `d A`."""
    return " ".join(_letter(row.cell(policy, flow)) for flow in FLOWS)


def _letter(cell: Cell | None) -> str:
    return _LETTERS[cell.end] if cell is not None else "-"


def _by_group(rows: Sequence[MatrixRow], group_of: GroupOf) -> list[MatrixRow]:
    """Bring the rows of a group together, in the order of the groups' first rows."""
    order = list(dict.fromkeys(group_of(row.scenario) for row in rows))
    return sorted(rows, key=lambda row: order.index(group_of(row.scenario)))


def _unlike(rows: Sequence[MatrixRow]) -> list[MatrixRow]:
    """Leave out the second era of a scenario where nothing differs from the first."""
    seen: dict[str, list[tuple[Cell, ...]]] = {}
    out = []
    for row in rows:
        before = seen.setdefault(row.scenario, [])
        if row.cells not in before:
            out.append(row)
        before.append(row.cells)
    return out


def _name(row: MatrixRow, rows: Sequence[MatrixRow]) -> str:
    differing = {one.cells for one in rows if one.scenario == row.scenario}
    return row.scenario if len(differing) == 1 else f"{row.scenario} ({row.era})"


def markdown(rows: Sequence[MatrixRow], group_of: GroupOf) -> str:
    """Return the matrix as a table in Markdown with its legend."""
    rows = _by_group(rows, group_of)
    out = ["| scenario | " + " | ".join(SenderPolicy) + " |", "|---|" + "---|" * len(SenderPolicy)]
    for group, inside in groupby(_unlike(rows), key=lambda row: group_of(row.scenario)):
        out.append(f"| **{heading(group)}** |" + " |" * len(SenderPolicy))
        for row in inside:
            name = _name(row, rows)
            link = f"[{name}](catalogue.md#{row.scenario})"
            out.append(f"| {link} | " + " | ".join(letters(row, policy) for policy in SenderPolicy) + " |")
    out += ["", f"In each cell, first `{FLOWS[0]}`, then `{FLOWS[1]}`:", ""]
    out += [f"- {letter}: {_MEANINGS[end]}" for end, letter in _LETTERS.items()]
    return "\n".join([*out, "- -: this sender does not know the policy (Exchange 2016: MTA-STS and DANE)"]) + "\n"


def page(rows: Sequence[MatrixRow], group_of: GroupOf) -> str:
    """Return the page of the documentation."""
    return (
        "# The architect's matrix\n\n"
        "What becomes of mail between both sides of the hybrid in each scenario, by what the sender insists on. `smtplab run --matrix\n"
        "--all` plays and prints it, `--json` has reasons and findings too. `make docs` writes this page anew.\n\n"
        f"{markdown(rows, group_of)}"
    )


def data(rows: Sequence[MatrixRow], group_of: GroupOf) -> dict[str, Any]:
    """Return the matrix as JSON data, with every era, reason and finding."""
    return {
        "format": "smtplab-matrix", "version": 1, "policies": list(SenderPolicy), "flows": list(FLOWS),
        "rows": [
            {
                "scenario": row.scenario, "group": group_of(row.scenario), "era": row.era.value,
                "cells": [
                    {"policy": cell.policy.value, "flow": cell.flow, "end": cell.end.value,
                     "reason": cell.reason.value if cell.reason else None, "findings": [one.value for one in cell.findings]}
                    for cell in row.cells
                ],
            }
            for row in rows
        ],
    }  # fmt: skip
