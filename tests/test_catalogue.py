"""Lists and cards: what is in them is what the registries say, and what they promise can be done."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from rich.console import Console

from benchmark import catalogue, cli
from benchmark.attacks import ATTACKS
from benchmark.errors import BadInput
from benchmark.evaluation.suite import load_suite
from benchmark.methods.differences import DIFFERENCES
from benchmark.methods.formulas import formula_of
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.methods.table import METHODS
from benchmark.parameters import parameters
from benchmark.recipes.recipe import is_recipe_key, load_recipe
from benchmark.reporting import terminal
from benchmark.training.passes import passes_of_step
from benchmark.training.settings import parse_settings

ROOT = Path(__file__).parent.parent
#: Options that a student's card names for the teacher to be trained before it.
TEACHERS = {"loss": "at", "temperature": "natural"}


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("cards", ROOT / "scripts" / "cards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {"methods": module.methods_page(), "attacks": module.attacks_page()}


@pytest.mark.parametrize("kind", ["methods", "attacks"])
def test_the_pages_are_current(pages, kind):
    """If not: python scripts/cards.py"""
    assert (ROOT / "docs" / f"{kind}.md").read_text(encoding="utf-8") == pages[kind]


@pytest.mark.parametrize("kind", ["methods", "attacks"])
def test_the_pages_tell_of_everything_that_is_listed(pages, kind):
    for row in catalogue.catalogue(kind):
        assert f"| [`{row['name']}`](#{row['name']}) |" in pages[kind]
        section = pages[kind].split(f"\n## {row['name']}\n")[1].split("\n## ")[0]
        assert "* Cost: " in section
        assert row["paper"] in section


@pytest.mark.parametrize("name", ATTACKS.names())
def test_a_card_explains_each_parameter_of_an_attack_in_words_of_the_page(name):
    card = catalogue.show(name, kind="attacks")
    assert all(option["about"] for option in card["options"])
    told = " ".join([card["description"], *(option["about"] for option in card["options"])])
    named = {*re.findall(r"`(\w+(?:\.\w+)*)`", told)}
    assert named <= {option["name"] for option in card["options"]}, "names of the code that a reader can't see"
    assert card["restarts can help"] == bool(ATTACKS.get(name)().random)


@pytest.mark.parametrize(
    ("name", "cost"),
    [("fgsm", "1 pass"), ("pgd", "40 passes"), ("hopskipjump", "17,000 passes"), ("spatial", "370 passes")],
)
def test_a_card_says_what_an_attack_costs(name, cost):
    assert catalogue.show(name, kind="attacks")["cost"].startswith(f"about {cost} for an image")


@pytest.mark.parametrize("name", METHODS.names())
def test_a_card_tells_all_of_a_method(name):
    method, card = METHODS.get(name), catalogue.show(name)
    bound = method.bind({}, name)
    assert card["kind"] == "method"
    assert [card[part] for part in ("title", "paper", "equation")] == [method.title, method.paper, method.equation]
    assert card["outer"] == formula_of(bound.outer)
    assert "|" not in card["inner"] + card["outer"]  # it would end a cell of a table
    assert card["networks"] == [member.name or name for member in bound.cohort.members]
    assert card["teachers"] == list(bound.cohort.teachers)
    assert card["differences"] == DIFFERENCES[name]
    crafting = {*parameters(method.inner), "awp", "awp_warmup"} if not bound.inner.objective else set()
    expected = {key: value for key, value in bound.settings.items() if key not in {"objective"} | crafting}
    assert {option["name"]: option["default"] for option in card["options"]} == expected
    assert all(option["allowed"] for option in card["options"])


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("natural", "1 gradient"),
        ("at", "K + 1 gradients"),
        ("mat", "h1, h2: K + 2 gradients each"),
        ("at-avg", "3K + 3 gradients"),
        ("at-max", "3K + 1 gradients and 3 forward passes"),
        ("act", "natural: 1 gradient and 1 forward pass; robust: K + 1 gradients"),
        # Whose teachers are looked at; MMARD's attack climbs its teacher, too.
        ("ard", "K + 1 gradients; teacher: 1 forward pass"),
        ("iad", "K + 1 gradients; teacher: 2 forward passes"),
        ("rslad", "K + 2 gradients; teacher: 2 forward passes"),
        ("mtard", "K + 2 gradients; teacher natural, teacher robust: 1 forward pass each"),
        ("mmard", "K + 2 gradients; teacher: K gradients and 2 forward passes"),
        ("mat-nat-rob-offline", "K + 1 gradients; teacher: 1 forward pass"),
    ],
)
def test_a_card_says_what_a_method_costs(name, cost):
    steps = "" if name == "natural" else ", with K steps of the attack"
    assert catalogue.show(name)["cost"] == f"for each image in an epoch{steps}: {cost}"


@pytest.mark.parametrize("name", ["ard", "iad-2", "mtard", "mmard"])
def test_a_card_counts_what_a_dry_run_counts(name):
    """Passes through teachers: the card's formula at the recipe's number of steps is the estimate's count."""
    recipe, _ = load_recipe("paper").resolve(name, "resnet18", "cifar10", "cifar10", {}, "paper")
    bound = METHODS.get(name).bind({}, name)
    found = passes_of_step(bound, recipe).teachers
    formulas = re.findall(r"teacher(?: \w+)?: (?:(K) gradients? and )?(\d) forward", catalogue.show(name)["cost"])
    steps = recipe.threats["linf"].steps
    told = [(steps * bool(climbed), int(forwards)) for climbed, forwards in formulas]
    assert {(each.backwards, each.forwards - each.backwards) for each in found} == set(told)


