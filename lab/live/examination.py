"""The examiner, turned on a host of the running lab: as `smtplab check` sees it from outside, with the lab's root and time."""

from __future__ import annotations

from lab.check.result import Target, TargetKind
from lab.check.setting import Setting
from lab.live.laboratory import LiveLab
from lab.live.views import NotThere
from lab.net.examiner import examine
from lab.net.exchangers import Names
from lab.report.check_detail import detail

_STEP = 10.0  # seconds that each step may take
HOSTS = ("appliance", "exchange", "online", "internet")


async def report(lab: LiveLab, host: str) -> str:
    """Examine a host and return the report at length. Raises NotThere for a host that takes no mail."""
    if host not in HOSTS:
        raise NotThere(f"there is no host {host!r} that takes mail", hint=f"hosts: {', '.join(HOSTS)}")
    place, name = lab.lab.endpoint(host), _name(lab, host)
    trust = lab.mint.trust()
    setting = Setting(trust=trust, moment=lab.clock.now(), sni=name, name=name, timeout=_STEP)
    target = Target(f"{name} at {place}", TargetKind.HOST, None, place.address, place.port)
    return "\n".join(detail(await examine(target, setting, Names()))) + "\n"


def _name(lab: LiveLab, host: str) -> str:
    """The name under which senders know a host: that of an MX where it is one."""
    dns = lab.backend.topology.dns
    exchangers = [str(target) for pairs in dns.mx.values() for _, target in pairs]
    names = [name for name, its in dns.hosts.items() if its == host]
    return next((name for name in names if name in exchangers), names[0] if names else host)
