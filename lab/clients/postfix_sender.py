"""Postfix as a sender, one message and away: LEVEL HOST PORT CA, message on standard input. Needs root, as its master does.

A configuration, queue and log of its own in a temporary folder; nothing of the system's Postfix is read but its programs.
Leaves with 0 when Postfix logs `status=sent`, with 1 when it defers or bounces; the log's last lines are printed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: As in lab/hosts/postfix.py, less what a mere sender needs; an adapter imports nothing of ours.
MASTER = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file_prefixes = {home}
maillog_file = {home}/mail.log
myhostname = sender.smtp.test
mydestination =
alias_maps =
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_loglevel = 1
smtp_tls_security_level = {level}
smtp_tls_CAfile = {ca}
smtp_tls_secure_cert_match = hostname
smtp_tls_verify_cert_match = hostname
relayhost = [{host}]:{port}
"""
_ENDED = re.compile(r"status=(sent|deferred|bounced)")


def main(level: str, host: str, port: str, ca: str) -> int:
    """Send."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with tempfile.TemporaryDirectory(prefix="smtplab-postfix-") as name:
        home = Path(name)
        home.chmod(0o755)
        etc = home / "etc"
        for folder in (etc, home / "queue", home / "data"):
            folder.mkdir()
        (etc / "main.cf").write_text(MAIN.format(home=home, level=level, ca=ca, host=host, port=port))
        (etc / "master.cf").write_text(MASTER)
        run("chown", "postfix", str(home / "data"))
        run("postfix", "-c", str(etc), "start")
        try:
            run(
                "sendmail",
                "-C",
                str(etc),
                "-f",
                "trial@sender.smtp.test",
                "someone@receiver.smtp.test",
                data=sys.stdin.buffer.read(),
            )
            outcome = wait(home / "mail.log")
        finally:
            run("postfix", "-c", str(etc), "stop")
        sys.stdout.write("".join((home / "mail.log").read_text(errors="replace").splitlines(keepends=True)[-12:]))
    return 0 if outcome == "sent" else 1


def run(*command: str, data: bytes | None = None) -> None:
    """Run a program of Postfix's; what it says goes to standard error."""
    subprocess.run(command, input=data, check=True, stdout=subprocess.DEVNULL, timeout=30)


def wait(log: Path, seconds: float = 15.0) -> str:
    """Return what became of the message, as soon as the log says so; '' when it does not in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if log.exists() and (found := _ENDED.search(log.read_text(errors="replace"))):
            return found.group(1)
        time.sleep(0.05)
    return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
