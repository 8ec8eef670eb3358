"""Python's smtplib as its documentation shows it: POLICY HOST PORT CA, message on standard input."""

from __future__ import annotations

import smtplib
import ssl
import sys


def main(policy: str, host: str, port: str, ca: str) -> None:
    """Send."""
    with smtplib.SMTP(host, int(port), local_hostname="sender.smtp.test", timeout=15) as smtp:
        smtp.ehlo()
        if policy == "verify":
            smtp.starttls(context=ssl.create_default_context(cafile=ca))
        elif smtp.has_extn("starttls"):
            smtp.starttls(context=ssl._create_unverified_context())  # noqa: S323, SLF001  (what opportunistic means)
        smtp.sendmail("trial@sender.smtp.test", ["someone@receiver.smtp.test"], sys.stdin.buffer.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
