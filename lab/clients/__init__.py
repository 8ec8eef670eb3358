"""Adapters: programs that make one known mail client send the message on standard input. Run in processes of their own.

Each takes a policy or level, the host, the port and the CA file, and leaves with 0 when the receiver has taken the message. They import
nothing of smtplab, and nothing of smtplab imports them.
"""
