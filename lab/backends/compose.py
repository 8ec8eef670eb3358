"""Compose files of the hybrid, made of the same layout as `--backend docker`: `python -m lab.backends.compose compose` writes them.

They keep to what docker-compose 1.29 and `docker compose` 2 both take (facts/docker section 4): version 3.8, no `name`, no
`include`, lists for `depends_on`, so that hosts wait for their description themselves.
"""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

from lab.backends import compose_classroom
from lab.backends.containers_plan import plan, split
from lab.hosts.description import port_of
from lab.hosts.roles import ROLES
from lab.net.addresses import ADDRESSES
from lab.network.ways import NETWORKS

#: The file, the scenario that it plays, and which real MTA is on the internet and on the premises, and how strict.
FILES = {
    "hybrid.yaml": ("appliance-resigns-tls", "emulated", ""),
    "postfix.yaml": ("appliance-resigns-tls", "postfix", "verify"),
    "exim.yaml": ("appliance-resigns-tls", "exim", "verify"),
}
_BLOCK = ipaddress.IPv4Network("10.77.0.0/22")
_DOORS = {"appliance": 2525, "exchange": 2526, "online": 2527, "internet": 2528, "dns": 5300, "sts": 2529}

_HEAD = """\
# Made by `python -m lab.backends.compose compose`; a test fails when it does not say what the topology says. README.md beside it
# tells what to try. Needs the images of `make image`{images}. Set SCENARIO, FIX, LAB_NET and the ports as you like.
version: "3.8"

x-hardened: &hardened
  image: ${{SMTPLAB_IMAGE:-smtplab/host:local}}
  init: true
  read_only: true
  user: "10001:10001"
  cap_drop: ["ALL"]
  security_opt: ["no-new-privileges:true"]
  stop_grace_period: 2s
  labels: {{org.smtplab.compose: {name}}}

services:
  mint: # makes all certificates, hands each host its own, and ends
    <<: *hardened
    command: ["describe", "${{SCENARIO:-{scenario}}}", "--out", "/lab", "--subnet", "${{LAB_NET:-10.77}}.0.0/22",
      "--play", "--fix", "${{FIX:-}}"{more}]
    network_mode: none
    volumes:
      - {{type: tmpfs, target: /tmp}}
      - {{type: volume, source: lab, target: /lab}}
"""
_MTA = """\
    image: ${{SMTPLAB_{upper}_IMAGE:-smtplab/{program}:local}}
    user: "0:0" # it begins as root and gives that up by itself
    cap_add: ["SETUID", "SETGID", "DAC_OVERRIDE", "CHOWN", "FOWNER", "KILL"]
    dns_opt: ["timeout:1", "attempts:2", "trust-ad"] # DANE hangs on the resolver's word
"""
#: Whose places a real MTA takes.
_REAL = ("internet", "exchange")


def compose(name: str) -> str:
    """Return the text of one of the files."""
    scenario, program, tls = FILES[name]
    laid = plan(split(_BLOCK), ROLES)
    more = f', "--internet", "{program}", "--exchange", "{program}", "--tls", "${{TLS:-{tls}}}"' if tls else ""
    text = _HEAD.format(
        name=name.removesuffix(".yaml"), scenario=scenario, more=more, images=" and `make image-mtas`" if tls else ""
    )
    for role, legs in laid.legs.items():
        text += f"\n  {role}:\n    <<: *hardened\n"
        if role in _REAL and tls:
            text += _MTA.format(upper=program.upper(), program=program)
        dns = _relative(laid.legs["dns"][next(iter(legs))])
        text += f'    command: ["host", "{role}", "--description", "/lab/{role}/{role}.json", "--wait", "60"]\n'
        text += (
            f"    hostname: {role}\n    depends_on: [mint]\n    dns: [{dns}]\n    volumes:\n      - {{type: tmpfs, target: /tmp}}\n"
        )
        text += "      - {type: tmpfs, target: /run}\n" if role in _REAL and tls else ""
        text += f"      - {{type: volume, source: lab_{role}, target: /lab/{role}, read_only: true}}\n    networks:\n"
        text += "".join(f"      {network}: {{ipv4_address: {_relative(address)}}}\n" for network, address in legs.items())
        text += "      doors: {}\n"
        inner = port_of(role)
        door = f"127.0.0.1:${{{role.upper()}_PORT:-{_DOORS[role]}}}:{inner}"
        kinds = ("", "/udp") if role == "dns" else ("",)
        text += "    ports: [" + ", ".join(f'"{door}{kind}"' for kind in kinds) + "]\n"
    text += "\nnetworks:\n"
    for network in NETWORKS:
        text += f"  {network}: {{internal: true, ipam: {{config: [{{subnet: {_relative(str(laid.subnets[network]))}}}]}}}}\n"
    text += """\
  doors: # for ports on 127.0.0.1 only: hosts do not see each other here, and no answer comes from outside
    driver_opts:
      com.docker.network.bridge.enable_icc: "false"
      com.docker.network.bridge.enable_ip_masquerade: "false"
      com.docker.network.bridge.host_binding_ipv4: 127.0.0.1

volumes:
  lab: {}
"""
    mounts = "".join(f"      - {{type: volume, source: lab_{role}, target: /lab/{role}}}\n" for role in ROLES)
    text = text.replace(
        "      - {type: volume, source: lab, target: /lab}\n", "      - {type: volume, source: lab, target: /lab}\n" + mounts
    )
    return text + "".join(f"  lab_{role}: {{}}\n" for role in ROLES)


def _relative(address: str) -> str:
    """Write an address with LAB_NET in the place of its first two parts."""
    return '"${LAB_NET:-10.77}.' + ".".join(address.split(".")[2:]) + '"'


if __name__ == "__main__":
    assert set(ROLES) <= set(ADDRESSES)
    for file in FILES:
        (Path(sys.argv[1]) / file).write_text(compose(file), encoding="utf-8")
    (Path(sys.argv[1]) / compose_classroom.FILE).write_text(compose_classroom.classroom(compose_classroom.plan()), encoding="utf-8")
