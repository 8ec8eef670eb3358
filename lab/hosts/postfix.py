"""Postfix in the place of a mail host. What is set and why: facts/docker section 5, TLS_README, postconf(5)."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from lab.errors import CannotTest
from lab.hosts.foreign import HOME, ForeignHost
from lab.hosts.host import Surroundings
from lab.hosts.stance import Stance, Way
from lab.internet.mta_log import PostfixLog
from lab.sending.implementation import MtaTls
from lab.tls.certificate import Credential

_STS_PORT = 8461
_STS_MAP = f"socketmap:inet:127.0.0.1:{_STS_PORT}:postfix"
_ETC, _QUEUE, _DATA = HOME / "etc", HOME / "queue", HOME / "data"
_USER = 101  # any that is not root's: virtual(8) refuses to deliver as root

#: The services that a sender and receiver needs, none of them in a chroot: one has no resolv.conf (facts/docker 5).
MASTER = """\
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file_prefixes = {home}
maillog_file = {home}/mail.log
myhostname = {name}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = all
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = texthash:{home}/etc/mailboxes
virtual_alias_maps = texthash:{home}/etc/aliases
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
virtual_minimum_uid = 1
transport_maps = texthash:{home}/etc/transport
smtputf8_enable = yes
local_header_rewrite_clients =
smtp_tls_loglevel = 1
smtp_tls_CAfile = {home}/etc/ca.pem
smtp_tls_security_level = {level}
smtp_tls_policy_maps = {policies}
smtp_tls_session_cache_database =
smtp_connection_cache_on_demand = no
smtp_dns_support_level = {dns}
smtp_connect_timeout = 15s
smtp_helo_timeout = 15s
smtp_data_done_timeout = 30s
notify_classes =
# it tries when the lab says, and not before; but no failure keeps it from trying another message
default_destination_concurrency_failed_cohort_limit = 0
queue_run_delay = 3000s
minimal_backoff_time = 3000s
maximal_backoff_time = 3000s
"""
#: MTA-STS is opportunistic but for domains with a policy, which postfix-mta-sts-resolver is asked for at each delivery.
_LEVELS = {MtaTls.DANE: "dane", MtaTls.MTA_STS: "may"}


#: No grace: the record is looked at with each delivery, as RFC 8461 section 3.3 allows, so that changes are seen when they are made.
_STS = f"""\
host: 127.0.0.1
port: {_STS_PORT}
cache_grace: 0
cache: {{type: internal, options: {{cache_size: 100}}}}
default_zone: {{strict_testing: false, timeout: 4}}
"""
_STS_CONFIG, _STS_LOG = _ETC / "mta-sts.yml", HOME / "mta-sts.log"


class PostfixHost(ForeignHost):
    """See `lab.hosts.foreign.ForeignHost`."""

    environment: ClassVar = {"MAIL_CONFIG": str(_ETC)}

    def __init__(self, surroundings: Surroundings, role: str) -> None:
        super().__init__(surroundings, role, PostfixLog())
        self._policies: asyncio.subprocess.Process | None = None
        self._policies_read = 0

    @property
    def log_file(self) -> Path:
        return HOME / "mail.log"

    def write_configuration(self) -> None:
        stance = self.stance
        for folder in (_ETC, _QUEUE, _DATA, self.mail_folder):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.chown(_DATA, "postfix")
        shutil.chown(self.mail_folder, _USER, _USER)
        main = _MAIN.format(
            home=HOME, name=stance.name, domains=" ".join(stance.domains), user=_USER, level=_LEVELS.get(stance.tls, stance.tls.value),
            dns="dnssec" if MtaTls.DANE in stance.levels else "enabled",
            policies=", ".join([f"texthash:{_ETC}/tls_policy", *([_STS_MAP] if MtaTls.MTA_STS in stance.levels else [])]),
        )  # fmt: skip
        if stance.own is not None:
            main += f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {_write_key('own.pem', stance.own)}\n"
        if stance.client is not None:
            main += f"smtp_tls_chain_files = {_write_key('client.pem', stance.client)}\n"
        (_ETC / "main.cf").write_text(main, encoding="utf-8")
        (_ETC / "master.cf").write_text(MASTER + "".join(map(service, sorted(_own_ports(stance)))), encoding="utf-8")
        (_ETC / "ca.pem").write_bytes(self.mint.ca_pem)
        (_ETC / "mailboxes").write_text("".join(f"{box} {box}/\n" for box in stance.mailboxes), encoding="utf-8")
        (_ETC / "aliases").write_text("".join(f"{one} {other}\n" for one, other in stance.aliases.items()), encoding="utf-8")
        (_ETC / "transport").write_text("".join(map(transport_line, stance.ways)), encoding="utf-8")
        own = [way for way in stance.ways if way.tls is not MtaTls.MTA_STS]
        (_ETC / "tls_policy").write_text("".join(map(policy_line, own)), encoding="utf-8")

    async def start_mta(self) -> None:
        """Start Postfix, or take over the one that an earlier description has left running, without its queue and mail."""
        _STS_LOG.unlink(missing_ok=True)
        if self._master() is None:
            await self._mind_policies()
            await self.run("/usr/sbin/postfix", "start", daemon=True)
            await self.until_listening()
            return
        await self.run("/usr/sbin/postsuper", "-d", "ALL")
        for mailbox in self.mail_folder.iterdir():
            shutil.rmtree(mailbox)
        await self.reload()
        self.skip_log()

    async def stop(self) -> None:
        """Postfix itself stays for the next description, and ends with the container: its start takes seconds."""
        await super().stop()
        await self._forget_policies()

    @staticmethod
    def _master() -> int | None:
        """Return the number of the master process; None where none runs."""
        try:
            number = int((_QUEUE / "pid" / "master.pid").read_text(encoding="ascii"))
            os.kill(number, 0)
        except (OSError, ValueError):
            return None
        return number

    async def reload(self) -> None:
        """Let every process be a new one: those that live keep the CA file that they have read (facts/docker 5)."""
        await self._mind_policies()
        number = self._master()
        if number is None:
            raise CannotTest(f"Postfix of {self.name} has ended", hint=self.log_text[-500:])
        before = _senders(number)
        os.kill(number, signal.SIGHUP)  # as `postfix reload` does, behind a second of checks
        await self.until(lambda: not before & _senders(number), "does not reload")

    # --- MTA-STS ------------------------------------------------------------------------------------------------------

    async def _mind_policies(self) -> None:
        """Have postfix-mta-sts-resolver run where policies are kept. What it knows of them lasts as long as Postfix's queue does."""
        if MtaTls.MTA_STS not in self.stance.levels or self._policies is not None:
            return
        _STS_CONFIG.write_text(_STS, encoding="ascii")
        # it trusts the lab's public root as a web client, is its package's user, and knows nothing of ours: not even uvloop
        command = ("/usr/bin/mta-sts-daemon", "--disable-uvloop", "-c", str(_STS_CONFIG))
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "SSL_CERT_FILE": str(_ETC / "ca.pem")}
        try:
            with _STS_LOG.open("ab") as log:
                self._policies = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=environment, user="_mta-sts",
                    group="nogroup", extra_groups=[],
                )  # fmt: skip
        except (OSError, ValueError, KeyError) as error:
            raise CannotTest(f"{self.name} has no MTA-STS resolver: {error}", hint="make image-mtas") from None
        await self.until_listening(_STS_PORT)

    async def _forget_policies(self) -> None:
        process, self._policies = self._policies, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def beside_log(self) -> list[str]:
        if not _STS_LOG.exists():
            return []
        with _STS_LOG.open("rb") as file:
            file.seek(self._policies_read)
            data = file.read()
        self._policies_read += len(data)
        lines = data.decode("utf-8", "replace").splitlines()
        return [f"postfix-mta-sts-resolver: {line}" for line in lines if " INFO " not in line]

    async def try_now(self, ids: list[str]) -> None:
        for one in ids:
            await self.run("/usr/sbin/postqueue", "-i", one)

    async def give_up(self, ids: list[str]) -> None:
        for one in ids:
            await self.run("/usr/sbin/postsuper", "-e", one)
        await self.try_now(ids)

    async def under_way(self) -> bool:
        entries = [json.loads(line) for line in (await self.run("/usr/sbin/postqueue", "-j")).splitlines()]
        return any(entry["queue_name"] not in ("deferred", "hold") for entry in entries)


