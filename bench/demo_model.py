"""The model the demo city is scored with, `seed/models/demo`: learned from another invented city, a larger one.

``python -m bench.demo_model`` makes it anew (some three minutes); with ``--check`` it only compares with what is
shipped and fails where a byte differs. Everything in it is synthetic. Make it anew when an item the model reads, the
size or industry table, the city's program or the way models are trained has changed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from seed.city import plan_city, write_deliveries
from service.clock import utc_now
from service.learning.training_plans import training_plan
from service.office import opened
from service.registry.bundle import ModelBundle
from service.usecases.run_demo import DEMO_MODEL, Delivered, DemoPlan, run_demo
from service.usecases.train_model import train_model

#: Another city than the one `rongqiao demo` draws by itself, and large enough for 20 defaults a cohort many times over.
CITY = DemoPlan(firms=15_000, as_of=date(2024, 10, 31), seed=11)
_PLAN = "pd_12m"


def make_demo_model(home: Path) -> ModelBundle:
    """Draw, deliver and build the city in ``home`` (or find it there), and train the model on it."""

    def write(plan: DemoPlan, folder: Path, progress: Callable[[int, int], None]) -> Sequence[Delivered]:
        return write_deliveries(plan_city(plan.firms, plan.as_of, seed=plan.seed), folder, progress)

    with opened(home) as office:
        run_demo(office, CITY, write)
        bundle = train_model(office, training_plan(_PLAN), utc_now()).bundle
    made = {
        "command": "python -m bench.demo_model",
        "firms": CITY.firms,
        "city_seed": CITY.seed,
        "as_of": str(CITY.as_of),
    }
    return replace(bundle, card={**bundle.card, "made_by": made})


def differing(bundle: ModelBundle, folder: Path, scratch: Path) -> list[str]:
    """Names of the files of ``bundle`` that ``folder`` does not hold byte by byte."""
    bundle.write(scratch)
    names = sorted({path.name for path in (*scratch.iterdir(), *folder.iterdir())})
    return [name for name in names if _bytes(scratch / name) != _bytes(folder / name)]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="compare with what is shipped, write nothing")
    arguments.add_argument("--home", type=Path, help="keep the city in this folder; default: a temporary one")
    asked = arguments.parse_args()
    with TemporaryDirectory() as scratch:
        bundle = make_demo_model(asked.home or Path(scratch) / "home")
        if asked.check:
            changed = differing(bundle, DEMO_MODEL, Path(scratch) / "made")
            sys.stdout.write(f"differs: {', '.join(changed)}\n" if changed else f"{bundle.id}: as shipped\n")
            return 1 if changed else 0
        shutil.rmtree(DEMO_MODEL, ignore_errors=True)
        bundle.write(DEMO_MODEL)
    sys.stdout.write(f"{bundle.id}: {DEMO_MODEL}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
