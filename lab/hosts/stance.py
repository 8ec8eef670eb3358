"""What a real MTA is to be in the place of a host: whose mail it takes, what it shows, and how strict it is on each way out.

Plain data made of the topology; how Postfix and Exim are told it is in `postfix.py` and `exim.py`. On-premises the send connectors
say what is demanded, as they do of Exchange.
"""

from __future__ import annotations

from lab.data import dataclass
from lab.dns.zones import Zones
from lab.exchange import certificates
from lab.exchange.certificates import StoreEntry
from lab.exchange.config import ExchangeConfig, SendConnector
from lab.exchange.routing import choose_connector, policy_of
from lab.net.directory import Directory
from lab.scenario.topology import Topology
from lab.sending.attempt import Policy, TlsLevel
from lab.sending.implementation import MtaTls
from lab.tls.certificate import Credential
from lab.tls.mint import Mint


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How mail for a domain goes out: by its MX or to a smart host, the port, the strictness, and the names that are then expected
    (as Postfix writes them: `.contoso.test` is any host below; none: as the level says).
    """

    domain: str
    smart_host: str | None = None
    port: int = 25
    tls: MtaTls
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """`tls` is for every domain without a way of its own; `aliases` are addresses whose mail goes on to others; `own` is what is
    shown to senders, `client` to receivers.
    """

    name: str
    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    aliases: dict[str, str]
    own: Credential | None
    client: Credential | None
    tls: MtaTls
    ways: tuple[Way, ...] = ()

    @property
    def levels(self) -> frozenset[MtaTls]:
        """Every strictness that it needs."""
        return frozenset({self.tls, *(way.tls for way in self.ways)})


def stance_of(role: str, topology: Topology, mint: Mint, directory: Directory) -> Stance:
    """Return what the MTA in a role is to be."""
    return _on_premises(topology, mint, directory) if role == "exchange" else _internet(topology, mint)


def _internet(topology: Topology, mint: Mint) -> Stance:
    config = topology.internet
    credential = mint.credential(config.certificate, config.name) if config.certificate else None
    return Stance(
        name=config.name, domains=config.accepted_domains, mailboxes=config.mailboxes, aliases={}, own=credential, client=None, tls=config.tls
    )  # fmt: skip


def _on_premises(topology: Topology, mint: Mint, directory: Directory) -> Stance:
    config = topology.exchange
    store = tuple(StoreEntry(mint.credential(one.certificate), one.Services, one.HasPrivateKey) for one in config.certificates)
    zones = Zones(topology.dns, directory.address)
    ways, client = [], None
    for domain in topology.dns.mx:
        if domain in config.accepted_domains or (connector := choose_connector(config, domain)) is None:
            continue
        ways.append(_way(config, connector, domain, zones, directory))
        if connector.TlsCertificateName and (entry := certificates.named(store, connector.TlsCertificateName)) is not None:
            client = entry.credential
    return Stance(
        name=config.name, domains=config.accepted_domains, mailboxes=config.mailboxes,
        aliases={address.lower(): target for address, target in config.remote.items()}, own=_shown(config, store), client=client,
        tls=MtaTls.MAY, ways=tuple(ways),
    )  # fmt: skip


def _way(config: ExchangeConfig, connector: SendConnector, domain: str, zones: Zones, directory: Directory) -> Way:
    """The way of a connector. What leaves goes through the appliance, whose inner leg has a port for each host outside."""
    smart = connector.SmartHosts[0] if connector.SmartHosts and not connector.DNSRoutingEnabled else None
    pairs = zones.mx(domain)
    host = zones.host(smart or (pairs[0][1] if pairs else domain))
    port = directory.detour_port("exchange", host) if host is not None else 0
    policy = policy_of(connector, domain)
    tls = _level(policy)
    match = (policy.domain.removeprefix("*"),) if policy.domain and tls is MtaTls.SECURE else ()
    if config.tls is MtaTls.MTA_STS:  # policies are of domains, and say what connectors have left open (RFC 8461 section 1)
        tls = tls if policy.mandatory or smart else config.tls
    elif config.tls is not None and policy.mandatory:
        tls, match = config.tls, match if config.tls is MtaTls.SECURE else ()
    return Way(domain=domain, smart_host=smart, port=port or 25, tls=tls, match=match)


def _level(policy: Policy) -> MtaTls:
    """What a connector's TlsAuthLevel comes to in Postfix's words; no level checks a chain and no name, so the next stricter is taken."""
    match policy.settings:
        case TlsLevel.DOMAIN_VALIDATION:
            return MtaTls.SECURE
        case TlsLevel.CERTIFICATE_VALIDATION:
            return MtaTls.VERIFY
        case TlsLevel.ENCRYPTION_ONLY:
            return MtaTls.ENCRYPT
    return MtaTls.ENCRYPT if policy.require_tls else MtaTls.MAY


def _shown(config: ExchangeConfig, store: tuple[StoreEntry, ...]) -> Credential | None:
    """The certificate of the first receive connector that is enabled: the one it names, else the first that is for SMTP."""
    wanted = next((one.TlsCertificateName for one in config.receive_connectors if one.Enabled), None)
    usable = [entry for entry in store if entry.has_private_key and "SMTP" in entry.services]
    entry = certificates.named(store, wanted) if wanted else next(iter(usable), None)
    return entry.credential if entry in usable and entry is not None else None
