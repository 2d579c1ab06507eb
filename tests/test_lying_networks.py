"""Networks that give no answer, share generators with the attack or change under way gain nothing by it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import lying_networks
import numpy as np
import pandas as pd
import pytest
import torch
from evaluation_toys import save, write_suite

import benchmark
from benchmark import BadInput
from benchmark.analysis.masking import is_masked, masking_flags
from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.ledger.ledger import Ledger
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

IMAGES = 40
#: White-box and black-box, own, adapted and imported; each alone would find next to nothing on a silent network.
ATTACKS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: linf, parameters: {steps: 3}}
  - {attack: fmn, norm: l2, parameters: {steps: 100}}
  - {attack: boundary, norm: l2, parameters: {steps: 20}}
  - {attack: gaussian-noise, norm: l2, parameters: {repeats: 3}}
  - {attack: square, norm: linf, parameters: {queries: 20}}
  - {attack: apgd-ce, norm: l2, parameters: {steps: 3}}
  - {attack: "foolbox.attacks:LinfPGD", norm: linf, parameters: {steps: 3}}
  - {attack: "foolbox.attacks:LinfAdditiveUniformNoiseAttack", norm: linf}
"""


def evaluated(folder: Path, name: str, attacks: str = ATTACKS, **options):
    suite = write_suite(folder, attacks, images=IMAGES)
    source = f"python:lying_networks:{name}" if name != "plain" else save(folder)
    (found,) = benchmark.evaluate(
        source,
        suite=suite,
        results=folder / "results",
        dataset="digits",
        trust_remote_code=True,
        progress=False,
        **options,
    )
    return found


