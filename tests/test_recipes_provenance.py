"""Recipes that extend others, and where each value comes from: what docs/recipes.md shows is in the files."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from benchmark import catalogue
from benchmark.errors import BadInput
from benchmark.methods.table import METHODS
from benchmark.recipes.provenance import Stated, stated
from benchmark.recipes.recipe import is_recipe_key, load_recipe, younger_defaults

ROOT = Path(__file__).parent.parent
BASE = """\
lr: 0.1
epochs: 3
schedule: cosine
source: paper, section 2
threats:
  digits: {linf: {epsilon: 0.1, step_size: 0.1, steps: 3}}
overrides:
  - {methods: [mat], source: "code, mine/mat train.py", set: {lr: 0.01, alpha: 0.6}}
"""


@pytest.fixture(scope="module")
def files():
    return {name: load_recipe(name) for name in ("paper", "as-code", "robust-union")}


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("recipes", ROOT / "scripts" / "recipes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def extended(tmp_path, text, base=BASE):
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "own.yaml").write_text(f"extends: ./base.yaml\n{text}")  # beside it, wherever one is called from
    return tmp_path / "own.yaml"


def resolve(path, method="at", **settings):
    return load_recipe(path).resolve(method, "small-cnn", "digits", "digits", settings, path.name)


def test_the_page_is_current(page):
    """If not: python scripts/recipes.py"""
    assert (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8") == page.recipes_page()


def test_the_page_explains_each_setting_that_is_no_hyper_parameter_of_a_method_alone(page, files):
    told = {
        *re.findall(r"`([\w.]+)`", page.recipes_page().partition("## The settings")[2].partition("## Overview")[0])
    }
    for method in METHODS.names():
        card = catalogue.show(method, kind="methods")
        own = {
            each["name"] for each in card["options"] if each["of the"] in ("cohort", "objective", "loss", "merging")
        }
        for name in ("paper", "as-code"):
            if files[name].is_for(method):
                for key in page.settings(files[name], method):
                    parts = key.split(".")
                    shown = {key, parts[-1] if parts[0] == "threats" else parts[0]}
                    assert shown & told or (key in own and key != "reduction"), f"{method}: {key}"


def test_the_page_tells_every_value_of_every_method(page, files):
    text = page.recipes_page()
    for method in METHODS.names():
        section = text.split(f"\n## {method}\n")[1].split("\n## ")[0]
        for key, one in page.settings(files["paper"], method).items():
            line = next(line for line in section.splitlines() if f" {key} " in line.replace(";", " "))
            assert one.source in line
        if not files["as-code"].is_for(method):
            assert "no code was found" in section


def test_what_a_run_follows_is_what_the_page_says(files):
    """The value that is shown with a source is the one that a recipe resolves to."""
    for name, file in files.items():
        for method, entry in METHODS:
            if not file.is_for(method):
                continue
            recipe, hyper = file.resolve(method, "wrn-34-10", "cifar100", "cifar10", {}, name)
            bound, plain = entry.bind(hyper, name), younger_defaults() | recipe.model_dump(mode="json")
            for key, one in stated(file, method, "wrn-34-10", "cifar100", "cifar10").items():
                if not is_recipe_key(key):
                    assert key in bound.settings, (method, key)
                    continue
                found = plain
                for part in key.split("."):
                    found = found[part]
                if isinstance(one.value, int | float) and not isinstance(one.value, bool):
                    assert found == pytest.approx(one.value), (method, key)


def test_every_value_has_a_source_that_says_of_which_kind_it_is(files):
    for name, file in files.items():
        for override in file.overrides:
            assert re.match(r"(paper, .|code, [\w-]+/[\w-]+ .|ours$)", override.source), f"{name}: {override}"


def test_code_is_that_of_the_method(files):
    """A rate is taken from the repository in which the formula was read, or from that of its recipe's authors."""
    others = {"dd": "carlini/", "e-at": "uiuc-focal-lab/", "at": "locuslab/", "alp": "liuxingbin/"}
    for method, entry in METHODS:
        rate = stated(files["paper"], method, "resnet18", "cifar10", "cifar10")["lr"]
        assert rate.kind != "ours"
        if rate.kind == "code":
            assert rate.source.removeprefix("code, ").startswith(others.get(method, entry.code.partition("@")[0]))


def test_where_no_code_was_found_nothing_is_from_code(files):
    """But how many coordinates an l1 step moves, of which MAT says no more than their length."""
    for method, entry in METHODS:
        if entry.code or method == "natural":
            continue
        found = stated(files["paper"], method, "resnet18", "cifar10", "cifar10")
        assert not files["as-code"].is_for(method)
        assert {key for key, one in found.items() if one.kind == "code"} <= {
            "threats.l1.step_size",
            "threats.l1.k",
            "threats.l1.gap",
        }


