"""What MTA-STS and DANE make of the way to a domain: its MX hosts in order, each with the policy that it must keep to.

DANE comes first: where a host has TLSA records they alone judge its certificate, and MTA-STS must not override them (RFC 8461
section 2). That an MTA-STS policy then still says which MX hosts there may be is our reading of the same section. A host about
which the DNS lies or fails is not used at all (RFC 7672 section 2.1.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from lab.dns.answer import Answer, DnsSecurity
from lab.errors import CannotTest
from lab.hosts.host import Surroundings
from lab.hosts.way import Modes, Way
from lab.net.patience import Patience
from lab.net.policies import discover_sts, look_up_dane
from lab.net.policy_fetch import FetchSettings
from lab.net.resolver import Resolver
from lab.sending.attempt import Enforcement, Policy, Reason, ReasonId
from lab.sending.dane import DaneLookup, DaneState, failed, problem_of
from lab.sts.discovery import StsCache, StsDiscovery
from lab.tls.trust import TrustStore

_HOSTS = 8
#: Seconds; everything is on this machine, and a lab does not wait a minute as RFC 8461 section 3.3 suggests.
_FETCH = 5.0


class Outbound:
    """Finds the way to a domain for one sending host, and remembers its MTA-STS policies."""

    def __init__(self, host: str, surroundings: Surroundings, patience: Patience) -> None:
        self.patience = patience
        self._host, self._directory, self._clock = host, surroundings.directory, surroundings.clock
        self._cache = StsCache()

    async def ways(self, domain: str, policy: Policy, modes: Modes, trust: TrustStore) -> list[Way]:
        """Return the ways to a domain to be tried, best first, never none; `policy` is kept where nothing is published."""
        resolver = Resolver([self._directory.route(self._host, "dns").actual], tries=1, timeout=self.patience.name)
        mx, sts = await asyncio.gather(resolver.lookup(domain, "MX"), self._sts(domain, resolver, modes, trust))
        if failed(mx):
            return [Way(domain, policy, _dns_reason(mx), (problem_of(mx),))]
        hosts = _exchangers(mx) if mx.records else [domain]
        if not hosts:
            detail = f"{domain} takes no mail"  # RFC 7505
            return [Way(domain, policy, Reason(ReasonId.DNS_FAILED, "connect", detail=detail))]
        found = await asyncio.gather(*(self._way(host, policy, mx, sts, resolver, modes) for host in hosts[:_HOSTS]))
        if sts is not None and sts.enforced and all(one.failure is not None and one.failure.id is ReasonId.STS_MX for one in found):
            return found[:1]
        return found

    async def _sts(self, domain: str, resolver: Resolver, modes: Modes, trust: TrustStore) -> StsDiscovery | None:
        if not modes.sts:
            return None
        try:
            port = self._directory.route(self._host, "sts").actual.port
        except CannotTest:
            port = 443
        settings = FetchSettings(
            trust=trust.revoking(), now=self._clock.now, port=port, seconds=_FETCH, source=self._directory.source(self._host)
        )
        return await discover_sts(domain, resolver, settings, self._cache)

    async def _way(self, host: str, policy: Policy, mx: Answer, sts: StsDiscovery | None, resolver: Resolver, modes: Modes) -> Way:
        notes = _sts_notes(sts)
        if sts is not None and sts.enforced and sts.policy is not None and sts.policy.allows(host) is None:
            detail = f"{host} is none of those that the policy of {sts.domain} allows: {', '.join(sts.policy.mx)}"
            return Way(host, policy, Reason(ReasonId.STS_MX, "connect", detail=detail), notes)
        lookup = await look_up_dane(host, resolver, mx if mx.records else None) if modes.dane else None
        if lookup is not None:
            notes = (*notes, _dane_note(lookup))
            if lookup.state is DaneState.FAILED:
                bogus = any(
                    answer.security is DnsSecurity.BOGUS for answer in (*lookup.addresses, *lookup.tlsa, lookup.alias) if answer
                )
                reason = Reason(ReasonId.DNSSEC if bogus or lookup.tlsa else ReasonId.DNS_FAILED, "connect", detail=lookup.detail)
                return Way(host, policy, reason, notes)
            if lookup.state is DaneState.PUBLISHED:
                dane = Policy(
                    enforcement=Enforcement.DANE, tlsa=lookup.records, names=lookup.names, sni=lookup.base,
                    domain_proved=lookup.mx_secure,
                )  # fmt: skip
                return Way(host, dane, notes=notes)
            if modes.dane_required:
                reason = Reason(ReasonId.DANE, "connect", detail=f"{host} has no secure TLSA records, and DANE is required")
                return Way(host, policy, reason, notes)
        enforced = sts is not None and sts.enforced
        return Way(host, Policy(enforcement=Enforcement.MTA_STS) if enforced else policy, notes=notes)


def _exchangers(mx: Answer) -> list[str]:
    """The hosts of MX records by preference; a null MX is no host (RFC 7505)."""
    records = sorted(cast("Iterable[Any]", mx.records), key=lambda record: (record.preference, record.exchange))
    return [name for record in records if (name := record.exchange.to_text(omit_final_dot=True).lower()) not in (".", "@", "")]


def _dns_reason(answer: Answer) -> Reason:
    reason = ReasonId.DNSSEC if answer.security is DnsSecurity.BOGUS else ReasonId.DNS_FAILED
    return Reason(reason, "connect", detail=problem_of(answer))


def _sts_notes(sts: StsDiscovery | None) -> tuple[str, ...]:
    if sts is None:
        return ()
    if sts.policy is None:
        why = sts.fetch.detail if sts.fetch and sts.fetch.detail else "no record" if sts.record is None else "no valid policy"
        return (f"MTA-STS of {sts.domain}: none in force ({why})",)
    policy = sts.policy
    return (f"MTA-STS of {sts.domain}: {policy.mode} ({sts.source}), mx {', '.join(policy.mx) or 'none'}",)


def _dane_note(lookup: DaneLookup) -> str:
    records = ", ".join(map(str, lookup.records))
    return f"DANE of {lookup.host}: {lookup.state}" + (f", {records} at {lookup.base}" if records else "") + f" ({lookup.rule})"
