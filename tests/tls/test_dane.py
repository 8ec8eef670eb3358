"""TLSA records against the mint's chains: the rules by table, and OpenSSL's own DANE as the second opinion."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.tls.certificate import Certificate
from lab.tls.dane import DaneProblem, DaneStatus, Tlsa, association_data, judge_dane, usability
from lab.tls.findings import FindingId
from lab.tls.mint import Mint

MOMENT = datetime.now(UTC)
MINT = Mint(MOMENT)
HOST = "mail.contoso.test"
P = DaneProblem


def chain(name: str = "good") -> tuple[Certificate, ...]:
    return MINT.credential(name, HOST).chain


def record(usage: int, selector: int, matching: int, certificate: Certificate) -> Tlsa:
    return Tlsa(usage, selector, matching, association_data(certificate, selector, matching))


def of(name: str, usage: int, selector: int = 1, matching: int = 1, depth: int | None = None) -> Tlsa:
    """A record that fits a case of the mint: its leaf for usage 3, its issuer for 2, the root for depth -1."""
    credential = MINT.credential(name, HOST)
    if depth == -1:
        assert credential.root is not None
        return record(usage, selector, matching, credential.root)
    return record(usage, selector, matching, credential.chain[depth if depth is not None else (0 if usage in (1, 3) else 1)])


def problems(
    shown: Sequence[Certificate], *records: Tlsa, names: Sequence[str] = (HOST,)
) -> tuple[DaneStatus, list[DaneProblem | None]]:
    verdict = judge_dane(shown, records, names=names, moment=MOMENT)
    return verdict.status, [one.problem for one in verdict.records]


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("usage", [2, 3])
def test_every_form_matches_its_own_certificate_and_no_other(usage: int, selector: int, matching: int) -> None:
    mine, other = of("good", usage, selector, matching), of("exchange-setup", 3, selector, matching)
    assert problems(chain(), mine) == (DaneStatus.AUTHENTICATED, [None])
    stranger = Tlsa(usage, selector, matching, other.data)
    assert problems(chain(), stranger) == (DaneStatus.FAILED, [P.NO_MATCH])
    both = judge_dane(chain(), [stranger, mine], names=[HOST], moment=MOMENT)
    assert (both.status, both.matched) == (DaneStatus.AUTHENTICATED, both.records[1])


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (Tlsa(0, 1, 1, bytes(32)), P.PKIX_USAGE),
        (Tlsa(1, 1, 1, bytes(32)), P.PKIX_USAGE),
        (Tlsa(4, 1, 1, bytes(32)), P.UNKNOWN_USAGE),
        (Tlsa(255, 1, 1, bytes(32)), P.UNKNOWN_USAGE),
        (Tlsa(3, 2, 1, bytes(32)), P.UNKNOWN_SELECTOR),
        (Tlsa(3, 1, 3, bytes(32)), P.UNKNOWN_MATCHING),
        (Tlsa(3, 1, 1, bytes(31)), P.DATA_MALFORMED),
        (Tlsa(3, 1, 2, bytes(32)), P.DATA_MALFORMED),
        (Tlsa(3, 1, 1, b""), P.DATA_MALFORMED),
        (Tlsa(2, 0, 0, b"no certificate"), P.DATA_MALFORMED),
        (Tlsa(3, 1, 0, b"no key"), P.DATA_MALFORMED),
        (Tlsa(3, 1, 1, bytes(32)), None),
    ],
)
def test_what_cannot_be_used_authenticates_nobody_and_refuses_nobody(made: Tlsa, problem: DaneProblem | None) -> None:
    assert usability(made) is problem
    status, found = problems(chain(), made)
    assert status is (DaneStatus.FAILED if problem is None else DaneStatus.UNAUTHENTICATED)
    assert problem is None or found == [problem]
    assert problems(chain(), made, of("good", 3))[0] is DaneStatus.AUTHENTICATED


@pytest.mark.parametrize(
    "name", ["expired", "not-yet-valid", "self-signed", "wrong-host", "untrusted-root", "revoked", "client-only"]
)
def test_ee_asks_for_the_key_and_nothing_else(name: str) -> None:
    assert problems(chain(name), of(name, 3), names=["elsewhere.test"]) == (DaneStatus.AUTHENTICATED, [None])


@pytest.mark.parametrize(
    ("name", "problem", "finding"),
    [
        ("good", None, None),
        ("expired", P.PATH_FAULTY, FindingId.EXPIRED),
        ("not-yet-valid", P.PATH_FAULTY, FindingId.NOT_YET_VALID),
        ("wrong-host", P.NAME_MISMATCH, FindingId.NAME_MISMATCH),
        ("client-only", P.PATH_FAULTY, FindingId.WRONG_USAGE),
        ("expired-intermediate", None, None),  # it is the anchor
        ("wildcard", None, None),
        ("bad-signature", P.PATH_FAULTY, FindingId.BAD_SIGNATURE),
    ],
)
def test_ta_asks_for_dates_signatures_and_the_name(name: str, problem: DaneProblem | None, finding: FindingId | None) -> None:
    verdict = judge_dane(chain(name), [of(name, 2)], names=[HOST], moment=MOMENT)
    assert [one.problem for one in verdict.records] == [problem]
    assert [one.id for one in verdict.findings] == ([finding] if finding else [])


def test_ta_takes_any_of_the_reference_names() -> None:
    good = of("good", 2)
    assert problems(chain(), good, names=["mx.other.test", HOST])[0] is DaneStatus.AUTHENTICATED
    assert problems(chain(), good, names=["mx.other.test"])[1] == [P.NAME_MISMATCH]
    assert problems(chain(), good, names=[])[1] == [P.NAME_MISMATCH]


def test_the_anchor_must_be_sent_unless_the_record_has_it_whole() -> None:
    assert problems(chain(), of("good", 2, 0, 1, -1))[1] == [P.NO_MATCH]
    assert problems(chain(), of("good", 2, 0, 0, -1))[1] == [None]
    assert problems(chain(), of("good", 2, 1, 0, -1))[1] == [None]
    assert problems(chain("good")[:1], of("good", 2, 1, 1))[1] == [P.NO_MATCH]
    assert problems(chain("good")[:1], of("good", 2, 0, 0))[1] == [None]


def test_the_leaf_is_no_anchor() -> None:
    assert problems(chain("self-signed"), Tlsa(2, 1, 1, of("self-signed", 3).data))[1] == [P.NO_MATCH]


def test_the_stronger_digest_decides() -> None:
    """Whoever publishes both must have both right (RFC 7671 section 9)."""
    weak, strong = of("good", 3, 1, 1), of("good", 3, 1, 2)
    wrong = Tlsa(3, 1, 2, bytes(64))
    assert problems(chain(), weak, strong)[1] == [P.WEAKER_DIGEST, None]
    assert problems(chain(), weak, wrong) == (DaneStatus.FAILED, [P.WEAKER_DIGEST, P.NO_MATCH])
    assert problems(chain(), weak, Tlsa(3, 0, 2, bytes(64)))[0] is DaneStatus.AUTHENTICATED, "another selector is another set"
    assert problems(chain(), weak, Tlsa(3, 1, 2, bytes(63)))[0] is DaneStatus.AUTHENTICATED, "an unusable one does not count"
    assert problems(chain(), of("good", 3, 1, 0), wrong)[0] is DaneStatus.AUTHENTICATED, "no digest is always looked at"


def test_rollover_keeps_both_keys_good() -> None:
    now, following = of("good", 3), of("exchange-setup", 3)
    assert problems(chain("good"), now, following)[0] is DaneStatus.AUTHENTICATED
    assert problems(chain("exchange-setup"), now, following)[0] is DaneStatus.AUTHENTICATED
    assert problems(chain("exchange-setup"), now)[0] is DaneStatus.FAILED


def test_no_certificate_matches_nothing() -> None:
    assert problems((), of("good", 3), of("good", 2)) == (DaneStatus.FAILED, [P.NO_MATCH, P.NO_MATCH])
    assert problems((), of("good", 2, 0, 0), of("good", 2, 1, 0))[0] is DaneStatus.FAILED


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=80))
def test_no_record_raises(usage: int, selector: int, matching: int, data: bytes) -> None:
    verdict = judge_dane(chain(), [Tlsa(usage, selector, matching, data)], names=[HOST], moment=MOMENT)
    assert verdict.matched is None


# --- OpenSSL's opinion ------------------------------------------------------------------------------------------------

#: Not among them: wildcard-partial, which s_client takes by default and RFC 7672 section 3.2.3 (and Postfix) does not.
_NAMES = [
    "good", "expired", "not-yet-valid", "self-signed", "wrong-host", "untrusted-root", "client-only", "expired-intermediate",
    "wildcard", "bad-signature", "not-a-ca", "no-cert-sign", "path-too-long", "name-constraints", "unknown-critical-extension",
    "root-sent", "reversed-chain", "padded-chain", "wildcard-depth", "ip-address", "no-san", "own-ca", "sha1", "rsa1024",
    "common-name-only-counts-without-san", "sha1-intermediate", "rsa1024-intermediate", "wrong-intermediate", "look-alike-ca",
    "incomplete-chain", "no-subject", "untrusted-root-sent",
]  # fmt: skip


def _cases() -> list[tuple[str, tuple[Tlsa, ...]]]:
    cases: list[tuple[str, tuple[Tlsa, ...]]] = []
    for name in _NAMES:
        shown = MINT.credential(name, HOST).chain
        cases.append((name, (of(name, 3),)))
        if len(shown) > 1:
            cases.append((name, (of("exchange-setup", 3), of(name, 2, 0, 1))))
    cases += [
        ("good", (of("good", usage, selector, matching),)) for usage in (2, 3) for selector in (0, 1) for matching in (0, 1, 2)
    ]
    cases += [("good", (of("good", 2, selector, matching, -1),)) for selector in (0, 1) for matching in (0, 1)]
    weak, wrong = of("good", 3, 1, 1), Tlsa(3, 1, 2, bytes(64))
    cases += [("good", (weak, of("good", 3, 1, 2))), ("good", (weak, wrong)), ("good", (weak, Tlsa(3, 0, 2, bytes(64))))]
    return [*cases, ("good", (of("exchange-setup", 3),)), ("self-signed", (Tlsa(2, 1, 1, of("self-signed", 3).data),))]


@pytest.mark.peer
@pytest.mark.slow
async def test_openssl_agrees(tmp_path: Path) -> None:
    """`openssl s_client -dane_tlsa_*` on the same chain and records; for 3 x x without the name, as RFC 7672 3.1.1 has it.

    Weak keys and digests are OpenSSL's security level's business: level 2 where the path counts, 0 where it does not.
    """
    gate = asyncio.Semaphore(4)

    async def compared(name: str, records: tuple[Tlsa, ...]) -> str | None:
        async with gate:
            said = await _openssl(name, records, tmp_path)
        ours = judge_dane(MINT.credential(name, HOST).chain, records, names=[HOST], moment=MOMENT)
        if ("Verification: OK" in said) is (ours.status is DaneStatus.AUTHENTICATED):
            return None
        line = next((line for line in said.splitlines() if line.startswith(("Verif", "verify error"))), said[-300:])
        return f"{name} {[str(one)[:24] for one in records]} {ours.status} {[one.problem for one in ours.records]} {line}"

    found = await asyncio.gather(*(compared(name, records) for name, records in _cases()))
    assert [one for one in found if one] == []


async def _openssl(name: str, records: Sequence[Tlsa], folder: Path) -> str:
    credential = MINT.credential(name, HOST)
    file = folder / f"{name}.pem"
    file.write_bytes(credential.chain_pem + credential.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    data = [part for one in records for part in ("-dane_tlsa_rrdata", str(one))]
    level = 2 if any(one.usage == 2 for one in records) else 0
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-dane_tlsa_domain", HOST, *data, "-dane_ee_no_namechecks",
        "-cipher", f"ALL:@SECLEVEL={level}", stdin=asyncio.subprocess.DEVNULL, stdout=-1, stderr=-2,
    )  # fmt: skip
    output, _ = await process.communicate()
    server.close()
    await server.wait_closed()
    return output.decode(errors="replace")
