"""What SECURITY.md promises is held by tests that exist, and plug-ins are loaded when they are asked for."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark import attacks, registry
from benchmark.data import loading
from benchmark.errors import BadInput
from benchmark.experiments import experiment
from benchmark.methods import objectives
from benchmark.methods import table as methods
from benchmark.methods.outer import base
from benchmark.models import architectures, sources
from benchmark.papers import files
from benchmark.registry import Registry
from benchmark.suites import files as suites

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_exists() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_promise_of_the_table_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 7
    assert all("`test_" in row.split("|")[3] for row in rows)


class Entry:
    """An entry point that notes when it is loaded."""

    name, value = "theirs", "their.package:thing"

    def __init__(self, error: Exception | None = None) -> None:
        self.loaded, self.error = 0, error

    def load(self) -> str:
        self.loaded += 1
        if self.error:
            raise self.error
        return "thing"


def test_a_plug_in_is_loaded_when_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, asked = Entry(), []
    monkeypatch.setattr(registry, "entry_points", lambda group: asked.append(group) or [entry])
    table: Registry[str] = Registry("toy")
    table.add("ours", "here")
    assert table.get("ours") == "here"
    assert (asked, entry.loaded) == ([], 0)
    assert table.names() == ["ours", "theirs"]
    assert "theirs" in table
    assert entry.loaded == 0
    assert table.get("theirs") == "thing"
    assert set(asked) == {"benchmark.toys"}


def test_a_plug_in_can_not_take_a_name_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = SimpleNamespace(name="ours", load=lambda: pytest.fail("was loaded"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [impostor])
    table: Registry[str] = Registry("toy")
    table.add("ours", "here")
    assert table.get("ours") == "here"
    assert list(table) == [("ours", "here")]


def test_a_broken_plug_in_stops_only_those_who_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(ImportError("half installed"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    table: Registry[str] = Registry("toy")
    table.add("ours", "here")
    assert table.get("ours") == "here"
    with pytest.raises(BadInput, match=r"of their.package:thing can't be loaded: ImportError: half installed"):
        table.get("theirs")


def test_a_broken_plug_in_is_left_out_of_a_list_by_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = Entry(ImportError("half installed"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    table: Registry[str] = Registry("toy")
    table.add("ours", "here")
    assert list(table) == [("ours", "here")]
    assert "left out: toy 'theirs' of their.package:thing can't be loaded" in caplog.text
    with pytest.raises(ZeroDivisionError):
        list(table.each(lambda name: 1 / 0))


@pytest.mark.parametrize(
    ("thing", "fault"),
    [
        (print, "is no subclass of benchmark.attacks.Attack"),
        (int, "is no subclass of benchmark.attacks.Attack"),
        (
            type("Idle", (attacks.Attack,), {"name": "idle", "kind": "fixed-budget", "norms": ("l2",)}),
            "lacks __call__",
        ),
        (type("Silent", (attacks.Attack,), {"__call__": print}), "does not say its name, kind, norms"),
        (
            type("Old", (attacks.Attack,), {"name": "o", "kind": "budget", "norms": ("l2",), "__call__": print}),
            "has kind 'budget', not fixed-budget or minimum-norm",
        ),
    ],
)
def test_a_plug_in_that_is_no_attack_is_refused_by_name_and_package(
    monkeypatch: pytest.MonkeyPatch, thing: object, fault: str
) -> None:
    entry = SimpleNamespace(name="theirs", value="their:thing", load=lambda: thing, dist=SimpleNamespace(name="them"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    with pytest.raises(BadInput, match=f"^line 3: attack 'theirs' of their:thing in the package them {fault}$"):
        attacks.make_attack("theirs", {}, "line 3")


def test_every_group_of_entry_points_has_a_name_that_packages_can_use_and_people_can_find() -> None:
    modules = (attacks, loading, suites, experiment, architectures, sources, files, methods, objectives, base)
    groups = {value.group for module in modules for value in vars(module).values() if isinstance(value, Registry)}
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(groups) >= 10
    for group in groups:
        assert re.fullmatch(r"benchmark\.[a-z_]+", group), group
        assert f"`{group}`" in told
