"""Asks the DNS: a stub resolver over asyncio that never raises for what servers do, and says what DNSSEC thinks.

With trust anchors every answer is validated here (`lab.net.validator`). Without them the AD bit of a resolver is believed if the
way to it is safe: it is on loopback, or the user named it (RFC 7672 section 2.1.3, RFC 6698 appendix A.3). What such a resolver
withholds with SERVFAIL and gives when asked not to check (CD) is bogus. Every look-up is bounded: in time, in servers, in aliases.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import dns.zonefile

from lab.data import dataclass
from lab.dns.answer import Answer, DnsSecurity, Status
from lab.errors import UserError
from lab.net.directory import Endpoint
from lab.net.dns_exchange import NoAnswer, exchange
from lab.net.validator import Judgement, Validator

_ALIASES = 8
_PAYLOAD = 1232  # what fits every path (DNS flag day 2020); beyond it TCP
_STATUS = {dns.rcode.NXDOMAIN: Status.NXDOMAIN, dns.rcode.REFUSED: Status.REFUSED, dns.rcode.NOERROR: Status.OK}
_AT_ONCE = 50
_ANCHORS = (dns.rdatatype.DNSKEY, dns.rdatatype.DS)
_ANCHOR_HINT = "give lines as in a zone file: `. IN DNSKEY 257 3 13 ...` or `. IN DS ...`"


def system_servers() -> tuple[Endpoint, ...]:
    """Return the resolvers of this system's configuration; empty where it has none."""
    try:
        return tuple(Endpoint(str(address), 53) for address in dns.resolver.Resolver().nameservers)
    except dns.resolver.NoResolverConfiguration:
        return ()


@dataclass(frozen=True, slots=True)
class _Reply:
    message: dns.message.Message
    server: Endpoint


