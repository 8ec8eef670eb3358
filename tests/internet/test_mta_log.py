"""What Postfix and Exim wrote, line by line (recorded: facts/docker section 5, and labs of ours), read as attempts."""

from __future__ import annotations

import pytest

from lab.internet.mta_log import EximLog, MtaLog, PostfixLog, Tried, findings_in
from lab.sending.attempt import Outcome, ReasonId, Security
from lab.tls.findings import FindingId

HEAD = "Nov 25 14:14:43 mx postfix/smtp[334]: "
TO = "71C3B1CE306: to=<b@badca.test>, relay=mx.badca.test[10.202.1.21]:25, delay=0.1, delays=0/0/0.1/0, "
TLS13 = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA (prime256v1) server-digest SHA256"


def told(log: MtaLog, *lines: str) -> Tried:
    """Return the one attempt that these lines tell; it is the last that ends it."""
    found = [log.read(line) for line in lines]
    assert found[:-1] == [None] * (len(lines) - 1)
    last = found[-1]
    assert last is not None
    return last


POSTFIX = [
    pytest.param(
        [f"Verified TLS connection established to mx.good.test[10.202.1.20]:25: {TLS13}",
         "5C5E31CE2FA: to=<b@good.test>, relay=mx.good.test[10.202.1.20]:25, delay=0.11, delays=0.06/0.04/0.02/0, dsn=2.0.0, status=sent (250 2.0.0 OK)"],
        Outcome.DELIVERED, None, Security.AUTHENTICATED, [], id="verified"),
    pytest.param(
        [f"Untrusted TLS connection established to mx.badca.test[10.202.1.21]:25: {TLS13}", TO + "dsn=2.0.0, status=sent (250 2.0.0 OK)"],
        Outcome.DELIVERED, None, Security.ENCRYPTED, [], id="encrypted"),
    pytest.param([TO + "dsn=2.0.0, status=sent (250 2.0.0 OK)"], Outcome.DELIVERED, None, Security.CLEAR, [], id="clear"),
    pytest.param(
        ["certificate verification failed for mx.badca.test[10.202.1.21]:25: untrusted issuer /O=Evil Appliance CA/OU=Testing CA #cIQI90IM0AM6jekb",
         f"Untrusted TLS connection established to mx.badca.test[10.202.1.21]:25: {TLS13}",
         TO + "dsn=4.7.5, status=deferred (Server certificate not verified)"],
        Outcome.DEFERRED, ReasonId.CERTIFICATE, Security.CLEAR, [FindingId.UNTRUSTED_ROOT], id="other CA"),
    pytest.param(
        ["server certificate verification failed for mx.badname.test[10.202.1.22]:25: num=62:hostname mismatch",
         TO + "dsn=4.7.5, status=deferred (Server certificate not verified)"],
        Outcome.DEFERRED, ReasonId.CERTIFICATE, Security.CLEAR, [FindingId.NAME_MISMATCH], id="name"),
    pytest.param(
        ["server certificate verification failed for mx.expired.test[10.202.1.23]:25: certificate has expired",
         TO + "dsn=4.7.5, status=deferred (Server certificate not verified)"],
        Outcome.DEFERRED, ReasonId.CERTIFICATE, Security.CLEAR, [FindingId.EXPIRED], id="expired"),
    pytest.param(
        [TO + "dsn=4.7.4, status=deferred (TLS is required, but was not offered by host mx.plain.test[10.202.1.24])"],
        Outcome.DEFERRED, ReasonId.STARTTLS_MISSING, Security.CLEAR, [], id="stripped"),
    pytest.param(
        ["connect to mx.down.test[10.202.1.99]:25: No route to host",
         "9A1: to=<b@down.test>, relay=none, delay=3, delays=0/0/3/0, dsn=4.4.1, status=deferred (connect to mx.down.test[10.202.1.99]:25: No route to host)"],
        Outcome.DEFERRED, ReasonId.CONNECTION_TIMED_OUT, Security.CLEAR, [], id="no route"),
    pytest.param(
        ["9A1: to=<b@down.test>, relay=none, delay=3, delays=0/0/3/0, dsn=4.4.3, status=deferred (Host or domain name not found. Name service error for name=down.test type=MX: Host not found, try again)"],
        Outcome.DEFERRED, ReasonId.DNS_FAILED, Security.CLEAR, [], id="no DNS"),
    pytest.param(
        [TO + "dsn=5.1.1, status=bounced (host mx.badca.test[10.202.1.21] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"],
        Outcome.BOUNCED, ReasonId.REPLY, Security.CLEAR, [], id="refused for good"),
    pytest.param(
        [TO + "dsn=4.4.2, status=deferred (lost connection with mx.badca.test[10.202.1.21] while sending end of data -- message may be sent more than once)"],
        Outcome.DEFERRED, ReasonId.CONNECTION_CLOSED, Security.CLEAR, [], id="lost"),
    pytest.param(
        ["server certificate verification failed for mail.contoso.test[10.112.216.20]:25: num=65:no matching DANE TLSA records",
         TO + "dsn=4.7.5, status=deferred (Server certificate not verified)"],
        Outcome.DEFERRED, ReasonId.CERTIFICATE, Security.CLEAR, [], id="DANE: the level says that it is"),
    pytest.param(
        ["warning: DANE TLSA lookup problem: Host or domain name not found. Name service error for name=_25._tcp.mail.contoso.test type=TLSA: Host not found, try again",
         "warning: TLS policy lookup for contoso.test/mail.contoso.test: TLSA lookup error for mail.contoso.test:25",
         "9A1: to=<b@down.test>, relay=none, delay=0.06, delays=0.02/0.01/0.02/0, dsn=4.7.5, status=deferred (TLSA lookup error for mail.contoso.test:25)"],
        Outcome.DEFERRED, ReasonId.DNSSEC, Security.CLEAR, [], id="TLSA records that cannot be had"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "outcome", "reason", "security", "findings"), POSTFIX)
