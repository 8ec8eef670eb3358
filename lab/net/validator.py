"""Validates answers by ourselves, from given trust anchors down (RFC 4035 section 5).

The way to a zone's keys is walked from the anchor label by label: at each cut the DS, signed by the zone above, vouches for a
key of the zone below, and a signed denial of a DS says that what lies below is not signed. Keys are kept for the life of the
validator. What cannot be proved is bogus; NSEC3 is not understood, and makes an answer indeterminate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.RRSIG import RRSIG

from lab.data import dataclass
from lab.dns.answer import DnsSecurity
from lab.dns.validation import Denial, denial, has_type, problem, supported, vouched_for

Ask = Callable[[dns.name.Name, dns.rdatatype.RdataType], Awaitable[dns.message.Message]]
_SEVERITY = (DnsSecurity.SECURE, DnsSecurity.INSECURE, DnsSecurity.INDETERMINATE, DnsSecurity.BOGUS)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about an answer or a zone, and why."""

    security: DnsSecurity
    detail: str = ""

    def worse(self, other: Judgement) -> Judgement:
        """The one of two that is further from secure."""
        return max(self, other, key=lambda judgement: _SEVERITY.index(judgement.security))


@dataclass(frozen=True, slots=True)
class _Zone:
    name: dns.name.Name
    judgement: Judgement
    keys: tuple[DNSKEY, ...] = ()


_SECURE = Judgement(DnsSecurity.SECURE)


