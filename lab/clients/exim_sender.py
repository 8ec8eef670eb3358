"""Exim as a sender, one message and away: POLICY HOST PORT CA, message on standard input. Needs root, to use a configuration of its own.

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
keep_environment =
tls_advertise_hosts =
host_lookup =
begin routers
all:
  driver = manualroute
  transport = smtp
  route_list = * {host} byname
  self = send
begin transports
smtp:
  driver = smtp
  user = Debian-exim
  port = {port}
  hosts_try_dane =
  tls_verify_certificates = {ca}
  {tls}
begin retry
* * F,1h,1h
"""
POLICIES = {
    "verify": "hosts_require_tls = *\n  tls_verify_hosts = *\n  tls_verify_cert_hostnames = *",
    "opportunistic": "tls_try_verify_hosts =\n  tls_tempfail_tryclear = true",
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


def main(policy: str, host: str, port: str, ca: str) -> int:
    """Send."""
    with tempfile.TemporaryDirectory(prefix="smtplab-exim-") as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "spool").mkdir()
        configuration = home / "exim.conf"
        configuration.write_text(CONFIGURATION.format(home=home, host=host, port=port, ca=ca, tls=POLICIES[policy]))
        configuration.chmod(0o600)
        command = [
            shutil.which("exim4") or "/usr/sbin/exim4",
            "-C",
            str(configuration),
            "-odf",
            "-oi",
            "-f",
            "trial@sender.smtp.test",
            "someone@receiver.smtp.test",
        ]
        subprocess.run(command, input=sys.stdin.buffer.read(), check=False, timeout=30)
        log = (home / "mainlog").read_text(errors="replace") if (home / "mainlog").exists() else ""
    sys.stdout.write(log)
    return 0 if " => " in log else 1


if __name__ == "__main__":
    ensure_user()
    sys.exit(version() if sys.argv[1] == "--version" else main(*sys.argv[1:]))
