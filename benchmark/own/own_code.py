"""Code outside the environment's packages: which files it lies in, and what they import.

A package of the environment is known by its version, a file of one's own only by its content.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CodeType

from benchmark.own.names import path_of_module
from benchmark.storage import digest

#: Never taken for one's own, even where they are developed outside the environment: they can't be imported twice.
LIBRARIES = {"benchmark", "torch", "torchvision", "timm", "transformers", "robustbench", "numpy"}

_STANDARD = tuple(Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib"))
MAIN = ("__main__", "__mp_main__")


def is_own(name: str) -> bool:
    """Whether the module lies outside the environment's packages and the standard library."""
    if name.partition(".")[0] in LIBRARIES:
        return False
    if name in MAIN or path_of_module(name) is not None:
        return True
    spec = _spec(name)
    if spec is None:  # made by hand, in a notebook perhaps
        return name in sys.modules and not hasattr(sys.modules[name], "__path__")
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return bool(places) and not any(in_environment(str(place)) for place in places)


def is_standard(name: str) -> bool:
    """Whether the module is one of Python's own."""
    return name.partition(".")[0] in sys.stdlib_module_names and name not in MAIN and not is_own(name)


def files(names: Iterable[str]) -> dict[str, Path]:
    """By name, the files of one's own modules among `names`, and of all those that their code imports somewhere."""
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or not is_own(name) or (file := file_of(name)) is None:
            continue
        found[name] = file
        if file.suffix == ".py":
            waiting += _imports(name, file)
    return dict(sorted(found.items()))


@lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    return {name: sorted(set(found)) for name, found in importlib.metadata.packages_distributions().items()}


def versions(names: Iterable[str]) -> dict[str, str]:
    """By package, the versions of the environment's packages among `names`, without what says how they were built."""
    tops = {name.partition(".")[0] for name in names if not is_own(name)}
    packages = sorted({package for top in tops for package in _distributions().get(top, ())})
    return {package: importlib.metadata.version(package).partition("+")[0] for package in packages}


def code_digest(code: CodeType) -> str:
    """The digest of compiled code, wherever it was compiled from; it depends on Python's version."""
    constants = [code_digest(each) if isinstance(each, CodeType) else _spelt(each) for each in code.co_consts]
    return digest([code.co_code.hex(), constants, list(code.co_names), list(code.co_varnames), code.co_flags])


def _spelt(constant: object) -> str:
    return repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _spec(name: str) -> ModuleSpec | None:
    """Where the module is or would be found; nothing is imported for it."""
    loaded = sys.modules.get(name)
    if loaded is not None and name not in MAIN:
        return getattr(loaded, "__spec__", None)
    parent, _, _ = name.rpartition(".")
    try:
        if not parent:
            return importlib.util.find_spec(name)
        above = _spec(parent)
        places = None if above is None else above.submodule_search_locations
        return None if places is None else PathFinder.find_spec(name, places)
    except (ImportError, ValueError, AttributeError):
        return None


def file_of(name: str) -> Path | None:
    """The file that the module `name` is or would be made of, if there is one; nothing is imported for it."""
    if name in MAIN:
        file = getattr(sys.modules.get(name), "__file__", None)
    else:
        spec = _spec(name)
        file = spec.origin if spec is not None and spec.has_location else None
        file = file or getattr(sys.modules.get(name), "__file__", None)
    return Path(file) if file and Path(file).is_file() else None


@lru_cache(maxsize=4096)
def in_environment(place: str) -> bool:
    """Whether a file belongs to an installed package or to Python itself.

    An installer may have been told another folder than the environment's (`pip install --target`), where it says what
    it wrote as it does there.
    """
    path = Path(place)
    if {"site-packages", "dist-packages"} & set(path.parts):
        return True
    if any(path.resolve().is_relative_to(home) for home in _STANDARD):
        return True
    below = zip(path.parents, path.parts[::-1], strict=False)
    return any(top in _installed(folder) for folder, top in below)


@lru_cache(maxsize=1024)
def _installed(folder: Path) -> frozenset[str]:
    """The names right in `folder` that installers wrote there."""
    found: set[str] = set()
    for record in folder.glob("*.dist-info/RECORD"):
        with suppress(OSError):
            lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
            found.update(line.partition(",")[0].partition("/")[0] for line in lines)
    return frozenset(found - {"..", "__pycache__"})  # what lies elsewhere, and nobody's own


def _imports(name: str, file: Path) -> Iterator[str]:
    """The names of the modules that the code in `file` may import, at once or later."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            yield from _with_parents(module)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield from _with_parents(node.args[0].value)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: length + 1]) for length in range(len(parts)))
