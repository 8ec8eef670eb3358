"""Exim in the place of a mail host. What is set and why: facts/docker section 5, the Exim specification."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

from lab.hosts.foreign import HOME, ForeignHost
from lab.hosts.host import Surroundings
from lab.internet.mta_log import EximLog
from lab.sending.implementation import MtaTls

#: The image has /etc/exim4 lead here: with a configuration of any other name Exim gives up the right to become other users.
_CONFIG = HOME / "exim4" / "exim4.conf"
_SPOOL, _LOGS, _ETC = HOME / "spool", HOME / "log", HOME / "etc"
_EXIM = "/usr/sbin/exim4"

_MAIN = """\
primary_hostname = {name}
spool_directory = {home}/spool
log_file_path = {home}/log/%slog
pid_file_path = {home}/spool/exim.pid
log_selector = +tls_peerdn +tls_certificate_verified +smtp_confirmation +delivery_size -queue_run
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
domainlist local_domains = {domains}
acl_smtp_rcpt = check_rcpt
hosts_treat_as_local =
prdr_enable = false
smtputf8_advertise_hosts = *
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
disable_ipv6 = true
{certificate}
retry_interval_max = 1d

begin acl
check_rcpt:
  accept hosts = 127.0.0.1
  accept domains = +local_domains
         verify = recipient
  deny   message = relay not permitted

begin routers
{detours}
outside:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote_smtp
  no_more
mailbox:
  driver = accept
  domains = +local_domains
  address_data = ${{lookup{{$local_part@$domain}}lsearch{{{home}/etc/mailboxes}}{{$value}}fail}}
  transport = maildir

begin transports
remote_smtp:
  driver = smtp
  connect_timeout = 15s
  command_timeout = 20s
  hosts_try_fastopen =
  hosts_try_dane = {dane}
{tls}
maildir:
  driver = appendfile
  directory = $address_data
  maildir_format
  create_directory
  return_path_add
  user = Debian-exim

begin retry
* * F,2d,1d
"""
_DETOUR = """\
to_{number}:
  driver = manualroute
  domains = {domain}
  transport = remote_smtp
  route_list = * {address}::{port}
  no_more
"""
#: TLS options of the transport. `secure` has no counterpart in Exim: it checks the host's name from MX, as `verify` does.
_CHECKS = "  tls_verify_certificates = {home}/etc/ca.pem\n  tls_verify_hosts = *\n  tls_verify_cert_hostnames = *\n  hosts_require_tls = *\n"
_LEVELS = {
    MtaTls.MAY: "  tls_verify_certificates =\n  tls_try_verify_hosts =\n",
    MtaTls.ENCRYPT: "  tls_verify_certificates =\n  tls_try_verify_hosts =\n  hosts_require_tls = *\n",
    MtaTls.VERIFY: _CHECKS,
    MtaTls.SECURE: _CHECKS,
    MtaTls.DANE: "  tls_verify_certificates =\n  tls_try_verify_hosts =\n",
    MtaTls.MTA_STS: "  tls_verify_certificates =\n  tls_try_verify_hosts =\n",
}


class EximHost(ForeignHost):
    """See `lab.hosts.foreign.ForeignHost`."""

    def __init__(self, surroundings: Surroundings, role: str) -> None:
        super().__init__(surroundings, role, EximLog())

    @property
    def log_file(self) -> Path:
        return _LOGS / "mainlog"

    def write_configuration(self) -> None:
        stance = self.stance
        for folder in (
            _ETC,
            _SPOOL,
            _LOGS,
            _CONFIG.parent,
            self.mail_folder,
            *(self.mail_folder / box for box in stance.mailboxes),
        ):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            shutil.chown(folder, "Debian-exim", "Debian-exim")
        for folder in (HOME, _CONFIG.parent):  # Exim trusts a configuration of root's only
            shutil.chown(folder, "root", "root")
        certificate = "tls_advertise_hosts ="
        if stance.credential is not None:
            for name, pem in (("own.key", stance.credential.key_pem), ("own.pem", stance.credential.chain_pem)):
                path = _ETC / name
                path.touch(mode=0o600)
                path.write_bytes(pem)
                shutil.chown(path, "Debian-exim", "Debian-exim")
            certificate = f"tls_advertise_hosts = *\ntls_certificate = {_ETC}/own.pem\ntls_privatekey = {_ETC}/own.key"
        boxes = "".join(f"{box}: {self.mail_folder / box}\n" for box in stance.mailboxes)
        (_ETC / "mailboxes").write_text(boxes, encoding="utf-8")
        (_ETC / "ca.pem").write_bytes(self.mint.ca_pem)
        detours = "".join(
            _DETOUR.format(number=number, domain=d.domain, address=d.endpoint.address, port=d.endpoint.port)
            for number, d in enumerate(stance.detours)
        )
        text = _MAIN.format(
            home=HOME, name=stance.name, domains=" : ".join(stance.domains), certificate=certificate, detours=detours,
            dane="*" if stance.tls is MtaTls.DANE else "", tls=_LEVELS[stance.tls].format(home=HOME),
        )  # fmt: skip
        _CONFIG.write_text(text, encoding="utf-8")
        _CONFIG.chmod(0o644)

    async def start_mta(self) -> None:
        await self._end()
        for folder in (_SPOOL, self.mail_folder, _LOGS):
            shutil.rmtree(folder, ignore_errors=True)
        self.write_configuration()
        await self._begin()

    async def _begin(self) -> None:
        await self.run(_EXIM, "-bd", daemon=True)
        await self.until_listening()

    async def _end(self) -> None:
        """End the daemon and wait for it: a new one that finds the port taken would look again in half a minute only."""
        pid = _SPOOL / "exim.pid"
        try:
            number = int(pid.read_text(encoding="ascii"))
            os.kill(number, signal.SIGTERM)
            for _ in range(100):
                os.kill(number, 0)
                await asyncio.sleep(0.02)
        except (OSError, ValueError):
            pid.unlink(missing_ok=True)

    async def stop(self) -> None:
        await super().stop()
        await self._end()

    async def reload(self) -> None:
        await self._end()
        await self._begin()

    async def flush(self) -> None:
        await self.run(_EXIM, "-qff")

    async def under_way(self) -> bool:
        waiting = int((await self.run(_EXIM, "-bpc")).strip() or 0)
        deferred = sum(1 for message in self.messages if message.outcome is not None and message.next_try is not None)
        return waiting > deferred
