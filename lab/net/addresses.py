"""An address on loopback for each host."""

from __future__ import annotations

import socket

ADDRESSES = {
    "exchange": "127.25.0.10",
    "appliance": "127.25.0.20",
    "online": "127.25.0.30",
    "internet": "127.25.0.40",
    "dns": "127.25.0.53",
}


def own_addresses() -> dict[str, str]:
    """Return an address for each host: its own where the system has all of 127.0.0.0/8 (Linux), else 127.0.0.1 for all."""
    try:
        with socket.create_server((ADDRESSES["exchange"], 0)):
            return dict(ADDRESSES)
    except OSError:
        return dict.fromkeys(ADDRESSES, "127.0.0.1")
