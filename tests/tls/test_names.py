"""Names: strict as RFC 9525 has them, with the CN fall-back and the connector's wildcard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.tls.mint import Mint
from lab.tls.names import ip_addresses, match_host, match_tls_domain, pattern_matches, presented_names

MINT = Mint(datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("mail.contoso.test", "mail.contoso.test", True),
        ("MAIL.Contoso.test", "mail.contoso.TEST", True),
        ("mail.contoso.test.", "mail.contoso.test", True),
        ("mail.contoso.test", "mail.contoso.test.", True),
        ("mail.contoso.test", "www.contoso.test", False),
        ("*.contoso.test", "mail.contoso.test", True),
        ("*.contoso.test", "a.mail.contoso.test", False),
        ("*.contoso.test", "contoso.test", False),
        ("*.contoso.test", "mail.fabrikam.test", False),
        ("*.test", "contoso.test", False),
        ("*", "test", False),
        ("m*.contoso.test", "mail.contoso.test", False),
        ("*l.contoso.test", "mail.contoso.test", False),
        ("mail.*.test", "mail.contoso.test", False),
        ("*.*.test", "mail.contoso.test", False),
        ("mail.contoso.test.evil.test", "mail.contoso.test", False),
        ("xn--bcher-kva.test", "bücher.test", True),
        ("", "mail.contoso.test", False),
    ],
)
def test_presented_against_wanted(pattern: str, name: str, matches: bool) -> None:
    assert pattern_matches(pattern, name) is matches


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)


@given(st.lists(LABEL, min_size=1, max_size=5))
def test_every_name_matches_itself_and_its_wildcard_only_from_three_labels(labels: list[str]) -> None:
    name = ".".join(labels)
    assert pattern_matches(name, name)
    assert pattern_matches(".".join(["*", *labels[1:]]), name) is (len(labels) > 2)


def test_the_cn_counts_only_without_alternative_names() -> None:
    assert presented_names(MINT.credential("no-san").leaf) == ("mail.contoso.test",)
    assert presented_names(MINT.credential("common-name-only-counts-without-san").leaf) == ("other.contoso.test",)
    assert presented_names(MINT.credential("ip-address").leaf) == ()
    assert ip_addresses(MINT.credential("ip-address").leaf) == ("127.25.0.20",)


@pytest.mark.parametrize(
    ("case", "host", "matched"),
    [
        ("good", "mail.contoso.test", "mail.contoso.test"),
        ("wildcard", "mail.contoso.test", "*.contoso.test"),
        ("ip-address", "127.25.0.20", "127.25.0.20"),
        ("ip-address", "[127.25.0.20]", "127.25.0.20"),
        ("ip-address", "127.25.0.21", None),
        ("good", "127.25.0.20", None),
        ("idn-look-alike", "mail.contoso.test", None),
    ],
)
def test_hosts_and_addresses(case: str, host: str, matched: str | None) -> None:
    assert match_host(MINT.credential(case).leaf, host) == matched


@pytest.mark.parametrize(
    ("case", "domain", "matched"),
    [
        ("good", "mail.contoso.test", "mail.contoso.test"),
        ("good", "*.contoso.test", "mail.contoso.test"),
        ("good", "*.fabrikam.test", None),
        ("bare-domain", "*.contoso.test", None),
        ("wildcard", "*.contoso.test", "*.contoso.test"),
        ("wildcard", "mail.contoso.test", "*.contoso.test"),
        ("appliance-default", "*.contoso.test", None),
    ],
)
def test_a_connectors_tls_domain(case: str, domain: str, matched: str | None) -> None:
    assert match_tls_domain(MINT.credential(case).leaf, domain) == matched
