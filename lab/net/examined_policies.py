"""MTA-STS and DANE of what was examined: asked for beside the sessions, judged by what the sessions showed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from lab.check import score
from lab.check.attempt import published
from lab.check.dane import DaneResult, judge_dane_host
from lab.check.result import Exchanger, HostResult, Stage, StageResult, State
from lab.check.setting import Setting
from lab.check.sts import StsHostResult, StsResult, judge_sts, judge_sts_host
from lab.data import dataclass
from lab.dns.answer import Answer
from lab.net.policies import discover_sts, discover_tlsrpt, look_up_dane
from lab.net.policy_fetch import FetchSettings
from lab.net.resolver import Resolver
from lab.sending.dane import DaneLookup
from lab.sts.discovery import FETCH_SECONDS, StsDiscovery
from lab.sts.tlsrpt import TlsRpt

#: Ports that have a TLSA record of their own; whoever listens elsewhere in a lab stands for port 25 (RFC 7672 section 2.2).
_OWN_RECORD = (25, 465, 587)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Which policies to ask for, by which resolver, and the port of the policy's web host."""

    resolver: Resolver
    sts: bool = False
    dane: bool = False
    sts_port: int = 443


@dataclass(frozen=True, slots=True)
class Asked:
    """What the DNS and the policy's host said, with the seconds that it took."""

    sts: tuple[StsDiscovery, TlsRpt, float] | None
    dane: dict[str, tuple[DaneLookup, float]]


async def ask(
    policies: Policies, domain: str | None, exchangers: Sequence[Exchanger], mx: Answer | None, port: int, setting: Setting
) -> Asked:
    """Ask for the policies of a domain and its hosts. Never raises for what servers do."""
    fetch = FetchSettings(
        trust=replace(setting.trust, check_revocation=False), now=lambda: setting.moment, port=policies.sts_port,
        seconds=min(setting.timeout, FETCH_SECONDS),
    )  # fmt: skip

    async def sts() -> tuple[StsDiscovery, TlsRpt, float] | None:
        if not policies.sts or domain is None:
            return None
        began = time.monotonic()
        discovery, tlsrpt = await asyncio.gather(
            discover_sts(domain, policies.resolver, fetch), discover_tlsrpt(domain, policies.resolver)
        )
        return discovery, tlsrpt, time.monotonic() - began

    async def dane(host: str) -> tuple[DaneLookup, float]:
        began = time.monotonic()
        lookup = await look_up_dane(host, policies.resolver, mx, port if port in _OWN_RECORD else 25)
        return lookup, time.monotonic() - began

    names = [exchanger.name for exchanger in exchangers] if policies.dane else []
    found, lookups = await asyncio.gather(sts(), asyncio.gather(*map(dane, names)))
    return Asked(found, dict(zip(names, lookups, strict=True)))


def judged_sts(asked: Asked, exchangers: Sequence[Exchanger]) -> StsResult | None:
    """Judge a domain's MTA-STS; None where it was not asked for."""
    if asked.sts is None:
        return None
    discovery, tlsrpt, _ = asked.sts
    return judge_sts(discovery, [exchanger.name for exchanger in exchangers if exchanger.preference is not None], tlsrpt)


def under(
    host: HostResult, asked: Asked, sts: StsResult | None, setting: Setting
) -> tuple[HostResult, StsHostResult | None, DaneResult | None]:
    """Return a host with its policy stages and findings, its score anew, and the policies' own results."""
    stages, found = list(host.stages), list(host.policy_findings)
    tried = host.reached
    sts_host = (
        judge_sts_host(sts, host.exchanger.name, starttls=host.tls is not None, verdict=host.verdict) if sts and tried else None
    )
    if asked.sts is not None:
        state = sts_host.state if sts_host else State.FAILED if sts and sts.state is State.FAILED else State.SKIPPED
        stages.append(StageResult(Stage.MTA_STS, state, asked.sts[2]))
        found += sts_host.found if sts_host else ()
    dane = None
    if (looked := asked.dane.get(host.exchanger.name)) is not None:
        chain = host.tls.peer_chain if host.tls else ()
        dane = judge_dane_host(looked[0], starttls=host.tls is not None if tried else None, chain=chain, moment=setting.moment)
        stages.append(StageResult(Stage.DANE, dane.state, looked[1]))
        found += dane.found
    demanded = published(host.exchanger.name, sts.domain if sts else "", sts, dane)
    judged = replace(host, stages=tuple(stages), policy_findings=tuple(found), published=demanded)
    return replace(judged, score=score.of_host(judged)), sts_host, dane
