"""Whose certificate it is: each sign that speaks for a box in between or against, with a control."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.check import boxes
from lab.check.difference import Aspect, difference
from lab.check.ownership import Expected, SignId, Sureness, ownership, parse_thumbprint
from lab.check.result import Exchanger, HostResult
from lab.smtp.replies import Reply
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.certificate import Certificate
from lab.tls.channel import TlsFacts
from lab.tls.issue import Request, distinguished_name, issue
from lab.tls.verdict import judge
from tests.check.conversation import MINT, MOMENT

EXCHANGE = "220 EX01.contoso.test Microsoft ESMTP MAIL Service ready at Wed, 25 Nov 2026 14:11:08 +0000"
EXPECTED = Expected(MINT.credential("exchange").leaf.thumbprint, MINT.credential("exchange").leaf)


def host(*chain: Certificate, banner: str = "220 receiver.test") -> HostResult:
    verdict = judge(chain, trust=MINT.trust(), moment=MOMENT, expected=DEFAULT_HOST)
    facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, peer_chain=chain)
    return HostResult(
        exchanger=Exchanger(DEFAULT_HOST), address="127.0.0.1", port=25, banner=Reply.of(banner), tls=facts, verdict=verdict
    )


def made(subject: str, **fields: object) -> Certificate:
    request = Request(subject=distinguished_name(CN=subject), dns_names=(subject,), authority=False)
    return issue(replace(request, **fields), MOMENT).certificate  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "banner", "signs", "sureness"),
    [
        (MINT.credential("appliance-default").leaf, EXCHANGE, [SignId.EXCHANGE_BEHIND, SignId.NO_AUTHORITY, SignId.OTHER_ISSUER], Sureness.LIKELY),
        (MINT.credential("appliance-default").leaf, "220 mx ESMTP (0a8d40ef45300cc1bd0f16ced5c9e6f1)",
         [SignId.BOX_IN_BANNER, SignId.NO_AUTHORITY, SignId.OTHER_ISSUER], Sureness.CERTAIN),
        (made("ASA Temporary Self Signed Certificate"), "220 mx",
         [SignId.BOX_IN_CERTIFICATE, SignId.NO_AUTHORITY, SignId.OTHER_ISSUER], Sureness.CERTAIN),
        (MINT.credential("exchange-setup").leaf, EXCHANGE, [SignId.SERVERS_OWN], Sureness.UNLIKELY),
        (MINT.credential("exchange-renewed").leaf, EXCHANGE, [SignId.EXCHANGE_BEHIND, SignId.SAME_NAMES], Sureness.UNLIKELY),
        (MINT.credential("internet").leaf, "220 mx", [], Sureness.POSSIBLE),
    ],
)  # fmt: skip
def test_signs(shown: Certificate, banner: str, signs: list[SignId], sureness: Sureness) -> None:
    answer = ownership(host(shown, banner=banner), EXPECTED)
    assert not answer.same
    assert [sign.id for sign in answer.signs] == signs
    assert answer.sureness is sureness
    assert all(sign.detail for sign in answer.signs)


ALL = tuple((word, "") for word in (*boxes.OFFERED, *boxes.OWN, "STARTTLS"))


@pytest.mark.parametrize(
    ("banner", "keywords", "sign"),
    [
        (EXCHANGE, ALL, None),
        (EXCHANGE, ALL[2:], SignId.KEYWORDS_MISSING),
        (EXCHANGE, (), None),
        ("220 gateway.contoso.test ESMTP", ALL, SignId.KEYWORDS_FOREIGN),
        ("220 gateway.contoso.test ESMTP", (("SIZE", "1"),), None),
    ],
)
def test_the_answer_to_ehlo_gives_a_box_away(banner: str, keywords: tuple[tuple[str, str], ...], sign: SignId | None) -> None:
    shown = replace(host(MINT.credential("internet").leaf, banner=banner), keywords=keywords)
    found = {one.id for one in ownership(shown, EXPECTED).signs} & {SignId.KEYWORDS_MISSING, SignId.KEYWORDS_FOREIGN}
    assert found == ({sign} if sign else set())


def test_a_renewal_with_the_old_key_is_no_box() -> None:
    authority = MINT.issuing
    first = MINT.leaf(DEFAULT_HOST)
    again = Certificate.of(first.certificate.x509)  # the same key is the same certificate here: told apart by the thumbprint below
    answer = ownership(host(again, authority.certificate), Expected("0" * 40, first.certificate))
    assert [sign.id for sign in answer.signs] == [SignId.SAME_KEY]
    assert answer.sureness is Sureness.UNLIKELY


def test_the_same_certificate_needs_no_signs() -> None:
    answer = ownership(host(*MINT.credential("exchange").chain, banner=EXCHANGE), EXPECTED)
    assert (answer.same, answer.signs) == (True, ())


def test_without_a_certificate_nothing_is_said() -> None:
    bare = HostResult(exchanger=Exchanger(DEFAULT_HOST), address="127.0.0.1", port=25)
    assert ownership(bare, EXPECTED).shown is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ab" * 20, "AB" * 20),
        ("AB:" * 19 + "AB", "AB" * 20),
        (" ‎" + "ab " * 32, "AB" * 32),
        ("ab", None),
        ("xy" * 20, None),
        ("", None),
    ],
)
def test_thumbprints_as_people_paste_them(text: str, found: str | None) -> None:
    assert parse_thumbprint(text) == found


def test_moments_in_greetings_are_no_difference_and_certificates_are() -> None:
    left = host(*MINT.credential("exchange").chain, banner=EXCHANGE)
    right = replace(left, banner=Reply.of(EXCHANGE.replace("14:11:08", "15:12:09")))
    assert difference(left, right).telling == ()
    boxed = host(*MINT.credential("appliance-default").chain, banner=EXCHANGE)
    assert set(difference(left, boxed).telling) == {Aspect.SUBJECT, Aspect.ISSUER, Aspect.THUMBPRINT, Aspect.CHAIN}
    stripped = replace(left, keywords=(("SIZE", "1"),))
    assert difference(left, stripped).telling == (Aspect.KEYWORDS,)
