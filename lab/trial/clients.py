"""Mail clients that are known by name: how each is told to send one message to a host, under each policy.

A command is a template: `{host}` and `{port}` say where to send, `{name}` the name that the certificate must have (the host's
own), `{ca}` the file with the only root to trust, `{python}` this interpreter, `{clients}` the folder of our adapters. The
message comes on standard input. A client that cannot be told to follow a policy has no command for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.trial.expectation import TrialPolicy

_VERIFY, _OPPORTUNISTIC = TrialPolicy.VERIFY, TrialPolicy.OPPORTUNISTIC
SENDER, RECIPIENT = "trial@sender.smtp.test", "someone@receiver.smtp.test"
MESSAGE = (
    f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: smtplab trial\r\nMessage-ID: <trial@sender.smtp.test>\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nA message that is worth protecting.\r\n"
).encode()


@dataclass(frozen=True, slots=True)
class Client:
    """A client: the program that must be there, its command for each policy, and how it says its version.

    `root` marks those that need to be root, `input` is what stands on standard input (None: the message).
    """

    name: str
    what: str
    program: str
    commands: Mapping[TrialPolicy, tuple[str, ...]]
    version: tuple[str, ...]
    root: bool = False
    input: bytes | None = None


def _adapter(file: str, *arguments: str) -> tuple[str, ...]:
    return ("{python}", "{clients}/" + file, *arguments, "{host}", "{port}", "{ca}")


def _postfix(level: str) -> tuple[str, ...]:
    return ("{python}", "{clients}/postfix_sender.py", level, "{host}", "{port}", "{ca}")


_ENVELOPE = ("--from", SENDER, "--to", RECIPIENT)
_TABLE = (
    Client("smtplib", "Python's standard library", "python3",
           {_VERIFY: _adapter("smtplib_sender.py", "verify"), _OPPORTUNISTIC: _adapter("smtplib_sender.py", "opportunistic")},
           ("{python}", "-c", "import sys, ssl; print('Python', sys.version.split()[0], ssl.OPENSSL_VERSION)")),
    Client("aiosmtplib", "asyncio's SMTP client from PyPI", "python3",
           {_VERIFY: _adapter("aiosmtplib_sender.py", "verify"), _OPPORTUNISTIC: _adapter("aiosmtplib_sender.py", "opportunistic")},
           ("{python}", "-c", "import aiosmtplib; print('aiosmtplib', aiosmtplib.__version__)")),
    Client("swaks", "the Swiss army knife of SMTP", "swaks",
           {_VERIFY: ("swaks", "--server", "{host}", "--port", "{port}", "--helo", "sender.smtp.test", *_ENVELOPE, "--data", "-",
                      "--tls", "--tls-verify", "--tls-ca-path", "{ca}"),
            _OPPORTUNISTIC: ("swaks", "--server", "{host}", "--port", "{port}", "--helo", "sender.smtp.test", *_ENVELOPE, "--data", "-",
                             "--tls-optional")},
           ("swaks", "--version")),
    Client("openssl", "OpenSSL's s_client, which sends no message", "openssl",
           {_VERIFY: ("openssl", "s_client", "-starttls", "smtp", "-connect", "{host}:{port}", "-verify_hostname", "{name}",
                      "-CAfile", "{ca}", "-verify_return_error", "-quiet"),
            _OPPORTUNISTIC: ("openssl", "s_client", "-starttls", "smtp", "-connect", "{host}:{port}", "-quiet")},
           ("openssl", "version"), input=b"QUIT\r\n"),
    Client("curl", "curl as an SMTP client", "curl",
           {_VERIFY: ("curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", "{ca}", "--url", "smtp://{host}:{port}/sender.smtp.test",
                      "--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", "-"),
            _OPPORTUNISTIC: ("curl", "--silent", "--show-error", "--ssl", "--insecure", "--url", "smtp://{host}:{port}/sender.smtp.test",
                             "--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", "-")},
           ("curl", "--version")),
    Client("msmtp", "a sendmail for the desktop", "msmtp",
           {_VERIFY: ("msmtp", "--file=/dev/null", "--host={host}", "--port={port}", "--domain=sender.smtp.test", "--tls=on", "--tls-starttls=on",
                      "--tls-trust-file={ca}", f"--from={SENDER}", RECIPIENT)},
           ("msmtp", "--version")),
    Client("nodemailer", "Node.js's mail library", "node",
           {_VERIFY: ("node", "{clients}/nodemailer_sender.js", "verify", "{host}", "{port}", "{ca}"),
            _OPPORTUNISTIC: ("node", "{clients}/nodemailer_sender.js", "opportunistic", "{host}", "{port}", "{ca}")},
           ("node", "-e", "console.log('nodemailer', require('nodemailer/package.json').version, 'node', process.version)")),
    Client("postfix-may", "Postfix, smtp_tls_security_level = may", "postfix", {_OPPORTUNISTIC: _postfix("may")},
           ("postconf", "-d", "mail_version"), root=True),
    Client("postfix-verify", "Postfix, smtp_tls_security_level = verify", "postfix", {_VERIFY: _postfix("verify")},
           ("postconf", "-d", "mail_version"), root=True),
    Client("postfix-secure", "Postfix, smtp_tls_security_level = secure", "postfix", {_VERIFY: _postfix("secure")},
           ("postconf", "-d", "mail_version"), root=True),
    Client("exim", "Exim, tls_verify_hosts = * and a host name check", "exim4",
           {_VERIFY: _adapter("exim_sender.py", "verify"), _OPPORTUNISTIC: _adapter("exim_sender.py", "opportunistic")},
           ("{python}", "{clients}/exim_sender.py", "--version"), root=True),
)  # fmt: skip

CLIENTS: dict[str, Client] = {client.name: client for client in _TABLE}
