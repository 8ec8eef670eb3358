"""The architect's matrix: what becomes of mail between both sides in each scenario, under each policy that a sender can have."""

from __future__ import annotations

import copy
from enum import StrEnum
from typing import Any

from lab.backends.embedded import embedded
from lab.data import dataclass
from lab.observe import flow_result
from lab.online.config import Era
from lab.runner import play
from lab.scenario.load import topology_of
from lab.scenario.loaded import Loaded
from lab.scenario.model import Scenario, Standing, TopologyChoice
from lab.scenario.result import FlowResult
from lab.scenario.topology import Topology, in_era
from lab.sending.attempt import Outcome, ReasonId, Security, TlsLevel
from lab.tls.findings import FindingId
from lab.tls.mint import Mint

#: The two directions of the hybrid, which are what its connectors' policies are about.
FLOWS = ("online -> onprem", "onprem -> online")


class SenderPolicy(StrEnum):
    """What both sides' connectors insist on."""

    OPPORTUNISTIC = "opportunistic"
    ENCRYPTION_ONLY = "EncryptionOnly"
    CERTIFICATE_VALIDATION = "CertificateValidation"
    DOMAIN_VALIDATION = "DomainValidation"
    MTA_STS = "MTA-STS"  # in mode enforce
    DANE = "DANE"


class End(StrEnum):
    """What becomes of a message."""

    CLEAR = "delivered-in-clear"
    ENCRYPTED = "delivered-encrypted"  # and nobody has made sure who took it
    AUTHENTICATED = "delivered-authenticated"
    DEFERRED = "deferred"
    BOUNCED = "bounced"


_LEVELS = {
    SenderPolicy.ENCRYPTION_ONLY: TlsLevel.ENCRYPTION_ONLY,
    SenderPolicy.CERTIFICATE_VALIDATION: TlsLevel.CERTIFICATE_VALIDATION,
    SenderPolicy.DOMAIN_VALIDATION: TlsLevel.DOMAIN_VALIDATION,
}
#: What a connector is set to that keeps what the receiver's domain publishes.
_PUBLISHED = {
    SenderPolicy.MTA_STS: {"UseMXRecord": True, "MtaStsMode": "Opportunistic"},
    SenderPolicy.DANE: {"UseMXRecord": True, "SmtpDaneMode": "Opportunistic"},
}
_DELIVERED = {Security.CLEAR: End.CLEAR, Security.ENCRYPTED: End.ENCRYPTED, Security.AUTHENTICATED: End.AUTHENTICATED}


#: Where a direction has several flows, the worst end stands for it.
_WORST = (End.BOUNCED, End.DEFERRED, End.CLEAR, End.ENCRYPTED, End.AUTHENTICATED)


@dataclass(frozen=True, slots=True)
class Cell:
    """A policy, a flow, and what became of its message: the end, the reason and the findings where there are some."""

    policy: SenderPolicy
    flow: str
    end: End
    reason: ReasonId | None = None
    findings: tuple[FindingId, ...] = ()


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A scenario in an era, with a cell for each policy and flow."""

    scenario: str
    era: Era
    cells: tuple[Cell, ...]

    def cell(self, policy: SenderPolicy, flow: str) -> Cell | None:
        """Return a cell; None for a flow that the scenario does not have, or a sender that does not know the policy."""
        return next((cell for cell in self.cells if (cell.policy, cell.flow) == (policy, flow)), None)


def under(broken: dict[str, Any], policy: SenderPolicy) -> Topology:
    """Return a topology, given as plain data, in which the connectors of both sides have a policy; the names that they expect stay.

    What a domain publishes is kept by Exchange Online alone, which then delivers by MX: Exchange 2016 knows neither MTA-STS nor DANE.
    """
    data = copy.deepcopy(broken)
    level = _LEVELS.get(policy)
    for connector in data["online"].get("outbound_connectors", ()):
        connector.update(TlsSettings=level, **_PUBLISHED.get(policy, {}))
    for connector in data["exchange"].get("send_connectors", ()):
        if connector.get("CloudServicesMailEnabled"):
            connector.update(TlsAuthLevel=level, RequireTLS=level is not None)
    dns = data["dns"]
    if policy is SenderPolicy.MTA_STS:
        dns.setdefault("hosts", {}).setdefault("mta-sts.contoso.test", "sts")
        dns.setdefault("txt", {}).setdefault("_mta-sts.contoso.test", ["v=STSv1; id=20260101T000000;"])
        sites = (data.get("sts") or {}).get("sites") or {}
        policy_text = {"mode": "enforce", "mx": ["mail.contoso.test"], "max_age": 604800}
        data["sts"] = {**(data.get("sts") or {}), "sites": {"contoso.test": policy_text, **sites}}
    elif policy is SenderPolicy.DANE:
        dns["signed"] = list(dict.fromkeys([*dns.get("signed", ()), "contoso.test"]))
        dns.setdefault("tlsa", {}).setdefault("_25._tcp.mail.contoso.test", [{"certificate": "exchange"}])
    return topology_of(data)


async def play_row(loaded: Loaded, era: Era, mint: Mint) -> MatrixRow:
    """Play the fault of a scenario under each policy, each in a lab of its own, and try each message once."""
    cells = []
    for policy in SenderPolicy:
        directions = FLOWS[:1] if policy in _PUBLISHED else FLOWS
        flows = [flow for flow in loaded.broken["flows"] if direction(flow) in directions]
        async with embedded(in_era(under(loaded.broken, policy), era), mint=mint) as lab:
            lab.clock.advance(loaded.scenario.passes)
            sent = await play(lab, flows)
            ends = [_cell(policy, flow_result(lab, flow, message)) for flow, message in sent.items()]
            cells += [min((one for one in ends if one.flow == flow), key=lambda one: _WORST.index(one.end)) for flow in directions]
    return MatrixRow(loaded.name, era, tuple(cells))


def direction(flow: str) -> str:
    """Return from which side to which a flow goes, without what tells it from others: `online again -> onprem` is as the first."""
    return f"{flow.partition(' ')[0]} -> {flow.rpartition(' ')[2]}"


def between_both_sides(scenario: Scenario) -> bool:
    """Whether a scenario is about mail between both sides of the hybrid: the matrix has nothing to say of others."""
    touched = {
        direction(flow)
        for flow, wanted in scenario.expect.flows.items()
        if wanted.outcome is not Outcome.DELIVERED or wanted.counts_as is Standing.EXTERNAL or wanted.copies == 0
    }
    return bool(touched & set(FLOWS)) or (not scenario.faults and scenario.topology == TopologyChoice())


def _cell(policy: SenderPolicy, result: FlowResult) -> Cell:
    if result.outcome is Outcome.DELIVERED:
        return Cell(policy, direction(result.flow), _DELIVERED[result.security], findings=result.findings)
    end = End.BOUNCED if result.outcome is Outcome.BOUNCED else End.DEFERRED
    return Cell(policy, direction(result.flow), end, result.reason, result.findings)
