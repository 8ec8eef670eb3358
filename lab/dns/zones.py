"""The lab's names: look-ups for the hosts, answers for outside clients (RFC 1035, RFC 6891)."""

from __future__ import annotations

from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.dns.config import DnsConfig

_TTL = 60
_PLAIN_LIMIT = 512
_TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


class Zones:
    """All zones of the lab. Takes the configuration and what knows the address of a lab host."""

    def __init__(self, config: DnsConfig, address_of: Callable[[str], str]) -> None:
        self._address_of = address_of
        self._mx = {_key(domain): sorted(pairs) for domain, pairs in config.mx.items()}
        self._hosts = {_key(name): host for name, host in config.hosts.items()}
        self._txt = {_key(name): strings for name, strings in config.txt.items()}
        self._apexes = {".".join(name.split(".")[-2:]) for name in (*self._mx, *self._hosts, *self._txt)}

    def mx(self, domain: str) -> list[tuple[int, str]]:
        """Return the (preference, host) pairs of a domain, best first; empty where it has none."""
        return list(self._mx.get(_key(domain), ()))

    def host(self, name: str) -> str | None:
        """Return the lab's host that a name stands for."""
        return self._hosts.get(_key(name))

    def address(self, name: str) -> str | None:
        """Return a name's IPv4 address."""
        host = self.host(name)
        return None if host is None else self._address_of(host)

    def txt(self, name: str) -> tuple[str, ...]:
        """Return a name's TXT strings."""
        return tuple(self._txt.get(_key(name), ()))

    def answer(self, query: bytes, *, tcp: bool = False) -> bytes | None:
        """Return the answer to a query in wire form; None for what deserves none (an answer, or garbage without an id).

        Unknown names below our zones are NXDOMAIN, other names REFUSED. Over UDP an answer beyond the sender's limit is cut
        and marked (TC), so that it asks again over TCP.
        """
        try:
            message = dns.message.from_wire(query)
        except (dns.exception.DNSException, ValueError, IndexError):
            return _malformed(query)
        if message.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(message)
        response.flags |= dns.flags.AA
        if message.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif message.edns > 0:  # RFC 6891 6.1.3
            response.use_edns(0)
            response.set_rcode(dns.rcode.BADVERS)
        elif len(message.question) == 1 and message.question[0].rdtype in _TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
        elif len(message.question) != 1 or message.question[0].rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.FORMERR if len(message.question) != 1 else dns.rcode.REFUSED)
        else:
            self._fill(response, message.question[0])
        limit = 65535 if tcp else max(_PLAIN_LIMIT, message.payload if message.edns >= 0 else 0)
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            short = dns.message.make_response(message)
            short.flags |= dns.flags.TC | dns.flags.AA
            return short.to_wire()

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        name = question.name.to_text(omit_final_dot=True).lower()
        records = {
            dns.rdatatype.MX: [f"{preference} {host}." for preference, host in self._mx.get(name, ())],
            dns.rdatatype.A: [self._address_of(self._hosts[name])] if name in self._hosts else [],
            dns.rdatatype.TXT: [_quoted(text) for text in self._txt.get(name, ())],
        }
        apex = next((apex for apex in self._apexes if name == apex or name.endswith("." + apex)), None)
        if apex is None:
            response.flags &= ~dns.flags.AA
            response.set_rcode(dns.rcode.REFUSED)
            return
        wanted = records if question.rdtype == dns.rdatatype.ANY else {question.rdtype: records.get(question.rdtype, [])}
        for kind, texts in wanted.items():
            if texts:
                response.answer.append(dns.rrset.from_text_list(question.name, _TTL, dns.rdataclass.IN, kind, texts))
        if response.answer:
            for _, host in self._mx.get(name, ()) if question.rdtype == dns.rdatatype.MX else ():
                if (address := self.address(host)) is not None:
                    response.additional.append(dns.rrset.from_text(f"{host}.", _TTL, dns.rdataclass.IN, dns.rdatatype.A, address))
            return
        known = {*self._mx, *self._hosts, *self._txt}
        if not any(
            other == name or other.endswith("." + name) for other in known
        ):  # RFC 8020: a name above one that exists, exists
            response.set_rcode(dns.rcode.NXDOMAIN)
        section = response.answer if question.rdtype == dns.rdatatype.SOA and name == apex else response.authority
        soa = f"ns.{apex}. hostmaster.{apex}. 1 3600 600 86400 {_TTL}"
        section.append(dns.rrset.from_text(f"{apex}.", _TTL, dns.rdataclass.IN, dns.rdatatype.SOA, soa))


def _malformed(query: bytes) -> bytes | None:
    """FORMERR with the query's id, where there is one and it is no answer itself."""
    if len(query) < 12 or query[2] & 0x80:
        return None
    return query[:2] + bytes([0x80 | (query[2] & 0x79), int(dns.rcode.FORMERR)]) + bytes(8)


def _quoted(text: str) -> str:
    """A TXT string in zone file form, in pieces of 255 octets (RFC 1035 3.3.14, RFC 7208 3.3)."""
    octets = text.encode()
    pieces = [octets[start : start + 255] for start in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(f"\\{octet:03d}" for octet in piece) + '"' for piece in pieces)


def _key(name: str) -> str:
    return name.rstrip(".").lower()
