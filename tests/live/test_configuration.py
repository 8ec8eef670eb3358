from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lab.errors import UserError
from lab.live.configuration import (
    Configuration,
    Difference,
    Step,
    StepKind,
    Version,
    changes_between,
    differences,
    step_data,
    step_of,
)
from lab.scenario import change
from lab.scenario.load import load_scenario, plain_topology, topology_of
from lab.scenario.model import Change

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
LOADED = load_scenario("appliance-resigns-tls")
HEALTHY = plain_topology(topology_of(LOADED.healthy))
FAULT = Step(StepKind.FAULT, "appliance-terminates-tls", LOADED.scenario.faults[0].changes)
TLS = "online.outbound_connectors[0].TlsSettings"


def fresh(*steps: Step) -> Configuration:
    return Configuration(HEALTHY, [Version(1, MOMENT, "start", "it began", None, steps)])


def setting(value: str) -> Step:
    return Step(StepKind.SET, TLS, (Change(set=TLS, to=value),))


def tls_of(configuration: Configuration) -> Any:
    return change.get(configuration.data, TLS)


def test_steps_make_the_topology_and_undo_walks_back() -> None:
    lab = fresh(FAULT)
    assert lab.topology().appliance.rules
    lab.add(setting("EncryptionOnly"), MOMENT, "one")
    lab.add(setting("CertificateValidation"), MOMENT, "two")
    assert lab.undo(MOMENT)[0].text == "two"
    assert tls_of(lab) == "EncryptionOnly"
    assert lab.undo(MOMENT)[0].text == "one"
    assert tls_of(lab) == "DomainValidation"
    with pytest.raises(UserError, match="nothing to undo"):
        lab.undo(MOMENT)
    assert [version.kind for version in lab.versions] == ["start", "set", "set", "undo", "undo"]
    lab.add(setting("EncryptionOnly"), MOMENT, "three")
    assert lab.undo(MOMENT)[0].text == "three"
    assert tls_of(lab) == "DomainValidation"


def test_a_fault_is_taken_out_from_under_later_changes() -> None:
    lab = fresh(FAULT)
    lab.add(setting("EncryptionOnly"), MOMENT, "one")
    topology = lab.take_out(StepKind.FAULT, FAULT.name, MOMENT)
    assert topology.appliance.rules == ()
    assert tls_of(lab) == "EncryptionOnly"
    with pytest.raises(UserError, match="is not there"):
        lab.take_out(StepKind.FAULT, FAULT.name, MOMENT)
    lab.undo(MOMENT)
    assert lab.topology().appliance.rules


def test_a_change_that_leads_nowhere_changes_nothing() -> None:
    lab = fresh()
    for path, value in (("online.outbound_connectors[0].TlsSetting", "x"), ("no.where", 1), (TLS, "Sometimes")):
        with pytest.raises(UserError):
            lab.add(Step(StepKind.SET, path, (Change(set=path, to=value),)), MOMENT, "bad")
    assert len(lab.versions) == 1
    assert lab.data == HEALTHY


def test_reset_and_differences() -> None:
    lab = fresh(FAULT)
    assert lab.differences() == []
    lab.add(setting("EncryptionOnly"), MOMENT, "one")
    name = HEALTHY["online"]["outbound_connectors"][0]["Name"]
    assert lab.differences() == [
        Difference(f"online.outbound_connectors[{name}].TlsSettings", "DomainValidation", "EncryptionOnly")
    ]
    lab.reset(MOMENT)
    assert lab.differences() == []
    lab.undo(MOMENT)
    assert len(lab.differences()) == 1


@pytest.mark.parametrize("fix", LOADED.scenario.fixes, ids=lambda fix: fix.name)
def test_differences_are_changes_that_lead_there(fix: Any) -> None:
    before = fresh(FAULT).data
    after = plain_topology(LOADED.fixed(fix))
    changes = changes_between(before, after)
    assert changes
    assert topology_of(change.apply(changes, before)) == topology_of(after)
    assert list(differences(after, after)) == []


def test_steps_as_plain_data() -> None:
    assert step_of(step_data(FAULT)) == FAULT
