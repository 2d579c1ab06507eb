"""docs/methods.md is what the registry says, and what it promises can be done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console

from benchmark import cli, inventory
from benchmark.methods.differences import DIFFERENCES
from benchmark.methods.formulas import formula_of
from benchmark.methods.guide import _value, methods_page
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.methods.table import METHODS
from benchmark.parameters import parameters
from benchmark.recipes.recipe import is_recipe_key, load_recipe
from benchmark.reporting import terminal
from benchmark.training.plan import parse_settings

#: Options that a student's page names for the teacher to be trained before it.
TEACHERS = {"loss": "at", "temperature": "natural"}

PAGE = Path(__file__).parent.parent / "docs" / "methods.md"


def section(name):
    """What the page says of a method, references to the caveats of another one followed."""
    text = re.search(rf"\n## {re.escape(name)}\n(.*?)(\n## |\Z)", methods_page(), re.DOTALL)[1]
    return re.sub(r"As for \[`([\w-]+)`\]\(#\1\)\.", lambda found: DIFFERENCES[found[1]], text)


def options(text):
    """The options that a text lists, with their values as it writes them."""
    return dict(re.findall(r"`(\w+)=([^`]*)`", "".join(re.findall(r"\* Of the \w+: .*", text))))


def test_the_page_of_methods_is_current():
    """If not: python -m benchmark.methods.guide > docs/methods.md"""
    assert PAGE.read_text(encoding="utf-8") == methods_page()


@pytest.mark.parametrize("name", METHODS.names())
def test_the_page_tells_all_of_a_method(name):
    method, text = METHODS.get(name), section(name)
    bound = method.bind({}, name)
    assert f"| [`{name}`](#{name}) |" in methods_page()
    assert "|" not in formula_of(bound.inner.objective) + formula_of(bound.outer)  # it would end a cell of the table
    for told in (method.title, method.paper, method.equation, formula_of(bound.outer), DIFFERENCES[name]):
        assert told in text
    own_objectives = any(member.objective for member in bound.cohort.members)
    if bound.inner.objective and not own_objectives:
        assert f"`{formula_of(bound.inner.objective)}`" in text
    for network in (*(member.name or "one" for member in bound.cohort.members), *bound.cohort.teachers):
        assert network in text.split("* Networks:")[1].splitlines()[0]
    assert ("none frozen" in text) == (not bound.cohort.teachers)
    usual = options(methods_page().partition("\n## ")[0]) if bound.inner.objective else {}
    crafting = {*parameters(method.inner), "awp", "awp_warmup"} if not bound.inner.objective else set()
    expected = {key: value for key, value in bound.settings.items() if key not in {"objective"} | crafting}
    told = usual | options(text)
    assert told.keys() == expected.keys()
    assert [told[key] for key in expected] == [_value(value) for value in expected.values()]


@pytest.mark.parametrize("name", METHODS.names())
def test_every_option_that_the_page_names_exists(name):
    """Each `name=value` in what is said of a method is accepted, by it or by the method it says it for."""
    text = section(name)
    for option in set(re.findall(r"`([\w.]+=[^`]+)`", text)):
        settings = parse_settings([option])
        (key,) = settings
        if is_recipe_key(key):
            load_recipe("paper").resolve(name, "resnet18", "cifar10", "cifar10", settings, "paper")
        else:
            known = METHODS.get(name).bind({}, name).settings
            METHODS.get(name if key in known else TEACHERS[key]).bind(settings, name)
    for named in re.findall(r"`--inner ([\w-]+)`", text):
        assert named in METHODS or named in OBJECTIVES
    for named in re.findall(r"`--outer ([\w-]+)`", text):
        assert named in METHODS or named in OUTERS


def test_differences_are_told_of_every_method_and_of_no_other():
    assert list(DIFFERENCES) == METHODS.names()


def test_the_list_of_methods_has_the_columns_of_the_page():
    rows = {row["name"]: row for row in inventory.catalogue("methods")}
    assert rows["mat"]["networks"] == ["h1", "h2"]
    assert rows["mat"]["paper"] == "Liu et al. 2021, arXiv:2112.05005"
    assert rows["mat"]["equation"] == "eq. 4 and 5"
    assert rows["mat-rob-rob-offline"]["equation"] == "section 3.2.5"
    assert rows["mtard"]["teachers"] == ["natural", "robust"]
    assert rows["rslad"]["inner"] == "D(T(x)‖S(x'))"
    assert rows["rslad"]["outer"] == "α·D(T(x)‖S(x')) + (1 − α)·D(T(x)‖S(x))"


def test_the_list_of_methods_tells_them_apart():
    """What makes a method another one is in its row: no two say the same but for their names."""
    rows = {row["name"]: row for row in inventory.catalogue("methods")}
    assert rows["cat"]["inner"] == "h1: D(h(x)‖h(x')); h2: CE(h(x'), y)"
    assert rows["cat"]["start"] == "h1: gaussian; h2: uniform"
    assert rows["mat-nat-rob-online"]["inner"].startswith("BCE(h(x'), y)")
    assert rows["natural"]["inner"] == "none"
    assert {name for name, row in rows.items() if row["strategy"].startswith("all: ")} == {
        "at-avg",
        "mat-avg",
        "ramp",
    }
    assert rows["e-at"]["strategy"].startswith("hardest: ")
    assert rows["sat-stochastic"]["strategy"].startswith("random: ")
    assert rows["trades-awp"]["weights"] == "perturbed adversarially, γ 0.005, from 4.5% of the training on"
    assert "β 0.5" in rows["ramp"]["weights"]
    own = ("teachers", "norms", "strategy", "inner", "start", "ascent", "outer", "weights", "equation")
    told = [(tuple(map(str, (row[key] for key in own))), name) for name, row in rows.items()]
    same = {tuple(names) for key, _ in told if len(names := [name for other, name in told if other == key]) > 1}
    assert same == {("mat-rob-rob-offline", "mat-nat-rob-offline")}  # they differ in how their teacher was trained
    assert all(row["equation"] or row["code"] for name, row in rows.items() if name != "natural")


def test_the_list_of_methods_can_be_read_in_100_columns(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "console", lambda: Console(width=100, highlight=False, markup=False))
    with pytest.raises(SystemExit):
        cli.main(["list", "methods"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line and not line.startswith(" ")] == METHODS.names()  # a paragraph each
