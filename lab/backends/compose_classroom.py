"""The compose file of a class, made of the same plan as `smtplab class up`: for `docker stack deploy`, and for compose on one engine.

It keeps to what both take (facts/docker section 4): version 3.8, ports in the long form, no addresses and no drivers of networks,
`endpoint_mode: dnsrr`, limits under `deploy`. Processes cannot be limited there.
"""

from __future__ import annotations

import ipaddress
import json

from lab.backends.classroom_plan import (
    INVITATION_OF_SWARM,
    PAGE_PORT,
    PROBE,
    PROBE_EVERY,
    STATE,
    USER,
    ClassPlan,
    students,
    subnets_in,
)
from lab.backends.classroom_swarm import ANYWHERE
from lab.backends.containers_engine import IMAGE

FILE, COUNT, INVITATIONS = "classroom.yaml", 20, "invitations"
_BLOCK = ipaddress.IPv4Network("10.78.0.0/16")

_HEAD = """\
# Made by `smtplab class files`; a test fails when the one in smtplab's own tree does not say what a class is. README.md beside it tells
# how to use it. Every address of a node takes the ports: that is what a swarm does, and what other machines need. Each lab is entered
# with the one-time secret of its user; what is in {invitations}/ are hashes of them.
version: "3.8"

x-lab: &lab
  image: ${{SMTPLAB_IMAGE:-{image}}}
  init: true
  read_only: true
  user: "{user}"
  cap_drop: ["ALL"]
  security_opt: ["no-new-privileges:true"]
  restart: unless-stopped
  stop_grace_period: 10s
  environment: {{XDG_STATE_HOME: {state}}}
  logging: {{driver: json-file, options: {{max-size: 1m}}}}
  healthcheck: {{test: {test}, interval: {every}s, timeout: 5s, retries: 3}}
  labels: {{org.smtplab.compose: classroom}}
  deploy:
    endpoint_mode: dnsrr
    resources: {{limits: {{cpus: "{cpus}", memory: {memory}M}}, reservations: {{memory: {reserved}M}}}}
    restart_policy: {{condition: any, delay: 1s}}
    update_config: {{parallelism: 1, order: stop-first, failure_action: rollback}}

services:
"""
_SERVICE = """\
  {user}:
    <<: *lab
    hostname: {user}
    command: {command}
    networks: [{user}]
    ports: [{{target: {page}, published: {port}, mode: host}}]
    secrets: [{{source: {user}, target: {invitation}}}]
    volumes: [{{type: tmpfs, target: /tmp, tmpfs: {{size: 16777216}}}}, {{type: volume, source: {user}, target: {state}}}]
"""


def plan(count: int = COUNT, *, scenario: str = "appliance-resigns-tls", port: int = 8801) -> ClassPlan:
    """Return the plan of a class that a file is for. Raises UserError."""
    return ClassPlan(
        name="class", scenario=scenario, students=students(count, subnets_in(_BLOCK), port), image=IMAGE, play=True, listen=ANYWHERE
    )  # fmt: skip


def classroom(of: ClassPlan) -> str:
    """Return the text of the file."""
    limits = of.limits
    text = _HEAD.format(
        image=of.image, user=USER, state=STATE, test=json.dumps(["CMD", "bash", "-c", PROBE.replace("$", "$$")]), every=PROBE_EVERY,
        cpus=limits.cpus, memory=limits.memory, reserved=limits.reserved, invitations=INVITATIONS,
    )  # fmt: skip
    for one in of.students:
        words = list(of.command(one, INVITATION_OF_SWARM))
        words[1] = f"${{SCENARIO:-{of.scenario}}}"
        text += _SERVICE.format(
            user=one.user, command=json.dumps(words), page=PAGE_PORT, port=one.port, invitation=INVITATION_OF_SWARM, state=STATE
        )
    text += "\nnetworks:\n"
    for one in of.students:
        relative = "${LAB_NET:-10.78}." + str(one.subnet).split(".", 2)[2]
        text += f'  {one.user}: {{ipam: {{config: [{{subnet: "{relative}"}}]}}}}\n'
    text += "\nvolumes:\n" + "".join(f"  {one.user}: {{}}\n" for one in of.students)
    return text + "\nsecrets:\n" + "".join(f"  {one.user}: {{file: ./{INVITATIONS}/{one.user}}}\n" for one in of.students)
