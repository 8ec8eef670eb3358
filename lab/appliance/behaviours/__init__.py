"""What the appliance can do to a session: one file a behaviour, in folders by what it touches; the list is in `register.py`."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.behaviours.load import check_together, load_behaviour
from lab.appliance.behaviours.register import known_behaviours

__all__ = ["Behaviour", "check_together", "known_behaviours", "load_behaviour"]
