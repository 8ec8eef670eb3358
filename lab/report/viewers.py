"""How a certain sender would judge what was examined, in its own words: `smtplab check --as`.

Exchange Online and Exchange are the lab's own emulations, decision and wording alike (`lab.sending`, `lab.online.wording`,
`lab.exchange.wording`); Postfix and OpenSSL are views on the verdict that tests hold against the real programs. Of the others only
the words are known, finding by finding (`lab.report.words`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from lab.check.attempt import attempt, under_policies
from lab.check.findings import SessionFindingId, Severity
from lab.check.result import Found, HostResult, Stage, State
from lab.check.strength import OLD_VERSIONS
from lab.data import dataclass
from lab.exchange import wording as exchange_wording
from lab.online import wording as online_wording
from lab.online.config import Era
from lab.report.check_text import title
from lab.report.explained import words
from lab.report.words.stack import Stack
from lab.sending.attempt import Attempt, Outcome, Policy, Security, TlsLevel
from lab.tls.names import presented_names
from lab.tls.views import OPENSSL_TEXTS, one_line, openssl_codes, postfix_reason

#: The host of Exchange Online that a trace names (the form is facts/exchange 2.2's; the name itself is invented).
_SERVER = "DM6NAM11FT035.eop-nam11.prod.protection.outlook.test"
_TRAVELS = {
    Security.CLEAR: "in the clear",
    Security.ENCRYPTED: "encrypted, to whoever answers",
    Security.AUTHENTICATED: "encrypted, to a receiver that is verified",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a viewer says of one host: the conditions it is asked under, what it does, and its lines, word by word."""

    under: str
    does: str  # delivers, defers, bounces, goes on, refuses
    lines: tuple[str, ...] = ()


def _does(one: Attempt) -> str:
    words = {
        Outcome.DELIVERED: f"delivers, {_TRAVELS.get(one.security, '')}",
        Outcome.DEFERRED: "defers",
        Outcome.BOUNCED: "bounces",
    }
    return words[one.outcome]


def _strict(host: HostResult) -> Policy:
    expected = host.verdict.expected if host.verdict and host.verdict.expected else host.exchanger.name
    return Policy(TlsLevel.DOMAIN_VALIDATION, expected)


def _exchange_online(host: HostResult, moment: datetime) -> list[Said]:
    policy = _strict(host)
    one = attempt(host, policy, moment)
    connector = f"with an outbound connector (TlsSettings {policy.settings}, TlsDomain {policy.domain})"
    other, demanded = under_policies(host, moment)
    without = "without a connector" + (", keeping the domain's DANE and MTA-STS" if host.published else "")
    return [Said(connector, _does(one), _in_both_eras(one, policy)), Said(without, _does(other), _in_both_eras(other, demanded))]


def _in_both_eras(one: Attempt, policy: Policy) -> tuple[str, ...]:
    if one.reason is None:
        return ()
    return tuple(f"{era.value + ':':9}{online_wording.last_error(one, policy, era, _SERVER)}" for era in Era)


def _exchange(host: HostResult, moment: datetime) -> list[Said]:
    policy = _strict(host)
    one = attempt(host, policy, moment)
    lines = () if one.reason is None else (f"LastError: {exchange_wording.last_error(one, policy)}",)
    connector = f"with a send connector (TlsAuthLevel {policy.settings}, TlsDomain {policy.domain})"
    return [Said(connector, _does(one), lines), *_opportunistic(host, moment, "with a send connector that asks for nothing")]


def _opportunistic(host: HostResult, moment: datetime, under: str) -> list[Said]:
    one = attempt(host, Policy(), moment)
    return [Said(under, _does(one), () if one.reason is None else (one.reason.detail,))]


def _postfix(host: HostResult, moment: datetime) -> list[Said]:
    where = f"{host.exchanger.name}[{host.address}]:{host.port}"
    one = attempt(host, _strict(host), moment)
    under = "with smtp_tls_security_level = secure"
    if host.tls is None or host.verdict is None or host.stage(Stage.TLS).state is not State.PASSED:
        return [
            Said(under, _does(one), _session_words(Stack.POSTFIX, host)),
            *_opportunistic(host, moment, "with smtp_tls_security_level = may"),
        ]
    if host.tls.version in OLD_VERSIONS:  # as OpenSSL 3 has it, whatever Postfix itself would allow (run of posttls-finger 3.7)
        refused = (words(SessionFindingId.HANDSHAKE_FAILED.value)[Stack.POSTFIX].text,)
        return [Said(under, "defers", refused), *_opportunistic(host, moment, "with smtp_tls_security_level = may")]
    reason = postfix_reason(host.verdict)
    facts = host.tls
    state = "Untrusted" if reason else "Verified"
    settled = f"{state} TLS connection established to {where}: {facts.version} with cipher {facts.cipher} ({facts.bits}/{facts.bits} bits)"
    told = (settled,) if reason is None else (f"{reason[0]} verification failed for {where}: {reason[1]}", settled)
    does = "defers" if reason else _does(attempt(host, Policy(), moment))
    return [Said(under, does, told), *_opportunistic(host, moment, "with smtp_tls_security_level = may")]


