"""The index of the cases that `smtplab serve-cases` keeps up: as a page, as JSON, as a hosts file."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.tls.names import is_address
from lab.trial.case import CaseKind, TrialCase, TrialPolicy
from lab.trial.expectation import Expectation

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem }
table { border-collapse: collapse; table-layout: fixed; width: 100% }
th.host { width: 17rem } th.port { width: 4rem } td code { overflow-wrap: anywhere }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top }
code { font: 13px/1.4 ui-monospace, monospace }
.accept { color: var(--good) } .refuse { color: var(--bad) } .why { opacity: .75; font-size: 13px }
pre { border: 1px solid var(--line); overflow-x: auto; padding: .6rem }
"""


def as_json(
    address: str,
    hosts: Mapping[str, tuple[str, int]],
    cases: Sequence[TrialCase],
    wanted: Mapping[tuple[str, TrialPolicy], Expectation],
    account: tuple[str, str],
) -> dict[str, Any]:
    """Return the index as plain JSON data. `hosts` has each case's host name and port, `account` is who may log in."""
    return {
        "address": address,
        "ca": "/ca.pem",
        "crl": "/crl.pem",
        "anchor": "/anchor",
        "hosts": "/hosts",
        "account": dict(zip(("user", "password"), account, strict=True)),
        "cases": [
            {
                "case": case.name, "kind": case.kind, "what": case.what, "host": hosts[case.name][0], "port": hosts[case.name][1],
                "domain": case.domain, "implicit_tls": case.implicit, "called": case.called or hosts[case.name][0],
                "should": {
                    policy: {"do": wanted[case.name, policy].wanted, "why": wanted[case.name, policy].why}
                    for policy in TrialPolicy
                    if case.under(policy)
                },
            }
            for case in cases
        ],
    }  # fmt: skip


_COLUMNS = {
    TrialPolicy.VERIFY: "that verifies",
    TrialPolicy.OPPORTUNISTIC: "that is opportunistic",
    TrialPolicy.DANE: "that follows DANE",
    TrialPolicy.MTA_STS: "that follows MTA-STS",
}
_HEADINGS = {
    CaseKind.SANITY: "The good one",
    CaseKind.CERTIFICATE: "Certificates",
    CaseKind.STARTTLS: "STARTTLS",
    CaseKind.DANE: "DANE",
    CaseKind.MTA_STS: "MTA-STS",
    CaseKind.FEATURE: "What a client supports",
}


def page(index: Mapping[str, Any]) -> str:
    """Return the index as one HTML page without any resource of others."""
    kinds = {kind: [case for case in index["cases"] if case["kind"] == kind] for kind in _HEADINGS}
    chapters = [_chapter(kind, cases) for kind, cases in kinds.items() if cases]
    contents = " · ".join(f"<a href=#{kind}>{_e(_HEADINGS[kind])}</a> ({len(cases)})" for kind, cases in kinds.items() if cases)
    first = index["cases"][0]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>smtplab: receivers to try a mail client against</title><style>{_STYLE}</style>"
        "<h1>Receivers to try a mail client against</h1>"
        f"<p>Each listens on <code>{_e(index['address'])}</code>, on a port of its own, and offers STARTTLS unless it says otherwise. "
        "Trust <a href=/ca.pem>ca.pem</a> and nothing else; <a href=/crl.pem>crl.pem</a> says what is revoked; "
        "<a href=/hosts>hosts</a> are lines for /etc/hosts; <a href=/index.json>index.json</a> is this page for programs.</p>"
        f"<p>Every host is the MX of a mail domain of its own. The names are answered at <code>{_e(index['resolver'])}</code>, with "
        "DNSSEC below the trust anchor <a href=/anchor>anchor</a> and a TLSA record for each host (at <code>_25._tcp</code> and its own "
        f"port); the policies of MTA-STS are served at <code>{_e(index['policies'])}</code>. Where a case offers AUTH, "
        f"<code>{_e(index['account']['user'])}</code> may log in with the password <code>{_e(index['account']['password'])}</code>.</p>"
        f"<pre>openssl s_client -starttls smtp -connect {_e(index['address'])}:{first['port']} -CAfile ca.pem "
        f"-verify_hostname {_e(first['host'])} -verify_return_error</pre><p>{contents}</p>{''.join(chapters)}</html>\n"
    )


def _chapter(kind: CaseKind, cases: Sequence[Mapping[str, Any]]) -> str:
    columns = [policy for policy in _COLUMNS if kind is not CaseKind.FEATURE and any(policy in case["should"] for case in cases)]
    head = "".join(f"<th>a client {_COLUMNS[policy]} should" for policy in columns)
    rows = "".join(_row(case, columns) for case in cases)
    return (
        f"<h2 id={kind}>{_e(_HEADINGS[kind])}</h2><table><thead><tr><th class=host>host name<th class=port>port<th>what it is{head}</thead>"
        f"<tbody>{rows}</table>"
    )


def _row(case: Mapping[str, Any], columns: Sequence[TrialPolicy]) -> str:
    cells = []
    for policy in columns:
        told = case["should"][policy]
        why = "" if told["do"] == "accept" else f"<div class=why>{_e(told['why'])}</div>"
        cells.append(f"<td class='{_e(told['do'])}' title='{_e(told['why'])}'>{_e(told['do'])}{why}")
    return f"<tr><td><code>{_e(case['called'])}</code><td><code>{case['port']}</code><td>{_e(case['what'])}{''.join(cells)}"


def documents(index: Mapping[str, Any], ca_pem: bytes, crl_pem: bytes, anchor: str) -> dict[str, tuple[str, bytes]]:
    """Return everything that the index page's server has: path -> (media type, body)."""
    return {
        "/": ("text/html; charset=utf-8", page(index).encode()),
        "/index.json": ("application/json", (json.dumps(index, indent=2) + "\n").encode()),
        "/ca.pem": ("application/x-pem-file", ca_pem),
        "/crl.pem": ("application/x-pem-file", crl_pem),
        "/anchor": ("text/plain; charset=utf-8", anchor.encode() + b"\n"),
        "/hosts": ("text/plain; charset=utf-8", hosts_file(index).encode()),
    }


def hosts_file(index: Mapping[str, Any]) -> str:
    """Return lines for /etc/hosts."""
    names = dict.fromkeys(case["host"] for case in index["cases"] if not is_address(case["host"]))
    return "".join(f"{index['address']} {host}\n" for host in names)


def _e(text: object) -> str:
    return html.escape(str(text), quote=True)
