"""Get-, New-, Import-, Enable- and Remove-ExchangeCertificate (facts/exchange 3.3, 4.4)."""

from __future__ import annotations

import re

from lab.errors import UserError
from lab.exchange.certificates import StoreEntry, matches_name
from lab.scenario.model import Change
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.cmdlets import files, settings
from lab.shell.values import Record, Value, moment_text
from lab.tls.findings import FindingId
from lab.tls.names import pattern_matches, presented_names
from lab.tls.verdict import HARMLESS

KIND = "Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate"
_SERVICES = ("None", "IMAP", "POP", "UM", "IIS", "SMTP", "Federation", "UMCallRouter")
#: Flags of the table's Services column, in the order of captured outputs: `IP.WS..`.
_LETTERS = (("IMAP", "I"), ("POP", "P"), ("UM", "U"), ("IIS", "W"), ("SMTP", "S"), ("Federation", "F"), ("UMCallRouter", "C"))
_STATUS = (
    (FindingId.REVOKED, "Revoked"), (FindingId.EXPIRED, "DateInvalid"), (FindingId.NOT_YET_VALID, "DateInvalid"),
    (FindingId.ISSUER_MISSING, "Untrusted"), (FindingId.UNTRUSTED_ROOT, "Untrusted"), (FindingId.REVOCATION_UNKNOWN, "RevocationCheckFailure"),
)  # fmt: skip


def of(call: Call, entry: StoreEntry) -> Record:
    """Return a certificate of the store as its cmdlet gives it: documented properties, by name."""
    certificate = entry.certificate
    server = call.world.topology.exchange.name
    ordered = [service for service, _ in _LETTERS if service in entry.services]
    status = _status(call, entry)
    self_signed = certificate.self_issued
    properties: dict[str, Value] = {
        "AccessRules": ["System.Security.AccessControl.CryptoKeyAccessRule"] * 3, "CertificateDomains": list(presented_names(certificate)),
        "HasPrivateKey": entry.has_private_key, "IsSelfSigned": self_signed, "Issuer": certificate.issuer, "NotAfter": certificate.not_after,
        "NotBefore": certificate.not_before, "PublicKeySize": int(found.group()) if (found := re.search(r"\d{3,5}", certificate.key)) else 0,
        "RootCAType": "Registry" if self_signed else "None" if status == "Untrusted" else "ThirdParty", "SerialNumber": certificate.serial,
        "Services": ", ".join(ordered) or "None", "Status": status, "Subject": certificate.subject, "Thumbprint": certificate.thumbprint,
        "FriendlyName": "Microsoft Exchange" if self_signed else certificate.common_name, "Identity": f"{server}\\{certificate.thumbprint}",
        "DnsNameList": list(certificate.dns_names), "EnhancedKeyUsageList": ["Server Authentication (1.3.6.1.5.5.7.3.1)"],
        "PrivateKeyExportable": entry.has_private_key, "ServicesStringForm": flags(entry), "Version": 3,
    }  # fmt: skip
    made = settings.record(
        call, KIND, properties, f"[Subject]\n  {certificate.subject}\n\n[Thumbprint]\n  {certificate.thumbprint}"
    )
    shown = tuple(
        name
        for name in properties
        if name <= "Thumbprint"
        and name
        not in ("FriendlyName", "Identity", "DnsNameList", "EnhancedKeyUsageList", "PrivateKeyExportable", "ServicesStringForm")
    )
    return Record(made.kind, made.properties, made.text, shown)


def flags(entry: StoreEntry) -> str:
    """Return `IP.WS..`."""
    return "".join(letter if service in entry.services else "." for service, letter in _LETTERS)


def _status(call: Call, entry: StoreEntry) -> str:
    """The documented words; a self-signed certificate of the server's own is Valid in its own eyes."""
    ids = {finding.id for finding in call.world.judge(entry.credential.chain).findings} - HARMLESS
    if not entry.has_private_key:
        return "Invalid"
    word = next((word for finding, word in _STATUS if finding in ids), None)
    return word or ("Invalid" if ids - {FindingId.SELF_SIGNED} else "Valid")


def _thumbprint(value: str) -> str:
    r"""Identity may be the thumbprint or `SERVER\Thumbprint`; blanks within it do not matter."""
    return re.sub(r"[\s\u200e]", "", value.rpartition("\\")[2]).upper()


def _one(call: Call, value: str) -> tuple[int, StoreEntry]:
    wanted = _thumbprint(value)
    for place, entry in enumerate(call.world.store()):
        if entry.certificate.thumbprint == wanted:
            return place, entry
    server = call.world.session("onprem")[0]
    # captured on learn.microsoft.com/answers, question 2139405
    message = f"A special Rpc error occurs on server {server}: The certificate with thumbprint {wanted} was not found."
    raise call.error(message, "InvalidOperationException")


