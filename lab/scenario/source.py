"""Reading a YAML file with care: bounded, YAML 1.2, no aliases, no duplicate keys, and each value knows its line."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lab.data import dataclass
from lab.errors import UserError

MAXIMUM = 256 * 1024
LONGEST_LINE = 4096
_DEEPEST = 40
_PREFIX = "tag:yaml.org,2002:"
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file's data, and the line (from 1) of each place in it."""

    file: str
    data: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(path: Path) -> Source:
    """Read a file. Raises UserError with file and line for whatever is wrong with it."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAXIMUM + 1)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", file=file) from None
    if len(raw) > MAXIMUM:
        raise UserError(f"is larger than {MAXIMUM // 1024} KB", file=file, hint="a scenario is a page of text")
    for number, line in enumerate(raw.split(b"\n"), 1):
        if len(line) > LONGEST_LINE:
            raise UserError(f"a line of {len(line)} bytes", file=file, line=number, hint=f"at most {LONGEST_LINE}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_number = raw[: error.start].count(b"\n") + 1
        raise UserError("is not UTF-8", file=file, line=line_number) from None
    return parse(text, file)


def parse(text: str, file: str) -> Source:
    """Parse the text of a file. Raises UserError."""
    known = _parsed(text, file)
    return Source(file, copy.deepcopy(known.data), known.lines)


@lru_cache(maxsize=32)
def _parsed(text: str, file: str) -> Source:
    """Parsing takes 30 ms for a page, and every scenario of the catalogue inherits the same topology."""
    try:
        node = YAML(pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context or error).split())
        raise UserError(f"is not YAML: {what}", file=file, line=mark.line + 1 if mark else None) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"is not YAML: {' '.join(str(error).split())[:200]}", file=file) from None
    if node is None:
        raise UserError("is empty", file=file)
    lines: dict[Place, int] = {}
    data = _Builder(file, lines).build(node, ())
    return Source(file, data, lines)


class _Builder:
    def __init__(self, file: str, lines: dict[Place, int]) -> None:
        self._file, self._lines = file, lines
        self._seen: set[int] = set()

    def build(self, node: Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self._seen:
            raise UserError("aliases (*name) are not taken", file=self._file, line=line, hint="write it out")
        self._seen.add(id(node))
        if len(place) > _DEEPEST:
            raise UserError("is nested too deeply", file=self._file, line=line)
        self._lines.setdefault(place, line)
        match node:
            case MappingNode():
                return self._mapping(node, place)
            case SequenceNode():
                return [self.build(child, (*place, number)) for number, child in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, line)
        raise UserError("is no YAML that a scenario may have", file=self._file, line=line)

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                raise UserError("a key must be a word", file=self._file, line=line)
            key = str(key_node.value)
            if key in result:
                raise UserError("stands twice", file=self._file, line=line, key=".".join(map(str, (*place, key))))
            self._lines[*place, key] = line
            result[key] = self.build(value_node, (*place, key))
        return result

    def _scalar(self, node: ScalarNode, line: int) -> Any:
        kind = str(node.tag).removeprefix(_PREFIX)
        text = str(node.value)
        try:
            match kind:
                case "str":
                    return text.replace("\a", "")  # ruamel's mark for where a folded text was folded
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text.replace("_", ""), 0)
                case "float":
                    return float(text)
        except ValueError:
            pass
        if kind == "timestamp":
            return text
        raise UserError(f"the tag {kind!r} is not taken", file=self._file, line=line)
