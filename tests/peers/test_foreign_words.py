"""What the table says that others say, held against the programs themselves: each is run against a receiver with one fault."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.check.findings import SessionFindingId as S
from lab.report.explained import words
from lab.report.words.stack import Stack
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.findings import FindingId as F
from lab.tls.mint import Mint
from tests.peers.one_fault import receiver
from tests.report.test_words import said

MINT = Mint(datetime.now(UTC))
#: For each finding of a chain a certificate that has it and nothing else.
CHAINS = {
    F.SELF_SIGNED: "self-signed", F.UNTRUSTED_ROOT: "untrusted-root-sent", F.ISSUER_MISSING: "incomplete-chain", F.EXPIRED: "expired",
    F.NOT_YET_VALID: "not-yet-valid", F.NAME_MISMATCH: "wrong-host", F.NO_SUBJECT_ALT_NAME: "no-san", F.WRONG_USAGE: "client-only",
    F.NOT_A_CA: "no-cert-sign", F.PATH_LENGTH: "path-too-long", F.NAME_CONSTRAINTS: "name-constraints", F.BAD_SIGNATURE: "bad-signature",
    F.WEAK_KEY: "rsa1024", F.WEAK_SIGNATURE: "sha1", F.CRITICAL_EXTENSION: "unknown-critical-extension", F.CHAIN_DISORDERED: "padded-chain",
}  # fmt: skip
FAULTS = {
    S.STARTTLS_NOT_OFFERED: "no-starttls", S.STARTTLS_REFUSED: "refuses-starttls", S.NOT_TLS: "no-tls", S.HANDSHAKE_CLOSED: "closes",
    S.PLAINTEXT_AFTER_STARTTLS: "injects", S.BANNER_REFUSED: "bad-banner", S.EHLO_REFUSED: "refuses-ehlo",
}  # fmt: skip
#: What shows that a program has something against what it saw.
OBJECTS = {
    Stack.OPENSSL: "verify error", Stack.POSTFIX: "certificate verification failed", Stack.SWAKS: "***", Stack.CURL: "curl: (",
    Stack.GNUTLS: "NOT trusted",
}  # fmt: skip
#: The reason that posttls-finger gives in front of what the sending program logs.
POSTFIX_LOGS = {
    S.STARTTLS_NOT_OFFERED: "250 mail.contoso.test",
    S.STARTTLS_REFUSED: "STARTTLS rejected: 454",
    S.NOT_TLS: "TLS library problem",
}


def output(*command: str) -> str:
    done = subprocess.run(command, input="QUIT\r\n", capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def openssl(port: int, ca: Path) -> str:
    return output(
        "openssl",
        "s_client",
        "-starttls",
        "smtp",
        "-connect",
        f"127.0.0.1:{port}",
        "-CAfile",
        str(ca),
        "-verify_hostname",
        DEFAULT_HOST,
    )


def postfix(port: int, ca: Path) -> str:
    return output("posttls-finger", "-l", "secure", "-F", str(ca), f"[127.0.0.1]:{port}", DEFAULT_HOST)


def swaks(port: int, ca: Path) -> str:
    return output("swaks", "--server", "127.0.0.1", "--port", str(port), "--helo", "x.test", "--tls", "--tls-verify", "--tls-ca-path", str(ca),
                  "--quit-after", "TLS")  # fmt: skip


def curl(port: int, ca: Path) -> str:
    return output(
        "curl",
        "-sS",
        "--ssl-reqd",
        "--cacert",
        str(ca),
        "--connect-to",
        f"::127.0.0.1:{port}",
        "-X",
        "NOOP",
        f"smtp://{DEFAULT_HOST}",
    )


def gnutls(port: int, ca: Path) -> str:
    return output(
        "gnutls-cli",
        "--starttls-proto=smtp",
        f"--port={port}",
        f"--x509cafile={ca}",
        f"--verify-hostname={DEFAULT_HOST}",
        "127.0.0.1",
    )


PROGRAMS: dict[Stack, Callable[[int, Path], str]] = {
    Stack.OPENSSL: openssl, Stack.POSTFIX: postfix, Stack.SWAKS: swaks, Stack.CURL: curl, Stack.GNUTLS: gnutls,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the CA in it; the mint is no thing for threads, so it has made everything before they start."""
    (tmp_path / "ca.pem").write_bytes(MINT.ca_pem)
    for case in ("good", *CHAINS.values()):
        MINT.credential(case)
    return tmp_path


def look(stack: Stack, folder: Path, case: str, fault: str = "") -> str:
    with receiver(folder, MINT.credential(case), fault) as port:
        return PROGRAMS[stack](port, folder / "ca.pem")


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize("stack", PROGRAMS)
def test_what_they_say_of_a_chain(stack: Stack, folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        seen = dict(zip(CHAINS, pool.map(lambda case: look(stack, folder, case), CHAINS.values()), strict=True))
    for finding, text in seen.items():
        word = words(finding)[stack]
        assert (OBJECTS[stack] in text) != word.taken, (finding, text)
        parts = word.text.splitlines()
        assert word.taken or any(said(part, text) for part in parts), (finding, word.text, text)
    assert OBJECTS[stack] not in look(stack, folder, "good")


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    "stack", [stack for stack in PROGRAMS if stack is not Stack.GNUTLS]
)  # it waits for 10 s where something is missing
def test_what_they_say_of_a_session(stack: Stack, folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        seen = dict(zip(FAULTS, pool.map(lambda fault: look(stack, folder, "good", fault), FAULTS.values()), strict=True))
    for finding, text in seen.items():
        word = words(finding)[stack]
        if stack is Stack.POSTFIX and finding in POSTFIX_LOGS:
            assert POSTFIX_LOGS[finding] in text, (finding, text)
        elif stack is Stack.OPENSSL and word.text.startswith("error:"):
            assert word.text.split(":")[1] in text, (finding, text)
        else:
            assert said(word.text, text), (finding, word.text, text)
