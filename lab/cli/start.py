"""Where the command `smtplab` begins, before anything is loaded that takes time.

Ctrl-C ends it as it ends any program until there is somebody to say so in words, and from the moment at which all is said: Python's own
answer would be a traceback out of whatever is being loaded, or taken down.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command and leave with its exit code."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored, as behind nohup, and stays so
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from lab.cli.main import outcome

    code = outcome(begun=_listen if ours else None)
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(code)


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
