"""The control API of a running lab and its page: HTTP on loopback and on a Unix socket. A face: what it does is in `lab.live`.

The web framework is at home here, and so is the client that the command line speaks with.
"""
