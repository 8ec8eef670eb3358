"""`make bench`: every bench that is here, one after the other. Leaves with 1 where a limit is not kept."""

from __future__ import annotations

import importlib
import sys

#: What there is to measure; each has `main() -> bool`, true where all limits are kept.
BENCHES = ("scenario", "receiver", "relay", "check", "live", "docker")


def main(wanted: list[str]) -> int:
    """Run the benches named, all by default."""
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"there is no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    kept = True
    for name in wanted or BENCHES:
        print(f"== {name}", flush=True)
        kept &= bool(importlib.import_module(f"bench.{name}").main())
        print()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