@pytest.fixture
def evaluate(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend("tests")
    return partial(evaluated, tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What all attacks find on the honest network."""
    return evaluated(tmp_path_factory.mktemp("plain"), "plain")


SILENT = [
    "nan_off_the_grid",
    "infinite_off_the_grid",
    "infinitely_sure_off_the_grid",
    "minus_infinite_off_the_grid",
    "overflowing_off_the_grid",
]


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        *((name, "fp32") for name in SILENT),
        *((name, "bf16") for name in SILENT[::2]),
        *(pytest.param(name, "bf16", marks=pytest.mark.slow) for name in SILENT[1::2]),
    ],
)
def test_no_answer_is_no_defence(evaluate, name, precision):
    """Whatever leaves the grid breaks it, and every attack leaves the grid."""
    found = evaluate(name, precision=precision)
    assert not found.failures
    for outcome in found.outcomes:
        assert outcome.broken.all(), outcome.label
        assert outcome.costs["no_answer"] == (~found.clean_errors).sum(), outcome.label
    assert (found.no_answer == ~found.clean_errors).all()
    assert any("NaN or infinite logits for" in warning for warning in found.warnings)


def test_no_answer_is_counted_in_record_page_and_csv(evaluate, tmp_path):
    found = evaluate("nan_off_the_grid")
    (first, *_) = found.outcome("fgsm-linf").records
    record = Ledger.open(tmp_path / "results").read(found.model["digest"], first)
    assert (record.no_answer == (record.broken & ~record.clean_errors)).all()
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    table = pd.read_csv(tmp_path / "reports" / "attacks.csv")
    assert set(table["no_answer"]) == {int((~found.clean_errors).sum())}
    (page,) = (tmp_path / "reports" / "models").glob("*.html")
    assert "Non-finite" in page.read_text()
    assert "NaN or infinite logits for" in page.read_text()


def test_honest_networks_are_spared_the_column(evaluate, tmp_path):
    found = evaluate("plain")
    assert not found.no_answer.any()
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    (page,) = (tmp_path / "reports" / "models").glob("*.html")
    assert "Non-finite" not in page.read_text()


def test_clean_images_without_an_answer_are_clean_errors(evaluate):
    found = evaluate("nan_for_bright_images", "  - {attack: fgsm, norm: linf}\n")
    plain = evaluate("plain", "  - {attack: fgsm, norm: linf}\n")
    silent = found.no_answer & found.clean_errors
    assert 0 < silent.sum() < IMAGES
    assert (found.clean_errors == (plain.clean_errors | silent)).all()
    said = " ".join(found.warnings)
    assert f"returns NaN or infinite logits for {silent.sum()} of the first {IMAGES} images" in said


def test_a_network_that_never_answers_is_refused(evaluate):
    with pytest.raises(BadInput, match="NaN or infinite logits for every image"):
        evaluate("nan_always")


@pytest.mark.parametrize(
    "name",
    [
        "that_seeds_everything",
        pytest.param("that_seeds_in_its_backward_pass", marks=pytest.mark.slow),
        pytest.param("that_switches_gradients_off", marks=pytest.mark.slow),
        "that_sets_the_default_dtype",
    ],
)
def test_a_network_that_changes_what_is_global_gets_the_same_numbers(evaluate, name, plain):
    """It would take the randomness from Square, else, and from whatever draws from the global generators."""
    found = evaluate(name)
    for expected, outcome in zip(plain.outcomes, found.outcomes, strict=True):
        assert (outcome.broken == expected.broken).all(), outcome.label
        np.testing.assert_allclose(outcome.distance, expected.distance, rtol=1e-5)


def test_a_network_leaves_torch_set_as_it_was(evaluate):
    before = torch.get_default_dtype(), torch.get_num_threads(), torch.get_deterministic_debug_mode()
    try:
        evaluate("that_sets_the_default_dtype")
        assert before == (torch.get_default_dtype(), torch.get_num_threads(), torch.get_deterministic_debug_mode())
    finally:
        torch.set_default_dtype(before[0])
        torch.set_num_threads(before[1])
        torch.set_deterministic_debug_mode(before[2])


@pytest.mark.parametrize("name", ["square", "boundary", "pgd"])
def test_what_a_network_draws_and_what_an_attack_draws_is_apart(name):
    """An attack's draws do not depend on how many the network makes."""

    class Drawing(torch.nn.Module):
        def __init__(self, draws: int) -> None:
            super().__init__()
            self.draws = draws
            self.linear = torch.nn.Linear(12, 4)

        def forward(self, x):
            for _ in range(self.draws):
                torch.rand(3)
                np.random.rand()  # noqa: NPY002
            return self.linear(x.flatten(1))

    x = torch.rand(6, 3, 2, 2)
    norm = "l2" if name == "boundary" else "linf"
    attack = make_attack(name, {"queries": 30} if name == "square" else {"steps": 5})
    found = []
    for draws in (0, 1, 5):
        torch.manual_seed(0)
        network = Drawing(draws)
        y = network(x).argmax(1)
        before = torch.get_rng_state()
        noise = ExampleNoise(0, range(len(x)), 0)
        found.append(attack(PreparedClassifier(network, 4), x, y, Threat(norm, 0.05), noise))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("that_changes_at_its_twelfth_call", "gives other logits after 20 calls"),
        ("that_minds_a_crowd", "depend on the other images of the batch when there are 40"),
        ("that_slips_into_train_mode", "logits|training mode"),
    ],
)
def test_networks_that_change_or_mind_their_neighbours_are_refused(evaluate, name, message):
    with pytest.raises(BadInput, match=message):
        evaluate(name)


@pytest.mark.parametrize("name", ["that_changes_at_its_fortieth_call", "that_slips_into_train_mode_late"])
def test_networks_that_change_under_way_are_named(evaluate, name, plain, tmp_path):
    found = evaluate(name)
    assert plain.unstable == 0
    told = found.unstable > 0 and any(
        "did not always make the same prediction" in warning for warning in found.warnings
    )
    assert told or any("weights, buffers or mode were changed" in failure for failure in found.failures)
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    pages = " ".join(page.read_text() for page in (tmp_path / "reports" / "models").glob("*.html"))
    assert "did not always make the same prediction" in pages or "buffers or mode were changed" in pages


