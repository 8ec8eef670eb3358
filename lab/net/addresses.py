"""An address on loopback for each host."""

from __future__ import annotations

import errno
import os
import socket

from lab.errors import CannotTest

ADDRESSES = {
    "exchange": "127.25.0.10",
    "appliance": "127.25.0.20",
    "online": "127.25.0.30",
    "internet": "127.25.0.40",
    "dns": "127.25.0.53",
    "sts": "127.25.0.60",
}


def own_addresses(place: int = 0) -> dict[str, str]:
    """Return an address for each host: its own where the system has all of 127.0.0.0/8 (Linux), else 127.0.0.1 for all.

    `place` (0 to 255) tells labs that run side by side apart: each has a network of its own, 127.25.PLACE.0/24.
    """
    try:
        with socket.create_server((ADDRESSES["exchange"], 0)):
            return {host: address.replace("127.25.0.", f"127.25.{place}.") for host, address in ADDRESSES.items()}
    except OSError:
        return dict.fromkeys(ADDRESSES, "127.0.0.1")


def cannot_listen(name: str, address: str, port: int, error: OSError, option: str = "") -> CannotTest:
    """Return what to raise where a listener cannot be had: whose it is, where, why in the system's words, and what to do,
    where there is one with an option for the port.
    """
    no_name = isinstance(error, socket.gaierror) or (error.errno or 0) < 0  # socket.create_server makes an OSError of it
    why = os.strerror(error.errno) if error.errno and not no_name else error.strerror or str(error)
    hint = f"choose another {f'with {option}' if option else 'port'}, or end what listens there"
    if no_name or error.errno == errno.EADDRNOTAVAIL:
        hint = "choose an address of this machine"
    elif error.errno == errno.EACCES:
        hint = "choose a port from 1024 on, or be root"
    return CannotTest(f"{name} cannot listen on {address}:{port}: {why.partition(' (while')[0]}", hint=hint)
