"""A package counts by its version wherever an installer wrote it, one's own code by its content wherever it lies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark.own import fresh_import
from benchmark.own.own_code import in_environment, is_own


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `pip install --target` leaves, and two files of one's own beside it."""
    folder = tmp_path / "libraries"
    for file, text in {
        "a_library/__init__.py": "COUNT = []",
        "a_library-1.0.dist-info/RECORD": "a_library/__init__.py,,\na_module.py,,\n../../bin/tool,,\n",
        "a_module.py": "",
        "no_record-1.0.dist-info/METADATA": "Name: no_record\n",
        "my_network.py": "import a_library\na_library.COUNT.append(1)\n",
        "my_package/__init__.py": "",
        "my_package.egg-info/SOURCES.txt": "my_package/__init__.py\n",
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(fresh_import, "_READ", {})
    for name in ("a_library", "a_module", "my_network", "my_package"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def test_what_an_installer_wrote_is_nobodys_own_code(target: Path) -> None:
    """On clusters libraries lie in folders that PYTHONPATH names; SciPy was imported twice there, and can't be."""
    own = {name: is_own(name) for name in ("a_library", "a_module", "my_network", "my_package")}
    assert own == {"a_library": False, "a_module": False, "my_network": True, "my_package": True}
    assert not in_environment(str(target / ".." / "bin" / "tool.py"))
    assert not in_environment(str(target.parent / "a_library" / "__init__.py"))


def test_a_library_in_a_folder_of_its_own_is_imported_once(target: Path) -> None:
    for _ in range(2):
        library = fresh_import.use("my_network", lambda module: module.a_library, anew=True)
    assert library.COUNT == [1, 1]
    assert set(fresh_import.sources("my_network")) == {"my_network"}