def test_postfix(
    lines: list[str], outcome: Outcome, reason: ReasonId | None, security: Security, findings: list[FindingId]
) -> None:
    tried = told(PostfixLog(), *(HEAD + line for line in lines))
    assert (tried.outcome, tried.reason.id if tried.reason else None, tried.security) == (outcome, reason, security)
    assert [finding.id for finding in tried.findings] == findings
    assert f"status={'sent' if outcome is Outcome.DELIVERED else outcome.value}" in tried.words
    assert tried.lines == tuple(lines)


def test_what_one_process_says_is_not_anothers() -> None:
    log = PostfixLog()
    failed = "certificate verification failed for mx.badca.test[10.202.1.21]:25: self-signed certificate"
    assert log.read(HEAD.replace("334", "335") + failed) is None
    tried = log.read(HEAD + TO + "dsn=2.0.0, status=sent (250 2.0.0 OK)")
    assert tried is not None
    assert tried.findings == ()


def test_postfix_names_the_other_side_and_its_reply() -> None:
    tried = told(
        PostfixLog(),
        HEAD
        + TO
        + "dsn=5.1.1, status=bounced (host mx.badca.test[10.202.1.21] said: 550 5.1.1 User unknown (in reply to RCPT TO command))",
    )
    assert (tried.target, tried.address, tried.port) == ("mx.badca.test", "10.202.1.21", 25)
    assert tried.reply is not None
    assert tried.reply.code == 550
    assert tried.reply.enhanced == "5.1.1"


OTHERS = [
    HEAD.replace("smtp", "qmgr") + "71C3B1CE306: from=<a@sender.test>, size=300, nrcpt=1 (queue active)",
    HEAD + "warning: something else", "garbage", "",
]  # fmt: skip


@pytest.mark.parametrize("line", OTHERS)
def test_lines_that_are_no_attempt_of_ours(line: str) -> None:
    assert PostfixLog().read(line) is None
    assert EximLog().read(line) is None


