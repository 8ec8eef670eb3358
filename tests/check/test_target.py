"""What a user may write for a target, and what it is taken for."""

from __future__ import annotations

import pytest

from lab.check.result import TargetKind
from lab.check.target import parse_host, parse_target
from lab.errors import UserError


@pytest.mark.parametrize(
    ("text", "kind", "domain", "host", "port"),
    [
        ("alice@contoso.test", TargetKind.ADDRESS, "contoso.test", None, 25),
        ('"a@b"@contoso.test', TargetKind.ADDRESS, "contoso.test", None, 25),
        ("alice@[127.0.0.1]", TargetKind.ADDRESS, None, "127.0.0.1", 25),
        ("alice@[IPv6:::1]", TargetKind.ADDRESS, None, "::1", 25),
        ("contoso.test", TargetKind.DOMAIN, "contoso.test", None, 25),
        ("Contoso.Test.", TargetKind.DOMAIN, "contoso.test", None, 25),
        ("m\N{LATIN SMALL LETTER U WITH DIAERESIS}ller.test", TargetKind.DOMAIN, "xn--mller-kva.test", None, 25),
        ("mail.contoso.test:2525", TargetKind.HOST, None, "mail.contoso.test", 2525),
        ("mail.contoso.test:25", TargetKind.HOST, None, "mail.contoso.test", 25),
        ("127.0.0.1", TargetKind.HOST, None, "127.0.0.1", 25),
        ("127.0.0.1:587", TargetKind.HOST, None, "127.0.0.1", 587),
        ("::1", TargetKind.HOST, None, "::1", 25),
        ("[::1]", TargetKind.HOST, None, "::1", 25),
        ("[::1]:465", TargetKind.HOST, None, "::1", 465),
    ],
)
def test_targets(text: str, kind: TargetKind, domain: str | None, host: str | None, port: int) -> None:
    target = parse_target(text)
    assert (target.kind, target.domain, target.host, target.port) == (kind, domain, host, port)


@pytest.mark.parametrize(
    "text",
    ["", " ", "@", "a@", "@b", "a b", "x..y", "-x.test", "x" * 64 + ".test", "[::1", "[x]", "[::1]25", "h:0", "h:x", "h:70000"],
)
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_target(text)
    assert caught.value.hint


def test_hosts_with_a_default_port() -> None:
    assert parse_host("127.25.0.53", 53) == ("127.25.0.53", 53)
    assert parse_host("[::1]:5300", 53) == ("::1", 5300)
