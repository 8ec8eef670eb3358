"""Which MTA-STS policy is in force for a domain: cache, record and fetch, and what follows where one of them fails.

The rules are RFC 8461 sections 3.3 and 5.1. A policy that was fetched stays in force for its `max_age`, whatever the DNS and the
web host say meanwhile; a record with another `id` asks for a new fetch; without a policy at all mail goes as it always went.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from lab.data import dataclass
from lab.dns.answer import Answer
from lab.sts.policy import Mode, StsNotice, StsPolicy, StsRecord, parse_policy, parse_record
from lab.tls.channel import TlsFacts
from lab.tls.findings import Verdict

#: RFC 8461 section 3.3: limits that are suggested there.
FETCH_SECONDS = 60.0
POLICY_BYTES = 64 * 1024
#: RFC 8461 section 3.3: not sooner after a fetch that failed, for one id.
_AGAIN = timedelta(minutes=5)


class FetchStatus(StrEnum):
    """How fetching a policy over HTTPS ended. Stable ids."""

    FETCHED = "fetched"
    UNRESOLVED = "sts-host-unresolved"  # mta-sts.DOMAIN has no address
    UNREACHABLE = "sts-host-unreachable"
    TIMED_OUT = "sts-fetch-timed-out"
    TLS_FAILED = "sts-tls-failed"
    CERTIFICATE = "sts-certificate"  # not valid for mta-sts.DOMAIN by the rules of the web
    REDIRECT = "sts-redirect"
    STATUS = "sts-http-status"
    CONTENT_TYPE = "sts-content-type"
    TOO_LARGE = "sts-policy-too-large"
    PROTOCOL = "sts-http-broken"


#: The section behind each failure.
FETCH_RULES = {
    FetchStatus.FETCHED: "RFC 8461 section 3.3",
    FetchStatus.UNRESOLVED: "RFC 8461 section 3.3",
    FetchStatus.UNREACHABLE: "RFC 8461 section 3.3",
    FetchStatus.TIMED_OUT: "RFC 8461 section 3.3",
    FetchStatus.TLS_FAILED: "RFC 8461 section 3.3",
    FetchStatus.CERTIFICATE: "RFC 8461 section 3.3",
    FetchStatus.REDIRECT: "RFC 8461 section 3.3",
    FetchStatus.STATUS: "RFC 8461 section 3.3",
    FetchStatus.CONTENT_TYPE: "RFC 8461 section 3.2",
    FetchStatus.TOO_LARGE: "RFC 8461 section 3.3",
    FetchStatus.PROTOCOL: "RFC 8461 section 3.3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFetch:
    """One attempt to fetch a policy: the URL, how it ended, and as much as was seen. `body` is cut at the size bound."""

    url: str
    status: FetchStatus
    detail: str = ""
    address: str = ""
    port: int = 443
    http_status: int | None = None
    content_type: str = ""
    location: str = ""
    body: bytes = b""
    tls: TlsFacts | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0


class Source(StrEnum):
    """Where the policy in force comes from."""

    FETCHED = "fetched"
    CACHE = "cache"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Cached:
    """A policy with the id of the record that announced it, and when it was fetched."""

    policy: StsPolicy
    id: str
    fetched: datetime

    def fresh(self, now: datetime) -> bool:
        return now < self.fetched + self.policy.lifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StsDiscovery:
    """What was found out about a domain's MTA-STS; `policy` is in force, None where none is."""

    domain: str
    answer: Answer | None = None  # None: nobody was asked, the cache was enough
    record: StsRecord | None = None
    record_notices: tuple[StsNotice, ...] = ()
    fetch: PolicyFetch | None = None
    policy_notices: tuple[StsNotice, ...] = ()
    policy: StsPolicy | None = None
    source: Source = Source.NOWHERE

    @property
    def enforced(self) -> bool:
        """Mail must not be delivered against the policy."""
        return self.policy is not None and self.policy.mode is Mode.ENFORCE


class StsCache:
    """The policies that a sender knows, and the fetches that failed lately."""

    def __init__(self) -> None:
        self._policies: dict[str, Cached] = {}
        self._failures: dict[tuple[str, str], datetime] = {}

    def get(self, domain: str, now: datetime) -> Cached | None:
        """Return the policy that is still in force for a domain."""
        cached = self._policies.get(domain)
        return cached if cached is not None and cached.fresh(now) else None

    def put(self, domain: str, cached: Cached) -> None:
        self._policies[domain] = cached

    def failed(self, domain: str, policy_id: str, now: datetime) -> None:
        """Note that a fetch failed."""
        self._failures[domain, policy_id] = now

    def may_fetch(self, domain: str, policy_id: str, now: datetime) -> bool:
        """Whether enough time has gone by since a fetch for this id failed."""
        last = self._failures.get((domain, policy_id))
        return last is None or now >= last + _AGAIN


def from_answer(domain: str, answer: Answer, cached: Cached | None) -> tuple[StsDiscovery, bool]:
    """Return what a record says, and whether the policy must be fetched. A policy in the cache of the same id is kept."""
    record, notices = parse_record(answer.texts)
    kept = cached.policy if cached else None
    found = StsDiscovery(
        domain=domain, answer=answer, record=record, record_notices=notices, policy=kept,
        source=Source.CACHE if kept else Source.NOWHERE,
    )  # fmt: skip
    return found, record is not None and (cached is None or cached.id != record.id)


def from_fetch(found: StsDiscovery, fetch: PolicyFetch, now: datetime, cache: StsCache | None = None) -> StsDiscovery:
    """Return a discovery with what was fetched; a failure leaves in force what the cache had. The cache is told."""
    assert found.record is not None
    policy, notices = parse_policy(fetch.body) if fetch.status is FetchStatus.FETCHED else (None, ())
    kept = policy or found.policy
    if cache is not None and policy is not None:
        cache.put(found.domain, Cached(policy, found.record.id, now))
    elif cache is not None:
        cache.failed(found.domain, found.record.id, now)
    return StsDiscovery(
        domain=found.domain, answer=found.answer, record=found.record, record_notices=found.record_notices, fetch=fetch,
        policy_notices=notices, policy=kept, source=Source.FETCHED if policy else found.source,
    )  # fmt: skip