def test_an_override_says_where_its_values_come_from(tmp_path):
    file = load_recipe(extended(tmp_path, "source: ours\nepochs: 5\n"))
    found = stated(file, "mat", "small-cnn", "digits", "digits")
    assert found["lr"] == Stated(0.01, "code, mine/mat train.py")
    assert (found["lr"].kind, found["epochs"].kind, found["schedule"].kind) == ("code", "ours", "paper")
    assert found["threats.linf.epsilon"] == Stated(0.1, "paper, section 2")


def test_a_recipe_that_extends_another_says_what_it_does_otherwise(tmp_path):
    path = extended(tmp_path, "epochs: 5\noverrides: [{methods: [mat], set: {alpha: 0.2}}]\n")
    recipe, hyper = resolve(path, "mat")
    assert (recipe.lr, recipe.epochs, recipe.schedule.name, hyper) == (0.01, 5, "cosine", {"alpha": 0.2})
    assert resolve(path)[0].threats["linf"].epsilon == 0.1
    recipe, _ = resolve(extended(tmp_path, "threats: {digits: {linf: {epsilon: 0.2, step_size: 0.1, steps: 1}}}\n"))
    assert recipe.threats["linf"].epsilon == 0.2
    narrow = extended(tmp_path, "methods: [mat]\n")
    assert resolve(narrow, "mat")[0].lr == 0.01
    with pytest.raises(BadInput, match=r"own.yaml says nothing of the method at; it is for mat"):
        resolve(narrow)


@pytest.mark.parametrize(
    ("text", "base", "method", "message"),
    [
        ("epochs: 0\n", BASE, "at", r"own\.yaml:2: epochs: .* not 0"),
        ("epohcs: 3\n", BASE, "at", r"own\.yaml:2: unknown key 'epohcs'; did you mean epochs"),
        ("epochs: 4\n", BASE.replace("lr: 0.1", "lr: fast"), "at", r"base\.yaml:1: lr: .* not 'fast'"),
        ("epochs: 4\n", BASE.replace("lr: 0.01", "lr: -1"), "mat", r"base\.yaml:8: lr: .* not -1"),
        ("overrides:\n  - set: {lr: -2}\n", BASE, "at", r"own\.yaml:3: lr: .* not -2"),
        ("epochs: 4\noverrides:\n  - set: {lr: -2}\n", BASE, "at", r"own\.yaml:4: lr: .* not -2"),
        (
            "threats: {digits: {linf: {epsilon: 0.2, step_size: 0.1, steps: 0}}}\n",
            BASE,
            "at",
            r"own\.yaml:2: threats.linf.steps: .* not 0",
        ),
        ("", BASE.replace("steps: 3", "steps: 0"), "at", r"base\.yaml:6: threats.linf.steps: .* not 0"),
        ("", "extends: own.yaml\n", "at", r"own\.yaml"),
        ("overrides:\n  - {set: {lr: 1}, sorce: me}\n", BASE, "at", r"own\.yaml:3: unknown key 'sorce'.*source"),
    ],
)
def test_a_mistake_is_told_with_the_file_it_is_in(tmp_path, monkeypatch, text, base, method, message):
    monkeypatch.chdir(tmp_path)
    path = extended(tmp_path, text, base)
    with pytest.raises(BadInput) as caught:
        resolve(path, method)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_recipes_that_extend_each_other_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("extends: ./b.yaml\n")
    Path("b.yaml").write_text("lr: 1\nextends: ./a.yaml\n")
    with pytest.raises(BadInput, match=r"b\.yaml:2: \./a\.yaml extends this recipe in turn"):
        load_recipe("./b.yaml")
    Path("c.yaml").write_text("extends: ./nowhere.yaml\n")
    with pytest.raises(BadInput, match=r"nowhere\.yaml"):
        load_recipe("./c.yaml")
    Path("d.yaml").write_text("extends: papr\n")
    with pytest.raises(BadInput, match=r"d\.yaml:1: unknown recipe 'papr'; did you mean paper"):
        load_recipe("./d.yaml")


def test_the_card_of_a_recipe_says_where_its_values_come_from():
    sources = {override["source"] for override in catalogue.show("as-code")["overrides"]}
    assert "paper, section 3.1" in sources
    assert any(source.startswith("code, zibojia/RSLAD") for source in sources)
