"""The one ascent loop: its steps, what it keeps, and that examples don't feel each other."""

from __future__ import annotations

import pytest
import torch
from attack_toys import small_net
from torch import Tensor, nn

from benchmark.attacks import PGD, PreparedClassifier, ascent, make_attack
from benchmark.attacks.ascent import Move, ascend, input_gradient
from benchmark.attacks.objectives import cross_entropy, is_wrong, margin
from benchmark.errors import BadInput
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

RADII = {"linf": 0.03, "l2": 0.3, "l1": 1.5}


@pytest.fixture
def problem() -> tuple[PreparedClassifier, Tensor, Tensor]:
    classifier = PreparedClassifier(small_net(), 5)
    x = torch.rand(24, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return classifier, x, classifier(x).argmax(1)


class Linear(nn.Module):
    """f(x) = (w·x, 0): the two-class network of the worked examples."""

    def __init__(self, *w: float) -> None:
        super().__init__()
        self.w = torch.tensor(w)

    def forward(self, x: Tensor) -> Tensor:
        score = (x.flatten(1) * self.w).sum(1)
        return torch.stack([score, torch.zeros_like(score)], dim=1)


def test_msd_keeps_the_candidate_of_highest_loss():
    """Worked example: the l1 candidate (loss .554355) beats l2 (.111249) and linf (.096811)."""
    net, x, y = Linear(3, 1, 0.5, 0.1), torch.full((1, 1, 2, 2), 0.5), torch.tensor([0])
    moves = [
        Move(Threat("l1", 12), 1.0, (2, 2)),
        Move(Threat("l2", 0.5), 0.05),
        Move(Threat("linf", 0.03), 0.003),
    ]
    losses = [
        float(
            cross_entropy(net(ascend(net, x, y, cross_entropy, [m], steps=1, start=x, noise=ExampleNoise(0, [0]))), y)
        )
        for m in moves
    ]
    assert losses == pytest.approx([0.554355, 0.111249, 0.096811], abs=1e-6)
    chosen = ascend(net, x, y, cross_entropy, moves, steps=1, start=x, noise=ExampleNoise(0, [0]), keep="best")
    torch.testing.assert_close((chosen - x).flatten(), torch.tensor([-0.5, -0.5, 0.0, 0.0]))


def test_msd_breaks_ties_towards_the_later_move():
    net, x, y = Linear(1, 0, 0, 0), torch.full((1, 1, 2, 2), 0.5), torch.tensor([0])
    moves = [Move(Threat("l1", 1), 0.1), Move(Threat("linf", 0.5), 0.1)]
    chosen = ascend(net, x, y, cross_entropy, moves, steps=1, start=x, noise=ExampleNoise(0, [0]))
    torch.testing.assert_close((chosen - x).flatten(), torch.tensor([-0.1, 0.0, 0.0, 0.0]))
    moves = moves[::-1]
    again = ascend(net, x, y, cross_entropy, moves, steps=1, start=x, noise=ExampleNoise(0, [0]))
    assert torch.equal(again, chosen)


def test_momentum_accumulates_gradients_divided_by_their_mean_magnitude(problem):
    classifier, x, y = problem
    threat = Threat("linf", 0.2)
    current, velocity = x, torch.zeros_like(x)
    for _ in range(4):
        _, _, gradient = input_gradient(classifier, current, y, cross_entropy)
        velocity = 0.9 * velocity + gradient / gradient.abs().mean((1, 2, 3), keepdim=True)
        current = threat.project(x, current + 0.02 * velocity.sign())
    ours = ascend(
        classifier,
        x,
        y,
        cross_entropy,
        [Move(threat, 0.02)],
        steps=4,
        start=x,
        noise=ExampleNoise(0, range(24)),
        momentum=0.9,
    )
    torch.testing.assert_close(ours, current)


@pytest.mark.parametrize("norm", RADII)
def test_first_finds_exactly_what_a_patient_observer_of_the_trajectory_finds(problem, norm):
    """Leaving the batch early must not change what is found: compare with every prefix of the full climb."""
    classifier, x, y = problem
    threat = Threat(norm, RADII[norm])
    move = Move(threat, threat.epsilon / 4, (1, 3))

    def climb(steps: int, keep: str) -> Tensor:
        noise = ExampleNoise(5, range(24))
        start = threat.random_start(x, noise)
        return ascend(classifier, x, y, cross_entropy, [move], steps=steps, start=start, noise=noise, keep=keep)

    found = climb(8, "first")
    with torch.no_grad():
        ever = torch.stack(
            [is_wrong(classifier(climb8[0]), y) for climb8 in _iterates(classifier, x, y, move, threat)]
        )
        assert torch.equal(is_wrong(classifier(found), y), ever.any(0))
    assert 0 < int(ever.any(0).sum()) < 24


@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("patience", [2, 3, 5, 100])
def test_asking_seldom_who_is_broken_finds_the_same_iterates(problem, norm, patience, monkeypatch):
    classifier, x, y = problem
    threat = Threat(norm, RADII[norm])

    def climb() -> Tensor:
        return make_attack("pgd", {"steps": 12})(classifier, x, y, threat, ExampleNoise(5, range(24)))

    eager = climb()
    monkeypatch.setitem(ascent.PATIENCE, "cpu", patience)
    torch.testing.assert_close(climb(), eager, rtol=0, atol=1e-6)
    assert 0 < int(is_wrong(classifier(eager), y).sum()) < 24


def test_asking_seldom_does_not_forget_what_was_broken_only_in_passing(monkeypatch):
    """A step further the network may be right again."""

    class Band(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mean = x.flatten(1).mean(1)
            inside = ((mean > 0.54) & (mean < 0.57)).float()
            return torch.stack([1 - 2 * inside, mean * 0], dim=1)

    monkeypatch.setitem(ascent.PATIENCE, "cpu", 100)
    x = torch.full((2, 1, 2, 2), 0.5)
    found = ascend(
        PreparedClassifier(Band(), 2),
        x,
        torch.zeros(2, dtype=torch.long),
        lambda logits, y, images: images.flatten(1).sum(1),
        [Move(Threat("linf", 0.1), 0.01)],
        steps=10,
        start=x,
        noise=ExampleNoise(0, range(2)),
        keep="first",
    )
    torch.testing.assert_close(found, torch.full_like(x, 0.55))


def test_asking_seldom_confirms_claims_of_a_bfloat16_search_before_it_turns_to_float32(problem, monkeypatch):
    """Or else its last steps would take what bfloat16 believed for granted."""
    classifier, x, y = problem
    low = PreparedClassifier(classifier.networks["fp32"], classifier.num_classes, precision="bf16")
    asked = []
    monkeypatch.setattr(low, "confirm", lambda x, y, broken: asked.append(low.precision) or broken)
    monkeypatch.setitem(ascent.PATIENCE, "cpu", 100)
    make_attack("pgd", {"steps": 20})(low, x, y, Threat("linf", 1e-6), ExampleNoise(5, range(24)))
    assert asked == ["bf16"]


def test_a_step_costs_one_pass_and_the_end_point_none(problem):
    classifier, x, y = problem
    classifier.forwards = classifier.backwards = 0
    make_attack("pgd", {"steps": 7})(classifier, x, y, Threat("linf", 1e-6), ExampleNoise(5, range(24)))
    assert (classifier.forwards, classifier.backwards) == (7 * 24, 7 * 24)


def _iterates(classifier, x, y, move, threat):
    """Every iterate of the full climb with the draws of an 8-step run."""
    noise = ExampleNoise(5, range(24))
    current = threat.random_start(x, noise)
    k = noise.integers(move.k[0], move.k[1] + 1, 8) if threat.norm == "l1" else torch.ones(24, 8)
    yield (current,)
    for step in range(8):
        _, _, gradient = input_gradient(classifier, current, y, cross_entropy)
        current = move(x, current, gradient, k[:, step])
        yield (current,)


@pytest.mark.parametrize("norm", RADII)
def test_an_example_alone_meets_the_same_fate_as_in_a_batch(problem, norm):
    classifier, x, y = problem
    threat, attack = Threat(norm, RADII[norm]), PGD(steps=6, k=(1, 3))
    together = attack(classifier, x, y, threat, ExampleNoise(1, range(24), restart=2))
    for index in (0, 7, 23):
        alone = attack(
            classifier, x[index : index + 1], y[index : index + 1], threat, ExampleNoise(1, [index], restart=2)
        )
        torch.testing.assert_close(alone[0], together[index], atol=1e-5, rtol=0)


@pytest.mark.parametrize("norm", RADII)
def test_more_steps_break_a_superset(problem, norm):
    classifier, x, y = problem
    threat = Threat(norm, RADII[norm])

    def broken(steps: int) -> Tensor:
        attack = PGD(steps=steps, relative_step_size=0.25, k=(1, 1))
        return is_wrong(classifier(attack(classifier, x, y, threat, ExampleNoise(0, range(24)))), y)

    with torch.no_grad():
        few, many = broken(2), broken(12)
    assert bool((many >= few).all())
    assert int(many.sum()) > int(few.sum())


def test_best_returns_the_iterate_of_highest_loss(problem):
    """A step as large as the ball overshoots, so the best iterate is not the last."""
    classifier, x, y = problem
    move = Move(Threat("linf", 0.3), 0.6)
    noise = ExampleNoise(0, range(24))
    best = ascend(classifier, x, y, margin, [move], steps=5, start=x, noise=noise, keep="best")
    with torch.no_grad():
        highest = margin(classifier(best), y)
        for steps in range(6):
            last = ascend(classifier, x, y, margin, [move], steps=steps, start=x, noise=noise)
            assert bool((highest >= margin(classifier(last), y) - 1e-5).all())


def test_a_constant_network_gives_no_nan_and_no_success():
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.zeros(len(x), 3) + 0 * x.flatten(1).sum(1, keepdim=True)

    x, y = torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.long)
    classifier = PreparedClassifier(Constant(), 3)
    for norm, epsilon in RADII.items():
        out = PGD(steps=3, k=(1, 3))(classifier, x, y, Threat(norm, epsilon), ExampleNoise(0, range(4)))
        assert Threat(norm, epsilon).contains(x, out).all()
    assert classifier.dead_gradients == classifier.backwards > 0


def test_an_image_without_an_answer_is_kept_and_is_an_image():
    class Breaks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = x.flatten(1).sum(1)
            return torch.stack([score, score.log() * torch.nan], dim=1)

    x, y = torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.long)
    out = PGD(steps=2)(PreparedClassifier(Breaks(), 2), x, y, Threat("linf", 0.1), ExampleNoise(0, range(3)))
    assert torch.isfinite(out).all()
    assert is_wrong(Breaks()(out), y).all()


