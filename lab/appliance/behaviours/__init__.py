"""What the appliance can do to a session: one file a behaviour, and this list. To add one, copy a file and name it here."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, load
from lab.appliance.behaviours.passthrough import Passthrough
from lab.appliance.behaviours.resign import Resign
from lab.appliance.config import BehaviourSpec

#: Name in topology files, code and output -> class.
BEHAVIOURS: dict[str, type[Behaviour]] = {kind.name: kind for kind in (Passthrough, Resign)}


def load_behaviour(spec: BehaviourSpec) -> Behaviour:
    """Make a behaviour of its specification. Raises UserError that names the behaviour or setting that is wrong."""
    return load(spec, BEHAVIOURS)
