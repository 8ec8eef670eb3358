"""What somebody sees who has broken into a container: run inside it, and held against what there may be."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

NET_BIND_SERVICE = 1 << 10
#: CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID: what a real MTA becomes its own users with (capabilities(7) has the numbers).
MTA = NET_BIND_SERVICE | 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7
ENGINE_PORTS = (2375, 2376)
_PROBE = """
import json, os, pathlib, socket
status = pathlib.Path("/proc/self/status").read_text()
def can_write(path):
    try:
        pathlib.Path(path, "probe").write_text("x"); os.unlink(path + "/probe"); return True
    except OSError:
        return False
def asks(gateway, port):
    try:
        socket.create_connection((gateway, port), timeout=1).close(); return True
    except OSError:
        return False
def number(name):
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1], 16)
places = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock")
print(json.dumps({
    "uid": os.getuid(), "capabilities": number("CapEff"), "bounding": number("CapBnd"), "no_new_privileges": "NoNewPrivs:\\t1" in status,
    "writable": [p for p in ("/", "/etc", "/usr", "/root", "/home", "/tmp") if can_write(p)],
    "sockets": [p for p in places if os.path.exists(p)], "mounts": [line.split()[1] for line in open("/proc/mounts")],
    "environment": sorted(os.environ), "engine": [[g, p] for g in GATEWAYS for p in PORTS if asks(g, p)],
}))
"""


def look(engine: Any, container: str, gateways: Iterable[str], ports: Iterable[int] = ENGINE_PORTS) -> dict[str, Any]:
    """Return what a program in a container finds; `gateways` are the addresses of the machine that the engine runs on."""
    code = f"GATEWAYS, PORTS = {list(gateways)!r}, {list(ports)!r}\n{_PROBE}"
    done = engine.containers.get(container).exec_run(["python", "-c", code])
    return json.loads(done.output)  # type: ignore[no-any-return]  # the SDK's


def found(seen: dict[str, Any], details: dict[str, Any], *, real_mta: bool = False) -> list[str]:
    """Return what there may not be, by name; `details` is what the engine says of the container."""
    own = {"/", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts", *(["/run"] if real_mta else [])}
    theirs = ("/proc", "/sys", "/dev", "/tmp")
    wrong = {
        "user": seen["uid"] != (0 if real_mta else 10001),
        "capabilities": seen["bounding"] != (MTA if real_mta else NET_BIND_SERVICE)
        or (bool(seen["capabilities"]) and not real_mta),
        "new privileges": not seen["no_new_privileges"],
        "writable": seen["writable"] != ["/tmp"],
        "socket": bool(seen["sockets"]),
        "engine": bool(seen["engine"]),
        "environment": any("DOCKER" in key or "SMTPLAB" in key for key in seen["environment"]),
        "mounts": any(not one.startswith(theirs) and one not in own and not one.endswith("/docker-init") for one in seen["mounts"]),
        "volumes": bool(details["Mounts"]) or bool(details["HostConfig"]["Binds"]),
    }
    return [name for name, is_so in wrong.items() if is_so]
