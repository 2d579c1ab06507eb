"""Pages that scripts write from the code are what the code says now, and none of them leaves a name unexplained."""

from __future__ import annotations

import re

import formats
import pytest
import suites_page
import torch

from benchmark.catalogue import show
from benchmark.evaluation.suite import load_suite
from benchmark.suites.files import SUITES, norms_without_radius, read_suite_file
from benchmark.threats import Threat


@pytest.mark.parametrize("script", [suites_page, formats], ids=lambda script: script.__name__)
def test_the_page_is_what_its_script_writes(script):
    assert script.PLACE.read_text(encoding="utf-8") == script.page(), f"run python scripts/{script.__name__}.py"


def test_a_model_with_a_default_is_an_object_as_old_and_new_pydantic_say_it():
    reference = {"$ref": "#/$defs/Recipe"}
    assert formats._type({**reference, "default": {}}) == "object"
    assert formats._type({"allOf": [reference], "default": {}}) == "object"


@pytest.mark.parametrize("name", SUITES.names())
def test_the_page_of_suites_has_each_attack_with_its_own_norm(name):
    """Rows of several attacks name the first and the last, which differ by their radius alone."""
    section = suites_page.page().split(f"\n## {name}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if "](attacks.md#" in line
    ]
    norms = {label: norm for labels, _, norm, *_ in cells for label in re.findall(r"`([^`]+)`", labels)}
    items = load_suite(name, scale=next(iter(read_suite_file(name).content.epsilons), "")).items
    assert norms
    assert norms.items() <= {(item.label, item.threat.norm) for item in items}
    assert {item.threat.norm for item in items} == {*norms.values()}


def test_the_page_of_attacks_says_how_far_a_balls_surface_may_be_exceeded():
    """All values of an image are moved alike, to a little before and a little beyond what the table says."""
    page = (suites_page.ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) (\S+) \| (\S+|any size) \| ([\d.]+) % \|$", page, re.MULTILINE)
    assert len(rows) == 6
    for norm, radius, size, told in rows:
        shape = [int(side) for side in size.split("×")] if size != "any size" else [3, 224, 224]
        threat, x = (
            Threat(norm, radius if "/" in radius else float(radius)),
            torch.full((2, *shape), 0.5, dtype=torch.float64),
        )
        half = 0.5 * 10.0 ** -len(told.partition(".")[2])  # of the last digit that the table gives
        share = {"linf": 1.0, "l2": x[0].numel() ** -0.5, "l1": 1 / x[0].numel()}[norm]
        for percent, counts in ((float(told) - 1.02 * half, True), (float(told) + 1.02 * half, False)):
            x_adv = x + threat.epsilon * share * (1 + percent / 100)
            assert bool(threat.contains(x, x_adv).all()) == counts, (norm, radius, size)


def test_no_place_of_the_formats_page_is_left_empty():
    page = formats.page()
    assert "<!--" not in page
    assert not [line for line in page.splitlines() if line.startswith("| ") and line.endswith("|  |")]


def test_a_suite_is_shown_also_where_a_row_lacks_radii():
    """As of strengths of fog, which nobody has published for larger images."""
    assert norms_without_radius("white-box-linf", "imagenet") == ["fog", "gabor", "elastic"]
    assert norms_without_radius("white-box-linf", "digits") == norms_without_radius("unforeseen", "imagenet") == []
    radii = {each["scale"]: each["threats"] for each in show("white-box-linf", kind="suites")["radii"]}
    assert radii["imagenet"] == "linf 4/255; fog, gabor, elastic by --epsilon"
    assert radii["digits"].startswith("linf 0.15, fog ")
