"""Mail clients that are known by name: how each is told to send one message to a host, under each policy.

A command is a template: `{host}` and `{port}` say where to send, `{name}` the name that the certificate must have (the host's
own), `{domain}` a domain whose host is to be found, `{ca}` the file with the only root to trust, `{cert}` and `{key}` a
certificate of the client's own, `{mode}` `starttls` or `implicit`, `{scheme}` `smtp` or `smtps`, `{count}` how many messages to
send, `{user}` and `{password}` who may log in, `{python}` this interpreter, `{clients}` the folder of our adapters. The message
comes on standard input. A client that cannot be told to follow a policy has no command for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.data import dataclass
from lab.trial.case import TrialPolicy

_VERIFY, _OPPORTUNISTIC = TrialPolicy.VERIFY, TrialPolicy.OPPORTUNISTIC
SENDER, RECIPIENT = "trial@sender.smtp.test", "someone@receiver.smtp.test"
MESSAGE = (
    f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: smtplab trial\r\nMessage-ID: <trial@sender.smtp.test>\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nA message that is worth protecting.\r\n"
).encode()
#: The same in UTF-8, the header too, which needs SMTPUTF8 (RFC 6532).
EIGHT_BIT_MESSAGE = MESSAGE.replace(b"smtplab trial", "smtplab: Prüfung".encode()).replace(
    b"worth protecting", "sch\u00fctzenswert".encode()
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client: the program that must be there, its command for each policy, and how it says its version.

    `root` marks those that need to be root, `input` is what stands on standard input (None: the message). `implicit` is the
    command for TLS from the first byte on where `{mode}` does not say it, `login` what is put behind the command to log in.
    """

    name: str
    what: str
    program: str
    commands: Mapping[TrialPolicy, tuple[str, ...]]
    version: tuple[str, ...]
    root: bool = False
    input: bytes | None = None
    implicit: tuple[str, ...] = ()
    login: tuple[str, ...] = ()


_OWN = ("{port}", "{ca}", "{cert}", "{key}", "{count}")


def _adapter(file: str, policy: str, *, program: str = "{python}") -> tuple[str, ...]:
    return (program, "{clients}/" + file, policy, "{mode}", "{host}", *_OWN)


def _mta(file: str, level: str, where: str = "{host}") -> tuple[str, ...]:
    return ("{python}", "{clients}/" + file, level, where, *_OWN)


def _swaks(*tls: str) -> tuple[str, ...]:
    return ("swaks", "--server", "{host}", "--port", "{port}", "--helo", "sender.smtp.test", "--from", SENDER, "--to", RECIPIENT, "--data",
            "-", *tls, "--tls-cert", "{cert}", "--tls-key", "{key}")  # fmt: skip


def _s_client(*tls: str) -> tuple[str, ...]:
    return ("openssl", "s_client", "-connect", "{host}:{port}", "-quiet", "-status", "-cert", "{cert}", "-key", "{key}", *tls)


def _curl(*tls: str) -> tuple[str, ...]:
    return ("curl", "--silent", "--show-error", *tls, "--cert", "{cert}", "--key", "{key}", "--url",
            "{scheme}://{host}:{port}/sender.smtp.test", "--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", "-")  # fmt: skip


def _msmtp(starttls: str) -> tuple[str, ...]:
    return ("msmtp", "--file=/dev/null", "--host={host}", "--port={port}", "--domain=sender.smtp.test", "--tls=on", f"--tls-starttls={starttls}",
            "--tls-trust-file={ca}", "--tls-cert-file={cert}", "--tls-key-file={key}", f"--from={SENDER}", RECIPIENT)  # fmt: skip


_DANE, _MTA_STS = TrialPolicy.DANE, TrialPolicy.MTA_STS
_POSTFIX, _POSTFIX_VERSION = "postfix_sender.py", ("sh", "-c", "echo Postfix $(postconf -dh mail_version)")
_LOGIN = ("{user}", "{password}")
_CHECKED = ("-verify_hostname", "{name}", "-CAfile", "{ca}", "-verify_return_error")