async def get(call: Call) -> list[Value]:
    """`Get-ExchangeCertificate`; with -DomainName what Exchange would select for that name stands first (facts/exchange 3.4)."""
    call.check_server()
    wanted = call.text("Thumbprint") or call.text("Identity")
    if wanted is not None:
        return [of(call, _one(call, wanted)[1])]
    entries = list(call.world.store())
    domains = call.strings("DomainName")
    if domains:
        entries = [
            one
            for one in entries
            if all(any(pattern_matches(name, domain) for name in presented_names(one.certificate)) for domain in domains)
        ]
        entries.sort(key=lambda one: (one.certificate.self_issued, -one.certificate.not_before.timestamp()))
    return [of(call, entry) for entry in entries]


async def new(call: Call) -> list[Value]:
    """`New-ExchangeCertificate`: a self-signed certificate, enabled for SMTP, with the question about the default one."""
    call.check_server()
    if call.on("GenerateRequest"):
        message = "Certificate requests need a certification authority, which this lab does not emulate: import one of its certificates instead."
        raise call.error(message, "NotSupportedException", category="NotImplemented")
    server = call.world.topology.exchange.name
    netbios = server.partition(".")[0]
    subject = call.text("SubjectName") or f"cn={netbios}"
    common = re.search(r"cn\s*=\s*([^,]+)", subject, re.IGNORECASE)
    domains = call.strings("DomainName") or (
        [netbios, server] if "SubjectName" not in call else [common.group(1).strip()] if common else []
    )
    if not await call.may(server):
        return []
    try:
        name = call.world.self_signed(subject, domains)
    except UserError as error:
        raise call.error(settings.sentence(error), "ArgumentException", category="InvalidArgument") from None
    services = [word for word in call.strings("Services") if word != "None"] or ["SMTP"]
    settings.make(call, Change(add="exchange.certificates", to={"certificate": name, "Services": []}))
    place = len(call.world.store()) - 1
    await _enable(call, place, services)
    return [of(call, call.world.store()[place])]


async def import_(call: Call) -> list[Value]:
    r"""`Import-ExchangeCertificate`: from a file of the lab's mint (`C:\Certificates`), or certificates and key as PEM text."""
    call.check_server()
    data = call.get("FileData")
    if call.text("FileName") is not None:
        content = files.read(call.world, str(call.text("FileName")))
    elif isinstance(data, bytes):
        content = data.decode("utf-8", "replace")
    elif isinstance(data, list) and all(isinstance(one, int) and 0 <= one < 256 for one in data):
        content = bytes(int(one) for one in data if isinstance(one, int)).decode("utf-8", "replace")
    elif data is not None:
        content = "\n".join(str(one) for one in data) if isinstance(data, list) else str(data)
    else:
        message = "Cannot process command because of one or more missing mandatory parameters: FileData."
        raise call.error(message, "ParameterBindingException", category="InvalidArgument")
    name = files.mint_name(content)
    try:
        name = name or call.world.adopt(content)
        credential = call.world.credential(name)
    except UserError as error:
        # the first sentence is Exchange's for data that it cannot read; what stands in brackets is the lab's
        message = f"Cannot import certificate. The data is invalid or the password is wrong. ({settings.sentence(error)})"
        raise call.error(message, "InvalidOperationException", category="InvalidOperation") from None
    if any(entry.certificate == credential.leaf for entry in call.world.store()):
        message = f"Cannot import certificate. A certificate with the thumbprint {credential.leaf.thumbprint} already exists."
        raise call.error(message, "InvalidOperationException", category="InvalidOperation")
    if not await call.may(call.world.topology.exchange.name):
        return []
    settings.make(call, Change(add="exchange.certificates", to={"certificate": name, "Services": []}))
    return [of(call, call.world.store()[-1])]


async def enable(call: Call) -> list[Value]:
    """`Enable-ExchangeCertificate`: adds services; none is ever taken away. Asks before it takes the default SMTP certificate's place."""
    call.check_server()
    place, entry = _one(call, call.text("Thumbprint") or call.text("Identity") or "")
    if not entry.has_private_key:
        message = f"The certificate with thumbprint {entry.certificate.thumbprint} was found but is not valid for use with Exchange Server (reason: PrivateKeyMissing)."
        raise call.error(message, "InvalidOperationException")
    if await call.may(f"{call.world.topology.exchange.name}\\{entry.certificate.thumbprint}"):
        await _enable(call, place, call.strings("Services"))
    return []


async def _enable(call: Call, place: int, services: list[str]) -> None:
    entries = call.world.store()
    entry = entries[place]
    wanted = [one for one in services if one != "None"]
    if "SMTP" in wanted and "SMTP" not in entry.services:
        before = next((one for one in entries if "SMTP" in one.services and one is not entry), None)
        if before is not None and not call.on("Force"):
            question = (
                "Overwrite the existing default SMTP certificate?\n\n"
                f"Current certificate: '{before.certificate.thumbprint}' (expires {moment_text(before.certificate.not_after)})\n"
                f"Replace it with certificate: '{entry.certificate.thumbprint}' (expires {moment_text(entry.certificate.not_after)})"
            )
            if not await call.may("", question=question, ask=True):
                wanted = (
                    [one for one in wanted if one != "SMTP"]
                    if "Services" in call and call.cmdlet.name.startswith("New")
                    else wanted
                )
    merged = [service for service, _ in _LETTERS if service in {*entry.services, *wanted}]
    settings.make(call, Change(set=f"exchange.certificates[{place}].Services", to=merged))


