"""What each finding and reason means, what comes of it, and what cures it: our own words, one sentence each."""

from __future__ import annotations

from lab.data import dataclass
from lab.sending.attempt import ReasonId
from lab.tls.findings import FindingId as F


@dataclass(frozen=True, slots=True)
class Explanation:
    """What it is, what a validating sender makes of it, and how it is cured."""

    what: str
    consequence: str
    cure: str


FINDINGS: dict[F, Explanation] = {
    F.NO_CERTIFICATE: Explanation(
        "No certificate was shown.", "There is nothing to check; a validating sender stops.", "Bind a certificate to the service."),
    F.SELF_SIGNED: Explanation(
        "The certificate is signed by itself, not by an authority.",
        "Nobody can tell whose it is; validating senders defer, opportunistic ones do not mind.",
        "Show a certificate of a public authority. If yours is not self-signed, something in between answers in your place."),
    F.UNTRUSTED_ROOT: Explanation(
        "The chain ends at a root that the sender does not trust.", "Validating senders defer.",
        "Use a public authority, or look for the box that signs with a root of its own."),
    F.ISSUER_MISSING: Explanation(
        "The chain stops before a trusted root: an intermediate is not sent.",
        "Senders that do not fetch intermediates, Exchange Online among them, defer.",
        "Send the whole chain: install the intermediate beside the certificate."),
    F.EXPIRED: Explanation(
        "A certificate in the chain has run out.", "Validating senders defer from the very second.",
        "Renew it; with the same issuer and subject, connectors need no change."),
    F.NOT_YET_VALID: Explanation(
        "A certificate in the chain is not valid yet.", "Validating senders defer until it is.",
        "Check the clocks; else wait, or go back to the certificate of before."),
    F.NAME_MISMATCH: Explanation(
        "The certificate does not carry the name that the sender expects.",
        "Senders that check the name defer; those that check only the chain deliver.",
        "Get a certificate with that name, or correct the name that the sender is told to expect."),
    F.NO_SUBJECT_ALT_NAME: Explanation(
        "The name stands in the CN only.", "Strict senders refuse, mail servers mostly fall back to the CN.",
        "Have the name put into the subjectAltName."),
    F.WRONG_USAGE: Explanation(
        "A certificate is not meant for this use.", "Validating senders defer.", "Get one whose extended key usage has serverAuth."),
    F.NOT_A_CA: Explanation(
        "A certificate that signed another is no authority.", "The chain is void for validating senders.",
        "Get a certificate from a real authority."),
    F.PATH_LENGTH: Explanation(
        "There are more authorities in the chain than one of them allows.", "The chain is void for validating senders.",
        "Have the certificate issued by an authority that may."),
    F.NAME_CONSTRAINTS: Explanation(
        "An authority in the chain may not speak for this name.", "The chain is void for validating senders.",
        "Have the certificate issued by an authority that may."),
    F.BAD_SIGNATURE: Explanation(
        "A signature in the chain is wrong.", "The chain is void, and somebody may have changed it.",
        "Install the certificate again from its source."),
    F.REVOKED: Explanation(
        "The certificate was revoked by its issuer.", "Senders that check revocation refuse.", "Replace it; its key may be lost."),
    F.REVOCATION_UNKNOWN: Explanation(
        "Whether it was revoked cannot be found out.", "Strict senders refuse, others go on.",
        "Make the CRL reachable and keep it fresh."),
    F.WEAK_KEY: Explanation(
        "A key in the chain is too short.", "Modern systems refuse it, old ones do not.", "Renew it with RSA 2048 or P-256 at least."),
    F.WEAK_SIGNATURE: Explanation(
        "A certificate in the chain is signed with a broken digest.", "Modern systems refuse it.", "Have it signed anew with SHA-256."),
    F.CRITICAL_EXTENSION: Explanation(
        "A certificate has a critical extension that nobody knows.", "Every verifier must refuse it.", "Have it issued without."),
    F.CHAIN_DISORDERED: Explanation(
        "The certificates are not sent in the order of signing, or strangers are among them.",
        "Most senders sort it out; old ones may not.", "Send leaf, intermediates, and nothing else."),
}  # fmt: skip

REASONS: dict[ReasonId, str] = {
    ReasonId.CERTIFICATE: "the certificate that was shown does not satisfy the connector",
    ReasonId.STARTTLS_MISSING: "the receiver does not offer STARTTLS, and the connector insists on TLS",
    ReasonId.STARTTLS_REFUSED: "the receiver offers STARTTLS and then refuses it",
    ReasonId.TLS_FAILED: "the TLS handshake broke off",
    ReasonId.STS_MX: "the domain's MTA-STS policy allows none of its MX hosts",
    ReasonId.DANE: "the certificate that was shown is none of those that the TLSA records vouch for",
    ReasonId.DNSSEC: "what the DNS says of the receiver does not validate, and must not be used",
    ReasonId.REPLY: "the receiver refused",
    ReasonId.DNS_FAILED: "no address is found for the receiver's name",
    ReasonId.CONNECTION_REFUSED: "nobody listens at the receiver's address",
    ReasonId.CONNECTION_TIMED_OUT: "the receiver's address does not answer",
    ReasonId.CONNECTION_CLOSED: "the connection was closed in the middle of the session",
    ReasonId.TIMED_OUT: "the receiver stopped answering",
    ReasonId.PROTOCOL: "the receiver does not keep to SMTP",
    ReasonId.CONTENT: "the message cannot be sent to this receiver",
    ReasonId.EXPIRED: "it waited in the queue for too long",
    ReasonId.CREDENTIAL_UNUSABLE: "the certificate that the connector names is there, without its key or not for SMTP",
    ReasonId.CREDENTIAL_MISSING: "the connector names a certificate that is not in the store",
}
