"""How radii are written and read, wherever they are; and that none is so large that it holds every image."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from evaluation_toys import trained, write_suite

import benchmark
from benchmark import data
from benchmark.attacks import make_attack
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.evaluation.verification import verify
from benchmark.experiments.experiment import make_comparison
from benchmark.models import save_checkpoint
from benchmark.radii import format_radius, read_number, too_large
from benchmark.reporting.references import references
from benchmark.threats import Threat
from benchmark.training.decision import decide
from benchmark.training.settings import parse_settings


@pytest.mark.parametrize(
    ("norm", "epsilon", "text"),
    [
        ("linf", 8 / 255, "8/255"),
        ("linf", float(np.float32(8 / 255)), "8/255"),
        ("linf", 0.03137255, "8/255"),
        ("linf", 0.00784314, "2/255"),
        ("linf", 0.0313725, "0.0313725"),
        ("linf", 0.031, "0.031"),
        ("linf", 0.2, "0.2"),
        ("linf", float(np.float32(0.2)), "0.2"),
        ("linf", 0.5 / 255, "0.00196078"),
        ("l2", 0.50196078, "128/255"),
        ("l2", 0.5, "0.5"),
        ("l1", 2000 / 255, "2000/255"),
        ("l1", 12, "12"),
        ("l0", 8, "8"),
        ("fog", 128 / 255, "0.501961"),
    ],
)
def test_radii_are_written_as_people_write_them(norm, epsilon, text):
    assert format_radius(norm, epsilon) == text
    assert str(Threat(norm, epsilon)) == f"{norm} {text}"


def test_a_fraction_stands_for_every_grey_level_that_no_short_decimal_writes():
    for norm in ("linf", "l2", "l1"):
        written = [format_radius(norm, level / 255) for level in range(1, 1000)]
        assert written == [f"{n / 255:g}" if n % 51 == 0 else f"{n}/255" for n in range(1, 1000)]


# Reading.


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("8/255", 8 / 255),
        (" 8 / 255 ", 8 / 255),
        ("0.5/255", 0.5 / 255),
        ("1e-3", 0.001),
        ("2.5E+1", 25.0),
        (0.03, 0.03),
        (12, 12),
        (None, None),
    ],
)
def test_fractions_are_numbers(value, number):
    assert read_number(value) == number


@pytest.mark.parametrize("word", ["step", "8/0", "8/", "/255", "1/2/3", "-8/255", "linf", "2", "8/255px", "", "1e"])
def test_other_words_stay_words(word):
    assert read_number(word) == word


@pytest.mark.timeout(20)
def test_a_long_word_is_read_at_once():
    for word in ("1" * 200_000 + "x", "1/" + "1" * 200_000 + "x", "1" * 100_000 + "e" + "1" * 100_000 + "x"):
        assert read_number(word) is word


def write_recipe(folder: Path, epsilon: str, step_size: str = "2/255", gap: str = "1/255") -> str:
    path = folder / "fractions.yaml"
    path.write_text(f"""
lr: 0.1
epochs: 1
threats:
  digits:
    linf: {{epsilon: {epsilon}, step_size: {step_size}, steps: 1}}
    l1: {{epsilon: 2, step_size: 1, steps: 1, gap: {gap}}}
overrides:
  - {{methods: [trades], set: {{threats.linf: {{epsilon: 4/255}}}}}}
""")
    return str(path)


def test_recipes_and_settings_have_fractions(tmp_path):
    digits, recipe = data.load("digits"), write_recipe(tmp_path, "8/255")
    threats = decide("at", digits, "small-cnn", recipe, {})[0].threats
    assert (threats["linf"].epsilon, threats["linf"].step_size, threats["l1"].gap) == (8 / 255, 2 / 255, 1 / 255)
    assert decide("trades", digits, "small-cnn", recipe, {})[0].threats["linf"].epsilon == 4 / 255
    for given in (["threats.linf.epsilon=16/255"], {"threats.linf.epsilon": "16/255"}):
        settings = parse_settings(given)
        assert decide("at", digits, "small-cnn", recipe, settings)[0].threats["linf"].epsilon == 16 / 255
    asked = make_comparison(None, ["at"], {"threats.linf.epsilon": ["2/255", 8 / 255, "8/255"]})
    assert asked.values == {"threats.linf.epsilon": [2 / 255, 8 / 255]}


def test_suites_have_fractions(tmp_path):
    lines = """\
  - {attack: pgd, norm: linf, parameters: {step_size: 2/255}}
  - {attack: pgd, norm: linf, label: own, epsilon: 4/255}
  - {attack: pgd, norm: linf, label: by-scale, epsilon: {digits: 2/255}}
  - {attack: "foolbox.attacks:LinfPGD", norm: linf, label: foreign, parameters: {abs_stepsize: 2/255}}
