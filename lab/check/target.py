"""What the user wants examined: an address, a domain, a host, with a port or without."""

from __future__ import annotations

import ipaddress
import re

from lab.check.result import Target, TargetKind
from lab.errors import UserError

SMTP, SUBMISSIONS = 25, 465
_HINT = "give an address (alice@contoso.test), a domain, a host, host:port, or [address]:port"
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)$", re.IGNORECASE)


def parse_target(text: str, port: int = SMTP) -> Target:
    """Take what the user wrote and the port where none is in it. Raises UserError for what cannot be a target."""
    given = text.strip()
    if not given:
        raise UserError("the target is empty", hint=_HINT)
    if "@" in given:
        local, _, domain = given.rpartition("@")
        if not local or not domain:
            raise UserError(f"{text!r} is no address", hint=_HINT)
        if domain.startswith("["):  # RFC 5321 section 4.1.3
            host, own_port = parse_host(domain.replace("[IPv6:", "[", 1), port)
            return Target(text, TargetKind.ADDRESS, None, host, own_port)
        return Target(text, TargetKind.ADDRESS, _name(domain, text), None, port)
    host, own_port = parse_host(given, port)
    if own_port != port or given.rstrip().endswith(f":{own_port}") or _is_address(host):
        return Target(text, TargetKind.HOST, None, host, own_port)
    return Target(text, TargetKind.DOMAIN, host, None, port)


def parse_host(text: str, port: int = SMTP) -> tuple[str, int]:
    """Return host (name or address, without brackets) and port of `host`, `host:port`, `[address]:port` or a bare address.

    Raises UserError.
    """
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or not _is_address(address) or (rest and not rest.startswith(":")):
            raise UserError(f"{text!r} is no address in brackets with a port", hint=_HINT)
        return address, _port(rest[1:], text) if rest else port
    if _is_address(text):
        return text, port
    name, colon, number = text.rpartition(":")
    if not colon:
        return _name(text, text), port
    if _is_address(name) and ":" not in name:
        return name, _port(number, text)
    return _name(name, text), _port(number, text)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _port(text: str, whole: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise UserError(f"{text!r} in {whole!r} is no port", hint="a port is a number from 1 to 65535")
    return int(text)


def _name(text: str, whole: str) -> str:
    name = text.rstrip(".").lower()
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        raise UserError(f"{whole!r} holds no domain name", hint=_HINT) from None
    if not name or len(name) > 253 or not all(_LABEL.match(label) for label in name.split(".")):
        raise UserError(f"{whole!r} is no name of a host or domain", hint=_HINT)
    return name
