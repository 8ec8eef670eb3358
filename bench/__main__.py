"""`make bench`: every bench that is here, one after the other. Leaves with 1 where a limit is not kept."""

from __future__ import annotations

import importlib
import importlib.util
import sys

#: What there is to measure; each has `main() -> int`, 0 where all limits are kept.
BENCHES = ("scenario", "receiver", "relay")


def main(wanted: list[str]) -> int:
    """Run the benches named, all by default."""
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"there is no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    worst = 0
    for name in wanted or BENCHES:
        if importlib.util.find_spec(f"bench.{name}") is None:
            print(f"== {name}: not here yet\n")
            continue
        print(f"== {name}", flush=True)
        worst = max(worst, int(importlib.import_module(f"bench.{name}").main() or 0))
        print()
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