@pytest.mark.parametrize("name", METHODS.names())
def test_every_option_that_a_card_names_exists(name):
    """Each `name=value` in what is said of a method is accepted, by it or by the method it says it for."""
    card = catalogue.show(name)
    text = f"{card['remarks']} {card['differences']}"
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


def test_cards_of_attacks_suites_and_recipes():
    pgd = catalogue.show("pgd")
    steps = next(option for option in pgd["options"] if option["name"] == "steps")
    assert steps == {"name": "steps", "default": 40, "allowed": "1 or more", "about": "gradient steps."}
    suite = catalogue.show("multi-perturbation")
    assert {"scale": "digits", "threats": "linf 0.15, l2 0.8, l1 2"} in suite["radii"]
    assert suite["margin"] == "1 point"
    items = load_suite("multi-perturbation", scale="digits").items
    assert [row["label"] for row in suite["attacks"]] == [item.label for item in items]
    recipe = catalogue.show("quick")
    assert {"scale": "digits", "norm": "linf", "epsilon": 0.15, "step_size": 0.06, "steps": 5} in recipe["radii"]


def test_a_name_of_several_things_is_the_one_that_is_asked_for():
    assert catalogue.show("trades")["also among"] == ["objectives", "losses"]
    loss = catalogue.show("trades", kind="losses")
    assert (loss["kind"], loss["formula"]) == ("loss", formula_of(OUTERS.get("trades")))
    assert catalogue.show("at-linf")["name"] == "at"  # an alias


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("tradse", "", "unknown name 'tradse'; did you mean trades"),
        ("tradse", "losses", "unknown loss 'tradse'; did you mean trades"),
        ("trades", "loses", "unknown kind 'loses'; did you mean losses"),
        ("nothing.pt", "", "there is no checkpoint nothing.pt"),
    ],
)
def test_what_is_not_there_is_not_shown(name, kind, message):
    with pytest.raises(BadInput, match=message):
        catalogue.show(name, kind=kind)


def test_differences_are_told_of_every_method_and_of_no_other():
    assert list(DIFFERENCES) == METHODS.names()


def test_the_list_of_methods_says_where_they_come_from():
    rows = {row["name"]: row for row in catalogue.catalogue("methods")}
    assert rows["mat"]["networks"] == ["h1", "h2"]
    assert rows["mat"]["paper"] == "Liu et al. 2021, arXiv:2112.05005"
    assert rows["mat"]["equation"] == "eq. 4 and 5"
    assert rows["mat-rob-rob-offline"]["equation"] == "section 3.2.5"
    assert rows["mtard"]["teachers"] == ["natural", "robust"]
    assert rows["rslad"]["inner"] == "D(T(x)‖S(x'))"
    assert rows["rslad"]["outer"] == "α·D(T(x)‖S(x')) + (1 − α)·D(T(x)‖S(x))"


def test_the_list_of_methods_tells_them_apart():
    """What makes a method another one is in its row: no two say the same but for their names."""
    rows = {row["name"]: row for row in catalogue.catalogue("methods")}
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
