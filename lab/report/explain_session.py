"""What each finding of a session means, what comes of it, and what cures it: the other half of `explain.py`."""

from __future__ import annotations

from lab.check.findings import SessionFindingId as S
from lab.report.explain import Explanation

_INSIDE = "Let the receiver be tested from inside too: where that is good, the box in front of it does this."

SESSION: dict[S, Explanation] = {
    S.DOMAIN_UNKNOWN: Explanation(
        "The domain does not exist in the DNS.", "Senders bounce at once.", "Correct the name, or register and delegate the domain."),
    S.MX_MISSING: Explanation(
        "The domain has no MX record; its own address stands in (RFC 5321 section 5.1).",
        "Mail goes to whatever host has that address, often a web server.", "Publish an MX record that names the mail host."),
    S.MX_NULL: Explanation(
        "The domain says that it takes no mail (RFC 7505).", "Senders bounce at once, as is meant.",
        "If it is to take mail, replace the null MX by one that names the mail host."),
    S.MX_NULL_AND_OTHERS: Explanation(
        "A null MX stands beside others; it must be the only one (RFC 7505 section 3).",
        "Some senders bounce, others deliver.", "Take out the null MX, or all others."),
    S.MX_ALIAS: Explanation(
        "An MX record names an alias (CNAME), which RFC 2181 section 10.3 forbids.",
        "Most senders follow it, strict ones do not, and DANE looks for its records in the wrong place.",
        "Let the MX record name the host itself."),
    S.MX_ADDRESS: Explanation(
        "An MX record holds an IP address where a host name must stand.",
        "Senders look for a host of that name, find none, and defer or bounce.", "Give the address a name and put that into the MX record."),
    S.MX_UNRESOLVED: Explanation(
        "The MX host's name has no address.", "Senders try the next MX host; without another one they defer.",
        "Publish an A or AAAA record for the name, or correct the MX record."),
    S.DNS_FAILED: Explanation(
        "The DNS gave no answer.", "Senders defer.", "Look at the domain's name servers, and at the way to them."),
    S.DNS_BOGUS: Explanation(
        "DNSSEC says that an answer of the DNS is forged or wrongly signed.",
        "Senders that validate see a failing domain and defer.", "Sign the zone anew, or correct the DS record at the parent."),
    S.CONNECTION_REFUSED: Explanation(
        "The address answers that nobody listens on this port.", "Senders try the next address, then defer.",
        "Start the mail server, or let it listen on this address; look for a firewall that rejects."),
    S.CONNECTION_TIMED_OUT: Explanation(
        "The address does not answer.", "Senders wait, try the next address, then defer.",
        "Look for a firewall that drops, or a wrong address. Many networks do not let port 25 out: try from elsewhere."),
    S.UNREACHABLE: Explanation(
        "There is no way to the address.", "Senders with the same way try the next address, then defer.",
        "Look at routing, and for IPv6 whether this machine has it at all."),
    S.CONNECTION_CLOSED: Explanation(
        "The receiver closed the connection in the middle of the session.", "Senders defer.",
        "Look into its log; where that shows nothing, a box in between closed it."),
    S.REPLY_TIMED_OUT: Explanation(
        "The receiver stopped answering.", "Senders wait for minutes and defer.",
        "Look for an overloaded receiver, or a box that holds back what it wants to inspect."),
    S.BANNER_MISSING: Explanation(
        "The connection stands, but no greeting comes.", "Senders wait up to five minutes (RFC 5321 section 4.5.3.2.1) and defer.",
        "Look for a receiver that looks up the sender's name first, or a port where TLS is expected at once."),
    S.BANNER_SLOW: Explanation(
        "The greeting took long.", "Patient senders wait; each message takes that much longer.",
        "If it is no greeting delay against spam, look for slow name lookups."),
    S.BANNER_REFUSED: Explanation(
        "The receiver greets with a refusal instead of 220.", "Senders defer, or go to the next MX host.",
        "Read its text: too many connections, a block list, or a service that is stopped."),
    S.BANNER_MASKED: Explanation(
        "The greeting is masked with asterisks, as Cisco's ESMTP inspection does.",
        "Such a box rewrites EHLO and often breaks STARTTLS.", "Take the ESMTP inspection off that firewall."),
    S.BANNER_MULTILINE: Explanation(
        "The greeting has several lines.", "RFC 5321 allows it; simple senders and scanners stumble.", "Greet with one line."),
    S.NOT_SMTP: Explanation(
        "What answers does not speak SMTP.", "Senders defer.", "Check host and port; something else listens there."),
    S.EARLY_BYTES: Explanation(
        "The receiver spoke when it was not its turn.", "Senders may take the answer to one command for that to the next.",
        "Look for a box that answers in the receiver's place. " + _INSIDE),
    S.EHLO_REFUSED: Explanation(
        "EHLO is refused; only HELO is taken.", "Without EHLO there is no STARTTLS: all mail travels in the clear, or is deferred.",
        "Let the receiver speak ESMTP, or take the inspection off the box that refuses it."),
    S.EHLO_MASKED: Explanation(
        "Keywords of the EHLO reply are overwritten with X, as an inspecting firewall does.",
        "The senders do not see what the receiver can do, STARTTLS included.", "Take the ESMTP inspection off that firewall."),
    S.HELO_REFUSED: Explanation(
        "Neither EHLO nor HELO is taken.", "No mail can be handed over.",
        "Read the reply: the name that was given may be refused, or the address blocked."),
    S.REPLY_MALFORMED: Explanation(
        "A reply does not keep to RFC 5321 section 4.2.", "Senders may defer, or misread it.",
        "Let the receiver or the box that answers for it be mended."),
    S.REPLY_TOO_LONG: Explanation(
        "A reply is longer than any sender reads.", "Senders close the connection and defer.", "Let the receiver be mended."),
    S.STARTTLS_NOT_OFFERED: Explanation(
        "STARTTLS is not among what the receiver offers.",
        "Senders that insist on TLS defer; all others send in the clear.",
        "Bind a valid certificate to the SMTP service. " + _INSIDE),
    S.STARTTLS_HIDDEN: Explanation(
        "STARTTLS works, though it is not offered.", "Senders do not try it: their mail travels in the clear, or is deferred.",
        "Something takes the keyword out of the EHLO reply: find the box that does."),
    S.STARTTLS_REFUSED: Explanation(
        "STARTTLS is offered and then refused.", "Senders that insist on TLS defer; others go on in the clear.",
        "Look for a certificate without its private key, or a box that answers in the receiver's place."),
    S.STARTTLS_AFTER_TLS: Explanation(
        "STARTTLS is still offered inside TLS, which RFC 3207 section 4.2 forbids.", "Harmless for most senders.",
        "Let the receiver be mended; a box that adds the keyword to every EHLO reply is likely."),
    S.PLAINTEXT_AFTER_STARTTLS: Explanation(
        "Plain text stood behind the 220 to STARTTLS, before TLS began.",
        "A sender that keeps it takes it for an answer that came through TLS (CVE-2011-0411 and its kin).",
        "Look for whoever can write into the connection; the receiver must send nothing between 220 and the handshake."),
    S.NOT_TLS: Explanation(
        "STARTTLS was granted, and what came then was no TLS.", "The session breaks, senders defer.",
        "A box in between lets STARTTLS pass and then stops what it cannot read: let it pass TLS."),
    S.HANDSHAKE_FAILED: Explanation(
        "The TLS handshake broke off.", "Senders that insist on TLS defer; others may try again in the clear.",
        "Read the alert: it says which side would not go on, and why."),
    S.HANDSHAKE_CLOSED: Explanation(
        "The connection was closed in the middle of the TLS handshake.", "Senders defer.",
        "Look for a receiver without a usable certificate, or a firewall that cuts such connections."),
    S.HANDSHAKE_TIMED_OUT: Explanation(
        "STARTTLS was granted, and then nothing came.", "Senders wait and defer.",
        "Look for a box that waits for plain text, and for packets that are too large for the way (a large ClientHello takes two)."),
    S.NO_COMMON_VERSION: Explanation(
        "Sender and receiver have no TLS version in common.", "Senders that insist on TLS defer; Exchange Online needs TLS 1.2.",
        "Turn on TLS 1.2 or 1.3 at the receiver."),
    S.NO_COMMON_CIPHER: Explanation(
        "Sender and receiver have no cipher suite in common.", "Senders that insist on TLS defer.",
        "Turn on ECDHE suites with AES-GCM at the receiver, and give it a certificate whose key fits them."),
    S.CERTIFICATE_TOO_LARGE: Explanation(
        "The chain that is sent is larger than senders take.", "OpenSSL, Go and Java break the handshake off.",
        "Send leaf and intermediates only, with the names that are needed."),
    S.CERTIFICATE_MALFORMED: Explanation(
        "The certificate cannot be read.", "Every sender that looks at it breaks off.", "Have it issued anew and install it whole."),
    S.EHLO_AFTER_TLS_REFUSED: Explanation(
        "TLS stands, and the EHLO inside it is refused.", "No mail can be handed over.", "Read the reply, and the receiver's log."),
    S.RECORD_BROKEN: Explanation(
        "TLS broke after the handshake.", "Senders defer.", "Something on the way changes bytes, or the receiver's TLS is faulty."),
    S.OLD_VERSION: Explanation(
        "The best that the receiver has is TLS 1.1 or older (RFC 8996).",
        "Exchange Online and other modern senders refuse: mail is deferred.", "Turn on TLS 1.2 and 1.3."),
    S.OLD_VERSION_TAKEN: Explanation(
        "An old TLS version is taken beside a good one.", "Modern senders do not use it; an attacker may try to force it.",
        "Turn off SSL 3.0, TLS 1.0 and TLS 1.1."),
    S.NO_TLS13: Explanation(
        "TLS 1.3 is not taken.", "None: TLS 1.2 is good enough.", "Turn on TLS 1.3 where the system has it."),
    S.WEAK_CIPHER: Explanation(
        "The session itself was encrypted with a weak cipher.", "Modern senders refuse; what is sent can be read in time.",
        "Turn off weak suites and prefer AES-GCM or ChaCha20."),
    S.WEAK_CIPHER_TAKEN: Explanation(
        "A weak cipher is taken where a sender offers nothing better.", "Modern senders do not ask for it.",
        "Turn off NULL, anonymous, export, RC4, DES and 3DES suites."),
    S.NO_FORWARD_SECRECY: Explanation(
        "The key exchange has no forward secrecy.", "Whoever gets the private key later can read what was recorded today.",
        "Turn on ECDHE suites and prefer them."),
    S.WEAK_GROUP: Explanation(
        "The key exchange uses a group that is too small.", "Modern senders break off, others are less safe than they think.",
        "Use X25519 or P-256; for DHE at least 2048 bits."),
    S.COMPRESSION: Explanation(
        "TLS compression is on (the CRIME attack).", "Contents can be guessed by their size.", "Turn TLS compression off."),
    S.INSECURE_RENEGOTIATION: Explanation(
        "Secure renegotiation (RFC 5746) is not known to the receiver.",
        "OpenSSL 3 and other modern senders break off.", "Update the receiver's TLS."),
    S.RENEGOTIATION_ASKED: Explanation(
        "The receiver asked for renegotiation.", "Many senders refuse it and lose the session.",
        "Ask for what is needed at the first handshake."),
    S.NO_EXTENDED_MASTER_SECRET: Explanation(
        "The extended master secret (RFC 7627) is not used.", "None for most; strict systems refuse.", "Update the receiver's TLS."),
    S.EXPIRES_SOON: Explanation(
        "The certificate runs out soon.", "None yet; from that second on validating senders defer.", "Renew it now."),
    S.ROOT_SENT: Explanation(
        "The root is sent too, which nobody needs.", "None: senders trust their own copy or none.", "Send leaf and intermediates only."),
    S.CHAIN_LONG: Explanation(
        "Very many certificates are sent.", "Handshakes are slow, and some senders have a limit.", "Send leaf and intermediates only."),
    S.NAMES_MANY: Explanation(
        "The certificate carries very many names.", "Handshakes are slow, and some senders have a limit for the size.",
        "Have it issued with the names that this service needs."),
    S.KEY_HUGE: Explanation(
        "The key is larger than anybody needs.", "Each handshake costs the receiver much time.", "RSA 2048 to 4096, or P-256, is enough."),
    S.SENDER_REFUSED: Explanation(
        "MAIL FROM was refused.", "Mail from this sender is not taken; others may be.",
        "Read the reply, and ask again with a sender that exists (--mail-from)."),
    S.RECIPIENT_REFUSED: Explanation(
        "RCPT TO was refused.", "Mail to this recipient is not taken.", "Read the reply: is the recipient known, is relaying wanted?"),
    S.NOT_THE_EXPECTED: Explanation(
        "The certificate that is shown is not the one that was expected.",
        "Senders see another's certificate: what they make of it depends on that one.",
        "Find who terminates TLS before the receiver: take it off this port, or give it the right certificate."),
    S.PATHS_DIFFER: Explanation(
        "Two ways to the receiver show two different things.", "What a sender meets depends on the way that it takes.",
        "Something stands on one of the ways: compare EHLO lists and certificates to see what it is."),
}  # fmt: skip
