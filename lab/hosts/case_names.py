"""What is published of a trial's cases: their names in the DNS, signed where it counts, and their MTA-STS policies over HTTPS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab.dns.config import DnsConfig, DnsFault, DsFault, TlsaRecord
from lab.dns.zones import Zones
from lab.errors import CannotTest
from lab.hosts.cases import CaseHosts
from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.net.web import WebServer
from lab.sending.dane import DaneState
from lab.sts.config import StsConfig, StsFault, StsSite
from lab.sts.discovery import FETCH_RULES, FetchStatus
from lab.sts.pages import HOST_LABEL, WebAnswer, answer, site_of
from lab.sts.policy import StsPolicy, parse_policy, parse_record
from lab.tls.certificate import Certificate, Credential
from lab.tls.dane import Tlsa, association_data, judge_dane
from lab.tls.names import is_address
from lab.tls.verdict import judge
from lab.trial import sts_cases
from lab.trial.case import FORGED, ISLAND, UNSIGNED, CaseKind, TrialCase, TrialPolicy
from lab.trial.expectation import Evidence

_FAILS = frozenset({DnsFault.BOGUS_SIGNATURE, DnsFault.EXPIRED_SIGNATURE, DnsFault.SERVFAIL})
_STATUS = {
    StsFault.NOT_FOUND: FetchStatus.STATUS, StsFault.REDIRECT: FetchStatus.REDIRECT, StsFault.CONTENT_TYPE: FetchStatus.CONTENT_TYPE,
    StsFault.TOO_LARGE: FetchStatus.TOO_LARGE, StsFault.SLOW: FetchStatus.TIMED_OUT, StsFault.CLOSED: FetchStatus.TLS_FAILED,
}  # fmt: skip
#: How fetching ends by where the policy host's name leads.
_WAYS = {None: FetchStatus.UNRESOLVED, "nobody": FetchStatus.UNREACHABLE}
_SMTP = 25
_NOBODY = "127.255.255.253"  # an address where nobody listens


class CaseNames:
    """Publishes for the cases of `hosts` what a policy looks at: TLSA records for DANE, policies for MTA-STS, both where it is None.

    `dns` and `web` say where it is answered, `anchor` is the DNSKEY to trust, in zone file form (None: nothing is signed).
    """

    def __init__(self, hosts: CaseHosts, policy: TrialPolicy | None) -> None:
        self._hosts, self._policy = hosts, policy
        self.dns, self.web = Endpoint("127.0.0.1", 0), Endpoint("127.0.0.1", 0)
        self._addresses: dict[str, str] = {}
        self._sites = StsConfig(sites={case.domain: self._site(case) for case in hosts.cases.values() if self._enforced(case)})
        self._zones: Zones
        self._server = DnsServer(lambda query, tcp: self._zones.answer(query, tcp=tcp))
        self._pages = WebServer("the policy host", self._credential, self._page, patience=hosts.stall)

    async def start(self, dns: tuple[Endpoint, ...], web: tuple[Endpoint, ...], nobody: str = _NOBODY) -> None:
        """Answer at the first of each places that can be had; `nobody` is an address where nobody listens.

        Raises CannotTest where none can be had.
        """
        hosts = self._hosts
        self.dns = await _first(self._server, dns)
        self.web = await _first(self._pages, web)
        self._addresses = {name: endpoint.address for name, endpoint in hosts.endpoints.items()}
        self._addresses |= {_second(hosts.cases[name]): endpoint.address for name, endpoint in hosts.seconds.items()}
        self._addresses |= {"dns": self.dns.address, "sts": self.web.address, "nobody": nobody}
        self._zones = Zones(self._config(), self._addresses.__getitem__, self._chain, now=lambda: hosts.moment)
        _ = self.anchor  # the records take the keys of all certificates: made before somebody waits for an answer

    async def stop(self) -> None:
        """Close both; may be called twice."""
        await self._server.stop()
        await self._pages.stop()

    @property
    def anchor(self) -> str | None:
        """The trust anchor."""
        anchor = self._zones.anchor
        return None if anchor is None else anchor.to_text()

    def evidence(self, case: TrialCase) -> Evidence:
        """Return what there is to see of a case, judged."""
        seen = self._hosts.evidence(case)
        state = _state(case) if self._signed(case) else DaneState.INSECURE
        dane = None
        if state is DaneState.PUBLISHED:
            records = [self._tlsa(record, seen.host) for record in self._records(case)]
            chain = self._hosts.mint.credential(case.certificate, seen.host).chain if case.certificate else ()
            dane = judge_dane(chain, records, names=(seen.host, case.domain), moment=self._hosts.moment)
        policy, why = self._in_force(case) if self._enforced(case) else (None, "the domain publishes no policy")
        secure = case.zone not in (UNSIGNED, ISLAND)
        return replace(seen, state=state, dane=dane, policy=policy, why_no_policy=why, mx_secure=secure)

    # --- what is published --------------------------------------------------------------------------------------------

    def _config(self) -> DnsConfig:
        hosts, config = self._hosts, DnsConfig()
        for case in hosts.cases.values():
            host = hosts.host_of(case)
            for one in (host, case.host):
                if not is_address(one):
                    config.hosts[one] = case.name
            config.mx[case.domain] = ((10, host),)
            if case.second:
                config.mx[case.domain] += ((20, case.exchanger(2)),)
                config.hosts[case.exchanger(2)] = _second(case)
            if self._signed(case):
                for port in {_SMTP, hosts.endpoints[case.name].port}:
                    owner = f"_{port}._tcp.{host}"
                    config.tlsa[owner] = self._records(case)
                    if case.published.fault is not None:
                        config.faults[owner] = case.published.fault
                if case.second:
                    for port in {_SMTP, hosts.seconds[case.name].port}:
                        config.tlsa[f"_{port}._tcp.{case.exchanger(2)}"] = (TlsaRecord(certificate="good"),)
            if self._enforced(case):
                config.txt[f"_mta-sts.{case.domain}"] = case.published.sts
                if case.published.web is not None:
                    config.hosts[HOST_LABEL + case.domain] = case.published.web
        if self._policy is TrialPolicy.MTA_STS:
            return config
        zones = sorted({zone for case in hosts.cases.values() for zone in (case.zone, case.host_zone or case.zone)} - {UNSIGNED})
        return replace(config, signed=tuple(zones), ds={ISLAND: DsFault.MISSING, FORGED: DsFault.WRONG})

    def _signed(self, case: TrialCase) -> bool:
        """Whether the case's host has TLSA records, or something to say about their absence."""
        return self._policy is not TrialPolicy.MTA_STS and case.kind is not CaseKind.MTA_STS

    def _enforced(self, case: TrialCase) -> bool:
        """Whether the case's domain has a policy, or something that is wrong with one."""
        return self._policy is not TrialPolicy.DANE and case.kind is not CaseKind.DANE

    @staticmethod
    def _records(case: TrialCase) -> tuple[TlsaRecord, ...]:
        shown = case.published.tlsa
        return (TlsaRecord(certificate=case.certificate or "good"),) if shown is None else shown

    def _chain(self, certificate: str, host: str) -> tuple[Certificate, ...]:
        credential = self._hosts.mint.credential(certificate, host)
        root = () if credential.root is None or credential.root in credential.chain else (credential.root,)
        return (*credential.chain, *root)

    def _tlsa(self, record: TlsaRecord, host: str) -> Tlsa:
        data = bytes.fromhex(record.data)
        if not data:
            chain = self._chain(record.certificate, host)
            depth = min(0 if record.usage in (1, 3) else 1, len(chain) - 1)
            data = association_data(chain[depth], record.selector, record.matching)
        return Tlsa(record.usage, record.selector, record.matching, data)

    def _site(self, case: TrialCase) -> StsSite:
        host = self._hosts.host_of(case)
        names = {sts_cases.HOST: host, sts_cases.PARENT: host.partition(".")[2], sts_cases.SECOND: case.exchanger(2)}

        def filled(text: str) -> str:
            for word, name in names.items():
                text = text.replace(word, name)
            return text

        site = case.published.site or StsSite(mx=(sts_cases.HOST, *((sts_cases.SECOND,) if case.second else ())))
        return replace(site, mx=tuple(map(filled, site.mx)), text=None if site.text is None else filled(site.text))

    def _in_force(self, case: TrialCase) -> tuple[StsPolicy | None, str]:
        """Return the policy that a sender without an earlier one must have, or why there is none."""
        record, notices = parse_record(case.published.sts)
        if record is None:
            return None, f"the record does not count ({notices[0].problem}, {notices[0].rule})"
        site, web = self._sites.sites[case.domain], case.published.web
        status = _WAYS.get(web) or (_STATUS[site.fault] if site.fault else None)
        if status is None:
            name = HOST_LABEL + case.domain
            chain = self._hosts.mint.credential(site.certificate, name).chain
            good = judge(chain, trust=self._hosts.mint.trust(("public",)), moment=self._hosts.moment, expected=name).good
            status = None if good else FetchStatus.CERTIFICATE
        if status is not None:
            return None, f"the policy cannot be had ({status}, {FETCH_RULES[status]})"
        policy, notices = parse_policy(site.policy.encode())
        fatal = next((notice for notice in notices), None)
        return policy, f"the policy does not count ({fatal.problem}, {fatal.rule})" if policy is None and fatal else ""

    def _page(self, method: str, target: str, host: str | None) -> WebAnswer | None:
        return answer(self._sites, host, method, target)

    def _credential(self, name: str | None) -> Credential:
        found = site_of(self._sites, name)
        if found is None:
            return self._hosts.mint.credential("good", name or "policies.smtp.test")
        domain, site = found
        return self._hosts.mint.credential(site.certificate, HOST_LABEL + domain)


