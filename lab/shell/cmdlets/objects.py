"""Cmdlets over any objects: Where-Object, ForEach-Object, Select-Object, Sort-Object, Measure-Object, Group-Object, Get-Member."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.display import Field, matching, properties_of
from lab.shell.expressions import COMPARISONS
from lab.shell.failure import ShellError
from lab.shell.members import call_method, get_member
from lab.shell.operators import LONGEST_TEXT, compare, number, ordered
from lab.shell.patterns import is_wildcard, wildcard
from lab.shell.values import CUSTOM, Block, Record, Table, Value, as_list, text, truth, type_name, unwrapped

_WORDS = tuple(
    dict.fromkeys(
        word for word in COMPARISONS if word not in ("is", "isnot", "as", "join") and "replace" not in word and "split" not in word
    )
)


async def where(call: Call) -> list[Value]:
    """`Where-Object { }`, and the short form `Where-Object Property -eq Value`."""
    block = call.get("FilterScript")
    if isinstance(block, Block):
        return [item for item in call.input if truth(unwrapped(await call.run_block(block, item)))]
    name = call.text("Property")
    if name is None:
        return []
    word = next((word for word in _WORDS if word in (given.lower() for given in call.bound.given)), None)
    kept = []
    for item in call.input:
        value = get_member(item, name)
        if call.on("Not"):
            holds = not truth(value)
        elif word is None:
            holds = truth(value)
        else:
            holds = truth(compare(word, value, call.get("Value")))
        if holds:
            kept.append(item)
    return kept


async def for_each(call: Call) -> list[Value]:
    """`ForEach-Object { }`, and the short forms `ForEach-Object Property` and `ForEach-Object Method arguments`."""
    blocks = as_list(call.get("Process"))
    out = call.out  # what a block writes is there before the next one begins
    if isinstance(call.get("Begin"), Block):
        await call.run_block(call.get("Begin"), None, out)
    for item in call.input:
        call.state.spend()
        for block in blocks:
            if isinstance(block, Block):
                await call.run_block(block, item, out)
                continue
            name = text(block)
            arguments = as_list(call.get("ArgumentList"))
            wanted = matching(item, name) if is_wildcard(name) else [name]
            known = isinstance(item, Record | Table) and name.lower() in (one.lower() for one in properties_of(item))
            value = get_member(item, wanted[0]) if wanted else None
            if value is None and not known and (arguments or not isinstance(item, Record | Table | list)):
                value = call_method(item, name, arguments)
            out += as_list(value)
    if isinstance(call.get("End"), Block):
        await call.run_block(call.get("End"), None, out)
    return []


def fields_of(call: Call, wanted: Sequence[Value], item: Value) -> list[Field]:
    """Return the properties that a list of names, wildcards, script blocks and calculated properties means for an object."""
    fields: list[Field] = []
    for one in wanted:
        if isinstance(one, Block):
            fields.append(_computed(call, one.source[one.syntax.start + 1 : one.syntax.end - 1].strip() or "{}", one))
            continue
        if isinstance(one, Table):
            _check_keys(call, one)
            label = next(
                (value for key, value in one.items() if "name".startswith(key.lower()) or "label".startswith(key.lower())), None
            )
            how = next((value for key, value in one.items() if "expression".startswith(key.lower())), None)
            if isinstance(how, Block):
                fields.append(_computed(call, text(label) or how.source[how.syntax.start + 1 : how.syntax.end - 1].strip(), how))
            elif how is not None:
                fields.append(_named(text(how), text(label) or text(how)))
            continue
        fields += [_named(name, name) for name in matching(item, text(one))]
    return fields


_KEYS = ("name", "label", "expression", "width", "alignment", "formatstring", "depth", "ascending", "descending")


def _check_keys(call: Call, table: Table) -> None:
    """A calculated property's keys may be shortened, and must be known; the words of both refusals are unsourced."""
    for key in table.names():
        if not key or not any(known.startswith(key.lower()) for known in _KEYS):
            message = f"The {key} key is not valid."
            raise call.error(message, "NotSupportedException", category="InvalidArgument", id="DictionaryKeyIllegal")
    if not any("expression".startswith(key.lower()) for key in table.names()):
        message = 'The mandatory entry for key "expression" is missing.'
        raise call.error(message, "NotSupportedException", category="InvalidArgument", id="DictionaryKeyMandatoryEntry")


def _named(name: str, head: str) -> Field:
    async def take(item: Value) -> Value:
        return get_member(item, name)

    return Field(head, take)


def _computed(call: Call, head: str, block: Block) -> Field:
    async def take(item: Value) -> Value:
        return unwrapped(await call.run_block(block, item))

    return Field(head, take)