_TABLE = (
    Client("smtplib", "Python's standard library", "python3",
           {_VERIFY: _adapter("smtplib_sender.py", "verify"), _OPPORTUNISTIC: _adapter("smtplib_sender.py", "opportunistic")},
           ("{python}", "-c", "import sys, ssl; print('Python', sys.version.split()[0], ssl.OPENSSL_VERSION)"), login=_LOGIN),
    Client("aiosmtplib", "asyncio's SMTP client from PyPI", "python3",
           {_VERIFY: _adapter("aiosmtplib_sender.py", "verify"), _OPPORTUNISTIC: _adapter("aiosmtplib_sender.py", "opportunistic")},
           ("{python}", "-c", "import aiosmtplib; print('aiosmtplib', aiosmtplib.__version__)"), login=_LOGIN),
    Client("swaks", "the Swiss army knife of SMTP", "swaks",
           {_VERIFY: _swaks("--tls", "--tls-verify", "--tls-ca-path", "{ca}"), _OPPORTUNISTIC: _swaks("--tls-optional")},
           ("swaks", "--version"), implicit=_swaks("--tls-on-connect", "--tls-verify", "--tls-ca-path", "{ca}"),
           login=("--auth", "PLAIN,LOGIN", "--auth-user", "{user}", "--auth-password", "{password}")),
    Client("openssl", "OpenSSL's s_client, which sends no message", "openssl",
           {_VERIFY: _s_client("-starttls", "smtp", *_CHECKED), _OPPORTUNISTIC: _s_client("-starttls", "smtp")},
           ("openssl", "version"), input=b"QUIT\r\n", implicit=_s_client(*_CHECKED)),
    Client("curl", "curl as an SMTP client", "curl",
           {_VERIFY: _curl("--ssl-reqd", "--cacert", "{ca}"), _OPPORTUNISTIC: _curl("--ssl", "--insecure")},
           ("curl", "--version"), login=("--user", "{user}:{password}")),
    Client("msmtp", "a sendmail for the desktop", "msmtp", {_VERIFY: _msmtp("on")}, ("msmtp", "--version"), implicit=_msmtp("off"),
           login=("--auth=on", "--user={user}", "--passwordeval=echo '{password}'")),
    Client("nodemailer", "Node.js's mail library", "node",
           {_VERIFY: _adapter("nodemailer_sender.js", "verify", program="node"),
            _OPPORTUNISTIC: _adapter("nodemailer_sender.js", "opportunistic", program="node")},
           ("node", "-e", "console.log('nodemailer', require('nodemailer/package.json').version, 'node', process.version)"), login=_LOGIN),
    Client("postfix-may", "Postfix, smtp_tls_security_level = may", "postfix", {_OPPORTUNISTIC: _mta(_POSTFIX, "may")},
           _POSTFIX_VERSION, root=True),
    Client("postfix-verify", "Postfix, smtp_tls_security_level = verify", "postfix", {_VERIFY: _mta(_POSTFIX, "verify")},
           _POSTFIX_VERSION, root=True),
    Client("postfix-secure", "Postfix, smtp_tls_security_level = secure", "postfix", {_VERIFY: _mta(_POSTFIX, "secure")},
           _POSTFIX_VERSION, root=True),
    Client("postfix-dane", "Postfix, smtp_tls_security_level = dane", "postfix", {_DANE: _mta(_POSTFIX, "dane", "{domain}")},
           _POSTFIX_VERSION, root=True),
    Client("postfix-dane-only", "Postfix, smtp_tls_security_level = dane-only", "postfix",
           {_DANE: _mta(_POSTFIX, "dane-only", "{domain}")}, _POSTFIX_VERSION, root=True),
    Client("postfix-mta-sts", "Postfix with postfix-mta-sts-resolver", "mta-sts-daemon", {_MTA_STS: _mta(_POSTFIX, "mta-sts", "{domain}")},
           ("{python}", "{clients}/postfix_sender.py", "--version"), root=True),
    Client("exim", "Exim, tls_verify_hosts = * and a host name check; hosts_require_dane = *", "exim4",
           {_VERIFY: _mta("exim_sender.py", "verify"), _OPPORTUNISTIC: _mta("exim_sender.py", "opportunistic"),
            _DANE: _mta("exim_sender.py", "dane", "{domain}")},
           ("{python}", "{clients}/exim_sender.py", "--version"), root=True),
)  # fmt: skip

CLIENTS: dict[str, Client] = {client.name: client for client in _TABLE}
