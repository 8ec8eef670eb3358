"""What each finding of a domain's policies means, what comes of it, and what cures it: MTA-STS, TLS reports, DANE."""

from __future__ import annotations

from lab.report.explain import Explanation

_NO_POLICY = "Senders go on as if there were no policy; those that know an older one keep to that until it runs out."
_UNUSABLE = "The record is not used; TLS is asked for, and this record vouches for nobody."

POLICY: dict[str, Explanation] = {
    # MTA-STS: the record
    "sts-record-missing": Explanation(
        "The domain has no MTA-STS record.", "None: MTA-STS is not used for it.", "Publish _mta-sts.DOMAIN TXT and the policy behind it."),
    "sts-record-multiple": Explanation(
        "There is more than one MTA-STS record (RFC 8461 section 3.1).", _NO_POLICY, "Leave one of them."),
    "sts-record-malformed": Explanation(
        "The MTA-STS record cannot be read.", _NO_POLICY, 'Publish "v=STSv1; id=20260101T000000;" with an id of your own.'),
    "sts-record-id-missing": Explanation("The MTA-STS record has no id.", _NO_POLICY, "Give it one: up to 32 letters and digits."),
    "sts-record-id-invalid": Explanation(
        "The id of the MTA-STS record is no id.", _NO_POLICY, "Take up to 32 letters and digits, nothing else."),
    "sts-dns-failed": Explanation(
        "The DNS did not say whether there is an MTA-STS record.", _NO_POLICY, "Look at the domain's name servers."),
    # the fetch
    "sts-host-unresolved": Explanation("The policy's host mta-sts.DOMAIN has no address.", _NO_POLICY, "Publish an address for it."),
    "sts-host-unreachable": Explanation("The policy's host does not answer.", _NO_POLICY, "Open its port 443, or start the web server."),
    "sts-fetch-timed-out": Explanation("The policy did not come in time.", _NO_POLICY, "Look at the web server."),
    "sts-tls-failed": Explanation("There is no TLS with the policy's host.", _NO_POLICY, "Turn on TLS 1.2 or 1.3 at the web server."),
    "sts-certificate": Explanation(
        "The certificate of the policy's host is not valid for it by the rules of the web.", _NO_POLICY,
        "Get a certificate of a public authority for mta-sts.DOMAIN, and renew it in time."),
    "sts-redirect": Explanation(
        "The policy's host redirects, and redirects must not be followed (RFC 8461 section 3.3).", _NO_POLICY,
        "Serve the policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt itself."),
    "sts-http-status": Explanation("The web server answers with something else than 200.", _NO_POLICY, "Put the policy at its place."),
    "sts-content-type": Explanation("The policy is not served as text/plain.", "Strict senders do not take it.", "Serve it as text/plain."),
    "sts-policy-too-large": Explanation("The policy is larger than senders take.", _NO_POLICY, "Keep it under 64 KB."),
    "sts-http-broken": Explanation("What the web server says is no HTTP.", _NO_POLICY, "Look at the web server."),
    # the policy
    "sts-policy-malformed": Explanation("The policy cannot be read.", _NO_POLICY, "Write one KEY: VALUE to a line."),
    "sts-version-missing": Explanation("The policy has no version.", _NO_POLICY, "Begin it with version: STSv1."),
    "sts-version-unknown": Explanation("The policy has a version that is not known.", _NO_POLICY, "Begin it with version: STSv1."),
    "sts-mode-missing": Explanation("The policy has no mode.", _NO_POLICY, "Say mode: testing, and mode: enforce when reports are good."),
    "sts-mode-unknown": Explanation("The policy has a mode that is not known.", _NO_POLICY, "Take enforce, testing or none."),
    "sts-max-age-missing": Explanation("The policy has no max_age.", _NO_POLICY, "Say how long it holds, such as max_age: 604800."),
    "sts-max-age-invalid": Explanation("The policy's max_age is no number of seconds.", _NO_POLICY, "Write a number, such as 604800."),
    "sts-max-age-too-large": Explanation(
        "The policy's max_age is over a year (31557600).", "Senders cut it to a year.", "Take weeks, not years."),
    "sts-max-age-short": Explanation(
        "The policy holds for less than a week.", "An attacker needs to hinder the fetch only that long.", "Take several weeks."),
    "sts-mx-missing": Explanation("The policy allows no MX host.", _NO_POLICY, "Name the MX hosts, a mx: line for each."),
    "sts-mx-invalid": Explanation("A pattern for MX hosts cannot be used.", _NO_POLICY, "Take a host name, or *. before a domain."),
    "sts-field-repeated": Explanation(
        "A field stands twice; the first one counts.", "Senders may differ in what they take.", "Leave one of them."),
    "sts-not-enforced": Explanation(
        "The policy is not enforced.", "Mail is delivered whatever is found; only reports tell.",
        "When reports are good, say mode: enforce and change the id of the record."),
    "sts-mx-uncovered": Explanation(
        "An MX host is not allowed by the policy.", "Senders that enforce it never deliver to that host.",
        "Add the host to the policy and change the id of the record, or take it out of the MX records."),
    "sts-mx-idle": Explanation("A pattern of the policy matches no MX host.", "None.", "Take it out when no sender needs it any more."),
    # an MX host under the policy
    "sts-mx-not-allowed": Explanation(
        "This host is not allowed by the domain's policy.", "Senders that enforce it do not deliver here (RFC 8461 section 5).",
        "Add the host to the policy and change the id of the record."),
    "sts-starttls-missing": Explanation(
        "The policy asks for TLS, and this host gives none.", "Senders that enforce it defer, and bounce in the end.",
        "Turn STARTTLS on, or find the box that takes it away."),
    "sts-mx-certificate": Explanation(
        "The host's certificate is not what the policy asks for: a public authority, in date, its own name.",
        "Senders that enforce the policy defer, and bounce in the end.", "Cure what the findings of the certificate name."),
    # TLS reports
    "tlsrpt-missing": Explanation(
        "The domain asks for no TLS reports.", "Nobody is told when senders fail.",
        'Publish _smtp._tls.DOMAIN TXT "v=TLSRPTv1; rua=mailto:...".'),
    "tlsrpt-multiple": Explanation("There is more than one record for TLS reports.", "Senders send no reports.", "Leave one of them."),
    "tlsrpt-no-address": Explanation("The record for TLS reports names no address.", "No reports come.",
        "Add rua=mailto:... or rua=https:... to it."),
    "tlsrpt-address-invalid": Explanation(
        "An address for TLS reports cannot be used.", "No reports come there.", "Take mailto: or https: addresses."),
    # DANE
    "dane-dns-failed": Explanation(
        "The DNS gave no answer that can be relied on: forged, wrongly signed, or none.",
        "Senders with DANE must not use this host (RFC 7672 section 2.1.1): they defer.", "Sign the zone anew; look at DS and name servers."),
    "dane-mx-insecure": Explanation(
        "The MX record is not signed.", "DANE protects the way to the host, but not which host it is.", "Sign the domain's zone."),
    "dane-host-insecure": Explanation(
        "The host's zone is not signed, so there is no DANE for it.", "None: senders go on without DANE.", "Sign the zone of the host."),
    "dane-tlsa-missing": Explanation(
        "The host has no TLSA record.", "None: senders go on without DANE.", "Publish _25._tcp.HOST TLSA 3 1 1 with the key's SHA-256."),
    "dane-none-usable": Explanation(
        "There are TLSA records, and none of them can be used for SMTP.", "TLS is asked for, and nobody is authenticated.",
        "Publish 3 1 1, or 2 1 1 for the issuing authority."),
    "dane-starttls-missing": Explanation(
        "There are TLSA records, and the host gives no TLS.", "Senders with DANE defer.",
        "Turn STARTTLS on, or find the box that takes it away."),
    "dane-not-authenticated": Explanation(
        "No TLSA record vouches for the chain that was shown.", "Senders with DANE defer.",
        "Publish the record of the key in use; with every new key the record first, and the old one until caches have forgotten it."),
    "dane-no-match": Explanation(
        "A TLSA record is of another certificate or key.", "None where another record matches: that is how keys are changed.",
        "Take the record out when its key is no longer used."),
    "dane-pkix-usage": Explanation("A TLSA record has usage 0 or 1, which SMTP does not know.", _UNUSABLE, "Publish usage 3 (or 2)."),
    "dane-unknown-usage": Explanation("A TLSA record has a usage that is not known.", _UNUSABLE, "Publish usage 3 (or 2)."),
    "dane-unknown-selector": Explanation("A TLSA record has a selector that is not known.", _UNUSABLE, "Publish selector 1 (or 0)."),
    "dane-unknown-matching": Explanation("A TLSA record has a matching type that is not known.", _UNUSABLE, "Publish matching type 1."),
    "dane-data-malformed": Explanation("A TLSA record's data has the wrong length.", _UNUSABLE, "Make the record anew from the key."),
    "dane-weaker-digest": Explanation(
        "A TLSA record has a weaker digest than another one, and is passed over (RFC 7671 section 9).", "None.", "Take it out."),
    "dane-path-faulty": Explanation(
        "The anchor of a TLSA record is in the chain, and the way to it is faulty.", "Senders with DANE defer.",
        "Cure what the findings of the certificate name; with usage 3 dates and names do not matter."),
    "dane-name-mismatch": Explanation(
        "The certificate below the anchor of a TLSA record does not carry the host's name.", "Senders with DANE defer.",
        "Have the certificate issued for the MX host, or publish a record with usage 3."),
    "dane-no-rollover": Explanation(
        "There is no record for the next key.", "None yet; a hasty new key stops the mail of senders with DANE.",
        "Publish the next key's record beside this one before the key is changed."),
}  # fmt: skip
