"""YAML files checked against a schema, with every error at once and the line each one stands on."""

from __future__ import annotations

import functools
import os
import pickle
import tempfile
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.cache import at_home
from benchmark.errors import MISTAKES, BadInput, first_line, nearest, several, short
from benchmark.given import as_file
from benchmark.limits import DOCUMENT as LARGEST
from benchmark.own import files
from benchmark.registry import Registry
from benchmark.storage import read_text

#: Characters up to which a text, once parsed, is kept so: plans read the same suite, recipe and paper many times.
KEPT = 2**16


class Schema(BaseModel):
    """Base of all schemas: unknown keys are errors, values keep their type, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


S = TypeVar("S", bound=Schema)


@dataclass(frozen=True)
class Document(Generic[S]):
    """A YAML file that fits its schema, and where in the file each of its values stands."""

    content: S
    name: str
    lines: dict[tuple[Hashable, ...], int]

    def where(self, *path: Hashable) -> str:
        """ "file:line" of the value at `path`, or of the nearest value around it."""
        return f"{self.name}:{_line(self.lines, path)}"


def files_by_name(kind: str, folder: Path) -> Registry[Path]:
    """A registry of the YAML files in `folder`, and of those whose paths other packages name in entry points."""
    registry: Registry[Path] = Registry(kind, fault=_no_path)
    for path in sorted(folder.glob("*.yaml")):
        registry.add(path.stem, path)
    return registry


def path_of(named: str | Path, registry: Registry[Path]) -> Path:
    """The file that is meant by a name or a path, see `is_path`; a "~" at its beginning is the user's home.

    Raises:
        BadInput: nothing of that name is registered, or there is no file at that path.
    """
    if files.is_spec(named):
        found: Path | Mapping[str, Any] = registry.get(str(named))
        return found if isinstance(found, Path) else _written(registry.kind, found)
    if is_path(named):
        path = at_home(named)
        if not os.path.lexists(path):
            known = ", ".join(registry.names())
            raise BadInput(f"can't read {path}: there is no such file; {registry.kind}s that have a name: {known}")
        return path
    try:
        return registry.get(str(named))
    except BadInput as error:
        if named and os.path.isfile(named):
            raise BadInput(f"{error} (to name the file {short(named)}, write .{os.sep}{named})") from error
        raise


def is_path(named: str | Path) -> bool:
    """Whether a file is meant and not a name: by any `Path`, and by words with a slash or the ending .yaml or .yml.

    So a name always wins over a file that is called the same: "quick" is the recipe, "./quick" the file. What a file
    of code holds, `FILE.py:NAME`, is no name either.
    """
    if not isinstance(named, str) or files.is_spec(named):
        return True
    return is_yaml(named) or "/" in named or os.sep in named


def is_yaml(named: str | Path) -> bool:
    """Whether its ending says that it is a YAML file."""
    return os.fspath(named).lower().endswith((".yaml", ".yml"))


def in_words(named: str | Path) -> str:
    """What `path_of` takes for the same, as words: for command lines, and for what is written down."""
    words = os.fspath(named)
    return words if isinstance(named, str) or is_path(words) else os.path.join(os.curdir, words)


def _no_path(thing: Any) -> str:
    if isinstance(thing, Path | Mapping):
        return ""
    return f"is neither the pathlib.Path of a YAML file nor a dict of what stands in one, but {short(thing)}"


def _written(kind: str, content: Mapping[str, Any]) -> Path:
    """A file that holds what a file of code gives as a dict; it stays as long as this process."""
    with as_file(content, kind) as file:
        path = Path(_folder().name, Path(file).name)
        path.write_bytes(Path(file).read_bytes())
    return path


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="benchmark-")


def read_document(path: str | Path, schema: type[S]) -> Document[S]:
    """Read the YAML file at `path`.

    Raises:
        BadInput: the file can't be read, is not YAML, or does not fit `schema`. Misfits are listed, each with its
            line; for an unknown key the nearest known one is offered.
    """
    path = Path(path)
    try:
        text = read_text(path, LARGEST)
    except FileNotFoundError as error:
        raise BadInput(f"can't read {path}: there is no such file") from error
    return parse_document(text, schema, path.name)


def parse_document(text: str, schema: type[S], name: str) -> Document[S]:
    """`read_document` for a text that is already in memory; `name` stands for the file in messages."""
    value, lines = parse_yaml(text, name)
    if not isinstance(value, dict):
        raise BadInput(f"{name}:1: a mapping of keys to values is expected here")
    try:
        return Document(schema.model_validate(value), name, lines)
    except ValidationError as error:
        found = error.errors(include_url=False)
    told = [
        explain(
            f"{name}:{_line(lines, tuple(detail['loc']))}", detail, _known_keys(schema, tuple(detail["loc"][:-1]))
        )
        for detail in found[:MISTAKES]
    ]
    raise BadInput(several(told, more=len(found) - len(told)))


def parse_yaml(text: str, name: str) -> tuple[Any, dict[tuple[Hashable, ...], int]]:
    """The plain values in a YAML text, and the line of each; nothing in it is run or grows beyond its own length.

    Raises:
        BadInput: it is not YAML, repeats a key, refers to itself, or stands for too many values.
    """
    if len(text) > KEPT:
        return _parsed(text, name)
    value, lines = _kept(text, name)
    return pickle.loads(value), dict(lines)


@functools.lru_cache(maxsize=64)
def _kept(text: str, name: str) -> tuple[bytes, dict[tuple[Hashable, ...], int]]:
    """`_parsed`, the values as a copy can be made of them a hundred times as fast as they are parsed."""
    value, lines = _parsed(text, name)
    return pickle.dumps(value), lines


def _parsed(text: str, name: str) -> tuple[Any, dict[tuple[Hashable, ...], int]]:
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        lines = _lines(root, name)
        value = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{name}:{line}: not valid YAML: {error.problem}") from error
    except BadInput:
        raise
    except Exception as error:  # its constructors raise all kinds of errors for a value that is not what its tag says
        raise BadInput(f"{name}: not valid YAML: {type(error).__name__}: {first_line(error)}") from error
    return value, lines


def _lines(root: yaml.Node | None, name: str) -> dict[tuple[Hashable, ...], int]:
    """The line (from 1) of every value, by the path of keys and positions that leads to it."""
    lines: dict[tuple[Hashable, ...], int] = {}

    def visit(node: yaml.Node, path: tuple[Hashable, ...], above: tuple[yaml.Node, ...]) -> None:
        lines[path] = node.start_mark.line + 1
        if any(node is ancestor for ancestor in above):
            raise BadInput(f"{name}:{lines[path]}: an alias here refers to itself")
        if len(lines) > 100_000:
            raise BadInput(f"{name}: more than 100,000 values; is this the right file?")
        if node.tag == "tag:yaml.org,2002:int" and len(node.value) > 100:
            raise BadInput(f"{name}:{lines[path]}: a number of {len(node.value):,} digits")
        if isinstance(node, yaml.ScalarNode) and (read := _otherwise(node)):
            raise BadInput(f"{name}:{lines[path]}: {short(node.value)} {read}")
        above = (*above, node)
        if isinstance(node, yaml.SequenceNode):
            for position, child in enumerate(node.value):
                visit(child, (*path, position), above)
        elif isinstance(node, yaml.MappingNode):
            seen = set()
            for key, child in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise BadInput(f"{name}:{line}: a key must be a plain word or number")
                if read := _otherwise(key):
                    raise BadInput(f"{name}:{line}: {short(key.value)} {read}")
                if key.value in seen:
                    raise BadInput(f"{name}:{line}: the key {short(key.value)} occurs twice")
                seen.add(key.value)
                below = (*path, key.value)
                visit(child, below, above)
                lines[below] = line

    if root is not None:
        visit(root, (), ())
    return lines


def _otherwise(node: yaml.ScalarNode) -> str:
    """How YAML reads a number that people write for another one; "" for all else: its digits decide in silence."""
    kind, digits = node.tag.rpartition(":")[2], node.value.lstrip("+-").replace("_", "")
    if kind in ("int", "float") and ":" in digits:
        return "is read in sixties, as hours and minutes are; write the number itself, or a text in quotes"
    if len(digits) > 1 and digits[0] == "0" and digits.isdigit() and node.style is None:
        read = f"read in eights, as {int(digits, 8)}" if kind == "int" else "read as a text"
        return f"begins with 0 and is {read}; leave the 0 out, or write a text in quotes"
    return ""


def _line(lines: dict[tuple[Hashable, ...], int], path: tuple[Hashable, ...]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def explain(place: str, detail: Any, known: Iterable[str]) -> str:
    """One of pydantic's complaints in a sentence.

    Args:
        place: where the value was written.
        detail: the complaint, as `ValidationError.errors` gives it.
        known: the keys that there are in the place of one that is unknown.
    """
    path = tuple(detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = sorted(known)
        close = nearest(str(path[-1]), known)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        return f"{place}: unknown key {short(str(path[-1]))}; {hint}"
    if detail["type"] == "missing":
        return f"{place}: the key {str(path[-1])!r} is missing"
    field = ".".join(str(part) for part in path)
    reason = str(detail["ctx"]["error"]) if "error" in detail.get("ctx", {}) else detail["msg"]
    return f"{place}: {field}: {reason[:1].lower() + reason[1:]}, not {short(detail['input'])}"


def _known_keys(schema: type[BaseModel], path: tuple[Hashable, ...]) -> list[str]:
    """The keys that `schema` knows at `path`, found by walking down the annotations."""
    current: Any = schema
    for part in path:
        if _is_schema(current) and part in current.model_fields:
            current = _innermost(current.model_fields[str(part)].annotation)
    return sorted(current.model_fields) if _is_schema(current) else []


def _innermost(annotation: Any) -> Any:
    """The schema inside list[Schema], dict[str, Schema] or Schema | None, else the annotation itself."""
    for argument in getattr(annotation, "__args__", ()):
        inner = _innermost(argument)
        if _is_schema(inner):
            return inner
    return annotation


def _is_schema(annotation: Any) -> bool:
    """Whether it is a schema; in Python 3.10 list[str] passes for a class, and is none to issubclass."""
    return get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, BaseModel)
