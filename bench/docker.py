"""The lab in containers against its limits: image, first packet, take-down, memory; and where the time goes."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import Any

from lab.backends import classroom
from lab.backends import containers_engine as calls
from lab.backends.classroom_engine import remove_class
from lab.backends.classroom_plan import ClassPlan, free_subnets, students
from lab.backends.containers import Containers
from lab.backends.containers_ground import Ground
from lab.errors import CannotTest, UserError
from lab.net.loop import run
from lab.runner import play
from lab.scenario.load import load_scenario, topology_of

LIMITS = {
    "image over its base, MB": 80.0, "first packet, s": 5.0, "take-down, s": 3.0, "memory of one idle lab, MB": 150.0,
    "memory of a student's lab, MB": 150.0,
}  # fmt: skip


def main() -> bool:
    """Measure, print, and return whether every limit is kept; where there is no engine or image that is said, and is no miss."""
    try:
        figures, parts = run(_measure())
    except UserError as error:
        print(f"containers: not measured: {error}" + (f" ({error.hint})" if error.hint else ""))
        return True
    kept = True
    for name, value in figures.items():
        good = value <= LIMITS[name]
        kept &= good
        print(f"containers: {name:32} {value:8.2f}  limit {LIMITS[name]:6.1f}  {'ok' if good else 'MISSED'}")
    print("containers: where the time goes, s:", ", ".join(f"{name} {value:.2f}" for name, value in parts.items()))
    return kept


async def _measure() -> tuple[dict[str, float], dict[str, float]]:
    loaded = load_scenario("appliance-resigns-tls")
    parts: dict[str, float] = {}
    began = time.perf_counter()
    ground = Ground()
    engine = ground.engine
    image = _image_over_base(engine, ground.image)
    try:
        began = time.perf_counter()
        await ground.start()
        parts["networks and containers"] = time.perf_counter() - began
        lab = Containers(topology_of(loaded.broken), ground)
        mark = time.perf_counter()
        await lab.start()
        parts["hosts listen"] = time.perf_counter() - mark
        mark = time.perf_counter()
        seen: list[float] = []
        lab.transcript.listen(lambda _: seen.append(time.perf_counter()))
        await play(lab)
        parts["eight flows"] = time.perf_counter() - mark
        first = seen[0] - began
        await asyncio.sleep(2)  # what play has touched settles
        memory = sum([await ground.call(_memory, engine, container) for container in ground.containers.values()])
    finally:
        mark = time.perf_counter()
        await ground.stop()
        parts["take-down"] = time.perf_counter() - mark
    figures = {
        "image over its base, MB": image, "first packet, s": first,
        "take-down, s": parts["take-down"], "memory of one idle lab, MB": memory, "memory of a student's lab, MB": _students_lab(ground.image),
    }  # fmt: skip
    return figures, parts


def _students_lab(image: str) -> float:
    """Return what the one lab of a class of one holds when it has played its flows and is idle."""
    engine = calls.connect()
    name = f"bench{os.getpid()}"
    port = random.randrange(20000, 30000)  # noqa: S311  (any)
    its = students(1, free_subnets(1, calls.taken_subnets(engine), random.Random()), port)  # noqa: S311
    plan = ClassPlan(name=name, scenario="appliance-resigns-tls", students=its, image=image, play=True)
    try:
        classroom.bring_up(engine, "docker", plan, {one.user: b"nobody" for one in its}, 120)
        held = classroom.memory(engine, name)
        if not held:
            raise CannotTest("the engine does not say what a container holds")
        return max(held.values())
    finally:
        remove_class(engine, name)
        engine.close()


def _image_over_base(engine: Any, name: str) -> float:
    calls.require_image(engine, name)
    details = engine.images.get(name).attrs
    base = (details["Config"]["Labels"] or {}).get("org.smtplab.base", "python:3.12-slim")
    return float(details["Size"] - engine.images.get(base).attrs["Size"]) / 1e6


def _memory(engine: Any, container: str) -> float:
    """Return what a container holds without the page cache, in MB: what `docker stats` shows."""
    stats = engine.api.stats(container, stream=False)["memory_stats"]
    if "stats" not in stats:
        raise CannotTest("the engine does not say what a container holds", hint="its cgroups were mounted after it began")
    cache = stats["stats"].get("total_inactive_file", stats["stats"].get("inactive_file", 0))
    return float(stats["usage"] - cache) / 1e6


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
