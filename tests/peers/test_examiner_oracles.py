"""The examiner against the real tools, at the same port, for every certificate of the mint: what they find, it finds.

`make oracle` plays all of it; else testssl, which takes ten seconds and more for a host, looks at two certificates only.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.check.findings import SessionFindingId as F
from lab.check.result import Exchanger, HostResult
from lab.check.setting import Setting
from lab.net.directory import Endpoint
from lab.net.examiner import examine_host
from lab.report.viewers import viewed
from lab.tls.findings import FindingId, Verdict
from lab.tls.mint import Mint
from lab.tls.mint_cases import CASES
from lab.tls.views import OPENSSL_TEXTS, openssl_codes, postfix_reason
from tests.net.scripted import Peer, Script, receiver

pytestmark = [pytest.mark.peer, pytest.mark.slow]

HOST = "mail.contoso.test"
MINT = Mint(datetime.now(UTC))  # foreign tools judge by the machine's clock
ALL = bool(os.environ.get("ORACLE"))
#: 250 KB of names are more than OpenSSL takes, so nobody here sees that certificate.
VISIBLE = [name for name in CASES if name != "10000-sans"]


@dataclass(frozen=True)
class Said:
    code: int
    text: str


def serving(case: str) -> Script:
    """A receiver that shows a certificate of the mint, to whoever comes and as often."""
    credential = MINT.credential(case)

    async def script(peer: Peer) -> None:
        await peer.says("220 receiver.test ESMTP")
        while command := (await peer.hears()).upper():
            if command.startswith(("EHLO", "HELO")):
                await peer.offers("STARTTLS")
            elif command == "STARTTLS":
                await peer.says("220 go")
                await peer.secure(credential)
            elif command.startswith("QUIT"):
                await peer.says("221 bye")
                return
            else:
                await peer.says("250 ok")

    return script


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public root, and with it the CRLs where revocation is asked for."""
    place = tmp_path_factory.mktemp("oracles")
    lists = b"".join(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM) for crl in MINT.revocation_lists(("public",)))
    (place / "ca.pem").write_bytes(MINT.ca_pem)
    (place / "ca-and-crls.pem").write_bytes(MINT.ca_pem + lists)
    return place


async def run(*command: str, stdin: bytes = b"", seconds: float = 60) -> Said:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(stdin), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Said(process.returncode or 0, output.decode(errors="replace"))


async def ours(place: Endpoint, *, revocation: bool = False) -> HostResult:
    setting = Setting(trust=MINT.trust().revoking(revocation), moment=datetime.now(UTC), ehlo_name="mx.test", timeout=10)
    return await examine_host(Exchanger(HOST), place.address, place.port, setting)


async def openssl(place: Endpoint, folder: Path, *, revocation: bool = False) -> Said:
    trust = ["-CAfile", str(folder / "ca-and-crls.pem"), "-crl_check_all"] if revocation else ["-CAfile", str(folder / "ca.pem")]
    return await run("openssl", "s_client", "-starttls", "smtp", "-connect", str(place), "-servername", HOST, "-verify_hostname", HOST, *trust,
                     "-no_ign_eof", stdin=b"QUIT\r\n")  # fmt: skip


def numbers(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"verify error:num=(\d+):", text)}


# --- openssl, Postfix, swaks: all of them for every certificate ----------------------------------------------------------


async def finger(place: Endpoint, folder: Path) -> Said:
    return await run("posttls-finger", "-c", "-l", "secure", "-F", str(folder / "ca.pem"), f"[{place.address}]:{place.port}", HOST)


async def swaks(place: Endpoint, folder: Path) -> Said:
    return await run("swaks", "--server", place.address, "--port", str(place.port), "--tls", "--tls-verify", "--tls-ca-path",
                     str(folder / "ca.pem"), "--helo", "mx.test", "--quit-after", "TLS")  # fmt: skip


#: What swaks does not look at: the name (its known gap, facts/diagnostics 2), CRLs, and what harms nobody.
_UNSEEN_BY_SWAKS = frozenset({FindingId.NAME_MISMATCH, FindingId.NO_SUBJECT_ALT_NAME, FindingId.CHAIN_DISORDERED, FindingId.REVOKED,
                              FindingId.REVOCATION_UNKNOWN})  # fmt: skip


@pytest.mark.parametrize("case", VISIBLE)
async def test_what_the_tools_find_in_a_certificate_the_examiner_finds(case: str, folder: Path) -> None:
    revocation = CASES[case].revocation
    async with receiver(serving(case)) as place:
        result, by_openssl, by_postfix, by_swaks = await asyncio.gather(
            ours(place, revocation=revocation),
            openssl(place, folder, revocation=revocation),
            finger(place, folder),
            swaks(place, folder),
        )
    verdict = result.verdict
    assert verdict is not None
    assert [finding.id for finding in verdict.findings] == list(CASES[case].findings)
    _openssl_agrees(by_openssl, verdict)
    if not revocation:  # which Postfix does not ask for
        _postfix_agrees(by_postfix, result, verdict)
    seen = {finding.id for finding in verdict.findings} - _UNSEEN_BY_SWAKS
    assert (by_swaks.code == 29) is bool(seen), (seen, by_swaks.text)


def _openssl_agrees(said: Said, verdict: Verdict) -> None:
    """Each of its errors is among our findings, and worded as our view of it words it."""
    assert "SSL handshake has read" in said.text, said.text
    assert numbers(said.text) <= openssl_codes(verdict), said.text
    for number, text in re.findall(r"verify error:num=(\d+):(.*)", said.text):
        assert OPENSSL_TEXTS[int(number)] == text.strip()