STAMP = "2026-11-25 14:26:33 "
EXIM = [
    pytest.param(
        [STAMP + '1xWDxB-00000I-28 => alice@contoso.test R=outside T=remote_smtp S=379 H=mail.contoso.test [10.99.104.20] '
         'X=TLS1.3:ECDHE_SECP256R1__ECDSA_SECP256R1_SHA256__AES_256_GCM:256 CV=yes DN="CN=mail.contoso.test" K C="250 2.6.0 <4a60@EX01.contoso.test> Queued"'],
        Outcome.DELIVERED, None, Security.AUTHENTICATED, id="verified"),
    pytest.param(
        [STAMP + '1xWDxB-00000I-28 => alice@contoso.test R=outside T=remote_smtp S=379 H=mail.contoso.test [10.99.104.20] '
         'X=TLS1.3:ECDHE_SECP256R1__AES_256_GCM:256 CV=no K C="250 2.6.0 Queued"'],
        Outcome.DELIVERED, None, Security.ENCRYPTED, id="encrypted"),
    pytest.param(
        [STAMP + "1xWDxB-00000I-28 == alice@contoso.test R=outside T=remote_smtp defer (-37) H=mail.contoso.test [10.99.104.20]: TLS session: (certificate verification failed): certificate invalid"],
        Outcome.DEFERRED, ReasonId.CERTIFICATE, Security.CLEAR, id="certificate"),
    pytest.param(
        [STAMP + "1xWDxB-00000I-28 == alice@contoso.test R=outside T=remote_smtp defer (-38) H=mail.contoso.test [10.99.104.20]: a TLS session is required, but the server did not offer TLS support"],
        Outcome.DEFERRED, ReasonId.STARTTLS_MISSING, Security.CLEAR, id="stripped"),
    pytest.param(
        [STAMP + "1xWDwW-00000X-1P == alice@contoso.test R=outside defer (-1): host lookup did not complete"],
        Outcome.DEFERRED, ReasonId.DNS_FAILED, Security.CLEAR, id="no DNS"),
    pytest.param(
        [STAMP + "1xWDxG-00002C-2T H=mail.contoso.test [10.99.104.20]: Remote host closed connection in response to pipelined end of data",
         STAMP + "1xWDxG-00002C-2T == alice@contoso.test R=outside T=remote_smtp defer (-18) H=mail.contoso.test [10.99.104.20]: Remote host closed connection in response to pipelined end of data"],
        Outcome.DEFERRED, ReasonId.CONNECTION_CLOSED, Security.CLEAR, id="lost"),
    pytest.param(
        [STAMP + "1xWDvR-00000F-2k => alice@contoso.test R=mailbox T=maildir S=594"],
        Outcome.DELIVERED, None, Security.LOCAL, id="a mailbox of its own"),
    pytest.param(
        [STAMP + "1xWDv5-00000I-1Y H=mail.contoso.test [10.110.116.20]: DANE error: tlsa lookup DEFER",
         STAMP + "1xWDv5-00000I-1Y == alice@contoso.test R=outside T=remote_dane defer (-36): DANE error: tlsa lookup DEFER"],
        Outcome.DEFERRED, ReasonId.DNSSEC, Security.CLEAR, id="TLSA records that cannot be had"),
    pytest.param(
        [STAMP + "1xWDdc-00004K-1y DANE attempt failed; TLS connection to mail.contoso.test [10.124.188.20]: (certificate verification failed): Verification failed. The certificate differs. ",
         STAMP + "1xWDdc-00004K-1y == alice@contoso.test R=outside T=remote_dane defer (-37) H=mail.contoso.test [10.124.188.20]: TLS session: (certificate verification failed): Verification failed. The certificate differs. "],
        Outcome.DEFERRED, ReasonId.CERTIFICATE, Security.CLEAR, id="DANE: the level says that it is"),
]  # fmt: skip
NAMES = [
    [STAMP + "1xWDAV-00000V-26 == alice@contoso.test R=outside T=remote_verify defer (-37) H=mail.contoso.test [10.73.168.20]: TLS session: (certificate verification failed)"],
    [STAMP + "1xWDAS-00000H-1q SSL verify denied by event-action: depth=0: certificate name mismatch: none of its names is expected of contoso.test",
     STAMP + "1xWDAS-00000H-1q == alice@contoso.test R=outside T=remote_secure defer (-37) H=mail.contoso.test [10.73.168.20]: TLS session: (gnutls_handshake): Error in the certificate."],
]  # fmt: skip


