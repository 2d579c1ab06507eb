"""The recipe `as-code`: what published code does, step by step, and how often it moves running statistics."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

from benchmark.methods import outer
from benchmark.methods.batch import Batch, Examples, Net
from benchmark.methods.moves import CodedMove, make_move
from benchmark.methods.progress import Progress
from benchmark.methods.starts import STARTS, start
from benchmark.methods.table import METHODS
from benchmark.methods.train_passes import PASSES
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.recipes.recipe import load_recipe
from benchmark.threats import Threat
from benchmark.training.step import StepNetworks

DOUBLE = torch.float64


recipe_file = functools.cache(load_recipe)


def resolved(method, recipe="as-code", architecture="resnet18", dataset="cifar10"):
    found, hyper = recipe_file(recipe).resolve(method, architecture, dataset, "cifar10", {}, recipe)
    return found, METHODS.get(method).bind(hyper, method)


def a_step(classes, **networks):
    """A batch of one student and its teachers with given logits (clean, adversarial)."""
    generator = torch.Generator().manual_seed(0)
    x, x_adv = torch.zeros(2, 1, 1, 1), torch.ones(2, 1, 1, 1)

    def net(own):
        clean, adversarial = (torch.randn((2, classes), generator=generator, dtype=DOUBLE) for _ in range(2))
        return Net(lambda images: clean if images is x else adversarial, x, Examples((x_adv,)) if own else None)

    student = net(True)
    return Batch(torch.tensor([0, 1]), (student,), [net(False) for _ in range(networks.get("teachers", 1))])


@pytest.mark.parametrize("classes", [10, 100])
def test_rslad_is_reduced_as_in_its_code_on_ten_and_on_a_hundred_classes(classes):
    """zibojia/RSLAD: torch.mean over examples and classes, times 10 on CIFAR-100."""
    recipe, bound = resolved("rslad", dataset="cifar100" if classes == 100 else "cifar10")
    batch = a_step(classes)
    teacher = batch.teacher.clean.softmax(1)
    each = [
        torch.nn.functional.kl_div(z.log_softmax(1), teacher, reduction="none")
        for z in (batch.net.adversarial, batch.net.clean)
    ]
    factor = 10 if classes == 100 else 1
    coded = sum(w * factor * torch.mean(one) for w, one in zip((5 / 6, 1 / 6), each, strict=True))
    torch.testing.assert_close(bound.outer(batch), coded)
    torch.testing.assert_close(10 * bound.outer(batch), outer.rslad(batch, alpha=5 / 6))
    assert (recipe.lr, resolved("rslad", "paper")[1].settings["reduction"]) == (0.1, "tenth")


def test_a_rate_and_its_reduction_come_from_one_source():
    """With the formula's reduction, the rate of 0.1 would be ten times that of the code."""
    for recipe in ("paper", "as-code"):
        found = {method: resolved(method, recipe)[1].settings["reduction"] for method in ("ard", "rslad", "mtard")}
        assert found == {"ard": "mean", "rslad": "tenth", "mtard": "tenth"}
    assert resolved("mmard", "paper")[1].settings["reduction"] == "batchmean"


class Counted(nn.Module):
    """A small network that counts its passes in train mode, by a hook on its batch norm."""

    def __init__(self):
        super().__init__()
        self.norm, self.head = nn.BatchNorm1d(192), nn.Linear(192, 10)
        self.passes = 0
        self.norm.register_forward_hook(self._count)

    def _count(self, module, *_):
        self.passes += module.training

    def forward(self, x):
        return self.head(self.norm(x.flatten(1)))


def passes_in_a_step(method, recipe, seed=0):
    """By network, the passes in train mode of one training step, as a trainer makes it."""
    found, bound = resolved(method, recipe)
    torch.manual_seed(seed)
    members = [Counted() for _ in bound.cohort.members]
    players = StepNetworks(bound, members, [Counted() for _ in bound.cohort.teachers], found.threats)
    x, y = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])
    generator, memory = torch.Generator().manual_seed(seed), {}
    for norms in bound.inner.rounds(memory, generator):
        examples = players.craft(x, y, norms, BatchNoise(len(x), generator))
        batch = players.batch(x, y, examples, Progress(0.5), memory)
        bound.outer(batch)
        players.pass_again(batch)
        players.pass_again(batch, after=True)
    return {member.name: net.passes for member, net in zip(bound.cohort.members, members, strict=True)}


