"""Cases of MTA-STS: the record, the policy, the web host that serves it, and the MX hosts that it allows (RFC 8461).

The certificate and STARTTLS cases are cases of MTA-STS too: their domains publish a policy that is enforced and names their host.
"""

from __future__ import annotations

from lab.sts.config import StsFault, StsSite
from lab.trial.case import CaseKind, Published, Tls, TrialCase, specs

HOST = "{host}"  # in a policy's `mx`: the case's own host
SECOND = "{second}"  # the second host of the case's domain
PARENT = "{parent}"  # the domain that the host stands in
_ENFORCE, _BOTH = StsSite(mx=(HOST,)), StsSite(mx=(HOST, SECOND))


def _case(
    name: str, what: str, site: StsSite | None = _ENFORCE, *, certificate: str = "self-signed", stripped: bool = False,
    records: tuple[str, ...] | None = None, web: str | None = "sts", second: bool = False,
) -> TrialCase:  # fmt: skip
    """A case whose receiver nobody can authenticate, unless it is said otherwise: whether mail goes there is the policy's doing."""
    usual = Published(site=site, web=web)
    published = usual if records is None else Published(site=site, web=web, sts=records)
    behaviours = specs("strip-starttls", ("refuse-starttls", {"code": 500})) if stripped else ()
    return TrialCase(f"sts-{name}", CaseKind.MTA_STS, what, certificate, behaviours, Tls.ABSENT if stripped else Tls.GOOD,
                     published=published, second=second)  # fmt: skip


def _text(text: str) -> StsSite:
    return StsSite(text=text)


CASES = (
    _case("wildcard", "the policy names the host by a wildcard", StsSite(mx=(f"*.{PARENT}",)), certificate="good"),
    _case("several-mx", "the policy names several hosts, this one last", StsSite(mx=("mx1.example.test", HOST)), certificate="good"),
    _case("lines-end-with-lf", "the policy's lines end with LF", _text(f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 604800\n"),
          certificate="good"),
    _case("enforced", "enforced, and the receiver's certificate is self-signed"),
    _case("enforced-stripped", "enforced, and a box strips STARTTLS", certificate="good", stripped=True),
    _case("other-mx", "enforced, and the policy names another host", StsSite(mx=("mx.example.test",)), certificate="good"),
    _case("wildcard-too-deep", "enforced, and the policy's wildcard stands a label too high", StsSite(mx=("*.smtp.test",)), certificate="good"),
    _case("testing", "a policy in testing mode, and a self-signed certificate", StsSite(mode="testing", mx=(HOST,))),
    _case("testing-stripped", "a policy in testing mode, and a box strips STARTTLS", StsSite(mode="testing", mx=(HOST,)), stripped=True),
    _case("none", "a policy of mode none, and a self-signed certificate", StsSite(mode="none")),
    _case("no-record", "a policy without a record that announces it", records=()),
    _case("two-records", "two records, so that neither counts", records=("v=STSv1; id=1;", "v=STSv1; id=2;")),
    _case("record-without-id", "a record without an id", records=("v=STSv1;",)),
    _case("record-beside-others", "the record stands beside a TXT record of something else", records=("v=other", "v=STSv1; id=1;")),
    _case("record-with-more", "the record has a field that nobody knows", records=("v=STSv1; id=1; more=yes;",)),
    _case("unresolved", "the policy host has no address", web=None),
    _case("unreachable", "nobody listens at the policy host", web="nobody"),
    _case("not-found", "the policy host answers 404", StsSite(mx=(HOST,), fault=StsFault.NOT_FOUND)),
    _case("redirect", "the policy host redirects, which must not be followed", StsSite(mx=(HOST,), fault=StsFault.REDIRECT)),
    _case("content-type", "the policy is served as a web page", StsSite(mx=(HOST,), fault=StsFault.CONTENT_TYPE)),
    _case("slow", "the policy host takes the request and says nothing", StsSite(mx=(HOST,), fault=StsFault.SLOW)),
    _case("host-self-signed", "the policy host's certificate is self-signed", StsSite(mx=(HOST,), certificate="self-signed")),
    _case("host-expired", "the policy host's certificate has run out", StsSite(mx=(HOST,), certificate="expired")),
    _case("host-wrong-name", "the policy host's certificate is for another name", StsSite(mx=(HOST,), certificate="wrong-host")),
    _case("without-version", "a policy that does not begin with its version", _text(f"mode: enforce\r\nmx: {HOST}\r\nmax_age: 604800\r\n")),
    _case("without-max-age", "a policy without max_age", _text(f"version: STSv1\r\nmode: enforce\r\nmx: {HOST}\r\n")),
    _case("without-mx", "an enforced policy that names no host", _text("version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\n")),
    _case("first-mx-self-signed", "enforced, the preferred host's certificate is self-signed, the next one's is good", _BOTH, second=True),
    _case("first-mx-stripped", "enforced, a box before the preferred host strips STARTTLS, the next one is free", _BOTH, certificate="good",
          stripped=True, second=True),
    _case("first-mx-not-named", "enforced, the policy names the second host only", StsSite(mx=(SECOND,)), certificate="good", second=True),
    _case("unknown-mode", "a policy of a mode that nobody knows",
          _text(f"version: STSv1\r\nmode: enforced\r\nmx: {HOST}\r\nmax_age: 604800\r\n")),
)  # fmt: skip
