"""From the options of `smtplab check` to an examination: files read, names and times understood, the loop run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from lab.data import dataclass
from lab.errors import UserError

if TYPE_CHECKING:
    from lab.check.ownership import Expected
    from lab.check.result import Examination, Target
    from lab.check.setting import Setting
    from lab.net.examined_policies import Policies
    from lab.net.exchangers import Names
    from lab.net.resolver import Resolver
    from lab.tls.trust import TrustStore

_Parsed = TypeVar("_Parsed")
_DNS_PORT = 53


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command, as click gave them."""

    mx: str | None = None
    resolver: tuple[str, ...] = ()
    port: int | None = None
    implicit_tls: bool = False
    ehlo: str | None = None
    mail_from: str = ""
    rcpt: str | None = None
    sni: str | None = None
    name: str | None = None
    ca_files: tuple[Path, ...] = ()
    system_ca: bool = False
    no_ca: bool = False
    crl_files: tuple[Path, ...] = ()
    at: str | None = None
    tls_min: str = "1.0"
    tls_max: str | None = None
    ipv4: bool = False
    ipv6: bool = False
    timeout: float = 30.0
    all_versions: bool = False
    mta_sts: bool = False
    mta_sts_port: int = 443
    dane: bool = False
    expect: str | None = None
    via: str | None = None
    keep_wire: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Asked:
        """Take what click gave."""
        known = {key: value for key, value in options.items() if key in cls.__dataclass_fields__}
        return cls(**cast("dict[str, str]", known))  # type: ignore[arg-type]  # click has checked them

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """The options that are not as they are by default, by their names, for the record."""
        given = []
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("now", "keep_wire") or value in (one.default, ()):
                continue
            name = one.name.removesuffix("_files").replace("_", "-")
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else "yes" if value is True else str(value)
            given.append((name, text))
        return tuple(given)

    @property
    def default_port(self) -> int:
        """The port where the target names none."""
        return self.port or (465 if self.implicit_tls else 25)


def one(target: str, asked: Asked) -> Examination:
    """Examine one target. Raises UserError for what cannot be used."""
    from lab.net.loop import run

    understood(target, asked)  # what cannot be a target is said before anything else

    async def work() -> Examination:
        found = await prepared(asked)(target)
        if isinstance(found, UserError):
            raise found
        return found

    return run(work())


def prepared(asked: Asked) -> Callable[[str], Awaitable[Examination | UserError]]:
    """Return what examines targets under the options, in the running loop; a target that is none gives its UserError.

    Raises UserError for options that cannot be used.
    """
    from lab.check.ownership import owned
    from lab.check.target import parse_host
    from lab.net.examined_paths import compare
    from lab.net.examiner import examine

    setting, names, policies = setting_of(asked), names_of(asked), policies_of(asked)
    wanted = expected(asked.expect) if asked.expect else None
    other = parse_host(asked.via, asked.default_port) if asked.via else None

    async def work(target: str) -> Examination | UserError:
        try:
            meant = understood(target, asked)
        except UserError as error:
            return error
        found = await examine(meant, setting, names, policies)
        if other:
            found = await compare(found, *other, setting, names)
        found = replace(found, settings=asked.given)
        return owned(found, wanted) if wanted else found

    return work


def expected(text: str) -> Expected:
    """Return the certificate that ought to be there, by a file or a thumbprint. Raises UserError."""
    from lab.check.ownership import Expected, parse_thumbprint
    from lab.tls import pem

    path = Path(text)
    if not path.is_file():
        thumbprint = parse_thumbprint(text)
        if thumbprint is None:
            raise UserError(
                f"--expect {text!r} is no file and no thumbprint", hint="a thumbprint has 40 (SHA-1) or 64 (SHA-256) hex digits"
            )
        return Expected(thumbprint)
    certificate = read(path, pem.certificates, "certificates")[0]
    return Expected(certificate.thumbprint, certificate)


def understood(text: str, asked: Asked) -> Target:
    """Return what a target means under the options. Raises UserError."""
    from lab.check.target import parse_host, parse_target

    target = parse_target(text, asked.default_port)
    if asked.mx is None:
        return target
    host, port = parse_host(asked.mx, asked.default_port)
    return replace(target, host=host, port=port)