@pytest.mark.parametrize("recipe", ["paper", "as-code"])
@pytest.mark.parametrize("method", sorted(PASSES))
def test_running_statistics_move_as_often_as_the_documents_say(method, recipe):
    seeds = (0, 1, 2, 3) if method == "sat-stochastic" else (0,)  # it draws a norm, and their steps differ
    counted = [passes_in_a_step(method, recipe, seed) for seed in seeds]
    for name, told in PASSES[method].items():
        expected = told.paper if recipe == "paper" else told.as_code
        counts = {passes[name] for passes in counted}
        assert counts == ({expected} if isinstance(expected, int) else {*expected})


def test_the_documents_count_the_passes_of_all_published_code():
    coded = recipe_file("as-code")
    known = {method for method in METHODS.names() if coded.is_for(method)}
    assert known - {"alp", "dd"} == PASSES.keys()  # of these two there is a reproduction only


def test_as_code_passes_as_often_as_the_code_but_where_it_says_why():
    for networks in PASSES.values():
        for told in networks.values():
            assert told.as_code == told.code or told.why


def test_further_passes_move_statistics_and_no_gradient():
    _, bound = resolved("trades")
    network = Counted()
    players = StepNetworks(bound, [network], [], {"linf": Radius(epsilon=0.1, step_size=0.1, steps=1)})
    x, y = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])
    batch = players.batch(x, y, players.craft(x, y, ("linf",), BatchNoise(4, torch.Generator())), 0.0, {})
    loss = bound.outer(batch)
    before = network.norm.running_mean.clone()
    players.pass_again(batch)
    assert not torch.equal(network.norm.running_mean, before)
    (with_them,) = torch.autograd.grad(loss, network.head.bias)
    (alone,) = torch.autograd.grad(bound.outer(players.batch(x, y, [batch.net.own], 0.0, {})), network.head.bias)
    torch.testing.assert_close(with_them, alone)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("kind", sorted(STARTS))
def test_where_an_ascent_begins(kind, norm):
    threat = Threat(norm, {"linf": 0.1, "l2": 0.5, "l1": 12}[norm])
    x = torch.zeros(200, 1, 8, 8)  # black images: half of every direction leads out of the box
    found = start(kind, threat, x, BatchNoise(200, torch.Generator().manual_seed(0)))
    assert bool((found >= 0).all()) == (kind in ("uniform", "radial", "zero"))
    lengths = threat.distance(found - x)
    if kind == "unit" and norm != "linf":  # an l2 radius of 0.5 is left, until the first projection
        torch.testing.assert_close(lengths, torch.ones(200, dtype=DOUBLE), atol=1e-5, rtol=0)
    elif kind != "gaussian":
        assert float(lengths.max()) <= threat.epsilon + 1e-6


def test_a_radial_start_crowds_the_centre():
    """Rice et al. draw the radius evenly; a point drawn evenly from the ball is nearly always at its edge."""
    x, threat = torch.full((400, 1, 8, 8), 0.5), Threat("l2", 0.1)
    radial, uniform = (
        threat.distance(start(kind, threat, x, BatchNoise(400, torch.Generator().manual_seed(0))) - x)
        for kind in ("radial", "uniform")
    )
    assert float((radial < 0.05).double().mean()) == pytest.approx(0.5, abs=0.1)
    assert float((uniform < 0.05).double().mean()) < 0.01


def test_a_step_of_robust_union_leaves_what_sits_on_a_bound_and_projects_before_it_clips():
    row = Radius(epsilon=0.6, step_size=2.0, steps=1, k=(2, 2), saturated="skip", projection="project-clip")
    x = torch.tensor([[0.0, 0.9, 0.5, 0.5]]).view(1, 1, 2, 2)
    gradient = torch.tensor([[4.0, 3.0, 2.0, 1.0]]).view(1, 1, 2, 2)
    k = torch.tensor([2])
    coded = make_move("l1", row)
    assert isinstance(coded, CodedMove)
    # The first may not move although it could; (1, 1) on the others is projected to (0.3, 0.3), then clipped to 0.1.
    torch.testing.assert_close(coded(x, x, gradient, k), x + torch.tensor([0, 0.1, 0.3, 0]).view(1, 1, 2, 2))
    usual = make_move("l1", row.model_copy(update={"saturated": "move", "projection": "intersection"}))
    moved = usual(x, x, gradient, k) - x
    assert float(moved.flatten()[0]) > 0.4
    assert float(moved.abs().sum()) == pytest.approx(0.6, abs=1e-4)


