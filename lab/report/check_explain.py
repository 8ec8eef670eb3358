"""What each finding of an examination means, what comes of it, and what cures it: our own words, one sentence each.

The findings of certificates are explained in `explain.py`.
"""

from __future__ import annotations

from lab.check.findings import SessionFindingId as F
from lab.check.result import Found
from lab.report.explain import FINDINGS, Explanation
from lab.report.explain_policy import POLICY
from lab.tls.findings import FindingId

SESSION: dict[F, Explanation] = {
    F.DOMAIN_UNKNOWN: Explanation(
        "The domain does not exist.", "Mail to it bounces at once.",
        "Check the spelling, and whether the domain's registration has run out."),
    F.MX_MISSING: Explanation(
        "The domain has no MX record; the host of the same name stands in.", "Senders try that host, and give up where it takes no mail.",
        "Publish an MX record."),
    F.MX_NULL: Explanation(
        "The domain says by a null MX that it takes no mail (RFC 7505).", "Mail to it bounces at once.",
        "If it should take mail, publish MX records in place of the null one."),
    F.MX_NULL_AND_OTHERS: Explanation(
        "A null MX stands beside other MX records, which it must not (RFC 7505).", "Some senders bounce, some try the others.",
        "Remove the null MX, or the others."),
    F.MX_ALIAS: Explanation(
        "The MX record names an alias (CNAME).", "Most senders follow it, some refuse; the name that is checked may be either.",
        "Name the host by its own name in the MX record (RFC 2181 section 10.3)."),
    F.MX_ADDRESS: Explanation(
        "The MX record names an IP address where a host name must stand.", "Senders look for a host of that name and find none.",
        "Give the host a name, and name that in the MX record."),
    F.MX_UNRESOLVED: Explanation(
        "The host has no address.", "Senders go on to the next MX host, or defer.", "Publish an A or AAAA record for it."),
    F.DNS_FAILED: Explanation(
        "The DNS did not answer.", "Senders defer until it does.",
        "Look at the domain's name servers, and at the resolver that was asked."),
    F.DNS_BOGUS: Explanation(
        "DNSSEC says that the answer is forged or its signatures have run out.", "Senders that validate defer.",
        "Sign the zone anew, and check the DS record at the parent."),
    F.CONNECTION_REFUSED: Explanation(
        "Nobody listens there, or a firewall refuses.", "Senders go on to the next MX host, or defer.",
        "Start the receiver, or open the port towards it."),
    F.CONNECTION_TIMED_OUT: Explanation(
        "The address does not answer.", "Senders wait, go on to the next MX host, or defer.",
        "Look for a firewall that drops, and for a wrong address in the DNS."),
    F.UNREACHABLE: Explanation(
        "There is no way to the address.", "Senders go on to the next MX host, or defer.",
        "Look at the route and at the address in the DNS."),
    F.NO_IPV6_HERE: Explanation(
        "This machine has no IPv6, so nothing can be said about the address.", "None for others.",
        "Examine it from a machine that has IPv6, or say --ipv4."),
    F.CONNECTION_CLOSED: Explanation(
        "The receiver hung up in the middle of the session.", "Senders defer.",
        "Look into its log, and for a firewall that looks into SMTP."),
    F.REPLY_TIMED_OUT: Explanation(
        "The receiver stopped answering.", "Senders wait up to five minutes and defer.", "Look into its log at that moment."),
    F.BANNER_MISSING: Explanation(
        "The connection stands, and no greeting comes.", "Senders wait up to five minutes and defer.",
        "Look for a firewall that holds it back, or a port that begins with TLS (--implicit-tls)."),
    F.BANNER_SLOW: Explanation(
        "The greeting comes late.", "Impatient senders give up; some receivers do this on purpose against spam.",
        "Look for slow reverse DNS or blocklist queries at the receiver."),
    F.BANNER_REFUSED: Explanation(
        "The receiver does not let us in.", "If it says so to other senders too, they defer.",
        "Read its words: often the sender's address is on a list or has no reverse DNS."),
    F.BANNER_MASKED: Explanation(
        "The greeting is masked with asterisks: a firewall that inspects SMTP stands in between.",
        "Such a firewall often hides STARTTLS and breaks extensions.", "Switch off the SMTP inspection (Cisco: no inspect esmtp)."),
    F.BANNER_MULTILINE: Explanation(
        "The greeting has several lines, which is allowed.", "Careless senders take the second line for an answer.", "None needed."),
    F.NOT_SMTP: Explanation(
        "Something else than SMTP listens there.", "Senders defer.", "Check the port and what is bound to it."),
    F.EARLY_BYTES: Explanation(
        "The receiver spoke out of turn.", "Its answers may be taken for those to other commands.",
        "Update the receiver, or what stands before it."),
    F.EHLO_REFUSED: Explanation(
        "The receiver refuses EHLO, so there are no extensions: no STARTTLS, no SIZE, no 8BITMIME.",
        "Senders fall back to HELO and send in the clear; those that insist on TLS defer.",
        "Look for a box in between that knows old SMTP only."),
    F.EHLO_MASKED: Explanation(
        "Keywords are masked: a firewall that inspects SMTP stands in between.", "What is masked cannot be used; STARTTLS may be among it.",
        "Switch off the SMTP inspection (Cisco: no inspect esmtp)."),
    F.HELO_REFUSED: Explanation(
        "The receiver refuses our greeting.", "If it does so to other senders too, they defer or bounce.",
        "Read its words; often the name in EHLO is not to its liking (--ehlo)."),
    F.REPLY_MALFORMED: Explanation(
        "The receiver's answer is no SMTP reply.", "Senders hang up and defer.", "Update the receiver, or what stands before it."),
    F.REPLY_TOO_LONG: Explanation(
        "The receiver's answer does not end.", "Senders hang up and defer.", "Find out what listens there: it is hardly a mail server."),
    F.STARTTLS_NOT_OFFERED: Explanation(
        "The receiver does not offer STARTTLS.", "Mail travels in the clear; senders that insist on TLS defer.",
        "Bind a certificate to the receiver; if there is one, look for a box in between that hides the offer."),
    F.STARTTLS_HIDDEN: Explanation(
        "STARTTLS is not offered and yet taken: something hides the offer.", "Senders do not know, and send in the clear.",
        "Look for a box in between that edits the answer to EHLO."),
    F.STARTTLS_REFUSED: Explanation(
        "STARTTLS is offered and then refused.", "Senders that insist on TLS defer, the others may send in the clear.",
        "Look at the receiver's certificate and key, and for a box in between."),
    F.STARTTLS_AFTER_TLS: Explanation(
        "STARTTLS is offered again inside TLS, which RFC 3207 forbids.", "Harmless to most; it is a sign of a box that edits EHLO.",
        "Update the receiver, or what stands before it."),
    F.PLAINTEXT_AFTER_STARTTLS: Explanation(
        "Plaintext follows the 220 to STARTTLS.",
        "A careless sender takes it for words from inside TLS: this is how commands are injected.",
        "Update the receiver, or find out who puts it there."),
    F.NOT_TLS: Explanation(
        "After the 220 to STARTTLS comes something that is no TLS.", "No sender gets an encrypted connection; most defer.",
        "Look for a box in between that answers STARTTLS and does not know TLS."),
    F.HANDSHAKE_FAILED: Explanation(
        "The TLS handshake fails.", "Senders that insist on TLS defer; others may come again in the clear.",
        "Look into the receiver's TLS log; its certificate and key may not fit."),
    F.HANDSHAKE_CLOSED: Explanation(
        "The receiver hangs up in the handshake, as Windows does where version or cipher do not suit.",
        "Senders that insist on TLS defer; others may come again in the clear.",
        "Check protocol versions, ciphers and the certificate's key at the receiver."),
    F.HANDSHAKE_TIMED_OUT: Explanation(
        "The receiver takes STARTTLS and then says nothing.", "Senders wait and defer.",
        "Look for a firewall that drops TLS, and into the receiver's log."),
    F.NO_COMMON_VERSION: Explanation(
        "Receiver and examiner have no TLS version in common.", "Modern senders get no encrypted connection.",
        "Switch on TLS 1.2 and 1.3 at the receiver."),
    F.NO_COMMON_CIPHER: Explanation(
        "Receiver and examiner have no cipher in common.", "Modern senders get no encrypted connection.",
        "Switch on ECDHE with AES-GCM at the receiver."),
    F.CERTIFICATE_TOO_LARGE: Explanation(
        "The certificates are too large.", "Senders built on OpenSSL break off: they take 100 KB.", "Get a certificate with fewer names."),
    F.CERTIFICATE_MALFORMED: Explanation(
        "A certificate cannot be read.", "Senders break off, or take it for what it is not.", "Have it issued anew."),
    F.EHLO_AFTER_TLS_REFUSED: Explanation(
        "The receiver refuses EHLO inside TLS.", "Senders defer or fall back to HELO.", "Look into the receiver's log."),
    F.RECORD_BROKEN: Explanation(
        "TLS breaks after the handshake.", "Senders defer.", "Look for a box in between that changes what passes."),
    F.OLD_VERSION: Explanation(
        "The best TLS version of the receiver is outdated (RFC 8996).", "Modern senders refuse it.", "Switch on TLS 1.2 and 1.3."),
    F.OLD_VERSION_TAKEN: Explanation(
        "Outdated TLS versions are taken too (RFC 8996).", "Nobody is forced to use them, and auditors mind.",
        "Switch them off unless old senders need them."),
    F.NO_TLS13: Explanation(
        "The receiver does not know TLS 1.3.", "None: TLS 1.2 is good.", "Switch it on where the receiver can."),
    F.WEAK_CIPHER: Explanation(
        "The cipher that was settled is weak.", "What is sent can be read, or will be.", "Switch on ECDHE with AES-GCM."),
    F.WEAK_CIPHER_TAKEN: Explanation(
        "Weak ciphers are taken too.", "Only senders that ask for them get them; auditors mind.", "Switch them off."),
    F.STATIC_RSA_TAKEN: Explanation(
        "Key exchange without forward secrecy is taken too.", "Only senders that ask for it get it.",
        "Switch it off where no old sender needs it."),
    F.NO_FORWARD_SECRECY: Explanation(
        "There is no forward secrecy.", "Who records today and steals the key later reads it all.", "Switch on ECDHE."),
    F.WEAK_GROUP: Explanation(
        "The group of the key exchange is too small.",
        "Many senders break off; OpenSSL does below 1024 bits, Java and browsers below 2048.",
        "Use X25519, P-256, or Diffie-Hellman with 2048 bits."),
    F.COMPRESSION: Explanation(
        "TLS compression is on.", "It gives away secrets (CRIME).", "Switch it off."),
    F.INSECURE_RENEGOTIATION: Explanation(
        "The receiver does not know secure renegotiation (RFC 5746).",
        "OpenSSL 3 refuses to renegotiate with it, some senders refuse it outright.",
        "Update the receiver's TLS library."),
    F.RENEGOTIATION_ASKED: Explanation(
        "The receiver asked for a new handshake in the middle of the session.", "Most senders decline; some receivers then hang up.",
        "Look at its settings for client certificates."),
    F.NO_EXTENDED_MASTER_SECRET: Explanation(
        "The receiver does not know the extended master secret (RFC 7627).", "None today; strict (FIPS) senders refuse it.",
        "Update its TLS library."),
    F.EXPIRES_SOON: Explanation(
        "A certificate runs out soon.", "From that second on validating senders defer.", "Renew it now."),
    F.ROOT_SENT: Explanation(
        "The root is sent too.", "None: it is only weight, since nobody trusts a root for being sent.", "Leave it out of the chain file."),
    F.CHAIN_LONG: Explanation(
        "Very many certificates are sent.", "Some senders set a limit to a chain.", "Send leaf and intermediates, and nothing else."),
    F.NAMES_MANY: Explanation(
        "The certificate carries very many names.", "None, as long as it stays below 100 KB.", "Give hosts certificates of their own."),
    F.KEY_HUGE: Explanation(
        "The key is larger than is of use.", "Handshakes are slow, and some senders refuse more than 8192 bits.",
        "Take RSA 3072 or P-256."),
    F.SENDER_REFUSED: Explanation(
        "The receiver does not take our sender.", "If it does so with other senders too, mail does not arrive.",
        "Read its words; try another sender (--mail-from)."),
    F.RECIPIENT_REFUSED: Explanation(
        "The receiver does not take the recipient.", "Mail to this address bounces or is deferred.", "Read its words; check the mailbox."),
    F.NOT_THE_EXPECTED: Explanation(
        "Another certificate answers than the one that ought to.", "Senders judge the one that answers, whatever your server has.",
        "Find the box that answers in your server's place, and let it pass TLS through or give it your certificate."),
    F.PATHS_DIFFER: Explanation(
        "The two paths do not lead to the same answers.", "What you test from one side is not what others see.",
        "Find the box on one of the paths."),
}  # fmt: skip


def explanation(found: Found) -> Explanation | None:
    """Return what a finding means."""
    if isinstance(found.kind, FindingId):
        return FINDINGS[found.kind]
    return SESSION[found.kind] if found.kind is not None else POLICY.get(found.id)
