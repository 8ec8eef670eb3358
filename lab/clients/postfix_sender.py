"""Postfix as a sender, one message and away: LEVEL WHERE PORT CA CERT KEY COUNT, message on standard input. Needs root, as its
master does.

WHERE is a host, or with the levels `dane`, `dane-only` and `mta-sts` a domain whose MX Postfix finds by itself, by the resolver of
/etc/resolv.conf; with `mta-sts` the daemon of postfix-mta-sts-resolver runs beside it, and trusts CA for policy hosts. A
configuration, queue and log of its own in a temporary folder; nothing of the system's Postfix is read but its programs. Leaves with
0 when Postfix logs `status=sent`, with 1 when it defers or bounces; the log's last lines are printed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
smtp_tls_cert_file = {cert}
smtp_tls_key_file = {key}
smtp_tls_session_cache_database = btree:{home}/data/sessions
smtp_connection_cache_on_demand = no
smtputf8_enable = yes
smtp_tls_loglevel = 1
{level}
smtp_tls_CAfile = {ca}
smtp_tls_secure_cert_match = hostname
smtp_tls_verify_cert_match = hostname
"""
#: By the names that they were given, or by DNS.
FIXED = """\
smtp_tls_security_level = {level}
smtp_dns_support_level = disabled
smtp_host_lookup = native
relayhost = [{where}]:{port}"""
FOUND = """\
smtp_tls_security_level = {level}
smtp_dns_support_level = {dns}
smtp_host_lookup = dns
smtp_tls_policy_maps = {maps}
relayhost = {where}{port}"""
#: As in the documentation of postfix-mta-sts-resolver; the cache is a fresh one.
DAEMON = """\
path: {home}/sts
mode: 0666
cache: {{type: internal, options: {{cache_size: 100}}}}
default_zone: {{strict_testing: false, timeout: 4}}
"""
_ENDED = re.compile(r"status=(sent|deferred|bounced)")


def main(level: str, where: str, port: str, ca: str, cert: str, key: str, count: str) -> int:
    """Send, one message after the other."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    message = sys.stdin.buffer.read()
    with tempfile.TemporaryDirectory(prefix="smtplab-postfix-") as name, contextlib.ExitStack() as stack:
        home = Path(name)
        home.chmod(0o755)
        etc = home / "etc"
        for folder in (etc, home / "queue", home / "data"):
            folder.mkdir()
        for file in (cert, key):
            shutil.copy(file, etc)
        tls = how(level, home, where, port)
        files = {"ca": ca, "cert": etc / Path(cert).name, "key": etc / Path(key).name}
        (etc / "main.cf").write_text(MAIN.format(home=home, level=tls, **files))
        (etc / "master.cf").write_text(MASTER)
        run("chown", "postfix", str(home / "data"))
        if level == "mta-sts":
            stack.enter_context(policies(home, ca))
        run("postfix", "-c", str(etc), "start")
        try:
            for number in range(1, int(count) + 1):
                run("sendmail", "-C", str(etc), "-f", "trial@sender.smtp.test", "someone@receiver.smtp.test", data=message)
                outcomes = wait(home / "mail.log", number)
        finally:
            run("postfix", "-c", str(etc), "abort")  # `stop` would wait for seconds
        sys.stdout.write("".join((home / "mail.log").read_text(errors="replace").splitlines(keepends=True)[-12:]))
    return 0 if set(outcomes) == {"sent"} else 1


def how(level: str, home: Path, where: str, port: str) -> str:
    """Return the part of main.cf that says what is wanted of the receiver, and how it is found."""
    if level not in ("dane", "dane-only", "mta-sts"):
        return FIXED.format(level=level, where=where, port=port)
    sts = level == "mta-sts"
    maps, dns = (f"socketmap:unix:{home}/sts:postfix", "enabled") if sts else ("", "dnssec")
    port = "" if port == "25" else f":{port}"
    return FOUND.format(level="may" if sts else level, dns=dns, maps=maps, where=where, port=port)


@contextlib.contextmanager
def policies(home: Path, ca: str) -> Iterator[None]:
    """Run the daemon that tells Postfix the policies of domains."""
    (home / "sts.yml").write_text(DAEMON.format(home=home))
    with subprocess.Popen(
        ["mta-sts-daemon", "-v", "warn", "-c", str(home / "sts.yml")],
        env={**os.environ, "SSL_CERT_FILE": ca},
        stdout=subprocess.DEVNULL,
    ) as daemon:
        try:
            until = time.monotonic() + 10
            while not (home / "sts").exists() and daemon.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            yield
        finally:
            daemon.terminate()


def run(*command: str, data: bytes | None = None) -> None:
    """Run a program of Postfix's; what it says goes to standard error."""
    subprocess.run(command, input=data, check=True, stdout=subprocess.DEVNULL, timeout=30)


def wait(log: Path, count: int, seconds: float = 15.0) -> list[str]:
    """Return what became of the messages, as soon as the log says it of so many; fewer where it does not in time."""
    until = time.monotonic() + seconds
    found: list[str] = []
    while time.monotonic() < until:
        found = _ENDED.findall(log.read_text(errors="replace")) if log.exists() else []
        if len(found) >= count:
            break
        time.sleep(0.05)
    return found


def version() -> int:
    """Print the versions of Postfix and of the daemon that knows policies."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    python = Path(shutil.which("mta-sts-daemon") or "").with_name("python3")
    what = "postfix-mta-sts-resolver"
    told = [
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
        for command in (
            ["sh", "-c", "echo Postfix $(postconf -dh mail_version)"],
            [str(python), "-c", f"import importlib.metadata as m; print({what!r}, m.version({what!r}))"],
        )
    ]
    sys.stdout.write(", ".join(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(version() if sys.argv[1] == "--version" else main(*sys.argv[1:]))