def test_clipping_before_projecting_leaves_the_whole_radius():
    """Robust union's code for MNIST."""
    x = torch.tensor([[0.9, 0.5]]).view(1, 1, 1, 2)
    gradient = torch.ones_like(x)
    lengths = {
        order: float((CodedMove(Threat("l2", 0.3), 1.0, projection=order)(x, x, gradient, torch.ones(())) - x).norm())
        for order in ("project-clip", "clip-project")
    }
    assert lengths["clip-project"] == pytest.approx(0.3, abs=1e-6)
    assert lengths["project-clip"] == pytest.approx((0.1**2 + 0.3**2 / 2) ** 0.5, abs=1e-6)


def test_the_ball_alone():
    """Oracles for the l1 projection without a box; points inside stay, which robust union's code does not grant."""
    move = CodedMove(Threat("l1", 0.6), 1.0)
    delta = torch.tensor([[0.5, -0.3, 0.2], [2, 1, -1], [0.1, -0.1, 0]], dtype=DOUBLE)
    expected = torch.tensor([[0.366667, -0.166667, 0.066667], [0.6, 0, 0], [0.1, -0.1, 0]], dtype=DOUBLE)
    torch.testing.assert_close(move._onto_ball(delta), expected, atol=1e-6, rtol=0)


def test_ramp_for_wide_networks():
    """uiuc-focal-lab/RAMP RAMP_wide_resnet.py: CE(x) + 6·D(x‖x'_max) + λ·D(source‖target) + the natural copy's CE."""
    recipe, bound = resolved("ramp", "paper", "wrn-28-10")
    assert (recipe.lr, recipe.epochs, recipe.schedule.name) == (0.1, 30, "one-cycle")
    assert {k: bound.settings[k] for k in ("lam", "robust", "beta", "merge")} == {
        "lam": 2,
        "robust": "trades",
        "beta": 6,
        "merge": 0.5,
    }
    x, y = torch.zeros(1, 1, 1, 1), torch.tensor([0])
    views = (torch.ones_like(x), torch.full_like(x, 2))
    logits = {0: [2.0, 0.0], 1: [1.0, 0.0], 2: [-1.0, 0.0]}  # the target is worse, the source is right
    f = Net(lambda v: torch.tensor([logits[int(v.flatten()[0])]], dtype=DOUBLE), x, Examples(views))
    g = Net(lambda v: torch.tensor([[0.0, 0.0]], dtype=DOUBLE), x)

    def divergence(a, b):
        p, q = (torch.tensor(logits[i], dtype=DOUBLE).softmax(0) for i in (a, b))
        return float((p * (p / q).log()).sum())

    def ce(i):
        return float(-torch.tensor(logits[i], dtype=DOUBLE).log_softmax(0)[0])

    expected = ce(0) + 6 * divergence(0, 2) + 2 * divergence(1, 2) + float(torch.tensor(2.0, dtype=DOUBLE).log())
    assert float(bound.outer(Batch(y, (f, g)))) == pytest.approx(expected, abs=1e-6)


