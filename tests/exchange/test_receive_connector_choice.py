"""Which receive connector a session meets: the enabled one on port 25 whose range fits the sender most closely."""

from __future__ import annotations

import pytest

from lab.exchange.config import ReceiveConnector
from lab.exchange.routing import address_range, choose_receive_connector

DEFAULT = ReceiveConnector(Name="default")
RELAY = ReceiveConnector(Name="relay", RemoteIPRanges=("10.0.0.0/24", "192.0.2.1"))
ONE = ReceiveConnector(Name="one", RemoteIPRanges=("10.0.0.5-10.0.0.6",))
OTHER_PORT = ReceiveConnector(Name="port", Bindings=("0.0.0.0:587",), RemoteIPRanges=("10.0.0.5",))
OFF = ReceiveConnector(Name="off", RemoteIPRanges=("10.0.0.5",), Enabled=False)
ALL = (DEFAULT, RELAY, ONE, OTHER_PORT, OFF)


@pytest.mark.parametrize(
    ("address", "name"),
    [("127.0.0.1", "default"), ("10.0.0.1", "relay"), ("192.0.2.1", "relay"), ("192.0.2.2", "default"), ("10.0.0.5", "one"), ("10.0.0.7", "relay"),
     ("2001:db8::1", "default")],
)  # fmt: skip
def test_the_closest_range_wins(address: str, name: str) -> None:
    met = choose_receive_connector(ALL, address)
    assert met is not None
    assert met.Name == name


def test_nobody_may_fit() -> None:
    assert choose_receive_connector((RELAY, ONE), "127.0.0.1") is None
    assert choose_receive_connector((), "127.0.0.1") is None


@pytest.mark.parametrize("text", ["", "x", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "10.0.0.0/99", "10.0.0.1-", "-"])
def test_what_is_no_range(text: str) -> None:
    assert address_range(text) is None
