"""The event log, as far as TLS writes to it (facts/exchange 3.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from lab.data import dataclass
from lab.tls.certificate import Certificate


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the Application log."""

    at: datetime
    id: int
    source: str
    level: str
    message: str


def certificate_not_found(moment: datetime, name: str, connector: str, fqdn: str) -> Event:
    """Event 12014; the first sentence is Microsoft's, the second one's wording is unsourced."""
    return Event(
        moment, 12014, "MSExchangeFrontEndTransport", "Error",
        f"Microsoft Exchange could not find a certificate that contains the domain name {name} in the personal store on the local "
        f"computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector {connector} with a FQDN parameter of {fqdn}.",
    )  # fmt: skip


def certificate_expired(moment: datetime, fqdn: str) -> Event:
    """Event 12016."""
    return Event(
        moment, 12016, "MSExchangeFrontEndTransport", "Error",
        f"There is no valid SMTP Transport Layer Security (TLS) certificate for the FQDN of {fqdn}. The existing certificate for that "
        "FQDN has expired. The continued use of that FQDN will cause mail flow problems. A new certificate that contains the FQDN of "
        f"{fqdn} should be installed on this server as soon as possible. You can create a new certificate by using the "
        "New-ExchangeCertificate task.",
    )  # fmt: skip


def certificate_expires_soon(moment: datetime, certificate: Certificate, left: timedelta) -> Event:
    """Event 12018."""
    return Event(
        moment, 12018, "MSExchangeFrontEndTransport", "Warning",
        f"The STARTTLS certificate will expire soon: subject: {certificate.subject}, thumbprint: {certificate.thumbprint}, hours "
        f"remaining: {int(left.total_seconds() // 3600)}. Run the New-ExchangeCertificate cmdlet to create a new certificate.",
    )  # fmt: skip


def capabilities_not_confirmed(moment: datetime, entry: str, connector: str, domain: str, status: str) -> Event:
    """Event 11022 (facts/exchange 3.5)."""
    return Event(
        moment, 11022, "MSExchangeTransport", "Error",
        f"Failed to confirm domain capabilities '{entry}' on connector '{connector}' because validation of the Transport Layer Security "
        f"(TLS) certificate failed with status '{status}'. Contact the administrator of '{domain}' to resolve the problem, or remove the "
        "domain from the TlsDomainCapabilities list of the Receive connector.",
    )  # fmt: skip


def delivery_not_successful(moment: datetime, connector: str, message_id: str, response: str) -> Event:
    """Event 2004."""
    return Event(
        moment, 2004, "MSExchangeTransport", "Information",
        f"Send connector {connector}: Message delivery was not successful. The message with message ID {message_id} was acknowledged "
        f"with SMTP response {response}",
    )  # fmt: skip
