"""Every behaviour of the quick dataclasses is held against that of the standard library's, of the same fields."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from lab.data import dataclass as quick

_MAKERS = (dataclasses.dataclass, quick)


def _point(make: Any, **options: bool) -> type[Any]:
    @make(**options)
    class Point:
        """Where."""

        x: int
        y: int = 2
        names: list[str] = field(default_factory=list)
        secret: str = field(default="s", repr=False, compare=False)
        kind: ClassVar[str] = "point"

    return Point


def _keyed(make: Any, **options: bool) -> type[Any]:
    @make(**options, kw_only=True)
    class Keyed:
        a: int
        b: int = 3

    return Keyed


def _below(make: Any, **options: bool) -> type[Any]:
    @make(**options)
    class Above:
        a: int = 1

    @make(**options)
    class Below(Above):
        b: int = 2

    return Below


def _with_own_equality(make: Any, **options: bool) -> type[Any]:
    @make(**options)
    class Own:  # noqa: PLW1641  (what becomes of its hash is the question)
        a: int
        b: int = 0

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.a == other.a

        def __repr__(self) -> str:
            return "own"

    return Own


def _that_does_more(make: Any, **options: bool) -> type[Any]:
    @make(**options)
    class More:
        a: int
        twice: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.a)

    return More


def _empty(make: Any, **options: bool) -> type[Any]:
    @make(**options)
    class Empty:
        """Nothing."""

    return Empty


_CLASSES = (_point, _keyed, _below, _with_own_equality, _that_does_more, _empty)
_OPTIONS: tuple[dict[str, bool], ...] = (
    {"frozen": True, "slots": True},
    {"slots": True},
    {"frozen": True},
    {},
    {"frozen": True, "eq": False},
)
_CALLS: tuple[Callable[[type[Any]], Any], ...] = (
    lambda c: c(),
    lambda c: c(1),
    lambda c: c(a=1),
    lambda c: c(1, 5),
    lambda c: c(1, y=5, names=["n"]),
    lambda c: c(1, x=1),
    lambda c: c(a=1, b=9),
    lambda c: c(1, 2, 3, 4, 5, 6),
    lambda c: c(1, other=2),
)
_LOOKS: tuple[Callable[[Any], Any], ...] = (
    repr,
    asdict,
    astuple,
    lambda one: [(each.name, each.type, each.kw_only) for each in fields(one)],
    lambda one: one == copy.copy(one),
    lambda one: one == copy.deepcopy(one),
    lambda one: one == 1,
    lambda one: one != replace(one),
    lambda one: hash(one) == hash(copy.copy(one)),
    lambda one: hash(one) is None,
    lambda one: replace(one, a=7),
    lambda one: replace(one, nothing=7),
    lambda one: setattr(one, fields(one)[0].name, 7),
    lambda one: delattr(one, fields(one)[0].name),
    lambda one: (type(one).__match_args__, getattr(type(one), "__slots__", None)),
    lambda one: is_dataclass(one) and not is_dataclass(int),
    lambda one: one.names is replace(one, names=[]).names,
)


def _outcome(work: Callable[..., Any], *values: Any) -> str:
    """What came of it, or the error in its own words."""
    try:
        return repr(work(*values))
    except (TypeError, AttributeError, IndexError) as error:
        return f"{type(error).__name__}: {error}"


def _story(make: Any, build: Callable[..., type[Any]], options: dict[str, bool]) -> Iterator[str]:
    """All that can be seen of a class: twice over, since what is called often is not what was called first."""
    cls = build(make, **options)
    for _ in range(12):
        for call in _CALLS:
            yield _outcome(call, cls)
    made = next((one for call in _CALLS if (one := _made(call, cls)) is not None), None)
    if made is not None:
        for look in _LOOKS:
            yield _outcome(look, made)


def _made(call: Callable[[type[Any]], Any], cls: type[Any]) -> Any:
    try:
        return call(cls)
    except TypeError:
        return None


@pytest.mark.parametrize("options", _OPTIONS, ids=lambda options: "-".join(options) or "plain")
@pytest.mark.parametrize("build", _CLASSES, ids=lambda build: build.__name__.strip("_"))
def test_it_is_what_the_standard_library_makes(build: Callable[..., type[Any]], options: dict[str, bool]) -> None:
    theirs, ours = (list(_story(make, build, options)) for make in _MAKERS)
    assert ours == theirs


@quick(frozen=True, slots=True)
class Kept:
    """One that goes to another process."""

    a: int
    b: tuple[int, ...] = ()


@pytest.mark.parametrize(("above", "below"), [(quick, quick), (quick, dataclasses.dataclass), (dataclasses.dataclass, quick)])
def test_either_may_be_built_on_the_other(above: Any, below: Any) -> None:
    """All frozen or none, as the standard library wants it."""

    @above(frozen=True, slots=True)
    class Above:
        a: int = 1

    @below(frozen=True, slots=True)
    class Below(Above):
        b: int = 2

    make: Any = Below
    assert make(1, 3) == make(1, 3) != make(1, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        make(1).a = 2
    with pytest.raises(TypeError, match="cannot inherit non-frozen"):

        @below
        class Thawed(Above):
            c: int = 3


def test_it_travels() -> None:
    assert pickle.loads(pickle.dumps(Kept(1, (2, 3)))) == Kept(1, (2, 3))


def test_it_is_quick_to_define() -> None:
    """What it is for: no function is written before it is called, and a constructor only when it is called often."""
    written: list[str] = []
    cls = _point(quick, frozen=True, slots=True)

    def constructor() -> str:
        return str(vars(cls)["__init__"].__qualname__)

    for number in range(20):
        assert cls(number) == cls(number)
        written.append(constructor())
    assert written[0].startswith("_constructor")
    assert written[-1].endswith("Point.__init__")
