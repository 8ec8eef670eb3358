"""The index of the cases that `smtplab serve-cases` keeps up: as a page, as JSON, as a hosts file."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.trial.cases import TrialCase
from lab.trial.expectation import Expectation, TrialPolicy

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
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
) -> dict[str, Any]:
    """Return the index as plain JSON data. `hosts` has each case's host name and port."""
    return {
        "address": address,
        "ca": "/ca.pem",
        "crl": "/crl.pem",
        "hosts": "/hosts",
        "cases": [
            {
                "case": case.name, "kind": case.kind, "what": case.what, "host": hosts[case.name][0], "port": hosts[case.name][1],
                "should": {
                    policy: {"do": wanted[case.name, policy].wanted, "why": wanted[case.name, policy].why} for policy in TrialPolicy
                },
            }
            for case in cases
        ],
    }  # fmt: skip


def page(index: Mapping[str, Any]) -> str:
    """Return the index as one HTML page without any resource of others."""
    rows = []
    for case in index["cases"]:
        verify, opportunistic = case["should"]["verify"], case["should"]["opportunistic"]
        rows.append(
            f"<tr><td><code>{_e(case['host'])}</code><td><code>{case['port']}</code><td>{_e(case['what'])}"
            f"<td class='{_e(verify['do'])}'>{_e(verify['do'])}<div class=why>{_e(verify['why'])}</div>"
            f"<td class='{_e(opportunistic['do'])}'>{_e(opportunistic['do'])}"
        )
    first = index["cases"][0]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>smtplab: receivers to try a mail client against</title><style>{_STYLE}</style>"
        "<h1>Receivers to try a mail client against</h1>"
        f"<p>Each listens on <code>{_e(index['address'])}</code>, on a port of its own, and offers STARTTLS unless it says otherwise. "
        "Trust <a href=/ca.pem>ca.pem</a> and nothing else; <a href=/crl.pem>crl.pem</a> says what is revoked; "
        "<a href=/hosts>hosts</a> are lines for /etc/hosts; <a href=/index.json>index.json</a> is this page for programs.</p>"
        f"<pre>openssl s_client -starttls smtp -connect {_e(index['address'])}:{first['port']} -CAfile ca.pem "
        f"-verify_hostname {_e(first['host'])} -verify_return_error</pre>"
        "<table><thead><tr><th>host name<th>port<th>what it is<th>a client that verifies should<th>an opportunistic one</thead><tbody>"
        + "".join(rows)
        + "</table></html>\n"
    )


def documents(index: Mapping[str, Any], ca_pem: bytes, crl_pem: bytes) -> dict[str, tuple[str, bytes]]:
    """Return everything that the index page's server has: path -> (media type, body)."""
    return {
        "/": ("text/html; charset=utf-8", page(index).encode()),
        "/index.json": ("application/json", (json.dumps(index, indent=2) + "\n").encode()),
        "/ca.pem": ("application/x-pem-file", ca_pem),
        "/crl.pem": ("application/x-pem-file", crl_pem),
        "/hosts": ("text/plain; charset=utf-8", hosts_file(index).encode()),
    }


def hosts_file(index: Mapping[str, Any]) -> str:
    """Return lines for /etc/hosts."""
    return "".join(f"{index['address']} {host}\n" for host in dict.fromkeys(case["host"] for case in index["cases"]))


def _e(text: object) -> str:
    return html.escape(str(text), quote=True)