async def remove(call: Call) -> list[Value]:
    """`Remove-ExchangeCertificate`: not one that a send connector names (facts/exchange 3.3)."""
    call.check_server()
    place, entry = _one(call, call.text("Thumbprint") or call.text("Identity") or "")
    tagged = [
        one.Name
        for one in call.world.topology.exchange.send_connectors
        if one.TlsCertificateName and matches_name(entry.certificate, one.TlsCertificateName)
    ]
    others = [
        one
        for one in call.world.store()
        if one is not entry
        and any(matches_name(one.certificate, c.TlsCertificateName or "") for c in call.world.topology.exchange.send_connectors)
    ]
    if tagged and not others:
        server = call.world.session("onprem")[0]
        names = ", ".join(tagged)
        message = (
            f"A special Rpc error occurs on server {server}: These certificates are tagged with following Send Connectors : {names}. "
            "Removing and replacing certificates from Send Connector would break the mail flow. If you still want to proceed then replace "
            "or remove these certificates from Send Connector and then try this command."
        )
        raise call.error(message, "InvalidOperationException")
    thumbprint = entry.certificate.thumbprint
    question = f"Are you sure you want to perform this action?\nRemove certificate with thumbprint {thumbprint}?"
    if await call.may(thumbprint, question=question, ask=True):
        settings.make(call, Change(remove=f"exchange.certificates[{place}]"))
    return []


_TASK = "Microsoft.Exchange.Management.SystemConfigurationTasks."
_ENUM = "Microsoft.Exchange.Management.SystemConfigurationTasks.AllowedServices"
_THUMBPRINT = Param("Thumbprint", position=0, pipeline=True, by_name=("Thumbprint",), values="certificates")
_MUST = Param("Thumbprint", position=0, mandatory=True, pipeline=True, by_name=("Thumbprint",), values="certificates")
_SERVER, _ID = Param("Server"), Param("Identity")
CMDLETS = (
    Cmdlet("Get-ExchangeCertificate", get, (_THUMBPRINT, _ID, _SERVER, Param("DomainName", Kind.STRINGS)), "Shows certificates of the server's store.",
           "Properties are documented, their alphabetical order is unsourced; the table's flags are as captured.",
           side="onprem", each=True, task=f"{_TASK}GetExchangeCertificate"),
    Cmdlet("New-ExchangeCertificate", new, (
        Param("SubjectName"), Param("DomainName", Kind.STRINGS, aliases=("IncludeAcceptedDomain",)), Param("Services", Kind.STRINGS, choices=_SERVICES, enum=_ENUM),
        Param("FriendlyName"), Param("KeySize", Kind.INT), Param("PrivateKeyExportable", Kind.BOOL), Param("Force", Kind.SWITCH),
        Param("GenerateRequest", Kind.SWITCH), _SERVER,
    ), "Makes a self-signed certificate.", "Requests (-GenerateRequest) are not emulated: the lab's certificates are in C:\\Certificates.",
        side="onprem", risk=True, task=f"{_TASK}NewExchangeCertificate"),
    Cmdlet("Import-ExchangeCertificate", import_, (
        Param("FileData", Kind.ANY, position=0, pipeline=False), Param("FileName"), Param("Password", Kind.ANY), Param("FriendlyName"),
        Param("PrivateKeyExportable", Kind.BOOL), _SERVER,
    ), "Imports a certificate.", "Files are those of C:\\Certificates; PEM text of your own is taken too. Passwords are not looked at. Refusals are "
        "partly worded by the lab (unsourced).", side="onprem", risk=True, task=f"{_TASK}ImportExchangeCertificate"),
    Cmdlet("Enable-ExchangeCertificate", enable, (
        _MUST, _ID, Param("Services", Kind.STRINGS, mandatory=True, choices=_SERVICES, enum=_ENUM), Param("Force", Kind.SWITCH),
        Param("DoNotRequireSsl", Kind.SWITCH), _SERVER,
    ), "Enables a certificate for services.", "The question is Exchange's. The refusal for a missing key is worded after reports.",
        side="onprem", each=True, risk=True, task=f"{_TASK}EnableExchangeCertificate"),
    Cmdlet("Remove-ExchangeCertificate", remove, (_MUST, _ID, _SERVER), "Removes a certificate.",
           "The refusal for one that a Send connector names is Microsoft's; the question's words are unsourced.",
           side="onprem", each=True, risk=True, asks=True, task=f"{_TASK}RemoveExchangeCertificate"),
)  # fmt: skip
