"""The documented selection (facts/exchange 3.4), row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lab.exchange.certificates import StoreEntry, matches_name, named, select
from lab.exchange.config import ReceiveConnector
from lab.tls.mint import Mint

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINT = Mint(MOMENT)
SERVER = "EX01.contoso.test"
PUBLIC = "<I>CN=Lab Public Issuing CA, O=Lab Trust Services, C=US<S>CN=mail.contoso.test"


def store(*names: str) -> tuple[StoreEntry, ...]:
    return tuple(StoreEntry(MINT.credential(name), ("SMTP",)) for name in names)


def chosen(connector: ReceiveConnector, *names: str) -> tuple[str | None, list[int]]:
    selection = select(connector, SERVER, store(*names), MOMENT)
    return selection.entry.credential.name if selection.entry else None, [event.id for event in selection.events]


NAMED = ReceiveConnector(TlsCertificateName=PUBLIC)


@pytest.mark.parametrize(
    ("connector", "names", "expected", "events"),
    [
        (NAMED, ["exchange", "exchange-setup"], "exchange", []),
        (NAMED, ["exchange", "exchange-renewed"], "exchange-renewed", []),  # same names: the most recent start wins
        (NAMED, ["exchange-renewed", "exchange"], "exchange-renewed", []),
        (NAMED, ["exchange-expired"], "exchange-expired", [12016]),  # offered all the same
        (NAMED, ["exchange-expired", "exchange"], "exchange", []),
        (NAMED, ["exchange-setup"], None, [12014]),  # dangling: STARTTLS vanishes
        (NAMED, [], None, [12014]),
        (ReceiveConnector(), ["exchange", "exchange-setup"], "exchange-setup", []),  # by the physical FQDN
        (ReceiveConnector(Fqdn="mail.contoso.test"), ["exchange", "exchange-setup"], "exchange", []),
        (
            ReceiveConnector(Fqdn="mail.contoso.test"),
            ["self-signed", "exchange"],
            "exchange",
            [],
        ),  # a CA's before a self-signed one
        (ReceiveConnector(Fqdn="mail.contoso.test"), ["self-signed"], "self-signed", []),
        (ReceiveConnector(Fqdn="mail.contoso.test"), ["wildcard"], "wildcard", []),
        (ReceiveConnector(Fqdn="nobody.test"), ["exchange"], None, [12014]),
        (ReceiveConnector(Fqdn="mail.contoso.test"), ["expires-tomorrow"], "expires-tomorrow", [12018]),
        (replace(NAMED, AuthMechanism=("Integrated",)), ["exchange"], None, []),  # no Tls: not even looked for
    ],
)
def test_selection(connector: ReceiveConnector, names: list[str], expected: str | None, events: list[int]) -> None:
    assert chosen(connector, *names) == (expected, events)


def test_without_its_private_key_a_certificate_is_not_eligible() -> None:
    entry = StoreEntry(MINT.credential("exchange"), ("SMTP",), has_private_key=False)
    assert select(NAMED, SERVER, (entry,), MOMENT).entry is None


def test_not_enabled_for_smtp_is_chosen_all_the_same() -> None:
    """Exchange does not check the services at this point; TLS would fail later (facts/exchange 3.4 step 4)."""
    entry = StoreEntry(MINT.credential("exchange"), ("IIS",))
    assert select(NAMED, SERVER, (entry,), MOMENT).entry is entry


def test_the_name_is_matched_by_issuer_and_subject_in_either_case() -> None:
    leaf = MINT.credential("exchange").leaf
    assert f"<I>{leaf.issuer}<S>{leaf.subject}" == PUBLIC
    assert matches_name(leaf, PUBLIC.replace("<I>", "<i>").replace("<S>", "<s>"))
    assert not matches_name(leaf, PUBLIC + ".other")
    assert not matches_name(leaf, "CN=mail.contoso.test")


def test_the_texts_of_the_events() -> None:
    (missing,) = select(NAMED, SERVER, (), MOMENT).events
    assert missing.message.startswith(
        f"Microsoft Exchange could not find a certificate that contains the domain name {PUBLIC} in the personal store"
    )
    (soon,) = select(ReceiveConnector(Fqdn="mail.contoso.test"), SERVER, store("expires-tomorrow"), MOMENT).events
    assert "hours remaining: 24." in soon.message
    assert (soon.level, missing.level) == ("Warning", "Error")


def test_a_send_connector_takes_the_newest_of_its_name() -> None:
    entry = named(store("exchange-expired", "exchange-renewed", "exchange"), PUBLIC)
    assert entry is not None
    assert entry.credential.name == "exchange-renewed"
    assert named(store("exchange-setup"), PUBLIC) is None


def test_a_day_later_the_same_store_is_chosen_from_otherwise() -> None:
    connector = ReceiveConnector(Fqdn="mail.contoso.test")
    events = [select(connector, SERVER, store("expires-tomorrow"), MOMENT + timedelta(days=days)).events[0].id for days in (0, 2)]
    assert events == [12018, 12016]
