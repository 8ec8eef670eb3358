"""A private Postfix: its own configuration, queue and log in a folder of the test's; listens on a loopback address.

It needs root, as Postfix's master does. Nothing of the system's own Postfix is read but its program folders.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.hosts.postfix import MASTER

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file_prefixes = {home}
maillog_file = {home}/mail.log
myhostname = sender.fabrikam.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_transport = error:no local delivery
inet_protocols = ipv4
inet_interfaces = loopback-only
smtp_bind_address = {address}
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_recipient_restrictions = permit_mynetworks, reject
smtputf8_enable = yes
smtp_tls_loglevel = 1
smtp_tls_security_level = secure
smtp_tls_CAfile = {ca}
smtp_tls_secure_cert_match = {match}
relayhost = [{relay}]:{port}
minimal_backoff_time = 300s
local_header_rewrite_clients =
message_size_limit = 40000000
header_size_limit = 1024000
"""


class Postfix:
    """A running instance; takes where it listens and reads its log and queue."""

    def __init__(self, home: Path, address: str, port: int) -> None:
        self.home, self.address, self.port = home, address, port

    def _run(self, *command: str) -> str:
        environment = {**os.environ, "MAIL_CONFIG": str(self.home / "etc")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def log(self) -> str:
        path = self.home / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for(self, pattern: str, *, count: int = 1, seconds: float = 20) -> list[str]:
        """Return the log lines that match once there are `count` of them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [line for line in self.log.splitlines() if re.search(pattern, line)]
            if len(found) >= count:
                return found
            time.sleep(0.05)  # a foreign process writes the log; there is no event to wait for
        raise AssertionError(f"{pattern!r} not seen {count} times in {seconds} s; the log:\n{self.log}")

    def queue(self) -> str:
        """Return what `postqueue -p` prints."""
        return self._run("postqueue", "-p")

    def flush(self) -> None:
        """Try every queued message again now."""
        self._run("postqueue", "-f")


@contextmanager
def postfix(home: Path, *, address: str, port: int, relay: tuple[str, int], ca: Path, match: str) -> Iterator[Postfix]:
    """Run an instance that sends everything to `relay` and insists on a certificate for `match` under `ca`."""
    etc = home / "etc"
    for folder in (etc, home / "queue", home / "data"):
        folder.mkdir(parents=True)
    home.chmod(0o755)
    for parent in home.parents[:5]:  # pytest's folders are the user's own; the mail user must pass through
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    (etc / "main.cf").write_text(MAIN.format(home=home, address=address, relay=relay[0], port=relay[1], ca=ca, match=match))
    (etc / "master.cf").write_text(MASTER.replace("smtp inet", f"{address}:{port} inet", 1))
    subprocess.run(["chown", "postfix", str(home / "data")], check=True)
    instance = Postfix(home, address, port)
    instance._run("postfix", "start")
    try:
        instance.wait_for("daemon started")
        yield instance
    finally:
        instance._run("postfix", "stop")