def test_a_claim_made_in_bfloat16_is_confirmed_in_float32(problem):
    classifier, x, y = problem
    rough = PreparedClassifier(small_net(), 5, precision="bf16")
    threat = Threat("linf", 0.03)
    found = PGD(steps=8)(rough, x, y, threat, ExampleNoise(0, range(24)))
    with torch.no_grad():
        claimed = is_wrong(rough(found), y)
        left_early = rough.confirm(found, y, claimed)
        assert torch.equal(left_early, claimed & is_wrong(classifier(found), y))


def test_the_last_steps_of_a_bfloat16_search_run_in_float32():
    """A network whose bfloat16 gradient is useless: only the float32 polish can find anything."""

    class OnlyExact(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = nn.functional.linear(x.flatten(1), torch.full((1, 64), 1.0)).squeeze(1)
            score = score * (score.dtype == torch.float32) - 31.0
            return torch.stack([score, torch.zeros_like(score)], dim=1)

    x, y = torch.full((2, 1, 8, 8), 0.5), torch.zeros(2, dtype=torch.long)
    attack, threat = PGD(steps=10, start="zero", relative_step_size=1.0), Threat("linf", 0.1)
    classifier = PreparedClassifier(OnlyExact(), 2, precision="bf16")
    found = attack(classifier, x, y, threat, ExampleNoise(0, range(2)))
    assert is_wrong(OnlyExact()(found), y).all()


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("pdg", {}, "pgd"),
        ("pgd", {"stepz": 3}, "steps"),
        ("pgd", {"steps": "many"}, "valid integer"),
        ("pgd", {"steps": 0}, "greater than or equal to 1"),
        ("pgd", {"loss": "mse"}, "loss"),
        ("pgd", {"k": [5, 2]}, "range"),
        ("pgd", {"relative_step_size": float("inf")}, "'relative_step_size' .* must be finite"),
        ("pgd", {"relative_step_size": "1e400"}, "'relative_step_size' .* must be finite"),
        ("foolbox.attacks:LinfPGD", {"x": [{"y": float("nan")}]}, "'x' .* must be finite"),
    ],
)
def test_bad_attacks_are_named_with_a_way_out(name, parameters, words):
    with pytest.raises(BadInput, match=words) as caught:
        make_attack(name, parameters, where="suite.yaml:7")
    assert str(caught.value).startswith("suite.yaml:7")
