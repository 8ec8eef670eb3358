"""The evidence of an examination as files: what was said, what was found, whose certificates, and the wire itself.

A bundle goes to somebody else: a colleague, a provider, a ticket. So it explains itself (README.txt), it opens with common tools,
and it holds nothing that its owner would not show.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence

from lab.check.result import Examination, HostResult
from lab.evidence.pcapng import key_log, pcapng
from lab.evidence.wire import Wire
from lab.report import check_json
from lab.report.check_answers import answers
from lab.report.check_detail import detail
from lab.report.check_text import conclusion, heading, place, score_line
from lab.report.page.examination import VERSION, page
from lab.report.tlsrpt import tlsrpt
from lab.tls.certificate import Certificate

README = "README.txt"
#: A receiver may say bytes that are no UTF-8; they stand as escapes, which in JSON is their very notation.
_UTF8 = ("utf-8", "backslashreplace")
_SMTP_PORTS = {25, 465, 587}
_FILES = {
    "report.html": "the whole examination as one page for a browser; it loads nothing from anywhere",
    "transcript.txt": "every command and reply with its time, in clear (-->) and inside TLS (~~>), and all findings",
    "result.json": "the same as data; docs/check.schema.json of smtplab describes it",
    "tlsrpt.json": "what a sender would report of these sessions (RFC 8460)",
    "sessions.pcapng": "the bytes on the wire, for Wireshark, with the secrets that open them inside",
    "tls-keys.log": "these secrets by themselves, in the format of NSS (SSLKEYLOGFILE)",
}


def bundle(examination: Examination, viewers: Sequence[str] = ()) -> dict[str, bytes]:
    """Return the bundle's files by name; certificates stand in a folder of their own.

    Wire and secrets are there where the examination kept them; `viewers` are the senders whose judgement is wanted.
    """
    hosts = [*examination.hosts, *([examination.difference.right] if examination.difference else [])]
    wires = [wire for host in hosts for wire in host.wires]
    whole = check_json.examination(examination, tuple(viewers))
    files = {
        "report.html": page(examination, viewers).encode(),
        "transcript.txt": "".join(f"{line}\n" for line in [*detail(examination), *answers(examination, viewers)]).encode(*_UTF8),
        "result.json": f"{json.dumps(whole, indent=1, ensure_ascii=False)}\n".encode(*_UTF8),
        "tlsrpt.json": f"{json.dumps(tlsrpt(examination), indent=1)}\n".encode(),
    }
    if wires:
        comment = f"{examination.target.text}, examined by smtplab {VERSION}."
        files["sessions.pcapng"] = pcapng(wires, application=f"smtplab {VERSION}", comment=comment)
        if secrets := key_log(wires):
            files["tls-keys.log"] = secrets.encode("ascii")
    for host in hosts:
        files |= dict(_chains(host))
    expected = dict.fromkeys(one.expected.certificate for one in examination.ownership if one.expected.certificate)
    if expected:
        files["certificates/expected.pem"] = _pem(tuple(expected))
    return {README: _readme(examination, files, wires).encode(*_UTF8), **files}


def _chains(host: HostResult) -> Iterator[tuple[str, bytes]]:
    """Return what was shown, as it was shown, and the path that was built from it with the root of the trust store."""
    if host.verdict is None or not host.verdict.chain:
        return
    name = f"certificates/{_safe(host.exchanger.name)}-{_safe(host.address)}-{host.port}"
    yield f"{name}-shown.pem", _pem(host.verdict.chain)
    if host.verdict.path and host.verdict.path != host.verdict.chain:
        yield f"{name}-path.pem", _pem(host.verdict.path)


def _pem(chain: Sequence[Certificate]) -> bytes:
    parts = []
    for number, one in enumerate(chain):
        parts.append(
            f"# {number}: {one.subject or '(empty subject)'}\n#    issued by {one.issuer}\n#    thumbprint {one.thumbprint}\n{one.pem}"
        )
    return "\n".join(parts).encode("utf-8", "backslashreplace")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", name).strip(".-")[:120] or "host"


def _readme(examination: Examination, files: dict[str, bytes], wires: Sequence[Wire]) -> str:
    lines = [*heading(examination), score_line(examination), ""]
    lines += [
        f"  {host.exchanger.name} {place(host) if host.address else '(no address)'}: {conclusion(host)}"
        for host in examination.hosts
    ]
    lines += ["", f"Made by smtplab {VERSION}. No message was sent.", "", "What is here"]
    lines += [f"  {name:16} {_FILES[name]}" for name in files if name in _FILES]
    if any(name.startswith("certificates/") for name in files):
        lines += [
            "  certificates/    for each host the chain as it was shown (-shown.pem), and the path that was built from it with",
            "                   what stood in the trust store (-path.pem, where that differs); of both ways, where two were compared",
        ]
    if wires:
        lines += ["", *_how_to_open(wires)]
    lines += ["", *_what_is_not_in_it("tls-keys.log" in files), "", "SHA-256 of each file"]
    lines += [f"  {hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()]
    return "".join(f"{line}\n" for line in lines)


def _how_to_open(wires: Sequence[Wire]) -> list[str]:
    ports = sorted({wire.remote[1] for wire in wires} - _SMTP_PORTS)
    lines = [
        "How to open it",
        "  wireshark sessions.pcapng     shows the SMTP inside TLS at once: filter for smtp. The payload bytes, their order and",
        "                                their times are as they went over the wire; the TCP and IP around them are made anew.",
    ]
    if ports:
        decode = " ".join(f"-d tcp.port=={port},smtp" for port in ports[:8])
        lines.append(f"  These ports are not SMTP's own, so Wireshark must be told: wireshark {decode} sessions.pcapng")
    return [*lines, "  openssl x509 -in certificates/FILE -noout -text     shows the first certificate of a file"]


def _what_is_not_in_it(secrets: bool) -> list[str]:
    lines = [
        "What is not in it",
        "  Nothing secret of whoever made it: no key, no password, no message. In it are the address that the sessions came from,",
        "  and the names and addresses that were given on the command line.",
    ]
    if secrets:
        lines.append("  The TLS secrets open these very sessions and no others; they are nobody's keys.")
    return lines