def _senders(master: int) -> set[int]:
    """Return the numbers of a master's processes that have to do with sending: queue manager and delivery agents."""
    found = set()
    for path in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            name, _, rest = (path / "stat").read_text(encoding="ascii").partition("(")[2].rpartition(") ")
            if name in ("qmgr", "smtp") and int(rest.split()[1]) == master:
                found.add(int(path.name))
    return found


def next_hop(way: Way) -> str:
    """Return a way as transport(5) has it. A name without brackets is looked up as a mail domain, whatever the port."""
    return f"[{way.smart_host}]:{way.port}" if way.smart_host else f"{way.domain}:{way.port}"


def transport_line(way: Way) -> str:
    """Return the line of transport(5) for a way. Policies are asked for by the next hop as it stands there, and those of MTA-STS are
    domains', so that such a way has its port in a service of its own.
    """
    if way.tls is MtaTls.MTA_STS:
        return f"{way.domain} smtp-{way.port}:{way.domain}\n"
    return f"{way.domain} smtp:{next_hop(way)}\n"


def _own_ports(stance: Stance) -> set[int]:
    return {way.port for way in stance.ways if way.tls is MtaTls.MTA_STS}


def service(port: int) -> str:
    """Return the line of master(5) for a sender that connects to another port."""
    return f"smtp-{port} unix - - n - - smtp -o smtp_tcp_port={port}\n"


def policy_line(way: Way) -> str:
    """Return the line of TLS policies for a way: it is looked up by the next hop as it stands in transport(5)."""
    match = f" match={':'.join(way.match)}" if way.match else ""
    return f"{next_hop(way)} {_LEVELS.get(way.tls, way.tls.value)}{match}\n"


def _write_key(name: str, credential: Credential) -> Path:
    """Write key and chain for root alone: Postfix reads them before it becomes its own user."""
    path = _ETC / name
    path.touch(mode=0o600)
    path.write_bytes(credential.key_pem + credential.chain_pem)
    return path