async def select(call: Call) -> list[Value]:
    """`Select-Object`."""
    items = list(call.input)
    if "Index" in call:
        wanted = [int(number(one)) for one in as_list(call.get("Index"))]
        items = [items[place] for place in sorted(set(wanted)) if 0 <= place < len(items)]
    first, last, skip = call.get("First"), call.get("Last"), call.get("Skip") or 0
    if skip:
        items = items[: -skip or None] if last is not None and first is None else items[skip:]
    if first is not None or last is not None:
        head = items[: max(first, 0)] if first is not None else []
        rest = items[len(head) :]
        items = head + (rest[max(len(rest) - last, 0) :] if last else [])
    if call.text("ExpandProperty") is not None:
        return _unique(call, [value for item in items for value in _expanded(call, item)])
    wanted_fields = as_list(call.get("Property"))
    if not wanted_fields and "ExcludeProperty" not in call:
        return _unique(call, items)
    excluded = call.strings("ExcludeProperty")
    out: list[Value] = []
    for item in items:
        properties: dict[str, Value] = {}
        for field in fields_of(call, wanted_fields or ["*"], item):
            if not any(wildcard(pattern, field.head) for pattern in excluded):
                properties[field.head] = await field.take(item)
        out.append(
            Record(f"Selected.{type_name(item)}", properties, None if not isinstance(item, Record) else _as_custom(properties))
        )
    return _unique(call, out)


def _as_custom(properties: dict[str, Value]) -> str:
    return text(Record(CUSTOM, properties))


def _expanded(call: Call, item: Value) -> list[Value]:
    name = str(call.text("ExpandProperty"))
    names = matching(item, name) if is_wildcard(name) else [name]
    known = [one for one in names if not isinstance(item, Record) or item.find(one) is not None]
    if not known or (get_member(item, known[0]) is None and not isinstance(item, Record | Table)):
        message = f'Property "{name}" cannot be found.'
        call.fail(
            call.error(
                message,
                "PSArgumentException",
                category="InvalidArgument",
                target=text(item),
                kind="PSObject",
                id="ExpandPropertyNotFound",
            )
        )
        return []
    return as_list(get_member(item, known[0]))


def _unique(call: Call, values: list[Value]) -> list[Value]:
    if not call.on("Unique"):
        return values
    seen: list[str] = []
    kept = []
    for value in values:
        key = f"{type_name(value)}{text(value)}{[text(v) for v in value.properties.values()] if isinstance(value, Record) else ''}"
        if key not in seen:
            seen.append(key)
            kept.append(value)
    return kept


async def sort(call: Call) -> list[Value]:
    """`Sort-Object`: stable; by several properties, each of which may have its own direction."""
    wanted = as_list(call.get("Property"))
    keys: list[tuple[list[Value], Value]] = []
    directions: list[bool] = []
    for item in call.input:
        fields = fields_of(call, wanted, item) if wanted else []
        row = [await field.take(item) for field in fields] if wanted else [item]
        keys.append((row, item))
    for one in wanted or [None]:
        own = (
            next((value for key, value in one.items() if key.lower() in ("descending", "d")), None)
            if isinstance(one, Table)
            else None
        )
        directions.append(truth(own) if own is not None else call.on("Descending"))

    def order(left: tuple[list[Value], Value], right: tuple[list[Value], Value]) -> int:
        for place, (one, other) in enumerate(zip(left[0], right[0], strict=False)):
            result = _order(one, other)
            if result:
                return -result if directions[min(place, len(directions) - 1)] else result
        return 0

    ordered_items = [item for _, item in sorted(keys, key=functools.cmp_to_key(order))]
    return _unique(call, ordered_items)


def _order(one: Value, other: Value) -> int:
    if one is None or other is None:
        return (one is not None) - (other is not None)
    try:
        return ordered(one, other)
    except ShellError:
        left, right = text(one).lower(), text(other).lower()
        return (left > right) - (left < right)


async def measure(call: Call) -> list[Value]:
    """`Measure-Object`: a count, and sum, average, maximum and minimum where asked."""
    name = call.text("Property")
    values = [get_member(item, name) if name else item for item in call.input]
    if call.on("Line") or call.on("Word") or call.on("Character"):
        whole = [text(value) for value in values]
        counts: dict[str, Value] = {
            "Lines": sum(len(one.splitlines()) for one in whole) if call.on("Line") else None,
            "Words": sum(len(one.split()) for one in whole) if call.on("Word") else None,
            "Characters": sum(len(one) for one in whole) if call.on("Character") else None, "Property": name,
        }  # fmt: skip
        return [Record("Microsoft.PowerShell.Commands.TextMeasureInfo", counts)]
    present = [value for value in values if value is not None]
    figures: dict[str, Value] = dict.fromkeys(("Average", "Sum", "Maximum", "Minimum"))
    if any(call.on(word) for word in ("Sum", "Average")) and present:
        numbers = [float(number(value)) for value in present]
        figures["Sum"] = _whole(sum(numbers)) if call.on("Sum") else None
        figures["Average"] = _whole(sum(numbers) / len(numbers)) if call.on("Average") else None
    for word, sign in (("Maximum", 1), ("Minimum", -1)):
        if call.on(word) and present:
            figures[word] = max(present, key=functools.cmp_to_key(lambda one, other, sign=sign: sign * _order(one, other)))  # type: ignore[misc]
    result: dict[str, Value] = {"Count": len(present if name else values), **figures, "Property": name}
    return [Record("Microsoft.PowerShell.Commands.GenericMeasureInfo", result)]


def _whole(value: float) -> Value:
    return int(value) if value == int(value) else value


