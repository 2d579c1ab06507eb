"""The house keeps its shape: imports run downward, what is said about files and commands is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "benchmark"

#: Rooms by floor, from the ground up. A room may import from lower floors only.
FLOORS = (
    {
        "errors",
        "own",
        "registry",
        "storage",
        "moved",
        "documents",
        "cache",
        "pages",
        "latex",
        "environment",
        "findings",
        "processes",
        "cores",
        "hardware",
        "deadline",
        "parts",
        "arguments",
        "apart",
    }
    | {
        "memory",
        "settings",
        "generators",
        "noise",
        "draws",
        "philox",
        "tensors",
        "radii",
        "parameters",
        "projections",
        "threats",
    }
    | {
        "arithmetic",
        "scales",
        "labels",
        "limits",
        "damage",
        "card",
        "run_names",
        "charts",
        "plots",
        "given",
        "palette",
        "held_out_names",
    }
    | {"problems", "version"},
    {"data", "models", "attacks", "recipes", "suites", "ledger", "statistics", "engines", "trackers"},
    {"methods", "evaluation", "analysis", "importing"},
    {"training"},
    {"reporting", "planning"},
    {"results", "registering", "checkup", "papers", "experiments", "api", "sequential", "quickstart", "sharing"},
    {"catalogue"},
    {"__init__"},
    {"cli"},
    {"__main__"},
)
#: The stairs within a floor: room -> rooms of its own floor it may import.
STAIRS = {
    "charts": {"palette"},
    "pages": {"palette"},
    "own": {"cache", "errors", "settings", "storage"},
    "registry": {"errors", "own"},
    "documents": {"cache", "errors", "given", "limits", "own", "registry", "storage"},
    "given": {"errors", "storage"},
    "held_out_names": {"errors"},
    "plots": {"errors", "latex", "palette", "storage"},
    "storage": {"errors", "moved"},
    "damage": {"errors"},
    "apart": {"settings"},
    "deadline": {"apart", "errors"},
    "parts": {"errors", "storage"},
    "arguments": {"apart", "errors"},
    "hardware": {"errors"},
    "cache": {"errors"},
    "environment": {"errors", "version"},
    "findings": {"cache", "environment", "errors"},
    "generators": {"settings"},
    "draws": {"philox"},
    "noise": {"draws"},
    "parameters": {"errors", "own", "radii"},
    "tensors": {"storage"},
    "threats": {"errors", "noise", "projections", "radii"},
    "scales": {"errors", "radii"},
    "radii": {"errors"},
    "card": {"errors", "limits"},
    "run_names": {"cache", "documents", "errors", "limits", "radii", "scales", "storage"},
    "evaluation": {"analysis"},  # trackers are told the final row
    "attacks": {"models"},  # the search folds networks
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def floor_of(room: str) -> int:
    floors = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert floors, f"benchmark/{room} stands on no floor; draw it in FLOORS"
    return floors[0]


def imported_rooms(source: str) -> set[str]:
    """The rooms of this package that `source` imports anywhere, functions included.

    The bare package opens the doors of all rooms, so it counts as one, unless only its version is asked for.
    """
    names: set[str] = set()
    asked: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "benchmark":
            asked.add(node.attr)
    if asked <= {"__version__"}:
        names.discard("benchmark")
    parts = [name.split(".") for name in names if name.split(".")[0] == "benchmark"]
    return {part[1] if len(part) > 1 else "__init__" for part in parts}


def test_imported_rooms_sees_every_form() -> None:
    source = "import torch, benchmark.data\nfrom benchmark.models import build\ndef f():\n  from benchmark import cli"
    assert imported_rooms(source) == {"data", "models", "cli"}
    assert imported_rooms("import benchmark\nprint(benchmark.__version__)") == set()
    assert imported_rooms("import benchmark\nbenchmark.train('at')") == {"__init__"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(module: Path) -> None:
    room = room_of(module)
    for other in imported_rooms(module.read_text()) - {room}:
        allowed = floor_of(other) < floor_of(room) or other in STAIRS.get(room, set())
        assert allowed, f"{module.relative_to(ROOT)} imports {other}, which is not below {room}"


def imported_modules(module: Path) -> set[Path]:
    """The modules of this package that `module` imports anywhere, functions and type annotations included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    found = set()
    for name in names:
        parts = name.split(".")
        for end in (len(parts), len(parts) - 1):
            place = ROOT.joinpath(*parts[:end])
            if place.with_suffix(".py").is_file():
                found.add(place.with_suffix(".py"))
                break
    return found & set(MODULES) - {module}


def test_no_modules_import_each_other_in_a_circle() -> None:
    below = {module: imported_modules(module) for module in MODULES}
    assert any(below.values())
    while free := [module for module, others in below.items() if not others & below.keys()]:
        below = {module: others for module, others in below.items() if module not in free}
    assert not below, sorted(str(module.relative_to(ROOT)) for module in below)


def test_reading_numbers_needs_no_torch() -> None:
    """Torch takes seconds to import, most of what a report would cost; the others a third of the rest."""
    doors = "benchmark.results, benchmark.ledger, benchmark.analysis.frames, benchmark.reporting, benchmark.checkup"
    heavy = ["torch", "pandas", "scipy.optimize"]
    code = f"import sys, {doors}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text())), f"{module.relative_to(ROOT)} has no docstring"


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_tables_are_written_by_one_writer() -> None:
    """The one that can write every name."""
    written = [
        path.name for path in PACKAGE.rglob("*.py") if re.search(r"\bcsv\.(w|DictW)riter\(", path.read_text("utf-8"))
    ]
    assert written == ["as_csv.py"]


def test_no_file_names_a_machine() -> None:
    machine = re.compile(rb"(?<![\w.])/(?:work|home|root|Users|mnt)/[\w.-]+|\.\./shared/")
    for path in tracked_files():
        if path != Path(__file__):
            found = machine.search(path.read_bytes())
            assert found is None, f"{path.relative_to(ROOT)} names a place of one machine: {found}"


def test_start_is_light() -> None:
    """The command line answers at once because nothing heavy is imported before a verb needs it."""
    heavy = ["torch", "numpy", "pandas", "scipy", "sklearn", "jinja2", "foolbox", "lightning"]
    code = f"import sys, benchmark.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_commands_in_the_readme_exist() -> None:
    """Each `make` target and each `bench` verb the README shows is really there."""
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    from benchmark.cli import app

    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"(?:\$ |`)make ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"\bbench ([a-z]+)", text)) <= verbs


def test_folders_in_the_readme_exist() -> None:
    tree = (ROOT / "README.md").read_text().split("## Where things are")[1].split("```")[1]
    made_by_use = {"results"}
    for line in tree.strip().splitlines():
        indent, name = re.match(r"( *)([\w.]+)", line).groups()  # type: ignore[union-attr]
        assert name in made_by_use or ((PACKAGE if indent else ROOT) / name).exists(), name