def _session_words(stack: Stack, host: HostResult) -> tuple[str, ...]:
    """Return the words of a stack for what is wrong with a session; one that is not offered STARTTLS does not try it."""
    missing = words(SessionFindingId.STARTTLS_NOT_OFFERED.value)
    told = []
    for one in host.found:
        word = (missing if one.kind is SessionFindingId.STARTTLS_HIDDEN else words(one.id)).get(stack)
        if isinstance(one.kind, SessionFindingId) and word is not None and not word.taken:
            told += _filled(word.text, host, one).splitlines()
    return tuple(told)


def _openssl(host: HostResult, _moment: datetime) -> list[Said]:
    name = host.verdict.expected if host.verdict and host.verdict.expected else None
    under = f"openssl s_client -starttls smtp{f' -verify_hostname {name}' if name else ''}"
    if host.verdict is None:
        return [Said(under, "sees no certificate", _session_words(Stack.OPENSSL, host))]
    numbers = sorted(openssl_codes(host.verdict))
    lines = tuple(f"verify error:num={number}:{OPENSSL_TEXTS[number]}" for number in numbers)
    does = "refuses with -verify_return_error, else goes on" if numbers else "goes on: Verify return code: 0 (ok)"
    return [Said(under, does, lines)]


_PLACEHOLDERS = re.compile(r"\b(NAME|ADDRESS|PORT|SUBJECT|ISSUER|OTHER|DEPTH|CODE|TEXT)\b")


def _filled(word: str, host: HostResult, found: Found) -> str:
    """Put what was seen in place of what stands for it in a word (`lab.report.words`)."""
    shown = found.certificate
    code, _, text = found.detail.partition(": ")[2].partition(" ")  # a refusal's detail ends with the reply
    names = presented_names(shown) if shown else ()
    values = {
        "NAME": host.verdict.expected if host.verdict and host.verdict.expected else host.exchanger.name,
        "ADDRESS": host.address, "PORT": str(host.port), "SUBJECT": one_line(shown.subject) if shown else "SUBJECT",
        "ISSUER": one_line(shown.issuer) if shown else "ISSUER", "OTHER": ", ".join(names) or "OTHER", "DEPTH": str(found.depth or 0),
        "CODE": code if code.isdigit() else "CODE", "TEXT": text or "TEXT",
    }  # fmt: skip
    return _PLACEHOLDERS.sub(lambda match: values[match.group()], word)


def _by_words(stack: Stack) -> Callable[[HostResult, datetime], list[Said]]:
    """A stack of which only the words are known: what it says of each fault that was found; it stops at the first that it meets."""

    def view(host: HostResult, _moment: datetime) -> list[Said]:
        told: list[str] = []
        unknown: list[str] = []
        for found in host.found:
            word = words(found.id).get(stack)
            if word is None:
                unknown += [found.id] if found.severity is Severity.FAULT else []
            elif not word.taken:
                told += _filled(word.text, host, found).splitlines()
        does = "refuses" if told else "goes on" if not unknown else "not attested"
        lines = [*dict.fromkeys(told), *(f"({one}: no word of {stack} is attested)" for one in unknown)]
        return [Said(f"{stack}, checking chain and name as far as it does", does, tuple(lines))]

    return view


VIEWERS: dict[str, Callable[[HostResult, datetime], list[Said]]] = {
    "exchange-online": _exchange_online,
    "exchange": _exchange,
    "postfix": _postfix,
    "openssl": _openssl,
    "exim": _by_words(Stack.EXIM),
    "java": _by_words(Stack.JAVA),
    "dotnet": _by_words(Stack.DOTNET),
    "go": _by_words(Stack.GO),
    "gnutls": _by_words(Stack.GNUTLS),
    "curl": _by_words(Stack.CURL),
    "swaks": _by_words(Stack.SWAKS),
}


def viewed(viewer: str, host: HostResult, moment: datetime) -> list[Said]:
    """Return what a viewer (one of `VIEWERS`) says of a host."""
    return VIEWERS[viewer](host, moment)


def lines(viewer: str, hosts: tuple[HostResult, ...], moment: datetime) -> list[str]:
    """Return the verdicts of a viewer on all hosts, its own words indented and untouched."""
    shown = []
    for host in hosts:
        shown.append(f"As {viewer}, {title(host)}:")
        for said in viewed(viewer, host, moment):
            shown.append(f"  {said.under}: {said.does}")
            shown += [f"    {line}" for line in said.lines]
        shown.append("")
    return shown
