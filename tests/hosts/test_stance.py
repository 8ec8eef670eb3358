"""What a real MTA is to be in the place of a host, and how Postfix is told: as data, without any MTA."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.errors import UserError
from lab.hosts.description import DETOUR_PORT
from lab.hosts.exim import _names
from lab.hosts.postfix import next_hop, policy_line, service, transport_line
from lab.hosts.stance import Stance, Way, stance_of
from lab.net.addresses import ADDRESSES
from lab.net.directory import Directory, Endpoint
from lab.scenario import change
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.model import Change
from lab.scenario.topology import Topology
from lab.sending.implementation import MtaTls
from lab.tls.mint import Mint

MINT = Mint(datetime(2026, 11, 25, tzinfo=UTC))
HEALTHY = load_scenario("healthy").healthy
ONLINE, ELSEWHERE = "contoso.mail.onmicrosoft.test", "fabrikam.test"


def topology(**changes: Any) -> Topology:
    made = (Change(set=path.replace("__", "."), to=to) for path, to in changes.items())
    return topology_of(change.apply((Change(set="exchange.implementation", to="postfix"), *made), HEALTHY))


def on_premises(**changes: Any) -> Stance:
    directory = Directory(ADDRESSES, anywhere=True)
    for number, host in enumerate(("online", "internet")):
        directory.listening(host, Endpoint(ADDRESSES[host], 25))
        directory.detour("exchange", host, Endpoint("10.77.2.20", DETOUR_PORT + number))
    return stance_of("exchange", topology(**changes), MINT, directory)


def ways(stance: Stance) -> dict[str, Way]:
    return {way.domain: way for way in stance.ways}


def test_on_premises_the_send_connectors_say_what_is_demanded() -> None:
    stance = on_premises()
    assert ways(stance)[ONLINE] == Way(domain=ONLINE, port=2501, tls=MtaTls.SECURE, match=("mail.protection.outlook.test",))
    assert ways(stance)[ELSEWHERE] == Way(domain=ELSEWHERE, port=2502, tls=MtaTls.MAY)
    assert set(ways(stance)) == {ONLINE, ELSEWHERE, "contoso.onmicrosoft.test"}, "its own domain goes nowhere"
    assert stance.aliases == {"carol@contoso.test": "carol@contoso.mail.onmicrosoft.test", "dave@contoso.test": "dave@contoso.mail.onmicrosoft.test"}  # fmt: skip
    assert stance.own is not None
    assert stance.client is not None
    assert stance.own.leaf.common_name == stance.client.leaf.common_name == "mail.contoso.test"
    assert stance.levels == {MtaTls.MAY, MtaTls.SECURE}


@pytest.mark.parametrize(
    ("connector", "level", "match"),
    [
        ({"TlsAuthLevel": "EncryptionOnly"}, MtaTls.ENCRYPT, ()),
        ({"TlsAuthLevel": "CertificateValidation"}, MtaTls.VERIFY, ()),
        ({"TlsDomain": "*.outlook.test"}, MtaTls.SECURE, (".outlook.test",)),
        ({"TlsAuthLevel": None}, MtaTls.ENCRYPT, ()),
        ({"TlsAuthLevel": None, "RequireTLS": False}, MtaTls.MAY, ()),
    ],
)
def test_each_setting_of_a_connector_has_its_level(connector: dict[str, Any], level: MtaTls, match: tuple[str, ...]) -> None:
    way = ways(on_premises(**{f"exchange__send_connectors[0]__{name}": to for name, to in connector.items()}))[ONLINE]
    assert (way.tls, way.match) == (level, match)


@pytest.mark.parametrize("level", [one for one in MtaTls if one is not MtaTls.MTA_STS])
def test_a_level_of_its_own_is_for_ways_that_demand_tls(level: MtaTls) -> None:
    found = ways(on_premises(exchange__tls=level.value))
    assert found[ONLINE].tls is level
    assert bool(found[ONLINE].match) is (level is MtaTls.SECURE)
    assert found[ELSEWHERE].tls is MtaTls.MAY


def test_policies_of_domains_are_for_ways_by_mx_on_which_no_connector_demands_anything() -> None:
    """They are asked for by the domain, so that the port of the appliance's inner leg is a service's."""
    found = ways(on_premises(exchange__tls="mta-sts"))
    assert (found[ONLINE].tls, found[ONLINE].match) == (MtaTls.SECURE, ("mail.protection.outlook.test",))
    assert found[ELSEWHERE].tls is MtaTls.MTA_STS
    assert transport_line(found[ONLINE]) == f"{ONLINE} smtp:{ONLINE}:2501\n"
    assert transport_line(found[ELSEWHERE]) == f"{ELSEWHERE} smtp-2502:{ELSEWHERE}\n"
    assert service(2502) == "smtp-2502 unix - - n - - smtp -o smtp_tcp_port=2502\n"
    smart = {
        "exchange__send_connectors[1]__SmartHosts": ["mx.fabrikam.test"],
        "exchange__send_connectors[1]__DNSRoutingEnabled": False,
    }
    assert ways(on_premises(exchange__tls="mta-sts", **smart))[ELSEWHERE].tls is MtaTls.MAY, "a smart host is no MX"


def test_a_smart_host_is_the_way_and_a_certificate_that_is_not_there_is_not_shown() -> None:
    smart = {
        "exchange__send_connectors[1]__SmartHosts": ["mx.fabrikam.test"],
        "exchange__send_connectors[1]__DNSRoutingEnabled": False,
    }
    way = ways(on_premises(**smart))[ELSEWHERE]
    assert next_hop(way) == "[mx.fabrikam.test]:2502"
    nobody = on_premises(**{"exchange__receive_connectors[0]__TlsCertificateName": "<I>CN=Nobody<S>CN=nothing"})
    assert nobody.own is None


def test_postfix_looks_a_policy_up_by_the_next_hop_as_it_stands() -> None:
    found = ways(on_premises())
    assert next_hop(found[ONLINE]) == f"{ONLINE}:2501"
    assert policy_line(found[ONLINE]) == f"{ONLINE}:2501 secure match=mail.protection.outlook.test\n"
    assert policy_line(found[ELSEWHERE]) == "fabrikam.test:2502 may\n"


@pytest.mark.parametrize(
    ("match", "certificate", "fits"),
    [
        (("mail.contoso.test",), "mail.contoso.test", True),
        (("mail.contoso.test",), "a.test:MAIL.contoso.test:b.test", True),
        (("mail.contoso.test",), "mail.contoso.test.evil.test", False),
        (("mail.contoso.test",), "xmail.contoso.test", False),
        (("mail.contoso.test",), "mailxcontoso.test", False),
        ((".contoso.test",), "mail.contoso.test", True),
        ((".contoso.test",), "*.contoso.test", True),
        ((".contoso.test",), "contoso.test", False),
        (("contoso.test", ".contoso.test"), "contoso.test", True),
        (("contoso.test",), "", False),
    ],
)
def test_exim_finds_a_name_among_those_of_a_certificate(match: tuple[str, ...], certificate: str, fits: bool) -> None:
    assert bool(re.search(_names(match), certificate)) is fits


@pytest.mark.parametrize(
    ("role", "program", "words"),
    [
        ("internet", "exim", "Exim keeps no MTA-STS policies"),
        ("exchange", "exim", "Exim keeps"),
        ("exchange", "emulated", "only a real MTA"),
        ("internet", "emulated", "only a real MTA"),
    ],
)
def test_what_a_program_cannot_keep_is_refused(role: str, program: str, words: str) -> None:
    changes = (Change(set=f"{role}.implementation", to=program), Change(set=f"{role}.tls", to="mta-sts"))
    with pytest.raises(UserError, match=words) as refused:
        topology_of(change.apply(changes, HEALTHY))
    assert refused.value.key == f"{role}.tls"
    postfix = (Change(set="internet.implementation", to="postfix"), Change(set="internet.tls", to="mta-sts"))
    assert topology_of(change.apply(postfix, HEALTHY)).internet.tls is MtaTls.MTA_STS
