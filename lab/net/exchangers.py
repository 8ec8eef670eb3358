"""Which hosts take a target's mail, in the order of preference, and where they are (RFC 5321 section 5.1)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lab.check.findings import SessionFinding
from lab.check.findings import SessionFindingId as F
from lab.check.result import Exchanger, Target, TargetKind
from lab.data import dataclass

if TYPE_CHECKING:
    from lab.dns.answer import Answer
    from lab.net.resolver import Resolver

_MOST_HOSTS, _MOST_ADDRESSES = 20, 8
_FAMILIES = {socket.AF_UNSPEC: ("A", "AAAA"), socket.AF_INET: ("A",), socket.AF_INET6: ("AAAA",)}


@dataclass(frozen=True, slots=True)
class Located:
    """The hosts of a target, best first, what is wrong with its names, and the MX answer where there was one."""

    exchangers: tuple[Exchanger, ...] = ()
    findings: tuple[SessionFinding, ...] = ()
    mx: Answer | None = None


class Names:
    """Asks for a target's hosts: `resolver` where one was given, else the system's own ways; `family` limits addresses."""

    def __init__(self, resolver: Resolver | None = None, *, ipv4: bool = True, ipv6: bool = True, timeout: float = 5.0) -> None:
        self.resolver = resolver
        self._timeout = timeout
        self._family = socket.AF_UNSPEC if ipv4 and ipv6 else socket.AF_INET if ipv4 else socket.AF_INET6

    async def exchangers(self, target: Target) -> Located:
        """Return a target's hosts, best first, and what is wrong with its names. Never raises for what servers do."""
        if target.host is not None:
            host = await self.locate(Exchanger(target.host))
            return Located((host,))
        assert target.domain is not None
        answer = await self._mx_resolver().lookup(target.domain, "MX")
        status = answer.status.value
        if status == "ok":
            return await self._listed(answer)
        if answer.security.value == "bogus":
            return Located((), (SessionFinding(F.DNS_BOGUS, f"MX of {target.domain}: {answer.detail}"),), answer)
        if status == "no-data":
            return await self._implicit(target, answer)
        failure = SessionFinding(F.DNS_FAILED, f"MX of {target.domain}: {answer.detail or status}")
        if status == "nxdomain":
            failure = SessionFinding(F.DOMAIN_UNKNOWN, f"there is no {target.domain}")
        if self.resolver is None and (local := await self.locate(Exchanger(target.domain))).addresses:
            return Located((local,), (), answer)  # known to this machine by other means than the DNS (localhost, /etc/hosts)
        return Located((), (failure,), answer)

    async def _implicit(self, target: Target, answer: Answer) -> Located:
        """No MX: the name itself stands in for it (RFC 5321 section 5.1); a bare name was perhaps meant as a host anyway."""
        assert target.domain is not None
        host = await self.locate(Exchanger(target.domain))
        meant = target.kind is TargetKind.DOMAIN and host.addresses
        findings = () if meant else (SessionFinding(F.MX_MISSING, f"{target.domain} has no MX record"),)
        return Located((host,), findings, answer)

    async def _listed(self, answer: Answer) -> Located:
        records = sorted(_pairs(answer.records))
        named = [(preference, name) for preference, name in records if name]
        findings = []
        if len(named) < len(records):  # RFC 7505 section 3
            if not named:
                return Located((), (SessionFinding(F.MX_NULL, f"{answer.name} has the null MX: it takes no mail"),), answer)
            findings.append(SessionFinding(F.MX_NULL_AND_OTHERS, f"{answer.name} has the null MX beside others"))
        hosts = [Exchanger(name, preference) for preference, name in named[:_MOST_HOSTS]]
        return Located(tuple(await asyncio.gather(*map(self.locate, hosts))), tuple(findings), answer)

    async def locate(self, host: Exchanger) -> Exchanger:
        """Return a host with its addresses and what is wrong with its name."""
        name, findings = host.name, list(host.findings)
        if _is_address(name):
            if host.preference is not None:
                findings.append(
                    SessionFinding(F.MX_ADDRESS, f"the MX record names the address {name} where a host name must stand")
                )
            return Exchanger(name, host.preference, (name,), tuple(findings))
        if self.resolver is None:
            addresses, failure, alias = await self._by_system(name)
        else:
            addresses, failure, alias = await self._by_resolver(self.resolver, name)
        if alias and host.preference is not None:
            findings.append(SessionFinding(F.MX_ALIAS, f"{name} is an alias of {alias}"))
        if failure is not None:
            findings.append(failure)
        return Exchanger(name, host.preference, tuple(addresses[:_MOST_ADDRESSES]), tuple(findings), alias)

    async def _by_resolver(self, resolver: Resolver, name: str) -> tuple[list[str], SessionFinding | None, str | None]:
        answers = await asyncio.gather(*(resolver.lookup(name, kind) for kind in _FAMILIES[self._family]))
        addresses = [text for answer in answers if answer.status.value == "ok" for text in answer.texts]
        alias = next((answer.canonical for answer in answers if len(answer.chain) > 1), None)
        if addresses:
            return addresses, None, alias
        if bogus := next((answer for answer in answers if answer.security.value == "bogus"), None):
            return [], SessionFinding(F.DNS_BOGUS, f"address of {name}: {bogus.detail}"), alias
        if failed := next((answer for answer in answers if answer.status.value not in ("ok", "no-data", "nxdomain")), None):
            return [], SessionFinding(F.DNS_FAILED, f"address of {name}: {failed.detail or failed.status}"), alias
        return [], SessionFinding(F.MX_UNRESOLVED, f"{name} has no {self._wanted}"), alias

    async def _by_system(self, name: str) -> tuple[list[str], SessionFinding | None, str | None]:
        loop = asyncio.get_running_loop()
        asked = loop.getaddrinfo(name, None, family=self._family, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.wait_for(asked, self._timeout)
        except TimeoutError:
            return [], SessionFinding(F.DNS_FAILED, f"address of {name}: no answer within {self._timeout:g} s"), None
        except OSError as error:  # gaierror says in words whether there is none or nobody could be asked
            again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            detail = error.strerror or str(error)
            return [], SessionFinding(F.DNS_FAILED if again else F.MX_UNRESOLVED, f"{name} has no {self._wanted}: {detail}"), None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found)), None, None

    @property
    def _wanted(self) -> str:
        return {socket.AF_INET: "IPv4 address", socket.AF_INET6: "IPv6 address"}.get(self._family, "address")

    def _mx_resolver(self) -> Resolver:
        if self.resolver is not None:
            return self.resolver
        from lab.net.resolver import Resolver

        return Resolver(timeout=self._timeout)


def _pairs(records: Sequence[Any]) -> list[tuple[int, str]]:
    """Return preference and host of MX records; '' is the root, which stands for no host (RFC 7505)."""
    return [(record.preference, record.exchange.to_text(omit_final_dot=True).lower().removeprefix(".")) for record in records]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
