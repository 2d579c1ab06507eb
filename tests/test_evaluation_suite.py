"""Suites: what is shipped is right, what is wrong is said with its line, digests change when numbers would."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from evaluation_toys import write_suite

import benchmark
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.scales import Radii
from benchmark.suites.files import SUITES, suite_presets, suite_scales

LACKING = (("fog", 128.0), ("gabor", 12.5), ("elastic", 0.5))


@pytest.mark.parametrize("name", SUITES.names())
def test_every_shipped_suite_loads_at_every_scale_and_preset(name):
    for preset in suite_presets(name):
        for scale in suite_scales(name):
            # At these sizes nobody published strengths of what is no ball.
            own = LACKING if name == "white-box-linf" and "imagenet" in scale else ()
            suite = load_suite(name, preset, Radii(scale, own))
            assert suite.name == name
            assert suite.items
            assert len({item.label for item in suite.items}) == len(suite.items)
    assert {"digits", "cifar10", "tiny-imagenet", "imagenet"} <= set(suite_scales(name))


def test_multi_perturbation_is_the_papers():
    suite = load_suite("multi-perturbation", scale="cifar10")
    assert suite.images == 1000
    assert suite.norms == ["linf", "l2", "l1"]
    attacks = {(item.threat.norm, item.attack.name) for item in suite.items}
    assert attacks == {
        *(("linf", name) for name in ("fgsm", "pgd", "mim")),
        *(("l2", name) for name in ("pgd", "gaussian-noise", "boundary", "deepfool", "pointwise", "ddn", "cw")),
        *(("l1", name) for name in ("pgd", "salt-and-pepper", "pointwise")),
    }
    by_label = {item.label: item for item in suite.items}
    for label, epsilon, step in (("pgd-linf", 0.03, 0.003), ("pgd-l2", 0.5, 0.05), ("pgd-l1", 12, 1.0)):
        item = by_label[label]
        assert item.threat.epsilon == epsilon
        assert item.attack.relative_step_size * epsilon == pytest.approx(step)
        assert item.restarts == 10
        alike = by_label[label.replace("pgd", "pgd-from-image")]
        assert dataclasses.replace(alike.attack, start="random") == item.attack
        assert (alike.attack.start, alike.restarts, alike.threat) == ("zero", 1, item.threat)
    assert by_label["fgsm-linf"].restarts == 1
    iterative = by_label["bim-l2"]
    assert (iterative.attack.steps, iterative.attack.start, iterative.restarts) == (10, "zero", 1)
    assert iterative.attack.relative_step_size == pytest.approx(0.05 / 0.3)  # Foolbox 1.8's step size and radius


def test_quick_starts_as_often_at_the_image_as_full():
    quick = {item.label: item for item in load_suite("multi-perturbation", "quick", "digits").items}
    for norm in ("linf", "l2", "l1"):
        random, alike = quick[f"pgd-{norm}"], quick[f"pgd-from-image-{norm}"]
        assert random.restarts == 1
        assert dataclasses.replace(alike.attack, start="random") == random.attack


@pytest.mark.parametrize("name", SUITES.names())
def test_no_description_states_a_number_of_what_runs(name):
    """It stands in lists above every preset and scale; numbers of tables and of data sets are names."""
    description = re.sub(
        r"(MAT|MMARD) Tables? \d( to \d)?|CIFAR-10-C|l[12]\b", "", load_suite(name, scale="cifar10").description
    )
    assert not re.search(r"\d", description), description


def test_a_suite_says_where_it_comes_from_and_what_it_does_otherwise(tmp_path):
    suite = load_suite("multi-perturbation", scale="cifar10")
    assert "ef34194" in " ".join(suite.sources)
    assert {"Radii", "Salt and pepper and pointwise under l1"} <= {text.split(":")[0] for text in suite.differences}
    assert suite.definition()["differences"] == list(suite.differences)
    bare = load_suite(write_suite(tmp_path, GOOD), scale="digits").definition()
    assert not {"sources", "differences"} & bare.keys()


def test_a_margin_is_stated_or_there_is_none(tmp_path):
    """It decides no number, so that results of before and after share a leaderboard."""
    bare, stated = (load_suite(write_suite(tmp_path, GOOD + more), scale="digits") for more in ("", "margin: 2.5\n"))
    assert (bare.margin, stated.margin) == (None, 2.5)
    assert "margin" not in bare.definition()
    assert stated.definition()["margin"] == 2.5
    assert stated.digest == bare.digest


@pytest.mark.parametrize("name", SUITES.names())
def test_every_shipped_suite_states_its_margin(name):
    assert load_suite(name, scale="cifar10").margin == 1


@pytest.mark.parametrize("margin", ["0", "-1", "100", ".nan", ".inf", "one", "[1]"])
def test_a_margin_that_makes_no_sense_is_refused_with_its_line(tmp_path, margin):
    with pytest.raises(BadInput, match=r"toy-suite\.yaml:8: .*margin"):
        load_suite(write_suite(tmp_path, GOOD + f"margin: {margin}\n"), scale="digits")


def test_quick_is_weaker_and_another_digest():
    full, quick = (
        load_suite("multi-perturbation", scale="cifar10"),
        load_suite("multi-perturbation", "quick", "cifar10"),
    )
    assert quick.images < full.images
    assert quick.digest != full.digest
    assert [item.label for item in quick.items] == [item.label for item in full.items]
    for few, many in zip(quick.items, full.items, strict=True):
        assert few.restarts <= many.restarts
        assert few.threat == many.threat


def test_scales_have_their_own_radii_and_parameters():
    digits = {item.label: item for item in load_suite("multi-perturbation", scale="digits").items}
    assert digits["pgd-l1"].attack.k == (1, 4)
    assert digits["pgd-l1"].threat.epsilon < 12


GOOD = "  - {attack: pgd, norm: linf, restarts: 2, parameters: {steps: 5}}\n"


def test_the_digest_covers_numbers_and_nothing_else(tmp_path):
    def digest(attacks: str = GOOD, **more) -> str:
        return load_suite(write_suite(tmp_path, attacks, **more), scale="digits").digest

    same = "  - attack: pgd  # a comment\n    parameters: {steps: 5}\n    restarts: 2\n    norm: linf\n"
    assert digest(same) == digest()
    assert digest(head="description: words\n") == digest()
    changed = [GOOD.replace("5", "6"), GOOD.replace("restarts: 2", "restarts: 3"), GOOD.replace("linf", "l2")]
    changed.append(GOOD.replace("norm: linf", "norm: linf, epsilon: 0.1"))
    digests = [digest(), *map(digest, changed), digest(images=61)]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    ("attacks", "messages"),
    [
        ("  - {attack: pdg, norm: linf}\n", ["toy-suite.yaml:7", "'pdg'", "did you mean pgd"]),
        ("  - {attack: pgd, norm: linf,\n     parameters: {step: 5}}\n", ["toy-suite.yaml:8", "'step'", "steps"]),
        ("  - {attack: pgd, norm: linf, parameters: {steps: many}}\n", ["toy-suite.yaml:7", "steps='many'"]),
        (
            "  - {attack: pgd, norm: linf, parameters: {steps: 0}}\n",
            ["toy-suite.yaml:7", "steps=0: input should be greater than or equal to 1"],
        ),
        ("  - {attack: pgd, norm: l7}\n", ["toy-suite.yaml:7", "unknown norm 'l7'"]),
        ("  - {attack: fgsm, norm: l2}\n", ["toy-suite.yaml:7", "does not support l2"]),
        ("  - {attack: pgd, norm: linf, epsilon: 0}\n", ["toy-suite.yaml:7", "epsilon"]),
        ("  - {attack: pgd, norm: linf, epsilon: -1.0}\n", ["toy-suite.yaml:7", "epsilon"]),
        ("  - {attack: pgd, norm: linf, epsilon: .nan}\n", ["toy-suite.yaml:7", "epsilon"]),
        ("  - {attack: pgd, norm: linf, epsilon: big}\n", ["toy-suite.yaml:7", "epsilon"]),
        ("  - {attack: pgd, norm: l0}\n", ["toy-suite.yaml:5", "no radius for l0"]),
        ("  - {attack: pgd, norm: linf, restart: 3}\n", ["toy-suite.yaml:7", "'restart'", "restarts"]),
        ("  - {attack: pgd, norm: linf, restarts: 0}\n", ["toy-suite.yaml:7", "restarts"]),
        ("  - {norm: linf}\n", ["toy-suite.yaml:7", "'attack' is missing"]),
        (GOOD + GOOD, ["toy-suite.yaml:8", "occurs twice"]),
        ("  - {attack: pdg, norm: linf}\n  - {attack: pgd, norm: l7}\n", ["toy-suite.yaml:7", "toy-suite.yaml:8"]),
        (GOOD + "images: 5\n", ["toy-suite.yaml:8", "'images' occurs twice"]),
        ("  - {attack: pgd\n", ["toy-suite.yaml", "not valid YAML"]),
        (GOOD + "presets: {quick: {attacks: {pgd: {restarts: 1}}}}\n", ["toy-suite.yaml:8", "'pgd'", "pgd-linf"]),
    ],
)
def test_what_is_wrong_with_a_suite_is_said_with_its_line(tmp_path, attacks, messages):
    path = write_suite(tmp_path, attacks)
    preset = "quick" if "presets" in attacks else "standard"
    with pytest.raises(BadInput) as caught:
        load_suite(path, preset, "digits")
    for message in messages:
        assert message in str(caught.value)


def test_unknown_names_offer_the_nearest(tmp_path):
    with pytest.raises(BadInput, match="did you mean multi-perturbation"):
        load_suite("multi-pertubation")
    with pytest.raises(BadInput, match="did you mean quick"):
        load_suite("multi-perturbation", "quik")
    with pytest.raises(BadInput, match="did you mean digits"):
        load_suite("multi-perturbation", scale="digit")
    with pytest.raises(BadInput, match="can't read"):
        load_suite(tmp_path / "absent.yaml")


def test_a_suite_can_take_its_own_radius_per_scale(tmp_path):
    own = "  - {attack: pgd, norm: linf, epsilon: {digits: 0.2}}\n"
    shared = "  - {attack: fgsm, norm: linf, epsilon: {mnist: 0.4}}\n"
    suite = load_suite(write_suite(tmp_path, own + shared, head="union: all\n"), scale="digits")
    assert [item.threat.epsilon for item in suite.items] == [0.2, 0.12]


@pytest.mark.parametrize(
    "name",
    ["multi-perturbation", "smoke", "multi-norm-aa", "autoattack", "kd-defences", "transfer", "security-curves"],
)
def test_digits_are_attacked_with_the_radii_they_are_trained_for(name):
    """Two rooms state the digits' radii, since neither may import the other; they must not drift apart."""
    recipe = yaml.safe_load((Path(benchmark.__file__).parent / "recipes" / "quick.yaml").read_text())
    trained = {norm: row["epsilon"] for norm, row in recipe["threats"]["digits"].items()}
    for item in load_suite(name, scale="digits").items:
        assert item.threat.epsilon == trained[item.threat.norm]


def test_the_definition_says_who_follows_no_gradient():
    items = load_suite("multi-perturbation", scale="cifar10").definition()["items"]
    blind = {item["attack"]["name"] for item in items if item["gradient_free"]}
    assert blind == {"gaussian-noise", "boundary", "pointwise", "salt-and-pepper"}
