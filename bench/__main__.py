"""``python -m bench [name …]``: runs the named measurements, all of them without a name, and prints ratios.

A measurement is a module of this folder with ``run() -> list[Claim]``. Sentences go to ``docs/measured.json`` by
the measurement's name, where `docs/acceptance.md` takes them from.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bench
from bench.ratios import Claim, show

MEASURED = Path(__file__).parent.parent / "docs" / "measured.json"


def measurements() -> dict[str, Callable[[], list[Claim]]]:
    """Every module here that has ``run``."""
    found = {}
    for module in pkgutil.iter_modules(bench.__path__):
        if not module.name.startswith("_"):
            run = getattr(importlib.import_module(f"bench.{module.name}"), "run", None)
            if run:
                found[module.name] = run
    return found


def main(names: list[str]) -> int:
    """Runs and counts missed aims; 2 for an unknown name, else 0: a busy machine misses aims without any fault."""
    known = measurements()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"No such measurement: {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    missed = 0
    for name in names or known:
        print(f"{name}: {sys.modules[f'bench.{name}'].__doc__}".splitlines()[0], flush=True)
        start = time.perf_counter()
        claims = known[name]()
        show(claims)
        print(f"  ({time.perf_counter() - start:.0f} s)\n", flush=True)
        missed += sum(claim.verdict == "missed" for claim in claims)
        measured[name] = "; ".join(claim.sentence for claim in claims)
    MEASURED.write_text(json.dumps(measured, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{missed} aims missed" if missed else "every aim reached")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
