"""A network in another order of classes is asked about, put in order, and known by that order everywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_toys import save, trained, write_suite
from typer.testing import CliRunner

import benchmark
from benchmark import data
from benchmark.cli.app import app
from benchmark.errors import BadInput, PartlyFailed
from benchmark.evaluation import evaluate
from benchmark.evaluation import verification as recheck
from benchmark.models import Arranged, load_model
from benchmark.reporting import leaderboards
from benchmark.reporting.networks import network_pages
from benchmark.reporting.reproduce import evaluation_command

#: What output k of the shuffled network stands for.
ORDER = ("0", "1", "8", "9", "2", "3", "4", "5", "6", "7")

MODULE = f"""\
from torch import nn
from evaluation_toys import trained
from benchmark.models.class_order import Reordered

def shuffled():
    return Reordered(trained().model(), {[int(name) for name in ORDER]})
"""

ATTACKS = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 3}}\n"

SOURCE = "python:shuffling:shuffled"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "shuffling.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    save(tmp_path)
    return tmp_path


def run(source: str = SOURCE, images: int = 60, **options):
    suite = write_suite(Path(), ATTACKS, images=images)
    (found,) = evaluate(source, suite=suite, dataset="digits", trust_remote_code=True, progress=False, **options)
    return found


def broken(found) -> list[list[bool]]:
    return [outcome.broken.tolist() for outcome in found.outcomes]


def test_another_order_is_asked_about_and_a_file_sets_it(place):
    first = run(images=250)
    (doubt,) = (said for said in first.warnings if "another order" in said)
    assert "seem to stand for 0, 1, 8, 9, 2, 3, 4, 5, 6, 7; say so by --classes FILE" in doubt
    (place / "classes.json").write_text(json.dumps(ORDER))
    found, right = run(images=250, classes="classes.json"), run("toy.pt", images=250)
    assert not any("another order" in said for said in found.warnings)
    assert any("outputs stand for 0, 1, 8, 9, 2, 3, 4, 5, 6, 7, in this order" in said for said in found.warnings)
    assert found.clean_errors.tolist() == right.clean_errors.tolist()
    assert broken(found) == broken(right)
    assert first.clean_errors.mean() > 0.5 > found.clean_errors.mean()


def test_the_order_is_part_of_what_results_are_known_by(place):
    first, found = run(save_adversarial=True), run(save_adversarial=True, classes=ORDER)
    assert first.id != found.id
    assert first.model["digest"] == found.model["unordered"] != found.model["digest"]
    assert found.model["outputs"] == [ORDER.index(name) for name in "0123456789"]
    assert run(classes=ORDER, save_adversarial=True).id == found.id
    assert run(classes=tuple("0123456789")).id == first.id  # the data's own order is none


def test_what_is_stored_is_judged_in_the_order_that_was_evaluated():
    run(save_adversarial=True, classes=ORDER)
    rechecks = benchmark.verify("results", SOURCE, trust_remote_code=True)
    assert sum(found.stored for found in rechecks) > 0
    assert all(found.stored == found.confirmed for found in rechecks)


def test_an_evaluation_can_not_give_a_network_that_says_so_another_order():
    digits = data.load("digits")
    backwards = tuple(range(9, -1, -1))
    named = replace(trained(), dataset="", classes=digits.class_names)
    for network, is_true in (
        (named, True),
        (Arranged(named, backwards), False),
        (replace(named, classes=digits.class_names[::-1]), False),
        (Arranged(replace(named, classes=digits.class_names[::-1]), backwards), True),
        (Arranged(replace(named, classes=()), backwards), True),  # nobody knows better
        (Arranged(replace(named, classes=tuple("abcdefghij")), backwards), True),
    ):
        assert recheck._order_is_its_own(network, digits) is is_true


@pytest.mark.parametrize("outputs", [[0, 0], [1, 2, 3], "98", [*range(9, -1, -1), 10], list(range(9, -1, -1))])
def test_a_claimed_order_that_is_none_finds_no_network(outputs):
    found = run()
    claimed = replace(found, model={**found.model, "outputs": outputs})
    opened = load_model(SOURCE, trust_remote_code=True)
    assert recheck._as_evaluated(opened, claimed).digest == opened.digest or len(outputs) > 9


def test_networks_of_two_orders_are_compared_and_crafted_on():
    run(classes=ORDER)
    run("toy.pt")
    assert benchmark.compare([SOURCE, "toy.pt"])
    suite = write_suite(Path(), ATTACKS, images=60)
    pairs = benchmark.transfer(
        ["toy.pt"],
        [SOURCE],
        suite=suite,
        dataset="digits",
        trust_remote_code=True,
        classes=list(ORDER),
        progress=False,
    )
    (white,) = benchmark.transfer(["toy.pt"], suite=suite, dataset="digits", progress=False)
    assert broken(pairs[0]) == broken(white)


def test_a_checkpoint_in_another_order_is_matched_by_name(place):
    """As one that was trained on folders of the same names in another order."""
    order = np.asarray([int(name) for name in ORDER])
    state = dict(trained().state)
    last = [key for key in trained().model().state_dict() if key.endswith("weight")][-1].removesuffix("weight")
    for part in ("weight", "bias"):
        state[last + part] = state[last + part][order]
    save(place, replace(trained(), name="other", state=state, classes=ORDER))
    found, right = run("other.pt"), run("toy.pt")
    assert broken(found) == broken(right)
    assert any("outputs stand for 0, 1, 8, 9" in said for said in found.warnings)
    assert "--classes" not in evaluation_command(found)
    again = run("other.pt", classes=tuple("0123456789"))
    assert again.id == found.id
    run("other.pt", save_adversarial=True)
    assert benchmark.verify("results", "other.pt")


def test_a_checkpoint_of_other_classes_is_refused_and_others_go_on(place):
    save(place, replace(trained(), name="words", classes=tuple("abcdefghij")))
    with pytest.raises(BadInput, match=r"words was trained on the classes a, b, .*--classes FILE"):
        run("words.pt")
    with pytest.raises(PartlyFailed) as caught:
        evaluate(["words.pt", "toy.pt"], suite=write_suite(place, ATTACKS), dataset="digits", progress=False)
    assert [found.name for found in caught.value.done] == ["toy"]
    assert broken(run("words.pt", classes=tuple("0123456789"))) == broken(run("toy.pt"))


def test_the_page_names_the_order_and_the_command_says_it_again():
    (network,) = network_pages(leaderboards([run(classes=ORDER)]))
    assert network.facts["class order"] == ", ".join(ORDER)
    assert "--classes classes.txt" in network.results[0].command
    assert "--trust-remote-code" in network.results[0].command  # without it nothing of one's own is run
    (page,) = network_pages(leaderboards([run()]))
    assert "class order" not in [name for name, words in page.facts.items() if words]


def test_classes_spelt_otherwise_are_used_and_not_said_to_be_passed_over(tmp_path):
    """Blanks at the end, as accents in two letters: nobody sees them."""
    found = run(classes=[f"{name} " for name in ORDER])
    assert not [note for note in found.warnings if "were not used" in note]
    assert found.clean_errors.mean() < 0.2


def test_a_network_that_says_another_order_itself_is_not_sent_to_an_option_it_does_not_heed(place):
    odd = save(place, replace(trained(), name="odd", classes=ORDER))
    (doubt,) = [note for note in run(str(odd)).warnings if "another order of the classes" in note]
    assert "--classes does not change that" in doubt


def test_training_names_the_classes():
    (path,) = benchmark.train("natural", set={"epochs": 1}, recipe="quick", out="zoo", progress=False)
    assert load_model(path).classes == tuple("0123456789")


@pytest.mark.parametrize("verb", ["evaluate", "transfer"])
def test_a_bad_file_stops_everything_before_anything_is_attacked(place, verb):
    (place / "classes.txt").write_text("one\n" * 10)
    words = [verb, "toy.pt", SOURCE, "--trust-remote-code", "--dataset", "digits", "--classes", "classes.txt"]
    done = CliRunner().invoke(app, [*words, "--suite", str(write_suite(place, ATTACKS))])
    assert isinstance(done.exception, BadInput)
    assert "'one' is there twice" in str(done.exception)
    assert not (place / "results" / "records").exists()
