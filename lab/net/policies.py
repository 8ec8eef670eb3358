"""Carries the look-ups of MTA-STS, DANE and TLSRPT: what to ask stands in `lab.sts` and `lab.sending.dane`, here it is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from lab.dns.answer import Answer, DnsSecurity
from lab.net.policy_fetch import FetchSettings, fetch_policy
from lab.net.resolver import Resolver
from lab.sending.dane import (
    DaneLookup,
    DaneState,
    base_domains,
    failed,
    problem_of,
    reference_names,
    tlsa_records,
)
from lab.sts.discovery import StsCache, StsDiscovery, from_answer, from_fetch
from lab.sts.tlsrpt import TlsRpt, parse_tlsrpt


async def discover_sts(domain: str, resolver: Resolver, settings: FetchSettings, cache: StsCache | None = None) -> StsDiscovery:
    """Find the MTA-STS policy in force for a domain (RFC 8461 section 5.1), and keep it in the cache."""
    answer = await resolver.lookup(f"_mta-sts.{domain}", "TXT")
    now = settings.now()
    found, wanted = from_answer(domain, answer, cache.get(domain, now) if cache else None)
    if found.record is None or not wanted or (cache is not None and not cache.may_fetch(domain, found.record.id, now)):
        return found
    return from_fetch(found, await fetch_policy(domain, resolver, settings), now, cache)


async def discover_tlsrpt(domain: str, resolver: Resolver) -> TlsRpt:
    """Find where a domain wants its TLS reports (RFC 8460 section 3)."""
    return parse_tlsrpt(domain, await resolver.lookup(f"_smtp._tls.{domain}", "TXT"))


async def look_up_dane(host: str, resolver: Resolver, mx: Answer | None = None, port: int = 25) -> DaneLookup:
    """Find the TLSA records of an MX host; `mx` is the answer that it was found by (RFC 7672 section 2.2)."""
    addresses = tuple(await asyncio.gather(resolver.lookup(host, "A"), resolver.lookup(host, "AAAA")))
    alias = None
    if any(len(answer.chain) > 1 and answer.security is not DnsSecurity.SECURE for answer in addresses):
        alias = await resolver.lookup(host, "CNAME")
    lookup = DaneLookup(host=host, state=DaneState.INSECURE, rule="RFC 7672 section 2.2.2", mx=mx, addresses=addresses, alias=alias)
    asked = (mx, *addresses, alias)
    if (broken := next((answer for answer in asked if answer is not None and failed(answer)), None)) is not None:
        return replace(lookup, state=DaneState.FAILED, rule="RFC 7672 section 2.1.1", detail=problem_of(broken))
    tried: list[Answer] = []
    for base in base_domains(host, addresses, alias):
        answer = await resolver.lookup(f"_{port}._tcp.{base}", "TLSA")
        tried.append(answer)
        lookup = replace(lookup, tlsa=tuple(tried), base=base)
        if failed(answer):
            return replace(lookup, state=DaneState.FAILED, rule="RFC 7672 section 2.1.1", detail=problem_of(answer))
        if answer.security is not DnsSecurity.SECURE:
            continue
        if answer.records:
            names = reference_names(base, host, mx)
            return replace(
                lookup, state=DaneState.PUBLISHED, rule="RFC 7672 section 2.2", records=tlsa_records(answer), names=names
            )
        lookup = replace(lookup, state=DaneState.ABSENT, rule="RFC 7672 section 2.2")
    return lookup
