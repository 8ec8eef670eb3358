"""The architect's matrix: what each policy makes of a fault, and what the table says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest

from lab.matrix import FLOWS, End, MatrixRow, SenderPolicy, between_both_sides, direction, play_row, under
from lab.net.loop import run
from lab.online.config import Era
from lab.report import policy_matrix
from lab.scenario.catalogue import group
from lab.scenario.load import load_scenario
from lab.sending.attempt import ReasonId
from lab.tls.findings import FindingId
from lab.tls.mint import Mint
from lab.workers import RowRun, play

A, C, D, E = End.AUTHENTICATED, End.CLEAR, End.DEFERRED, End.ENCRYPTED
mint = cache(lambda: Mint(datetime.now(UTC)))


@cache
def row(name: str) -> MatrixRow:
    return run(play_row(load_scenario(name), Era.CURRENT, mint()))


#: What becomes of `online -> onprem` under the six policies, in their order.
TABLE = {
    "healthy": (E, E, E, A, A, A),
    "appliance-resigns-tls": (E, E, D, D, D, D),
    "receive-connector-certificate-dangling": (C, D, D, D, D, D),  # no STARTTLS: only who does not insist delivers
    "certificate-wildcard-depth": (E, E, E, D, D, D),  # CertificateValidation does not look at the name
    "certificate-revocation-unknown": (E, E, D, D, A, D),  # RFC 8461 does not ask for revocation, and the key is not the record's
    "hybrid-certificate-mismatch": (E, E, E, D, A, A),  # the connector's own mistake: by MX there is none
    "exchange-second-server-unconfigured": (E, E, D, D, D, D),  # the worst of two sessions stands for both
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_each_policy_has_its_end(name: str) -> None:
    ends = tuple(cell.end if (cell := row(name).cell(policy, FLOWS[0])) else None for policy in SenderPolicy)
    assert ends == TABLE[name]


@pytest.mark.slow
def test_a_cell_knows_why() -> None:
    cell = row("appliance-resigns-tls").cell(SenderPolicy.DOMAIN_VALIDATION, FLOWS[0])
    assert cell is not None
    assert cell.reason is ReasonId.CERTIFICATE
    assert set(cell.findings) == {FindingId.SELF_SIGNED, FindingId.NAME_MISMATCH}
    dane = row("appliance-resigns-tls").cell(SenderPolicy.DANE, FLOWS[0])
    assert dane is not None
    assert dane.reason is ReasonId.DANE


@pytest.mark.slow
def test_exchange_knows_no_published_policies() -> None:
    assert row("healthy").cell(SenderPolicy.MTA_STS, FLOWS[1]) is None
    assert row("healthy").cell(SenderPolicy.DOMAIN_VALIDATION, FLOWS[1]) is not None


def test_the_policies_are_set_on_both_sides_and_the_names_stay() -> None:
    loaded = load_scenario("hybrid-certificate-mismatch")
    topology = under(loaded.broken, SenderPolicy.OPPORTUNISTIC)
    (outbound,), (hybrid, internet) = topology.online.outbound_connectors, topology.exchange.send_connectors
    assert (outbound.TlsSettings, outbound.TlsDomain) == (None, "hybrid.contoso.test")
    assert (hybrid.TlsAuthLevel, hybrid.RequireTLS, internet.TlsAuthLevel) == (None, False, None)
    assert loaded.broken["online"]["outbound_connectors"][0]["TlsSettings"] == "DomainValidation", "what goes in stays as it is"


@pytest.mark.parametrize(
    ("name", "told"), [("healthy", True), ("appliance-resigns-tls", True), ("sts-wrong-mx", False), ("dane-3-1-1", False)]
)
def test_only_what_is_between_both_sides_is_told(name: str, told: bool) -> None:
    assert between_both_sides(load_scenario(name).scenario) is told


def test_a_flow_of_another_name_goes_the_same_way() -> None:
    assert direction("online again -> onprem") == "online -> onprem"


@pytest.mark.slow
def test_the_table_fits_a_terminal_and_says_what_it_means() -> None:
    rows = [row(name) for name in ("certificate-wildcard-depth", "healthy", "appliance-resigns-tls")]
    text = policy_matrix.lines(rows, group)
    assert "certificate-wildcard-depth  E E  E E  E E  d A  d -  d -" in text
    assert max(map(len, text)) <= 100
    assert [line for line in text if line.endswith(":")][:3] == [
        "The certificate itself, whoever shows it:", "As it should be:", "The box in front of Exchange:",
    ]  # fmt: skip
    for end in End:
        assert any(policy_matrix._MEANINGS[end] in line for line in text)
    page = policy_matrix.markdown(rows, group)
    assert "| [healthy](catalogue.md#healthy) | E E | E E | E E | A A | A - | A - |\n" in page


@pytest.mark.slow
def test_eras_are_told_apart_only_where_they_differ() -> None:
    from dataclasses import replace

    one = row("healthy")
    other = replace(one, era=Era.CLASSIC)
    assert sum("healthy" in line for line in policy_matrix.lines([other, one], group)) == 1
    differing = replace(other, cells=row("appliance-resigns-tls").cells)
    shown = [line.split("  ")[0] for line in policy_matrix.lines([differing, one], group) if "healthy" in line]
    assert shown == ["healthy (classic)", "healthy (current)"]
    assert len(policy_matrix.data([differing, one], group)["rows"]) == 2


@pytest.mark.slow
def test_rows_are_played_side_by_side_and_errors_are_answers() -> None:
    good, bad = play([RowRun("healthy", Era.CURRENT), RowRun("nosuch", Era.CURRENT)], workers=2)
    assert good.row is not None
    assert good.row.cells == row("healthy").cells
    assert bad.row is None
    assert "no scenario 'nosuch'" in str(bad.error)