"""
    head = "union: {digits: {linf: [2/255, 4/255]}}\n"
    suite = load_suite(write_suite(tmp_path, lines, head=head), scale="digits")
    assert suite.union == (Threat("linf", "4/255"), Threat("linf", "2/255"))
    found = {item.label: item for item in suite.items}
    assert found["pgd-linf"].attack.step_size == 2 / 255
    assert [found[label].threat.epsilon for label in ("own", "by-scale")] == [4 / 255, 2 / 255]
    assert found["foreign"].attack.parameters == {"abs_stepsize": 2 / 255}
    assert load_suite("pgd-linf", scale="cifar10").items[0].threat == Threat("linf", "8/255")
    assert load_suite("pgd-linf", scale="cifar10").items[0].definition()["epsilon"] == 8 / 255


def test_python_has_fractions():
    assert Threat("linf", "8/255") == Threat("linf", 8 / 255)
    assert make_attack("pgd", {"step_size": "2/255", "start": "zero"}) == make_attack(
        "pgd", {"step_size": 2 / 255, "start": "zero"}
    )
    assert next(entry for entry in references("cifar10") if entry.epsilon == "8/255").radius == 8 / 255


@pytest.mark.parametrize("epsilon", ["8/0", "eight", None, [1], "0/255"])
def test_what_is_no_number_is_no_radius(epsilon):
    with pytest.raises(BadInput, match="epsilon of a threat must be a positive number, not "):
        Threat("linf", epsilon)


@pytest.mark.parametrize("epsilon", ["8/0", "eight", "[1]", "8/255px"])
def test_a_suite_says_where_no_number_stands(tmp_path, epsilon):
    line = f"  - {{attack: fgsm, norm: linf, epsilon: {epsilon}}}\n"
    with pytest.raises(BadInput, match=r"toy-suite\.yaml:7: .*epsilon"):
        load_suite(write_suite(tmp_path, line), scale="digits")
    with pytest.raises(BadInput, match=r"toy-suite\.yaml:7: attack 'pgd': step_size="):
        load_suite(
            write_suite(tmp_path, f"  - {{attack: pgd, norm: linf, parameters: {{step_size: {epsilon}}}}}\n"),
            scale="digits",
        )


# Radii that hold every image.


@pytest.mark.parametrize(
    ("norm", "epsilon", "words"),
    [
        ("linf", 8, "a radius of 8 in linf holds every image, since values lie in [0, 1]; did you mean 8/255?"),
        ("linf", 1.0, "; did you mean 1/255?"),
        ("linf", 255, "lie in [0, 1]"),
        ("l2", 128, "a 3×32×32 image has 3072 values, so that none is farther than 55.4256; did you mean 128/255?"),
        ("l2", 55.43, "did you mean"),
        ("l2", 1e5, "none is farther than 55.4256"),
        ("l1", 4000, "a radius of 4000 in l1 holds every image, since a 3×32×32 image has 3072 values"),
        ("l0", 3073, "a radius of 3073 in l0 holds every image, since a 3×32×32 image has 3072 values"),
    ],
)
def test_a_radius_that_holds_every_image_is_told(norm, epsilon, words):
    told = too_large(norm, epsilon, (3, 32, 32))
    assert words in told
    assert told.endswith("?") == ("did you mean" in told) == (norm != "l0" and epsilon not in (255, 1e5))
    assert bool(too_large(norm, epsilon)) == (norm == "linf")


@pytest.mark.parametrize(
    ("norm", "epsilon"), [("linf", 0.999), ("l2", 55.4), ("l1", 3072), ("l0", 3072), ("fog", 512)]
)
def test_smaller_ones_are_not(norm, epsilon):
    assert too_large(norm, epsilon, (3, 32, 32)) == ""
    assert Threat(norm, epsilon).epsilon == epsilon


def test_threats_and_suites_refuse_them_with_their_place(tmp_path):
    with pytest.raises(BadInput, match=r"^a radius of 8 in linf holds every image.*; did you mean 8/255\?$"):
        Threat("linf", 8.0)
    path = write_suite(tmp_path, "  - {attack: fgsm, norm: linf, epsilon: 8}\n")
    with pytest.raises(BadInput, match=r"^toy-suite\.yaml:7: a radius of 8 in linf .* did you mean 8/255\?$"):
        load_suite(path, scale="digits")


def test_suites_refuse_steps_in_grey_levels(tmp_path):
    """PGD of radius 8/255 with steps of 2 jumps between corners of its ball, and finds less than it could."""
    path = write_suite(tmp_path, "  - {attack: pgd, norm: linf, epsilon: 8/255, parameters: {step_size: 2}}\n")
    words = r"pgd: step_size: a step of 2 in linf leads past every image, .* did you mean 2/255\?$"
    with pytest.raises(BadInput, match=rf"^toy-suite\.yaml:7: {words}"):
        load_suite(path, scale="digits")
    path = write_suite(tmp_path, "  - {attack: pgd, norm: l1, parameters: {step_size: 1.5}}\n")
    assert load_suite(path, scale="digits").items[0].attack.step_size == 1.5


def test_an_evaluation_refuses_them_before_it_begins(tmp_path):
    """8×8 values are at most 8 apart in l2, 64 in l1 and l0; all that is wrong is said at once."""
    save_checkpoint(tmp_path / "toy.pt", trained())
    path = write_suite(
        tmp_path,
        """\
  - {attack: pgd, norm: l2, epsilon: 128}
  - {attack: pgd, norm: l1, epsilon: 64}
  - {attack: fmn, norm: l0, epsilon: 65}
