"""What the policy web host answers to one request. Pure: request in, answer out."""

from __future__ import annotations

from lab.data import dataclass
from lab.sts.config import StsConfig, StsFault, StsSite

PATH = "/.well-known/mta-sts.txt"
HOST_LABEL = "mta-sts."
_PAGE = "<!DOCTYPE html><title>Not found</title><h1>Not found</h1>\n"


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """Status, headers and body; None as an answer is silence."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def site_of(config: StsConfig, host: str | None) -> tuple[str, StsSite] | None:
    """Return the domain and site of a host name as SNI or the Host header gave it; the only site where nothing was given."""
    if host is None:
        return next(iter(config.sites.items())) if len(config.sites) == 1 else None
    name = host.partition(":")[0].rstrip(".").lower()
    return next(((domain, site) for domain, site in config.sites.items() if name == HOST_LABEL + domain.lower().rstrip(".")), None)


def answer(config: StsConfig, host: str | None, method: str, target: str) -> WebAnswer | None:
    """Return the answer to a request; None where the site keeps silent."""
    found = site_of(config, host)
    if found is None:
        return _page(421, "Misdirected Request")
    domain, site = found
    if site.fault is StsFault.SLOW:
        return None
    if method not in ("GET", "HEAD"):
        return _page(405, "Method Not Allowed")
    if target.partition("?")[0] != PATH or site.fault is StsFault.NOT_FOUND:
        return _page(404, "Not Found")
    if site.fault is StsFault.REDIRECT:
        return WebAnswer(301, (("Location", f"https://www.{domain}{PATH}"), ("Content-Type", "text/html")), b"")
    kind = "text/html; charset=utf-8" if site.fault is StsFault.CONTENT_TYPE else "text/plain"
    body = site.policy.encode()
    if site.fault is StsFault.TOO_LARGE:
        body += b"".join(b"padding%05d: %s\r\n" % (number, b"x" * 200) for number in range(400))
    return WebAnswer(200, (("Content-Type", kind),), b"" if method == "HEAD" else body)


def _page(status: int, title: str) -> WebAnswer:
    return WebAnswer(status, (("Content-Type", "text/html"),), _PAGE.replace("Not found", title).encode())
