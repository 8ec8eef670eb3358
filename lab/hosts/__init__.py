"""Hosts: each ties a persona to the network. `start`, `apply`, `stop`; no wording and no judgement of their own."""
