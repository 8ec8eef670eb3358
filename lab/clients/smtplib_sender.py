"""Python's smtplib as its documentation shows it: POLICY MODE HOST PORT CA CERT KEY COUNT [USER PASSWORD], message on standard input."""

from __future__ import annotations

import smtplib
import ssl
import sys


def main(
    policy: str, mode: str, host: str, port: str, ca: str, cert: str, key: str, count: str, user: str = "", password: str = ""
) -> None:
    """Send, a session for each message."""
    message = sys.stdin.buffer.read()
    verified, unverified = ssl.create_default_context, ssl._create_unverified_context  # noqa: SLF001  (what opportunistic means)
    context = verified(cafile=ca) if policy == "verify" else unverified()
    context.load_cert_chain(cert, key)
    for _ in range(int(count)):
        if mode == "implicit":
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                host, int(port), local_hostname="sender.smtp.test", timeout=15, context=context
            )
        else:
            session = smtplib.SMTP(host, int(port), local_hostname="sender.smtp.test", timeout=15)
        with session as smtp:
            smtp.ehlo_or_helo_if_needed()
            if mode != "implicit" and (policy == "verify" or smtp.has_extn("starttls")):
                smtp.starttls(context=context)
            if user:
                smtp.login(user, password)
            smtp.sendmail("trial@sender.smtp.test", ["someone@receiver.smtp.test"], message)


if __name__ == "__main__":
    main(*sys.argv[1:])