class Validator:
    """Takes what asks the DNS (with CD, and raising what it raises), anchors (DNSKEY or DS RRsets), and what tells the moment."""

    def __init__(self, ask: Ask, anchors: Iterable[dns.rrset.RRset], now: Callable[[], datetime]) -> None:
        self._ask, self._now = ask, now
        self._anchors = {rrset.name: rrset for rrset in anchors}
        self._zones: dict[dns.name.Name, asyncio.Task[_Zone]] = {}

    async def judge(self, message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Judgement:
        """Judge an answer to a question: each alias on the way, and at the end the records, or the proof that there are none."""
        result = _SECURE
        answers = {(rrset.name, rrset.rdtype): rrset for rrset in message.answer if rrset.rdtype != dns.rdatatype.RRSIG}
        for _ in range(len(answers) + 1):
            # a DS belongs to the zone above (RFC 4035 section 5)
            zone = await self._zone(name.parent() if rdtype == dns.rdatatype.DS and name != dns.name.root else name)
            rrset = answers.get((name, rdtype)) or answers.get((name, dns.rdatatype.CNAME))
            if rrset is None:
                return result.worse(self._judge_denial(message, name, rdtype, zone))
            result = result.worse(self._judge_rrset(rrset, message.answer, zone))
            if rrset.rdtype == rdtype:
                return result
            name = rrset[0].target
            if not any(owner == name for owner, _ in answers) and not message.authority:
                return result  # the server left off; whoever asks on will judge the rest
        return result

    def _judge_rrset(self, rrset: dns.rrset.RRset, section: Iterable[dns.rrset.RRset], zone: _Zone) -> Judgement:
        if zone.judgement.security is not DnsSecurity.SECURE:
            return zone.judgement
        wrong = problem(rrset, _signatures(section, rrset), zone.name, zone.keys, self._now())
        return _SECURE if wrong is None else Judgement(DnsSecurity.BOGUS, wrong)

    def _judge_denial(
        self, message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, zone: _Zone
    ) -> Judgement:
        if zone.judgement.security is not DnsSecurity.SECURE:
            return zone.judgement
        proofs, wrong = self._proofs(message, zone)
        if denial(proofs, name, rdtype) is not Denial.NOTHING:
            return _SECURE
        if any(rrset.rdtype == dns.rdatatype.NSEC3 for rrset in message.authority):
            return Judgement(DnsSecurity.INDETERMINATE, f"{zone.name} denies with NSEC3, which is not understood here")
        return Judgement(DnsSecurity.BOGUS, wrong or f"nothing proves that {name} has no {dns.rdatatype.to_text(rdtype)}")

    def _proofs(self, message: dns.message.Message, zone: _Zone) -> tuple[list[dns.rrset.RRset], str]:
        """Return the NSECs whose signatures hold, and what is wrong with another."""
        proofs, wrong = [], ""
        for rrset in message.authority:
            if rrset.rdtype == dns.rdatatype.NSEC and rrset.name.is_subdomain(zone.name):
                fault = problem(rrset, _signatures(message.authority, rrset), zone.name, zone.keys, self._now())
                if fault is None:
                    proofs.append(rrset)
                wrong = wrong or fault or ""
        return proofs, wrong

    async def _zone(self, name: dns.name.Name) -> _Zone:
        """Return the zone that a name lies in with its keys, or what kept us from finding it."""
        anchor = max((owner for owner in self._anchors if name.is_subdomain(owner)), key=len, default=None)
        if anchor is None:
            return _Zone(name, Judgement(DnsSecurity.INDETERMINATE, f"no trust anchor is above {name}"))
        zone = await self._once(anchor, lambda: self._anchored(anchor))
        for labels in range(len(anchor) + 1, len(name) + 1):
            if zone.judgement.security is not DnsSecurity.SECURE:
                break
            cut, above = name.split(labels)[1], zone
            zone = await self._once(cut, lambda cut=cut, above=above: self._below(cut, above))  # type: ignore[misc]
        return zone

    async def _once(self, name: dns.name.Name, find: Callable[[], Awaitable[_Zone]]) -> _Zone:
        """Ask for each name once, however many look-ups need it at a time; a failure is not kept."""
        task = self._zones.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._zones[name] = asyncio.ensure_future(find())
        return await asyncio.shield(task)

    async def _anchored(self, anchor: dns.name.Name) -> _Zone:
        trusted = self._anchors[anchor]
        return await self._keys(anchor, trusted, f"no DNSKEY of {anchor} is the trust anchor's")

    async def _keys(self, zone: dns.name.Name, trusted: dns.rrset.RRset, otherwise: str) -> _Zone:
        """Fetch a zone's keys and hold them against the DS (or DNSKEY, of an anchor) that is trusted."""
        message = await self._ask(zone, dns.rdatatype.DNSKEY)
        rrset = message.get_rrset(message.answer, zone, dns.rdataclass.IN, dns.rdatatype.DNSKEY)
        keys = [key for key in rrset if isinstance(key, DNSKEY)] if rrset else []
        known = [key for key in keys if key in trusted] + vouched_for(zone, keys, [ds for ds in trusted if isinstance(ds, DS)])
        if rrset is None or not known:
            return _Zone(zone, Judgement(DnsSecurity.BOGUS, otherwise))
        wrong = problem(rrset, _signatures(message.answer, rrset), zone, known, self._now())
        if wrong is not None:
            return _Zone(zone, Judgement(DnsSecurity.BOGUS, wrong))
        return _Zone(zone, _SECURE, tuple(keys))

    async def _below(self, cut: dns.name.Name, above: _Zone) -> _Zone:
        """Return the zone that begins at a name, or the one above where none does."""
        message = await self._ask(cut, dns.rdatatype.DS)
        rrset = message.get_rrset(message.answer, cut, dns.rdataclass.IN, dns.rdatatype.DS)
        if rrset is not None:
            wrong = problem(rrset, _signatures(message.answer, rrset), above.name, above.keys, self._now())
            if wrong is not None:
                return _Zone(cut, Judgement(DnsSecurity.BOGUS, wrong))
            if not supported([ds for ds in rrset if isinstance(ds, DS)]):
                detail = f"{cut} is signed with algorithms that nobody here knows"
                return _Zone(cut, Judgement(DnsSecurity.INSECURE, detail))
            return await self._keys(cut, rrset, f"no DNSKEY of {cut} matches its DS")
        if any(rrset.rdtype == dns.rdatatype.CNAME and rrset.name == cut for rrset in message.answer):
            return above  # an alias is no cut (RFC 1034 section 3.6.2)
        proofs, wrong = self._proofs(message, above)
        match denial(proofs, cut, dns.rdatatype.DS):
            case Denial.NO_NAME:
                return above
            case Denial.NO_TYPE:
                own = next((nsec for rrset in proofs if rrset.name == cut for nsec in rrset if isinstance(nsec, NSEC)), None)
                if own is not None and has_type(own, dns.rdatatype.NS) and not has_type(own, dns.rdatatype.SOA):
                    return _Zone(cut, Judgement(DnsSecurity.INSECURE, f"{above.name} has no DS for {cut}"))
                return above
        if any(rrset.rdtype == dns.rdatatype.NSEC3 for rrset in message.authority):
            detail = f"{above.name} denies with NSEC3, which is not understood here"
            return _Zone(cut, Judgement(DnsSecurity.INDETERMINATE, detail))
        return _Zone(cut, Judgement(DnsSecurity.BOGUS, wrong or f"nothing proves that {cut} has no DS"))


def _signatures(section: Iterable[dns.rrset.RRset], rrset: dns.rrset.RRset) -> list[RRSIG]:
    return [
        signature
        for other in section
        if other.rdtype == dns.rdatatype.RRSIG and other.name == rrset.name
        for signature in other
        if isinstance(signature, RRSIG)
    ]
