"""What a case of a trial is: one receiver, with the certificate that it shows, the box in front of it, and what is published of it.

A case is named once, everywhere: on the command line, as the domain `NAME.smtp.test`, in results.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from lab.appliance.config import BehaviourSpec
from lab.data import dataclass
from lab.dns.config import DnsFault, TlsaRecord
from lab.sts.config import StsSite
from lab.tls.staple import Staple

#: The domain that the cases' domains stand in; it is signed. The others are for what is wrong with DNSSEC itself.
DOMAIN = "smtp.test"
UNSIGNED, ISLAND, FORGED = "unsigned.test", "island.test", "forged.test"


class TrialPolicy(StrEnum):
    """What the client has been told to do."""

    VERIFY = "verify"  # TLS or nothing, with a certificate for the name under the CA file
    OPPORTUNISTIC = "opportunistic"  # TLS where it can be had, mail in any case
    DANE = "dane"  # what the domain's TLSA records ask for (RFC 7672)
    MTA_STS = "mta-sts"  # what the domain's policy asks for (RFC 8461)


#: Under these a client is given a domain, and finds its hosts.
RESOLVING = frozenset({TrialPolicy.DANE, TrialPolicy.MTA_STS})


class CaseKind(StrEnum):
    """What a case is for."""

    SANITY = "sanity"  # must pass before any verdict counts
    CERTIFICATE = "certificate"
    STARTTLS = "starttls"
    FEATURE = "feature"  # finds out what the client supports; nothing is expected
    DANE = "dane"
    MTA_STS = "mta-sts"


class Tls(StrEnum):
    """What a sender that does all right can have of TLS."""

    GOOD = "good"  # all of it: what counts is the certificate
    HIDDEN = "hidden"  # nobody offers it, and who asks all the same gets it
    ABSENT = "absent"  # nobody offers it, and it is not there
    REFUSED = "refused"  # offered, and refused when it is wanted
    BROKEN = "broken"  # begun, and never of any use
    OLD = "old"  # in a version that must not be used any more
    INJECTED = "injected"  # all of it, behind text that somebody in the middle put there in clear
    LOST = "lost"  # whatever it has, no message is taken


@dataclass(frozen=True, slots=True)
class Published:
    """What the DNS and the web say of a case's domain, where that is not the usual.

    `tlsa` are the records for its host, None for one of the certificate's own; `fault` is what is wrong with their answers.
    `sts` are the TXT strings at `_mta-sts`, `site` the policy and how it is served, `web` where the policy's host name leads:
    to the policy host, to a place where nobody listens, or nowhere.
    """

    tlsa: tuple[TlsaRecord, ...] | None = None
    fault: DnsFault | None = None
    sts: tuple[str, ...] = ("v=STSv1; id=20260101T000000;",)
    site: StsSite | None = None
    web: str | None = "sts"


@dataclass(frozen=True, slots=True)
class TrialCase:
    """One receiver: the mint's certificate that it shows (None: it has none), and what a box in front of it does.

    `stalls` says that the box would keep silent for ever; `called` is what the client is told to connect to, where that is not
    the host's name; `login` that the receiver offers AUTH, `implicit` that TLS comes first, `runs` how often the client is run,
    `eight_bit` that its message is in UTF-8, `mail` that only a client which sends mail comes to what the case is about.

    `staple` is what it staples to its certificate for those who ask.

    `second` says that the domain has another host behind this one (MX 20), with which all is right; `host_zone` is the zone of
    the domain's hosts where that is not the domain's.
    """

    name: str
    kind: CaseKind
    what: str
    certificate: str | None = "good"
    behaviours: tuple[BehaviourSpec, ...] = ()
    tls: Tls = Tls.GOOD
    stalls: bool = False
    zone: str = DOMAIN
    published: Published = Published()
    host_name: str = ""
    called: str = ""
    login: bool = False
    implicit: bool = False
    asks_certificate: bool = False
    runs: int = 1
    eight_bit: bool = False
    mail: bool = False
    staple: Staple | None = None
    second: bool = False
    host_zone: str = ""

    @property
    def domain(self) -> str:
        """The case's mail domain."""
        return f"{self.name}.{self.zone}"

    @property
    def host(self) -> str:
        """The case's host name, where nothing finds it by MX."""
        return self.host_name or (self.exchanger() if self.host_zone else self.domain)

    def exchanger(self, number: int = 1) -> str:
        """The name of a host that the domain's MX records lead to: the first, or the second."""
        return f"mx{number if number > 1 else ''}.{self.name}.{self.host_zone or self.zone}"

    def under(self, policy: TrialPolicy) -> bool:
        """Whether the case says something about a client under a policy."""
        match self.kind:
            case CaseKind.DANE:
                return policy is TrialPolicy.DANE
            case CaseKind.MTA_STS:
                return policy is TrialPolicy.MTA_STS
            case CaseKind.FEATURE:
                return policy in (TrialPolicy.VERIFY, TrialPolicy.OPPORTUNISTIC)
            case _:
                return True


#: A behaviour by its name, maybe with settings.
Spec = str | tuple[str, Mapping[str, object]]


def specs(*listed: Spec) -> tuple[BehaviourSpec, ...]:
    """Return behaviours from their names, with settings where there are any."""
    return tuple(BehaviourSpec(one) if isinstance(one, str) else BehaviourSpec(one[0], dict(one[1])) for one in listed)