class Resolver:
    """Looks names up at `servers` (the system's where None), the next where one does not answer.

    `timeout` is for one question to one server, in seconds; a server is asked `tries` times. `trust_anchors` are DNSKEY or DS
    RRsets to validate from (see `anchors_of`), at the moment that `now` tells. Without them `trust_ad` says whether the servers'
    AD bit is believed: by default where the servers were given, or are on loopback.
    """

    def __init__(
        self,
        servers: Sequence[Endpoint] | None = None,
        *,
        timeout: float = 5.0,
        tries: int = 2,
        trust_anchors: Iterable[dns.rrset.RRset] | None = None,
        trust_ad: bool | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.servers = tuple(servers) if servers is not None else system_servers()
        self.timeout, self.tries = timeout, tries
        self._given, self._trust_ad = servers is not None, trust_ad
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._validator = Validator(self._unchecked, trust_anchors, now) if trust_anchors is not None else None

    async def lookup(self, name: str, rdtype: str) -> Answer:
        """Ask for a name's records of one type (`MX`, `A`, `TLSA`, ...), following aliases. Never raises for what servers do.

        A name that cannot exist (RFC 1035 section 2.3.4, IDNA 2008) is NXDOMAIN.
        """
        began = time.perf_counter()
        try:
            wanted = dns.name.from_unicode(name, idna_codec=dns.name.IDNA_2008) if not name.isascii() else dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError) as error:
            return Answer(name=name, rdtype=rdtype, status=Status.NXDOMAIN, detail=f"{name[:80]!r} is no name: {error}")
        answer = await self._follow(wanted, dns.rdatatype.from_text(rdtype))
        return replace(answer, name=name, seconds=time.perf_counter() - began)

    async def _follow(self, wanted: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Answer:
        """Follow aliases within a reply, and ask again where the server left off."""
        chain, ttl = [wanted], 2**31
        answer = Answer(name=_text(wanted), rdtype=dns.rdatatype.to_text(rdtype), status=Status.OK)
        judgement = Judgement(DnsSecurity.SECURE)
        for _ in range(_ALIASES + 1):
            try:
                reply = await self._ask(chain[-1], rdtype)
            except NoAnswer as error:
                return replace(answer, status=error.status, detail=error.detail, chain=_texts(chain))
            status = _STATUS.get(reply.message.rcode(), Status.SERVFAIL)
            answer = replace(answer, status=status, server=str(reply.server))
            if status not in (Status.OK, Status.NXDOMAIN):
                detail = f"{reply.server} answered {dns.rcode.to_text(reply.message.rcode())}{_extended(reply.message)}"
                security = await self._withheld(reply, chain[-1], rdtype)
                return replace(answer, security=security, detail=detail, chain=_texts(chain))
            try:
                judgement = judgement.worse(await self._judged(reply, chain[-1], rdtype))
            except NoAnswer as error:
                judgement = judgement.worse(Judgement(DnsSecurity.INDETERMINATE, error.detail))
            answer = replace(answer, security=judgement.security, detail=judgement.detail)
            before = len(chain)
            found, ttl = _collect(reply.message.answer, chain, rdtype, ttl)
            answer = replace(answer, chain=_texts(chain))
            if found is not None:
                return replace(answer, status=Status.OK, records=tuple(found), ttl=ttl)
            if len(chain) == before or status is Status.NXDOMAIN:
                return replace(answer, status=Status.NO_DATA if status is Status.OK else status, ttl=0)
            if len(chain) > _ALIASES or len(set(chain)) < len(chain):
                break
        detail = f"aliases of {_text(wanted)} go in a circle" if len(set(chain)) < len(chain) else f"more than {_ALIASES} aliases"
        return replace(answer, status=Status.SERVFAIL, detail=detail, chain=_texts(chain))

    async def _ask(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> _Reply:
        """Ask the servers in turn; what one answers with SERVFAIL or REFUSED another may know. Raises NoAnswer."""
        if not self.servers:
            raise NoAnswer(Status.UNREACHABLE, "this system has no resolver; name one")
        failure: NoAnswer | None = None
        refused: _Reply | None = None
        for _ in range(self.tries):
            for server in self.servers:
                try:
                    async with self._gate:
                        message = await self._one(name, rdtype, server)
                except NoAnswer as error:
                    failure = error
                    continue
                if message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    return _Reply(message, server)
                refused = refused or _Reply(message, server)
            if refused is not None:
                return refused
        assert failure is not None
        raise failure

    async def _one(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, server: Endpoint, *, unchecked: bool = False
    ) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=_PAYLOAD, want_dnssec=True)
        query.flags |= dns.flags.AD  # RFC 6840 section 5.7: tell us
        if unchecked or self._validator is not None:
            query.flags |= dns.flags.CD
        message = await exchange(query, server, self.timeout)
        if message.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP) and message.edns < 0:  # RFC 6891 section 7: it knows no EDNS
            message = await exchange(dns.message.make_query(name, rdtype), server, self.timeout)
        return message

    async def _unchecked(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        return (await self._ask(name, rdtype)).message

    async def _judged(self, reply: _Reply, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Judgement:
        if self._validator is not None:
            return await self._validator.judge(reply.message, name, rdtype)
        if not self._believes(reply.server):
            return Judgement(DnsSecurity.INDETERMINATE)
        return Judgement(DnsSecurity.SECURE if reply.message.flags & dns.flags.AD else DnsSecurity.INSECURE)

    async def _withheld(self, reply: _Reply, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> DnsSecurity:
        """Tell a bogus answer from a server that failed: the first is given to whoever asks not to check (RFC 4035 3.2.2)."""
        if self._validator is None and reply.message.rcode() == dns.rcode.SERVFAIL and self._believes(reply.server):
            try:
                message = await self._one(name, rdtype, reply.server, unchecked=True)
            except NoAnswer:
                return DnsSecurity.INDETERMINATE
            if message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return DnsSecurity.BOGUS
        return DnsSecurity.INDETERMINATE

    def _believes(self, server: Endpoint) -> bool:
        if self._trust_ad is not None:
            return self._trust_ad
        return self._given or _on_loopback(server.address)


def anchors_of(text: str) -> list[dns.rrset.RRset]:
    """Return the trust anchors of a file in zone file form, such as `. IN DNSKEY 257 3 13 ...`, or with DS. Raises UserError."""
    try:
        found = [rrset for rrset in dns.zonefile.read_rrsets(text, rdclass=None, default_ttl=0) if rrset.rdtype in _ANCHORS]
    except (dns.exception.DNSException, ValueError) as error:
        raise UserError(f"no trust anchors: {error}", hint=_ANCHOR_HINT) from None
    if not found:
        raise UserError("no trust anchors: there is no DNSKEY and no DS in it", hint=_ANCHOR_HINT)
    return found


def _collect(
    section: list[dns.rrset.RRset], chain: list[dns.name.Name], rdtype: dns.rdatatype.RdataType, ttl: int
) -> tuple[dns.rrset.RRset | None, int]:
    """Follow the aliases of an answer section, adding to `chain`; return the records at their end, None where there are none."""
    by_key = {(rrset.name, rrset.rdtype): rrset for rrset in section}
    for _ in range(_ALIASES + 1):
        found = by_key.get((chain[-1], rdtype))
        if found is not None:
            return found, min(ttl, found.ttl)
        alias = by_key.get((chain[-1], dns.rdatatype.CNAME))
        if alias is None or rdtype == dns.rdatatype.CNAME:
            return None, ttl
        chain.append(alias[0].target)
        ttl = min(ttl, alias.ttl)
        if chain[-1] in chain[:-1]:
            return None, ttl
    return None, ttl


def _extended(message: dns.message.Message) -> str:
    """What the server says of the error (RFC 8914)."""
    told = [option for option in message.options if isinstance(option, dns.edns.EDEOption)]
    return ": " + "; ".join(option.text or dns.edns.EDECode.to_text(option.code) for option in told) if told else ""


def _on_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _texts(names: list[dns.name.Name]) -> tuple[str, ...]:
    return tuple(_text(name) for name in names)