#: (method, what it is called in a recipe or among the method's settings, value, the code that has it)
CODED = [
    ("at", "bn", "train", "robust_overfitting: model.train() before attack_pgd"),
    ("at-l2", "start", "radial", "robust_overfitting attack_pgd: r/n*epsilon"),
    ("act", "schedule.milestones", (60, 120, 160), "ACT adjust_learning_rate: epoch in epoch_steps, from 1"),
    ("act", "summed", True, "ACT get_adv_images: a mean and a sum"),
    ("ard", "schedule.milestones", (101,), "ARD adjust_learning_rate: lr is a local copy"),
    ("ard", "start", "unclipped", "ARD AttackPGD: no clamp before the loop"),
    ("iad", "weighted", False, "IAD-I.py: the teacher's term is not multiplied by Alpha"),
    ("iad-2", "bn", "train", "IAD-II.py: net.train() before net.forward"),
    ("mtard", "decay", True, "MTARD: weight_learn_rate *= 0.1"),
    ("mart", "as_coded", True, "MART mart_loss: 1.0001 and 1.0000001"),
    ("at-avg", "strategy", "in-turn", "robust_union triple_adv: opt.step() after each norm"),
    ("at-max", "threats.l1.restarts", 1, "robust_union pgd_l1_topk: restarts = 1"),
    ("at-max", "threats.l2.restarts", 0, "robust_union pgd_l2: restarts = 0"),
    ("at-msd", "threats.l1.gap", "step", "robust_union msd_v0: l1_dir_topk(..., alpha_l_1, k)"),
    ("at-msd", "threats.l1.saturated", "skip", "robust_union l1_dir_topk: neg3, neg4"),
    ("at-l1", "restart", "unit", "robust_union pgd_l1_topk: delta /= norms_l1"),
    ("sat-stochastic", "start", "unit", "MNG_AC attack_pgd: delta /= norms_p"),
    ("sat-stochastic", "clip", 0.5, "MNG_AC: clip_grad_norm_(..., 0.5)"),
    ("e-at", "weight_decay_of", "weights", "robust-finetuning train.py: no_decay"),
    ("ramp", "weight_decay_of", "weights", "RAMP get_params_no_decay"),
    ("ramp", "lr_exempt", 1.0, "RAMP: SGD(..., lr=1.), param_groups[0].update(lr=lr)"),
    ("e-at", "augmentation", "crop-flip", "robust-finetuning data.py: RandomCrop(32, padding=4)"),
    ("trades", "normalisation", "none", "TRADES: ToTensor alone"),
    ("at", "normalisation", "data", "robust_overfitting normalize"),
]


@pytest.mark.parametrize(("method", "name", "value", "where"), CODED)
def test_what_the_code_does(method, name, value, where):
    recipe, bound = resolved(method)
    if name in bound.settings:
        assert bound.settings[name] == value, where
        return
    found = recipe
    for part in name.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value, where


def test_batches_of_ard_on_cifar100():
    """AdversariallyRobustDistillation main.py: batch_size=256 where dataset == 'CIFAR100', else 128."""
    for recipe in ("paper", "as-code"):
        sizes = [resolved("ard", recipe, dataset=data)[0].batch_size for data in ("cifar10", "cifar100")]
        assert sizes == [128, 256]


def test_the_last_epoch_of_robust_union_has_no_rate():
    """lr_schedule is asked for epoch_i + fraction, epochs being counted from 1."""
    coded, paper = resolved("at-msd")[0], resolved("at-msd", "paper")[0]
    assert [coded.lr_at(t) for t in (0, 19, 49, 49.5)] == pytest.approx([0.005, 0.1, 0, 0])
    assert paper.lr_at(49) == pytest.approx(0.0005)
    assert all(coded.lr_at(t) == pytest.approx(paper.lr_at(t + 1)) for t in range(48))


def test_robust_union_is_as_code_for_its_single_norms():
    for method in ("at", "at-l2", "at-l1"):
        recipe, bound = resolved(method, "robust-union")
        assert (recipe.epochs, recipe.normalisation, recipe.lr_at(49)) == (50, "none", 0)
        assert {name: bound.settings[name] for name in ("start", "bn", "passes")} == {
            "start": "zero",
            "bn": "train",
            "passes": 2,
        }
    recipe, _ = resolved("at-l2", "robust-union")
    assert {norm: (row.epsilon, row.step_size, row.steps) for norm, row in recipe.threats.items()} == {
        "linf": (0.03, 0.003, 40),
        "l2": (0.5, 0.05, 50),
        "l1": (12, 1.0, 50),
    }


def test_specialists_of_mat_for_several_norms_start_alike():
    """Where MSD begins, at x, is the generalist's start alone."""
    for method in ("mat-avg", "mat-max", "mat-msd"):
        bound = METHODS.get(method).bind({}, method)
        starts = [bound.attack(member)["start"] for member in bound.cohort.members]
        assert starts[1:] == ["uniform"] * 3
        assert starts[0] == ("zero" if method == "mat-msd" else "uniform")
    said = METHODS.get("mat-msd").bind({"start": "gaussian"}, "mat-msd")
    assert {said.attack(member)["start"] for member in said.cohort.members} == {"gaussian"}
    assert said.settings["specialist_start"] == "gaussian"
    apart = METHODS.get("mat-msd").bind({"start": "zero", "specialist_start": "zero"}, "mat-msd")
    assert {apart.attack(member)["start"] for member in apart.cohort.members} == {"zero"}
