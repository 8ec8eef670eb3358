"""Postfix in the place of a mail host. What is set and why: facts/docker section 5, TLS_README, postconf(5)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import ClassVar

from lab.hosts.foreign import HOME, ForeignHost
from lab.hosts.host import Surroundings
from lab.internet.mta_log import PostfixLog
from lab.sending.implementation import MtaTls

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
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
virtual_minimum_uid = 1
transport_maps = texthash:{home}/etc/transport
smtputf8_enable = yes
local_header_rewrite_clients =
smtp_tls_loglevel = 1
smtp_tls_CAfile = {home}/etc/ca.pem
smtp_tls_security_level = {level}
smtp_tls_policy_maps = texthash:{home}/etc/tls_policy
smtp_tls_session_cache_database =
smtp_connection_cache_on_demand = no
smtp_dns_support_level = {dns}
smtp_connect_timeout = 15s
smtp_helo_timeout = 15s
smtp_data_done_timeout = 30s
notify_classes =
# it tries when the lab says, and not before
queue_run_delay = 3000s
minimal_backoff_time = 3000s
maximal_backoff_time = 3000s
"""
#: DANE needs answers that were validated, and mandatory TLS is for those with a policy.
_LEVELS = {MtaTls.DANE: "dane", MtaTls.MTA_STS: "may"}


class PostfixHost(ForeignHost):
    """See `lab.hosts.foreign.ForeignHost`."""

    environment: ClassVar = {"MAIL_CONFIG": str(_ETC)}

    def __init__(self, surroundings: Surroundings, role: str) -> None:
        super().__init__(surroundings, role, PostfixLog())

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
            dns="dnssec" if stance.tls is MtaTls.DANE else "enabled",
        )  # fmt: skip
        if stance.credential is not None:
            pem = _ETC / "own.pem"
            pem.touch(mode=0o600)
            pem.write_bytes(stance.credential.key_pem + stance.credential.chain_pem)
            main += f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {pem}\n"
        (_ETC / "main.cf").write_text(main, encoding="utf-8")
        (_ETC / "master.cf").write_text(MASTER, encoding="utf-8")
        (_ETC / "ca.pem").write_bytes(self.mint.ca_pem)
        (_ETC / "mailboxes").write_text("".join(f"{box} {box}/\n" for box in stance.mailboxes), encoding="utf-8")
        ways = [(d.domain, f"[{d.endpoint.address}]:{d.endpoint.port}", d.match) for d in stance.detours]
        (_ETC / "transport").write_text("".join(f"{domain} smtp:{way}\n" for domain, way, _ in ways), encoding="utf-8")
        policy = "".join(
            f"{way} {main_level(stance.tls)} match={match}\n"
            for _, way, match in ways
            if stance.tls in (MtaTls.VERIFY, MtaTls.SECURE)
        )
        (_ETC / "tls_policy").write_text(policy, encoding="utf-8")

    async def start_mta(self) -> None:
        await self._end()
        await self.run("/usr/sbin/postfix", "start", daemon=True)
        await self.until_listening()

    async def _end(self) -> None:
        """End the instance of an earlier description, its queue and mail with it."""
        await self._stop_mta()
        for folder in (_QUEUE, self.mail_folder):
            shutil.rmtree(folder, ignore_errors=True)
        self.log_file.unlink(missing_ok=True)
        self.write_configuration()

    async def stop(self) -> None:
        await super().stop()
        await self._stop_mta()

    async def _stop_mta(self) -> None:
        if (_QUEUE / "pid" / "master.pid").exists():  # it stays when Postfix has stopped: stopping may be in vain
            await self.run("/usr/sbin/postfix", "abort", must=False)

    async def reload(self) -> None:
        # live smtp processes keep the CA file that they have read (facts/docker 5): reload ends them
        await self.run("/usr/sbin/postfix", "reload")

    async def flush(self) -> None:
        await self.run("/usr/sbin/postqueue", "-f")

    async def under_way(self) -> bool:
        entries = [json.loads(line) for line in (await self.run("/usr/sbin/postqueue", "-j")).splitlines()]
        return any(entry["queue_name"] not in ("deferred", "hold") for entry in entries)


def main_level(tls: MtaTls) -> str:
    """Return a level that takes a match: `verify` and `secure` differ only in where the name comes from."""
    return "secure" if tls is MtaTls.SECURE else "verify"