async def group(call: Call) -> list[Value]:
    """`Group-Object`."""
    groups: dict[str, tuple[str, list[Value]]] = {}
    for item in call.input:
        fields = fields_of(call, as_list(call.get("Property")), item)
        values = [await field.take(item) for field in fields] if fields else [item]
        name = ", ".join(text(value) for value in values)
        groups.setdefault(name.lower(), (name, []))[1].append(item)
    kind = f"Microsoft.PowerShell.Commands.GroupInfo{'NoElement' if call.on('NoElement') else ''}"
    out: list[Value] = []
    for name, members in groups.values():
        properties: dict[str, Value] = {"Count": len(members), "Name": name}
        out.append(Record(kind, properties if call.on("NoElement") else {**properties, "Group": list(members)}))
    return out


async def member(call: Call) -> list[Value]:
    """`Get-Member`: the properties of each type that comes."""
    out: list[Value] = []
    seen: set[str] = set()
    for item in call.input:
        kind = type_name(item)
        if kind in seen:
            continue
        seen.add(kind)
        names = properties_of(item)
        wanted = call.strings("Name")
        rows: list[Value] = []
        for name in sorted(names, key=str.lower):
            if wanted and not any(wildcard(pattern, name) for pattern in wanted):
                continue
            of = "NoteProperty" if kind.startswith(("Selected.", CUSTOM)) else "Property"
            value = get_member(item, name)
            definition = (
                f"{type_name(value)} {name}={text(value)[:60]}"
                if of == "NoteProperty"
                else f"{type_name(value)} {name} {{get;set;}}"
            )
            rows.append(
                Record("Microsoft.PowerShell.Commands.MemberDefinition", {"Name": name, "MemberType": of, "Definition": definition})
            )
        call.say(f"\n\n   TypeName: {kind}")
        out += rows
    if not call.input:
        message = "You must specify an object for the Get-Member cmdlet."
        raise call.error(message, "InvalidOperationException", category="CloseError", id="NoObjectInGetMember")
    return out


async def unique_text(call: Call) -> list[Value]:
    """`Get-Unique`: what follows its like is left out."""
    out: list[Value] = []
    for item in call.input:
        if not out or text(out[-1])[:LONGEST_TEXT] != text(item):
            out.append(item)
    return out


_COMPARE = tuple(Param(name, Kind.SWITCH) for name in ("EQ", "NE", "GT", "GE", "LT", "LE", "Like", "NotLike", "Match", "NotMatch", "Contains", "NotContains", "In", "NotIn", *(f"C{n}" for n in ("EQ", "NE", "Like", "Match"))))  # fmt: skip
CMDLETS = (
    Cmdlet("Where-Object", where, (
        Param("FilterScript", Kind.BLOCK, position=0), Param("Property", position=0, values="properties"), Param("Value", Kind.ANY, position=1), Param("Not", Kind.SWITCH), *_COMPARE,
    ), "Selects objects by a condition.", aliases=("?", "where")),
    Cmdlet("ForEach-Object", for_each, (
        Param("Process", Kind.ANYS, position=0, aliases=("MemberName",), values="properties"), Param("ArgumentList", Kind.ANYS, position=1, rest=True),
        Param("Begin", Kind.BLOCK), Param("End", Kind.BLOCK),
    ), "Does something with each object.", aliases=("%", "foreach")),
    Cmdlet("Select-Object", select, (
        Param("Property", Kind.ANYS, position=0, values="properties"), Param("ExpandProperty", values="properties"), Param("ExcludeProperty", Kind.STRINGS, values="properties"), Param("First", Kind.INT),
        Param("Last", Kind.INT), Param("Skip", Kind.INT), Param("Index", Kind.ANYS), Param("Unique", Kind.SWITCH),
    ), "Selects objects or properties of objects.", aliases=("select",)),
    Cmdlet("Sort-Object", sort, (
        Param("Property", Kind.ANYS, position=0, values="properties"), Param("Descending", Kind.SWITCH), Param("Unique", Kind.SWITCH),
    ), "Sorts objects by property values.", aliases=("sort",)),
    Cmdlet("Measure-Object", measure, (
        Param("Property", position=0, values="properties"), Param("Sum", Kind.SWITCH), Param("Average", Kind.SWITCH), Param("Maximum", Kind.SWITCH),
        Param("Minimum", Kind.SWITCH), Param("Line", Kind.SWITCH), Param("Word", Kind.SWITCH), Param("Character", Kind.SWITCH),
    ), "Counts objects and computes figures over a property.", aliases=("measure",)),
    Cmdlet("Group-Object", group, (Param("Property", Kind.ANYS, position=0, values="properties"), Param("NoElement", Kind.SWITCH)),
           "Groups objects that have the same value in a property.", aliases=("group",)),
    Cmdlet("Get-Member", member, (Param("Name", Kind.STRINGS, position=0), Param("MemberType", Kind.STRINGS)),
           "Shows the properties of objects.", aliases=("gm",)),
    Cmdlet("Get-Unique", unique_text, (), "Leaves out what follows its like.", aliases=("gu",)),
)  # fmt: skip