OTHERWISE = [
    "random_off_the_grid",
    "random_by_python_off_the_grid",
    "that_minds_its_neighbour_off_the_grid",
    "that_answers_otherwise_when_asked_for_gradients",
    "that_minds_odd_numbers_of_images",
    "that_minds_three_to_five_images",
]


@pytest.mark.parametrize("mode", ["complete", "worst-case"])
@pytest.mark.parametrize("name", OTHERWISE)
def test_networks_that_answer_otherwise_where_attacks_ask_are_named(evaluate, name, mode):
    """On clean images, in the batches in which verdicts are made, they give the same answer each time."""
    found = evaluate(name, "  - {attack: pgd, norm: linf, parameters: {steps: 5}}\n", mode=mode)
    assert found.unstable > IMAGES / 20
    assert any("did not always make the same prediction" in warning for warning in found.warnings)
    assert is_masked(masking_flags(found))


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "square", '"foolbox.attacks:LinfPGD"'])
def test_what_a_network_writes_into_its_images_changes_no_attack(evaluate, attack):
    parameters = ", parameters: {queries: 20}" if attack == "square" else ""
    attacks = f"  - {{attack: {attack}, norm: linf{parameters}}}\n"
    (expected,), (outcome,) = (
        evaluate(name, attacks, precision="fp32").outcomes
        for name in ("plain", "that_writes_into_images_off_the_grid")
    )
    assert not outcome.errors
    assert (outcome.broken == expected.broken).all()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("one_row_off_the_grid", "1 × 10 for 40 images"), ("nothing_off_the_grid", "a NoneType for 40 images")],
)
def test_what_is_no_row_of_logits_for_each_image_is_compared_with_no_label(evaluate, name, reason):
    """A single step asks for clean images only, so that the verdict is the first to see it."""
    found = evaluate(name, "  - {attack: fgsm, norm: linf}\n")
    assert not (found.outcomes[0].broken & ~found.clean_errors).any()
    assert reason in found.failures[0]


def test_a_network_that_fails_on_what_was_broken_fails_no_program(evaluate):
    """Pictures of what was broken say what the verdict was; nobody is asked again."""
    found = evaluate("that_fails_where_all_are_off_the_grid", "  - {attack: fgsm, norm: linf}\n")
    assert not found.failures
    assert (found.outcomes[0].broken & ~found.clean_errors).any()


def test_a_network_may_count_its_calls(evaluate, plain):
    found = evaluate("that_counts_its_calls")
    assert found.unstable == 0
    assert not found.failures
    for expected, outcome in zip(plain.outcomes, found.outcomes, strict=True):
        assert (outcome.broken == expected.broken).all(), outcome.label


@pytest.mark.parametrize("error", [ValueError("no such images, please"), SystemExit(0)], ids=repr)
def test_a_network_that_fails_or_leaves_where_attacks_lead_ends_no_program(tmp_path, monkeypatch, error):
    """Attacked, attacked with what was crafted on another, and asked again for what is stored."""
    network = lying_networks.that_fails_off_the_grid(error)
    given = {
        "suite": write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=IMAGES),
        "dataset": "digits",
        "progress": False,
        "results": tmp_path / "results",
    }
    (found,) = benchmark.evaluate(network, name="failing", **given)
    assert f"{type(error).__name__}: {error}" in found.failures[0]
    (found,) = benchmark.transfer(save(tmp_path), targets=[network], name=["failing"], **given)
    assert f"{type(error).__name__}: {error}" in found.failures[0]

    monkeypatch.setattr(lying_networks, "FAILING", [False])
    benchmark.evaluate(network, name="Failing", save_adversarial=True, **{**given, "results": tmp_path / "kept"})
    monkeypatch.setattr(lying_networks, "FAILING", [True])
    (recheck,) = benchmark.verify(tmp_path / "kept", [network])
    assert recheck.confirmed == 0
    assert f"the network fails on these images: {type(error).__name__}: {error}" in recheck.problems[0]