def names_of(asked: Asked) -> Names:
    """Return what finds the hosts of a target."""
    from lab.net.exchangers import Names

    both = asked.ipv4 == asked.ipv6
    resolver = _resolver(asked) if asked.resolver else None
    return Names(resolver, ipv4=both or asked.ipv4, ipv6=both or asked.ipv6, timeout=min(asked.timeout, 5.0))


def policies_of(asked: Asked) -> Policies | None:
    """Return which policies to ask for, None for none."""
    if not (asked.mta_sts or asked.dane):
        return None
    from lab.net.examined_policies import Policies

    return Policies(resolver=_resolver(asked), sts=asked.mta_sts, dane=asked.dane, sts_port=asked.mta_sts_port)


def _resolver(asked: Asked) -> Resolver:
    from lab.check.target import parse_host
    from lab.net.directory import Endpoint
    from lab.net.resolver import Resolver

    servers = [Endpoint(*parse_host(text, _DNS_PORT)) for text in asked.resolver]
    return Resolver(servers or None, timeout=min(asked.timeout, 5.0))


def setting_of(asked: Asked) -> Setting:
    """Return how to examine. Raises UserError for files, times and combinations that cannot be used."""
    from lab.check.setting import Setting

    if asked.no_ca and (asked.ca_files or asked.system_ca or asked.crl_files):
        raise UserError("--no-ca leaves out who signed, so it does not go with --ca, --system-ca or --crl")
    versions = ["1.0", "1.1", "1.2", "1.3"]
    if asked.tls_max is not None and versions.index(asked.tls_max) < versions.index(asked.tls_min):
        raise UserError(f"--tls-max {asked.tls_max} is older than --tls-min {asked.tls_min}")
    for option, text in (("--ehlo", asked.ehlo), ("--mail-from", asked.mail_from), ("--rcpt", asked.rcpt)):
        if text and (any(c.isspace() or not c.isprintable() for c in text) or "<" in text or ">" in text):
            raise UserError(f"{option} {text!r} cannot stand in a command", hint="leave out blanks and angle brackets")
    judged_at = moment(asked.at) if asked.at else asked.now
    return Setting(
        trust=_trust(asked), moment=judged_at, ehlo_name=asked.ehlo, mail_from=asked.mail_from,
        rcpt=asked.rcpt, sni=asked.sni, name=asked.name.rstrip(".").lower() if asked.name else None, check_trust=not asked.no_ca,
        implicit_tls=asked.implicit_tls, minimum=_version(asked.tls_min), maximum=_version(asked.tls_max) if asked.tls_max else None,
        timeout=asked.timeout, all_versions=asked.all_versions, keep_wire=asked.keep_wire,
    )  # fmt: skip


def _version(number: str) -> str:
    return "TLSv1" if number == "1.0" else f"TLSv{number}"


def _trust(asked: Asked) -> TrustStore:
    from lab.tls import pem
    from lab.tls.trust import TrustStore

    anchors = [one for path in asked.ca_files for one in read(path, pem.certificates, "certificates")]
    if asked.system_ca or not (asked.ca_files or asked.no_ca):
        anchors += pem.system_roots()
        if not anchors:
            raise UserError("this system has no roots that Python finds", hint="give them with --ca FILE, or say --no-ca")
    crls = [one for path in asked.crl_files for one in read(path, pem.revocation_lists, "CRL")]
    return TrustStore(tuple(dict.fromkeys(anchors)), lists=tuple(crls), check_revocation=bool(crls))


def read(path: Path, parse: Callable[[bytes], _Parsed], what: str) -> _Parsed:
    """Return what a file holds. Raises UserError, with the file, where it cannot be read or holds something else."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except ValueError as error:
        raise UserError(f"holds no {what} in PEM or DER", file=str(path)) from error


def moment(text: str) -> datetime:
    """Return a moment, UTC where no zone is given. Raises UserError."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UserError(f"--at {text!r} is no moment", hint="for instance 2026-12-31 or 2026-12-31T12:00:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
