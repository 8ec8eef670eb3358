"""Exim in the place of a mail host. What is set and why: facts/docker section 5, the Exim specification."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from pathlib import Path

from lab.hosts.foreign import HOME, ForeignHost
from lab.hosts.host import Surroundings
from lab.internet.mta_log import EximLog
from lab.sending.implementation import MtaTls
from lab.tls.certificate import Credential

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
dns_dnssec_ok = 1
rfc1413_query_timeout = 0s
disable_ipv6 = true
{certificate}
retry_interval_max = 1d

begin acl
check_rcpt:
  accept hosts = 127.0.0.1
         control = queue
  accept domains = +local_domains
         verify = recipient
  deny   message = relay not permitted

begin routers
{smart_hosts}outside:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote_${{lookup{{$domain}}lsearch{{{home}/etc/levels}}{{$value}}{{{level}}}}}
  no_more
elsewhere:
  driver = redirect
  domains = +local_domains
  data = ${{lookup{{$local_part@$domain}}lsearch{{{home}/etc/aliases}}}}
mailbox:
  driver = accept
  domains = +local_domains
  address_data = ${{lookup{{$local_part@$domain}}lsearch{{{home}/etc/mailboxes}}{{$value}}fail}}
  transport = maildir

begin transports
{transports}maildir:
  driver = appendfile
  directory = $address_data
  maildir_format
  create_directory
  return_path_add
  user = Debian-exim

begin retry
* * F,2d,1d
"""
_SMART_HOST = """\
to_{number}:
  driver = manualroute
  domains = {way.domain}
  transport = remote_{way.tls.value}
  route_list = * {way.smart_host}
  no_more
"""
_TRANSPORT = """\
remote_{level}:
  driver = smtp
  port = ${{lookup{{$domain}}lsearch{{{home}/etc/ports}}{{$value}}{{25}}}}
  connect_timeout = 15s
  command_timeout = 20s
  hosts_try_fastopen =
  connection_max_messages = 1
{client}{tls}
"""
#: TLS options of the transport for each strictness. Exim checks the host's name from MX; that the certificate is the mail domain's,
#: which Postfix calls `secure`, is asked of each certificate as it is verified (specification, "Events": tls:cert).
_CHAIN = "  tls_verify_certificates = {home}/etc/ca.pem\n  tls_verify_hosts = *\n  hosts_require_tls = *\n"
_NO_CHECK = "  tls_verify_certificates =\n  tls_try_verify_hosts =\n"
_OF_DOMAIN = """\
  tls_verify_cert_hostnames =
  event_action = ${{if and{{{{eq{{$event_name}}{{tls:cert}}}}{{eq{{$event_data}}{{0}}}}}}{{\\
    ${{if match{{${{certextract{{subj_altname,dns,>:}}{{$tls_out_peercert}}}}}}\\
      {{${{lookup{{$domain}}lsearch{{{home}/etc/names}}{{$value}}{{(?i)(^|:)([^:]*[.])?${{rxquote:$domain}}(:|\\N$\\N)}}}}}}\\
      {{}}{{certificate name mismatch: none of its names is expected of $domain}}}}}}}}
"""
_LEVELS = {
    MtaTls.MAY: _NO_CHECK + "  hosts_try_dane =\n",
    MtaTls.ENCRYPT: _NO_CHECK + "  hosts_try_dane =\n  hosts_require_tls = *\n",
    MtaTls.VERIFY: _CHAIN + "  hosts_try_dane =\n  tls_verify_cert_hostnames = *\n",
    MtaTls.SECURE: _CHAIN + "  hosts_try_dane =\n" + _OF_DOMAIN,
    MtaTls.DANE: _NO_CHECK + "  hosts_try_dane = *\n",
}


class EximHost(ForeignHost):
    """See `lab.hosts.foreign.ForeignHost`."""

    holds_new = True  # else a host that has failed once would not be tried for a new message (specification, "Retry")

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
        certificate, client = "tls_advertise_hosts =", ""
        if stance.own is not None:
            certificate = f"tls_advertise_hosts = *\n{_write_key('own', stance.own)}"
        if stance.client is not None:
            client = _write_key("client", stance.client, "  ")
        boxes = "".join(f"{box}: {self.mail_folder / box}\n" for box in stance.mailboxes)
        (_ETC / "mailboxes").write_text(boxes, encoding="utf-8")
        (_ETC / "ca.pem").write_bytes(self.mint.ca_pem)
        tables = {
            "levels": {way.domain: way.tls.value for way in stance.ways},
            "ports": {way.domain: str(way.port) for way in stance.ways},
            "names": {way.domain: _names(way.match) for way in stance.ways if way.match},
            "aliases": stance.aliases,
        }  # fmt: skip
        for table, rows in tables.items():
            (_ETC / table).write_text("".join(f"{key}: {value}\n" for key, value in rows.items()), encoding="utf-8")
        text = _MAIN.format(
            home=HOME, name=stance.name, domains=" : ".join(stance.domains), certificate=certificate, level=stance.tls.value,
            smart_hosts="".join(_SMART_HOST.format(number=n, way=way) for n, way in enumerate(stance.ways) if way.smart_host),
            transports="".join(
                _TRANSPORT.format(home=HOME, level=level.value, client=client, tls=_LEVELS[level].format(home=HOME))
                for level in sorted(stance.levels)
            ),
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

    async def try_now(self, ids: list[str]) -> None:
        await self.run(_EXIM, "-M", *ids, must=False)  # it ends with 1 where one is deferred

    async def give_up(self, ids: list[str]) -> None:
        await self.run(_EXIM, "-Mg", *ids)

    async def under_way(self) -> bool:
        waiting = int((await self.run(_EXIM, "-bpc")).strip() or 0)
        deferred = sum(1 for message in self.messages if message.outcome is not None and message.next_try is not None)
        return waiting > deferred


def _write_key(name: str, credential: Credential, indent: str = "") -> str:
    """Write key and chain for Exim's own user, and return the options that name them."""
    for ending, pem in (("key", credential.key_pem), ("pem", credential.chain_pem)):
        path = _ETC / f"{name}.{ending}"
        path.touch(mode=0o600)
        path.write_bytes(pem)
        shutil.chown(path, "Debian-exim", "Debian-exim")
    return f"{indent}tls_certificate = {_ETC}/{name}.pem\n{indent}tls_privatekey = {_ETC}/{name}.key\n"


def _names(match: tuple[str, ...]) -> str:
    """Return a pattern that finds one of the expected names among those of a certificate, as the event has them: `a.test:b.test`."""
    wanted = "|".join(("[^:]+" if one.startswith(".") else "") + re.escape(one) for one in match)
    return f"(?i)(^|:)({wanted})(:|$)"
