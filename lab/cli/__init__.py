"""The command `smtplab`. One file for each command; no logic, only what is typed and what is shown.

Nothing is imported before it is needed: `smtplab --help` must be there in a quarter of a second.
"""