@pytest.mark.parametrize("lines", NAMES, ids=["verify", "secure"])
def test_exim_says_that_it_is_the_name_by_saying_nothing_else(lines: list[str]) -> None:
    tried = told(EximLog(), *lines)
    assert tried.reason is not None
    assert (tried.reason.id, [one.id for one in tried.findings]) == (ReasonId.CERTIFICATE, [FindingId.NAME_MISMATCH])
    chain = told(EximLog(), NAMES[0][0] + ": certificate invalid")
    assert chain.findings == (), "GnuTLS does not say what is wrong with a chain"


@pytest.mark.parametrize(
    ("log", "line", "words"),
    [
        (PostfixLog(), HEAD.replace("smtp", "qmgr") + "71C3B1CE306: from=<a@sender.test>, status=expired, returned to sender", "status=expired, returned to sender"),
        (PostfixLog(), HEAD.replace("smtp", "qmgr") + "71C3B1CE306: from=<a@sender.test>, status=force-expired, returned to sender", "status=force-expired, returned to sender"),
        (EximLog(), STAMP + "1xWGp1-00000B-0V cancelled by root", "cancelled by root"),
    ],
)  # fmt: skip
def test_what_is_given_up(log: MtaLog, line: str, words: str) -> None:
    tried = told(log, line)
    assert (tried.outcome, tried.reason.id if tried.reason else None, tried.words) == (Outcome.BOUNCED, ReasonId.EXPIRED, words)


def test_a_mailbox_of_postfixs_own_is_no_way_out() -> None:
    tried = told(
        PostfixLog(),
        HEAD.replace("smtp", "virtual")
        + "8A: to=<erin@fabrikam.test>, relay=virtual, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)",
    )
    assert (tried.outcome, tried.security, tried.address) == (Outcome.DELIVERED, Security.LOCAL, "")


@pytest.mark.parametrize(("lines", "outcome", "reason", "security"), EXIM)
def test_exim(lines: list[str], outcome: Outcome, reason: ReasonId | None, security: Security) -> None:
    tried = told(EximLog(), *lines)
    assert (tried.outcome, tried.reason.id if tried.reason else None, tried.security) == (outcome, reason, security)
    assert tried.id.startswith("1xWD")
    assert tried.recipient == "alice@contoso.test"
    met = " H=mail.contoso.test [" in lines[-1]
    assert tried.target == ("mail.contoso.test" if met else "")
    assert tried.address.startswith("10.") is met


@pytest.mark.parametrize("line", [
    "1xWDwW-00000X-1P <= erin@fabrikam.test H=(localhost) [127.0.0.1] P=esmtp S=268 id=1@internet.test",
    "1xWDvR-00000F-2k Completed", "1xWHAS-00000H-1q no immediate delivery: queued by ACL",
    "1xWDvR-00000F-2k == b@good.test R=outside T=remote_smtp defer (-54): retry time not reached for any host",
])  # fmt: skip
def test_exim_lines_that_are_no_attempt(line: str) -> None:
    assert EximLog().read(STAMP + line) is None


def test_words_that_nobody_knows_are_no_finding() -> None:
    assert findings_in("the moon is full") == ()
    assert [one.id for one in findings_in("self-signed certificate in certificate chain")] == [FindingId.UNTRUSTED_ROOT]
    assert [one.id for one in findings_in("self-signed certificate")] == [FindingId.SELF_SIGNED]
