"""Files of one's own as modules, each of which finds the modules that lie beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from benchmark.own.names import path_of_module
from benchmark.own.own_code import MAIN, is_own


@contextmanager
def searched_first(folder: Path | None) -> Iterator[None]:
    """Modules are looked for in `folder` before anywhere else, as Python does for a program; None changes nothing."""
    if folder is None:
        yield
        return
    place = str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        if place in sys.path:  # the code may have taken it out
            sys.path.remove(place)


class OwnLoader(SourceFileLoader):
    """Imports a file as it is now, and finds modules beside it meanwhile, and later where no other has their name.

    A module beside another file may have the same name: it stays with those that imported it, and this file gets its
    own.

    Attributes:
        note: told the module's name and what was read.
    """

    note: Callable[[str, bytes], None] | None = None

    def get_code(self, fullname: str) -> CodeType:
        content = self.get_data(self.path)
        if self.note is not None:
            self.note(fullname, content)
        code: CodeType = self.source_to_code(content, self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        folder = Path(self.path).parent
        hidden = {name: sys.modules.pop(name) for name in _namesakes(folder)}
        try:
            with searched_first(folder):
                super().exec_module(module)
        except BaseException:
            sys.modules.update(hidden)
            raise
        finally:
            if str(folder) not in sys.path:
                sys.path.append(str(folder))
        renewed = {name.partition(".")[0] for name in hidden if name in sys.modules}
        for name, before in hidden.items():
            if name.partition(".")[0] not in renewed:
                sys.modules[name] = before


def _namesakes(folder: Path) -> list[str]:
    """The modules of one's own that are imported, with all in them, and hide another one of that name in `folder`."""
    tops = {name.partition(".")[0] for name in sys.modules if path_of_module(name) is None} - {*MAIN}
    hiding = {name for name in tops if _hides(name, PathFinder.find_spec(name, [str(folder)]))}
    return [name for name in sys.modules if name.partition(".")[0] in hiding]


def _hides(name: str, beside: ModuleSpec | None) -> bool:
    imported = getattr(sys.modules.get(name), "__spec__", None)
    if beside is None or imported is None or not is_own(name):
        return False
    if beside.origin is None:  # a folder without __init__.py gives way to any module
        return imported.origin is None and _first(imported) != _first(beside)
    return imported.origin is None or os.path.realpath(imported.origin) != os.path.realpath(beside.origin)


def _first(package: ModuleSpec) -> str:
    return next(map(os.path.realpath, package.submodule_search_locations or ()), "")


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        place = path_of_module(name)
        if place is None or not os.path.isfile(place):
            return None
        return spec_from_file_location(name, place, loader=OwnLoader(name, place))


sys.meta_path.append(_Finder())