def _postfix_agrees(said: Said, result: HostResult, verdict: Verdict) -> None:
    """Its one reason is our view of it, word by word."""
    reason = postfix_reason(verdict)
    state = "Verified" if reason is None else "Untrusted"
    assert f"{state} TLS connection established" in said.text, said.text
    if reason is not None:
        pattern = rf"^posttls-finger: {reason[0]} verification failed for \S+: {re.escape(reason[1])}$"
        assert re.search(pattern, said.text, re.MULTILINE), said.text
    lines = [line for one in viewed("postfix", result, datetime.now(UTC)) for line in one.lines]
    assert any(line.startswith(f"{state} TLS connection established") for line in lines)


async def test_a_tampered_table_would_be_noticed(folder: Path) -> None:
    """The control: against another certificate's findings the comparison fails."""
    async with receiver(serving("self-signed")) as place:
        said = await openssl(place, folder)
    async with receiver(serving("expired")) as place:
        result = await ours(place)
    assert result.verdict is not None
    assert not numbers(said.text) <= openssl_codes(result.verdict)


async def test_what_is_too_large_for_openssl_is_so_for_us(folder: Path) -> None:
    async with receiver(serving("10000-sans")) as place:
        result, said = await asyncio.gather(ours(place), openssl(place, folder))
    assert "excessive message size" in said.text
    assert [finding.id for finding in result.session_findings] == [F.CERTIFICATE_TOO_LARGE]


async def test_openssl_says_ok_where_there_is_no_tls_and_we_do_not(folder: Path) -> None:
    """Its known trap (facts/diagnostics 2): without STARTTLS it tries anyway, and its last line is `Verify return code: 0 (ok)`."""

    async def script(peer: Peer) -> None:
        await peer.greets()
        await peer.hears()
        await peer.says("502 what")

    async with receiver(script) as place:
        result, said = await asyncio.gather(ours(place), openssl(place, folder))
    assert "Verify return code: 0 (ok)" in said.text
    assert F.STARTTLS_NOT_OFFERED in [finding.id for finding in result.session_findings]


# --- testssl ---------------------------------------------------------------------------------------------------------------

_TESTSSL = ["self-signed", "wrong-host"]
_MORE_TESTSSL = [
    "good",
    "expired",
    "incomplete-chain",
    "untrusted-root-sent",
    "wildcard",
    "expires-tomorrow",
    "self-signed-expired-wrong-host",
]
#: What fails its chain: it asks OpenSSL, without the name.
_CHAIN = frozenset(FindingId) - {
    FindingId.NAME_MISMATCH,
    FindingId.NO_SUBJECT_ALT_NAME,
    FindingId.CHAIN_DISORDERED,
    FindingId.WEAK_KEY,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", [*_TESTSSL, *(_MORE_TESTSSL if ALL else ())])
async def test_testssl_agrees_on_trust_chain_and_dates(case: str, folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "testssl.json"
    async with receiver(serving(case)) as place:
        result = await ours(place)
        said = await run("testssl", "--quiet", "--color", "0", "--warnings", "off", "-S", "--add-ca", str(folder / "ca.pem"), "--jsonfile",
                         str(report), "-t", "smtp", "--ip", place.address, "--nodns", "min", f"{HOST}:{place.port}", seconds=250)  # fmt: skip
    assert report.exists(), said.text
    found = {one["id"]: one for one in json.loads(report.read_text())}
    assert result.verdict is not None
    verdict = {finding.id for finding in result.verdict.findings}
    assert (found["cert_trust"]["severity"] == "OK") is (FindingId.NAME_MISMATCH not in verdict)
    assert (found["cert_chain_of_trust"]["finding"] == "passed.") is not bool(verdict & _CHAIN)
    expired = found["cert_expirationStatus"]["severity"] == "CRITICAL" and "expired" in found["cert_expirationStatus"]["finding"]
    assert expired is (FindingId.EXPIRED in verdict)
    soon = any(finding.id is F.EXPIRES_SOON for finding in result.session_findings)
    assert (found["cert_expirationStatus"]["severity"] in ("MEDIUM", "HIGH")) is soon


# --- sslscan: what is taken --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("versions", [("TLSv1.2", "TLSv1.3"), ("TLSv1", "TLSv1.2")])
async def test_sslscan_sees_the_versions_that_our_hellos_see(versions: Sequence[str]) -> None:
    credential = MINT.credential("rsa2048")

    async def script(peer: Peer) -> None:
        await peer.says("220 receiver.test ESMTP")
        while command := (await peer.hears()).upper():
            if command == "STARTTLS":
                await peer.says("220 go")
                await peer.secure(credential, minimum=versions[0], maximum=versions[1])
            else:
                await peer.offers("STARTTLS")

    async with receiver(script) as place:
        setting = Setting(trust=MINT.trust(), moment=datetime.now(UTC), timeout=10, all_versions=True)
        result = await examine_host(Exchanger(HOST), place.address, place.port, setting)
        said = await run("sslscan", "--starttls-smtp", "--no-colour", "--no-heartbleed", str(place))
    theirs = {
        name.replace("v1.0", "v1"): state == "enabled"
        for name, state in re.findall(r"^(SSLv3|TLSv1\.\d)\s+(enabled|disabled)", said.text, re.MULTILINE)
    }
    assert theirs == {probe.version: probe.taken for probe in result.versions}, said.text
