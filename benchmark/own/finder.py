"""Files of one's own as modules: the module's name says which file, so that any process can import it again."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from urllib.parse import quote, unquote

#: What the names of such modules begin with.
SCHEME = "file:"


def module_name(path: Path) -> str:
    """What the module of the file at `path` is called: its whole path, without a dot."""
    place = os.path.abspath(path)
    return SCHEME + quote(place, safe="/ ").replace(".", "%2E")


def path_of_module(name: str) -> str | None:
    """The file of a module of that name; None for any other module."""
    return unquote(name.removeprefix(SCHEME)) if name.startswith(SCHEME) else None


def plainly(module: str) -> str:
    """What a module is called whatever the process, and wherever its file lies."""
    path = path_of_module(module)
    if path is not None:
        return re.split(r"[/\\]", path)[-1]
    # A worker calls by another name what the program it belongs to was started as.
    return "__main__" if module == "__mp_main__" else module


class OwnLoader(SourceFileLoader):
    """Imports a file as it is now, and finds modules beside it meanwhile, as Python does for a program, and later.

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
        folder = str(Path(self.path).parent)
        sys.path.insert(0, folder)
        try:
            super().exec_module(module)
        finally:
            if folder in sys.path:  # the code may have taken it out
                sys.path.remove(folder)
            if folder not in sys.path:
                sys.path.append(folder)


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        place = path_of_module(name)
        if place is None or not os.path.isfile(place):
            return None
        return spec_from_file_location(name, place, loader=OwnLoader(name, place))


sys.meta_path.append(_Finder())
