"""Dataclasses that cost little to define.

The standard library writes up to six functions of each dataclass as text and compiles them, which takes half a millisecond, and there
are three hundred of them, most of which a command defines and never uses, or makes one or two of. Here one function for all compares,
hashes and keeps frozen; what shows an object and what makes one are the standard library's, but written when they are first called,
and a constructor when it has been called a few times. To `fields`, `replace`, `asdict`, pickle and type checkers it is a dataclass
like any other.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import MISSING, Field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_PARAMETERS = "__dataclass_params__"
_FEW = 8  # calls of a constructor that are cheaper without writing one
_OPTIONS = ("default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")  # of a field


def _dataclass(
    cls: type[Any] | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True, kw_only: bool = False
) -> Any:
    """See `dataclasses.dataclass`, whose other options nothing here needs."""

    def define(cls: type[Any]) -> type[Any]:
        cls.__doc__ = cls.__doc__ or cls.__name__  # the standard library would look into the signature for one
        seen = frozen and any(map(dataclasses.is_dataclass, cls.__bases__))  # all of a family are frozen, or none
        made = dataclasses.dataclass(init=False, repr=False, eq=False, frozen=seen, slots=slots, kw_only=kw_only)(cls)
        for name, value in {"init": True, "repr": True, "eq": eq, "frozen": frozen}.items():
            setattr(getattr(made, _PARAMETERS), name, value)
        its = dataclasses.fields(made)
        methods: dict[str, Any] = {"__init__": _constructor(made, its, frozen), "__repr__": _written(made, "__repr__")}
        if eq:
            methods |= _comparing(its, frozen)
        if frozen:
            methods |= {"__setattr__": _not_set, "__delattr__": _not_deleted}
        if frozen and slots:
            methods |= {"__getstate__": _state, "__setstate__": _restore}
        own = vars(made)
        for name, method in methods.items():
            if own.get(name) is None:  # a class that defines __eq__ has None for __hash__ by itself
                setattr(made, name, method)
        return made

    return define if cls is None else define(cls)


def _constructor(cls: type[Any], its: tuple[Field[Any], ...], frozen: bool) -> Callable[..., None]:
    """Return what a constructor is until it has been called a few times, or is called wrongly, or does more than set fields."""
    written, calls = _written(cls, "__init__", frozen=frozen), itertools.count()
    positional = [one.name for one in its if one.init and not one.kw_only]
    plain = all(one.init for one in its) and not hasattr(cls, "__post_init__")

    def __init__(self: Any, /, *values: Any, **named: Any) -> Any:  # noqa: N807
        given = dict(zip(positional, values, strict=False)) | named
        if not plain or next(calls) >= _FEW or len(given) != len(values) + len(named):
            return written(self, *values, **named)
        made = [given.pop(one.name, one.default) for one in its]
        factories = [one.default_factory if value is MISSING else None for one, value in zip(its, made, strict=True)]
        if given or MISSING in factories:
            return written(self, *values, **named)
        for one, value, factory in zip(its, made, factories, strict=True):
            object.__setattr__(self, one.name, value if factory is None else factory())  # type: ignore[operator]
        return None

    return __init__


def _written(cls: type[Any], name: str, **options: bool) -> Callable[..., Any]:
    """Return what is replaced, when it is called, by the method that the standard library writes for a class of the same fields."""

    def method(self: Any, /, *values: Any, **named: Any) -> Any:
        its = dataclasses.fields(cls)
        space: dict[str, Any] = {one.name: dataclasses.field(**{key: getattr(one, key) for key in _OPTIONS}) for one in its}
        space |= {"__annotations__": {one.name: one.type for one in its}, "__module__": cls.__module__, "__doc__": cls.__doc__}
        if hasattr(cls, "__post_init__"):
            space["__post_init__"] = cls.__post_init__
        wanted = {"init": name == "__init__", "repr": name == "__repr__", "eq": False, **options}
        written = vars(dataclasses.dataclass(**wanted)(type(cls.__name__, (), space)))[name]
        written.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, written)
        return written(self, *values, **named)

    return method


def _comparing(its: tuple[Field[Any], ...], frozen: bool) -> dict[str, Any]:
    """Return __eq__ and __hash__ over the fields that count."""
    compared = _values([one.name for one in its if one.compare])
    hashed = _values([one.name for one in its if (one.compare if one.hash is None else one.hash)])

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(hashed(self))

    return {"__eq__": __eq__, "__hash__": __hash__ if frozen else None}


def _values(names: list[str]) -> Callable[[Any], Any]:
    """Return what gives an object's values of these names."""
    return attrgetter(*names) if names else lambda _: ()


def _not_set(_: object, name: str, __: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _not_deleted(_: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