""",
    )
    with pytest.raises(BadInput) as caught:
        benchmark.evaluate(tmp_path / "toy.pt", suite=path, results=tmp_path / "results", progress=False)
    first, second = str(caught.value).splitlines()
    assert first.startswith("toy-suite.yaml:7: a radius of 128 in l2 holds every image")
    assert first.endswith("a 1×8×8 image has 64 values, so that none is farther than 8; did you mean 128/255?")
    assert second.startswith("toy-suite.yaml:9: a radius of 65 in l0 ")
    assert not list((tmp_path / "results").rglob("*.npz"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threats.linf.epsilon": 8}, "threats.linf.epsilon: a radius of 8 in linf .* did you mean 8/255"),
        ({"threats.l2.epsilon": 9}, "threats.l2.epsilon: a radius of 9 in l2 .* a 1×8×8 image .* did you mean 9/255"),
        ({"threats.linf.step_size": 2}, "threats.linf.step_size: a step of 2 in linf .* did you mean 2/255"),
        ({"threats.l2.step_size": 9}, "threats.l2.step_size: a step of 9 in l2 .* did you mean 9/255"),
    ],
)
def test_training_refuses_them(settings, words):
    with pytest.raises(BadInput, match=f"^recipe quick: {words}"):
        decide("at", data.load("digits"), "small-cnn", "quick", settings)


def test_a_record_of_such_a_radius_is_named_and_the_others_are_judged(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "toy.pt", dataclasses.replace(trained(), name="toy"))
    path = write_suite(
        tmp_path, "  - {attack: fgsm, norm: linf, epsilon: 0.3}\n  - {attack: ddn, norm: l2, epsilon: 2}\n"
    )
    where = {"results": tmp_path / "results", "save_adversarial": True, "progress": False, "n": 20}
    benchmark.evaluate(tmp_path / "toy.pt", suite=path, **where)
    monkeypatch.setattr("benchmark.radii.too_large", lambda norm, epsilon: "too large" if norm == "linf" else "")
    by_label = {found.label: found for found in verify(tmp_path / "results", tmp_path / "toy.pt")}
    assert [problem.rpartition(": ")[2] for problem in by_label["fgsm-linf"].problems] == ["too large"]
    assert by_label["ddn-l2"].confirmed > 0
    assert not by_label["ddn-l2"].problems
