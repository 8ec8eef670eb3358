"""The network between the hosts as data: who shares which network, and what can be wrong with it. Pure.

What it does to mail is played by the backends: `lab.backends.embedded_network` in one process, `lab.backends.containers_network`
with the engine's and the kernel's own means.
"""
