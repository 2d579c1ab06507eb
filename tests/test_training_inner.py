"""Inner maximisations against worked numbers: objectives, how norms are combined, weight perturbation, merging."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.attacks.ascent import input_gradient
from benchmark.methods import objectives
from benchmark.methods.batch import Batch, Examples, Net
from benchmark.methods.inner import Inner, craft, draw_probabilities
from benchmark.methods.objectives import OBJECTIVES, Target
from benchmark.methods.outer import at
from benchmark.methods.overrides import bind_method
from benchmark.methods.progress import Progress
from benchmark.methods.table import METHODS
from benchmark.methods.weights import AWP, Merge, buffers_kept, layers, perturbation, perturbed, projected
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.threats import Threat
from benchmark.training.step import StepNetworks

DOUBLE = torch.float64


def close(actual, expected, atol=1e-6):
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=actual.dtype), atol=atol, rtol=0)


def generator():
    return torch.Generator().manual_seed(0)


def linear(*rows):
    weights = torch.tensor(rows, dtype=DOUBLE)
    return lambda x: x.flatten(1) @ weights.T


@pytest.mark.parametrize(
    ("through_teacher", "gradient"), [(True, [-0.002832, 0.221189]), (False, [-0.041301, 0.166461])]
)
def test_mmard_climbs_through_the_teacher_unless_told_otherwise(through_teacher, gradient):
    student, teacher = linear([1, 0], [0, 1], [0, 0]), linear([2, 0], [0, 0.5], [0, 1])
    x = torch.tensor([[0.3, 0.6]], dtype=DOUBLE)
    y = torch.tensor([0])
    objective = objectives.mmard(Target(student, x, y, teachers=(teacher,)), through_teacher=through_teacher)
    _, loss, found = input_gradient(student, x, y, objective)
    close(loss, [0.067415])
    close(found, [gradient])


def test_objectives_that_compare_with_the_clean_image_hold_it_constant():
    student, teacher = linear([1, 0], [0, 1], [0, 0]), linear([2, 0], [0, 0.5], [0, 1])
    x, moved = torch.tensor([[0.3, 0.6]], dtype=DOUBLE), torch.tensor([[0.5, 0.1]], dtype=DOUBLE)
    y = torch.tensor([0])
    target = Target(student, x, y, teachers=(teacher,), peers=(teacher,))
    p, t, q = (z.softmax(1) for z in (student(x), teacher(x), student(moved)))
    divergences = {"trades": (p * (p / q).log()).sum(1), "rslad": (t * (t / q).log()).sum(1)}
    for name, expected in divergences.items():
        torch.testing.assert_close(OBJECTIVES.get(name)(target)(student(moved), y, moved), expected)
    mix = 0.1 * -q[:, 0].log() + 0.9 * divergences["rslad"]
    torch.testing.assert_close(objectives.act(target)(student(moved), y, moved).double(), mix, rtol=1e-6, atol=1e-6)
    least_likely = objectives.least_likely(target)(student(moved), y, moved)
    torch.testing.assert_close(least_likely.double(), q[:, 2].log(), rtol=1e-6, atol=1e-6)


RADII = {
    "linf": Radius(epsilon=0.03, step_size=0.003, steps=1),
    "l2": Radius(epsilon=0.5, step_size=0.05, steps=1),
    "l1": Radius(epsilon=12, step_size=1.0, steps=1, k=(2, 2)),
}


def two_classes(x):
    """f(x) = (w·x, 0) with w = [3, 1, 0.5, 0.1]."""
    score = x.flatten(1) @ torch.tensor([3.0, 1.0, 0.5, 0.1])
    return torch.stack([score, torch.zeros_like(score)], 1)


def craft_with(inner, norms, radii=RADII, x=None, network=two_classes):
    x = torch.full((1, 1, 2, 2), 0.5) if x is None else x
    y = torch.zeros(len(x), dtype=torch.int64)
    target = Target(network, x, y)
    return craft(inner, inner.objective(target), target, norms, radii, BatchNoise(len(x), generator()))


def test_msd_keeps_the_candidate_of_highest_loss():
    inner = Inner(objectives.ce, ("linf", "l2", "l1"), strategy="msd", start="zero")
    (x_adv,) = craft_with(inner, inner.norms).images
    close(x_adv.flatten() - 0.5, [-0.5, -0.5, 0.0, 0.0])
    for norm, loss in (("l1", 0.554355), ("l2", 0.111249), ("linf", 0.096811)):
        alone = craft_with(Inner(objectives.ce, (norm,), start="zero"), (norm,)).images[0]
        close(objectives.ce(None)(two_classes(alone), torch.tensor([0]), alone), [loss])


def test_every_msd_example_is_in_one_of_the_balls():
    inner = Inner(objectives.ce, ("linf", "l2", "l1"), strategy="msd", start="zero")
    radii = {name: row.model_copy(update={"steps": 20}) for name, row in RADII.items()}
    x = torch.rand((16, 1, 2, 2), generator=generator())
    (x_adv,) = craft_with(inner, inner.norms, radii, x).images
    inside = torch.stack([Threat(norm, row.epsilon).contains(x, x_adv) for norm, row in radii.items()])
    assert inside.any(0).all()


def test_max_picks_the_norm_example_by_example():
    """Losses (norm × example) [[1.0, 0.2], [0.5, 0.9], [0.7, 0.8]]: norms 0 and 1 win."""
    table = torch.tensor([[1.0, 0.2], [0.5, 0.9], [0.7, 0.8]])
    calls = iter(range(10))

    def objective(logits, y, x):
        n = next(calls)  # three ascents of one step each come first
        return logits[:, 0] * 0 + (table[n - 3] if n >= 3 else 0)

    x = torch.full((2, 1, 2, 2), 0.5)
    inner = Inner(lambda target: objective, ("linf", "l2", "l1"), strategy="max", start="zero")
    examples = craft(
        inner, objective, Target(two_classes, x, torch.tensor([0, 0])), inner.norms, RADII, BatchNoise(2, generator())
    )
    assert examples.winner.tolist() == [0, 1]
    assert len(examples.images) == 1


def test_all_gives_one_example_per_norm_and_a_specialist_its_own():
    inner = Inner(objectives.ce, ("linf", "l2", "l1"))
    assert len(craft_with(inner, inner.norms).images) == 3
    (x_adv,) = craft_with(Inner(objectives.ce, ("linf", "l2"), strategy="max"), ("linf",)).images
    assert float((x_adv - 0.5).abs().max()) <= 0.03 + 1e-6


@pytest.mark.parametrize(("start", "reach"), [("zero", 0.0), ("uniform", 0.02), ("gaussian", 0.0001)])
def test_starts(start, reach):
    still = {"linf": Radius(epsilon=0.03, step_size=1e-9, steps=1)}
    x = torch.full((50, 1, 2, 2), 0.5)
    (x_adv,) = craft_with(Inner(objectives.ce, start=start), ("linf",), still, x).images
    moved = (x_adv - x).abs()
    assert moved.max() >= reach
    assert moved.max() <= (0.01 if start == "gaussian" else 0.0300001 if start == "uniform" else 1e-8)


def test_one_mean_step_or_three_steps_in_turn():
    """Loss ½(w − c_m)², c = (1, 2, 3), learning rate 0.1, w = 0: 0.2 in one step, 0.561 in turn."""

    centre = {"l1": 1, "l2": 2, "linf": 3}

    def train(rounds):
        w = torch.zeros((), dtype=DOUBLE, requires_grad=True)
        for norms in rounds:
            loss = torch.stack([0.5 * (w - centre[norm]) ** 2 for norm in norms])
            (gradient,) = torch.autograd.grad(loss.mean(), w)
            w = (w - 0.1 * gradient).detach().requires_grad_()
        return w

    norms = ("linf", "l2", "l1")
    close(train(Inner(None, norms).rounds({}, generator())), 0.2)
    close(train(Inner(None, norms, strategy="in-turn").rounds({}, generator())), 0.561)


def test_e_at_draws_norms_by_their_running_error():
    close(draw_probabilities(torch.tensor([0.5, 0.25])), [0.4, 0.6])
    close(draw_probabilities(torch.tensor([0.5, torch.nan])), [0.5, 0.5])
    inner = Inner(objectives.ce, ("linf", "l1"), strategy="hardest")
    memory = {}
    for norm, right in (("linf", 2), ("l1", 1)):
        logits = torch.eye(4)[[0] * right + [1] * (4 - right)]
        x = torch.zeros(4, 1, 2, 2)
        batch = Batch(torch.zeros(4, dtype=torch.int64), [Net(lambda _, z=logits: z, x, Examples((x + 1,)))])
        inner.observe((norm,), batch, memory)
    stream = generator()
    drawn = [inner.rounds(memory, stream)[0][0] for _ in range(4000)]
    assert drawn.count("linf") / 4000 == pytest.approx(0.4, abs=0.03)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_e_at_draws_norms_where_some_were_seen_and_others_not_on_a_gpu():
    inner = Inner(objectives.ce, ("linf", "l1"), strategy="hardest")
    memory = {"tally.l1": torch.tensor([1.0, 4.0], device="cuda")}
    (drawn,) = inner.rounds(memory, torch.Generator("cuda").manual_seed(0))
    assert drawn[0] in inner.norms


def test_stochastic_training_draws_evenly():
    inner, stream = Inner(objectives.ce, ("linf", "l2", "l1"), strategy="random"), generator()
    drawn = [inner.rounds({}, stream)[0] for _ in range(3000)]
    assert {norms[0]: round(drawn.count(norms) / 3000, 1) for norms in set(drawn)} == dict.fromkeys(inner.norms, 0.3)


def test_weight_perturbation():
    w, d = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    close(w + perturbation(w, 7 * d, 0.01), [[3.0, 4.05], [0.0, 0.0]])
    assert not AWP(awp=0.01, awp_warmup=0.5).active(Progress(0.4))
    assert AWP(awp=0.01, awp_warmup=0.5).active(Progress(0.5))
    assert not AWP().active(Progress(0.9))


def test_weight_perturbation_moves_layers_only_and_is_taken_back():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    assert [tuple(p.shape) for p in layers(network)] == [(2, 1, 3, 3), (2, 2)]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with buffers_kept([network]):
        at_w = torch.autograd.grad(network(torch.rand(4, 1, 3, 3)).square().sum(), layers(network))
        with perturbed(layers(network), at_w, 0.1):
            moved = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    assert {key for key in moved if "running" not in key and "tracked" not in key} == {"0.weight", "3.weight"}
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, before[key], atol=1e-7, rtol=1e-6)
    for key in ("1.running_mean", "1.running_var", "1.num_batches_tracked"):
        assert torch.equal(network.state_dict()[key], before[key])


def test_gradient_projection_of_ramp():
    zero, g_a = torch.zeros(2), torch.tensor([1.0, 0.0])
    close(projected(zero, g_a, torch.tensor([1.0, 1.0]), 0.5), [0.853553, 0.353553])
    close(projected(zero, g_a, torch.tensor([-1.0, 1.0]), 0.5), [0.5, 0.0])
    merged = Merge(0.5)(
        {"w": zero, "n": torch.tensor(3)},
        {"w": g_a, "n": torch.tensor(5)},
        {"w": torch.tensor([1.0, 1.0]), "n": torch.tensor(9)},
    )
    assert int(merged["n"]) == 5


def test_at_is_the_mean_over_norms():
    x = torch.zeros(2, 1, 2, 2)
    views = (x + 1, x + 2)
    logits = {id(views[0]): torch.tensor([[1.0, 0.0]] * 2), id(views[1]): torch.tensor([[0.0, 2.0]] * 2)}
    batch = Batch(torch.tensor([0, 0]), [Net(lambda image: logits[id(image)], x, Examples(views))])
    expected = (torch.log1p(torch.tensor(-1.0).exp()) + torch.log1p(torch.tensor(2.0).exp())) / 2
    torch.testing.assert_close(at(batch), expected)


def test_act_weighs_its_divergence_by_the_batch_if_summed_as_in_the_code():
    """A mean plus a sum, per example: (1 − α)/B of the cross-entropy beside α of the divergence."""
    network = linear([1, 0], [0, 1], [0, 0])
    x, y = torch.rand((4, 2), dtype=DOUBLE, generator=generator()), torch.tensor([0, 1, 2, 0])
    target = Target(network, x, y, peers=(network,))
    moved = x.flip(1)
    once, summed = (objectives.act(target, 0.9, summed=summed)(network(moved), y, moved) for summed in (False, True))
    cross_entropy = objectives.ce(target)(network(moved), y, moved)
    torch.testing.assert_close(
        once - summed, (0.1 - 0.1 / 4) * cross_entropy, check_dtype=False, rtol=1e-6, atol=1e-7
    )


def test_each_of_a_pair_starts_where_its_own_defence_does():
    def starts(settings, **options):
        return [member.start for member in bind_method("cat", settings, "cat", **options).cohort.members]

    assert starts({}) == ["gaussian", "uniform"]
    assert starts({"pair": ["at", "trades"]}) == ["uniform", "gaussian"]
    assert starts({}, inner="bce") == ["gaussian", "uniform"]  # another objective, and nothing else
    assert starts({"start": "zero"}) == starts({}, inner="mart") == [None, None]
    x, y = torch.full((8, 1, 2, 2), 0.5), torch.zeros(8, dtype=torch.int64)
    networks = [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in range(2)]
    radii = {"linf": Radius(epsilon=0.3, step_size=1e-9, steps=1)}
    players = StepNetworks(METHODS.get("cat").bind({}, "cat"), networks, [], radii)
    first, second = players.craft(x, y, ("linf",), BatchNoise(8, generator()))
    assert 0 < float((first.images[0] - x).abs().max()) < 0.01
    assert float((second.images[0] - x).abs().max()) > 0.1
