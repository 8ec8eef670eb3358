"""Exim as a sender, one message and away: POLICY WHERE PORT CA CERT KEY COUNT, message on standard input. Needs root, to use a
configuration of its own.

WHERE is a host, or with `dane` a domain whose MX Exim finds by itself, by the resolver of /etc/resolv.conf.

Leaves with 0 when Exim's log says that the message was delivered (`=>`), with 1 otherwise; the log is printed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIGURATION = """\
primary_hostname = sender.smtp.test
spool_directory = {home}/spool
log_file_path = {home}/%slog
exim_user = root
exim_group = root
never_users =
dns_dnssec_ok = 1
smtputf8_advertise_hosts = *
keep_environment =
tls_advertise_hosts =
host_lookup =
begin routers
all:
{router}
  transport = smtp
  self = send
begin transports
smtp:
  driver = smtp
  user = Debian-exim
  port = {port}
  tls_certificate = {cert}
  tls_privatekey = {key}
  tls_verify_certificates = {ca}
  {tls}
begin retry
* * F,1h,1h
"""
POLICIES = {
    "verify": "hosts_try_dane =\n  hosts_require_tls = *\n  tls_verify_hosts = *\n  tls_verify_cert_hostnames = *",
    "opportunistic": "hosts_try_dane =\n  tls_try_verify_hosts =\n  tls_tempfail_tryclear = true",
    "dane": "hosts_require_dane = *\n  tls_try_verify_hosts =\n  allow_localhost",
}


ROUTERS = {
    "host": "  driver = manualroute\n  route_list = * {where} byname",
    "domain": "  driver = dnslookup\n  dnssec_request_domains = *",
}


def ensure_user(name: str = "Debian-exim") -> None:
    """Exim does not start without the user that it was built for: where that is missing, go on in a mount namespace with it."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        folder = Path(tempfile.mkdtemp(prefix="smtplab-exim-"))
        for file, line in (("passwd", f"{name}:x:991:991::/:/bin/false"), ("group", f"{name}:x:991:")):
            (folder / file).write_text(Path("/etc", file).read_text() + line + "\n")
        script = 'mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && rm -r "$1" && shift && exec "$@"'
        os.execvp(  # noqa: S606  (no shell is wanted)
            "unshare", ["unshare", "--mount", "sh", "-c", script, "sh", str(folder), sys.executable, *sys.argv]
        )


def version() -> int:
    """Print Exim's version."""
    return subprocess.run([exim(), "-C", "/dev/null", "-bV"], check=False, timeout=30).returncode


def exim() -> str:
    """Return where Exim is."""
    return shutil.which("exim4") or "/usr/sbin/exim4"


def main(policy: str, where: str, port: str, ca: str, cert: str, key: str, count: str) -> int:
    """Send, one message after the other."""
    message = sys.stdin.buffer.read()
    recipient = f"someone@{where}" if policy == "dane" else "someone@receiver.smtp.test"
    with tempfile.TemporaryDirectory(prefix="smtplab-exim-") as name:
        home = Path(name)
        home.chmod(0o755)
        for folder in ("spool", "certs"):
            (home / folder).mkdir()
        own = [shutil.copy(file, home / "certs") for file in (ca, cert, key)]
        for file in own:
            os.chmod(file, 0o644)  # noqa: PTH101  (Exim reads them as another user)
        configuration = home / "exim.conf"
        router = ROUTERS["domain" if policy == "dane" else "host"].format(where=where)
        configuration.write_text(
            CONFIGURATION.format(home=home, router=router, port=port, ca=own[0], cert=own[1], key=own[2], tls=POLICIES[policy])
        )
        configuration.chmod(0o600)
        for _ in range(int(count)):
            command = [exim(), "-C", str(configuration), "-odf", "-oi", "-f", "trial@sender.smtp.test", recipient]
            subprocess.run(command, input=message, check=False, timeout=30)
        log = (home / "mainlog").read_text(errors="replace") if (home / "mainlog").exists() else ""
    sys.stdout.write(log)
    return 0 if log.count(" => ") >= int(count) else 1


if __name__ == "__main__":
    ensure_user()
    sys.exit(version() if sys.argv[1] == "--version" else main(*sys.argv[1:]))