def _second(case: TrialCase) -> str:
    return f"{case.name}'s second host"


def _state(case: TrialCase) -> DaneState:
    zone = case.host_zone or case.zone
    if case.published.fault in _FAILS or zone == FORGED:
        return DaneState.FAILED
    if zone in (UNSIGNED, ISLAND):
        return DaneState.INSECURE
    return DaneState.ABSENT if case.published.tlsa == () else DaneState.PUBLISHED


async def _first(server: DnsServer | WebServer, places: tuple[Endpoint, ...]) -> Endpoint:
    """Listen at the first place that can be had."""
    for place in places[:-1]:
        try:
            return await server.start(place.address, place.port)
        except CannotTest:
            continue
    return await server.start(places[-1].address, places[-1].port)


def write_files(folder: Path, hosts: CaseHosts, names: CaseNames | None) -> None:
    """Write what a client may need into a folder: `ca.pem`, `crl.pem`, `cert.pem` and `key.pem` of its own, `anchor`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = hosts.mint.credential("good", "sender.smtp.test")
    (folder / "ca.pem").write_bytes(hosts.mint.ca_pem)
    (folder / "crl.pem").write_bytes(hosts.mint.crl_pem)
    (folder / "cert.pem").write_bytes(own.chain_pem)
    key = folder / "key.pem"
    key.touch(mode=0o600)
    key.write_bytes(own.key_pem)
    if names is not None:
        (folder / "anchor").write_text((names.anchor or "") + "\n", encoding="ascii")
