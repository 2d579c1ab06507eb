"""Files of one's own as modules, each of which finds the modules that lie beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from benchmark.own.names import path_of_module
from benchmark.own.own_code import MAIN, is_own

#: Folders on the search path that are there only because a file of one's own lies in them.
_FOLDERS: set[str] = set()


@contextmanager
def searched_first(folder: Path | None) -> Iterator[None]:
    """Modules are looked for in `folder` before anywhere else, as Python does for a program; None changes nothing.

    Those beside other files of one's own are not found meanwhile: else it would hang on what was used before.
    """
    if folder is None:
        yield
        return
    place = str(folder)
    others = [each for each in sys.path if each in _FOLDERS and sys.path.count(each) == 1]
    sys.path[:] = [place, *(each for each in sys.path if each not in others)]
    try:
        yield
    finally:
        if place in sys.path:  # the code may have taken it out
            sys.path.remove(place)
        sys.path += [each for each in others if each not in sys.path]


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
                _FOLDERS.add(str(folder))
        renewed = {name.partition(".")[0] for name in hidden if name in sys.modules}
        for name, before in hidden.items():
            if name.partition(".")[0] not in renewed:
                sys.modules[name] = before


def _namesakes(folder: Path) -> list[str]:
    """The modules of one's own that are imported, with all in them, and would not be found from `folder`."""
    tops = {name.partition(".")[0] for name in sys.modules if path_of_module(name) is None} - {*MAIN}
    others = {*map(os.path.realpath, _FOLDERS)}
    hiding = {name for name in tops if is_own(name) and _hides(name, folder, others)}
    return [name for name in sys.modules if name.partition(".")[0] in hiding]


def _hides(name: str, folder: Path, others: Collection[str]) -> bool:
    """Whether another module of that name lies in `folder`, or this one in a folder of `others`."""
    imported = getattr(sys.modules.get(name), "__spec__", None)
    if imported is None:
        return False
    beside, place = PathFinder.find_spec(name, [str(folder)]), _place(imported)
    if beside is not None and _place(beside) == place:
        return False
    if os.path.dirname(place) in others:
        return True
    # A folder without __init__.py gives way to any module.
    return beside is not None and (beside.origin is not None or imported.origin is None)


def _place(found: ModuleSpec) -> str:
    """The file of a module, or the folder of a package."""
    folders = found.submodule_search_locations
    return os.path.realpath(str(next(iter(folders), "")) if folders is not None else str(found.origin))


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        place = path_of_module(name)
        if place is None or not os.path.isfile(place):
            return None
        return spec_from_file_location(name, place, loader=OwnLoader(name, place))


sys.meta_path.append(_Finder())
