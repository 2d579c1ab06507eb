"""Outer losses against worked numbers: what each formula gives for given logits (double precision)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmark.methods import outer
from benchmark.methods.batch import Batch, Examples, Net
from benchmark.methods.outer import taught
from benchmark.methods.outer.together import specialists
from benchmark.methods.progress import Progress

Views = dict[str, Tensor]


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def log(*probabilities: float) -> Tensor:
    return row(*probabilities).log()


def step(
    *nets: Views, teachers: tuple[Views, ...] = (), y: Tensor | None = None, winner: int | None = None, **options
):
    """A training step with given logits: of a network on "clean" images, on its "own" adversarial examples
    ("own0", "own1", ... where it has several), and "on0", "on1", ... on the examples of network 0, 1, ...
    """
    x = torch.zeros(1)
    won = None if winner is None else torch.tensor([winner])
    owned = [[key for key in net if key.startswith("own")] for net in nets]
    examples = [Examples(tuple(torch.zeros(1) for _ in keys), won, len(nets) - 1) if keys else None for keys in owned]

    def player(views: Views, n: int | None) -> Net:
        own = examples[n] if n is not None else None
        places = {id(x): views.get("clean")}
        if own is not None and n is not None:
            places |= {id(image): views[key] for image, key in zip(own.images, owned[n], strict=True)}
        places |= {id(e.images[0]): views[f"on{k}"] for k, e in enumerate(examples) if e and f"on{k}" in views}
        return Net(lambda images: places[id(images)], x, own)

    players = [player(views, n) for n, views in enumerate(nets)]
    label = torch.tensor([0]) if y is None else y
    return Batch(label, players, [player(views, None) for views in teachers], **options)


def close(actual, expected, atol=2e-6):
    expected = torch.as_tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(actual.squeeze(), expected, atol=atol, rtol=0)


TWO = {
    "clean": torch.tensor([[2, 1, 0.1, -1], [0.5, 0, 1.5, -0.5]], dtype=torch.float64),
    "own": torch.tensor([[1, 1.5, 0.2, -0.5], [0.8, 0.1, 0.6, -0.2]], dtype=torch.float64),
}


@pytest.mark.parametrize(
    ("loss", "options", "expected"),
    [
        (outer.natural, {}, 0.497660),
        (outer.at, {}, 1.193664),
        (outer.at, {"loss": "bce"}, 1.769834),
        (outer.trades, {}, 1.722389),
        (outer.mart, {}, 2.163038),
        (outer.mart, {"as_coded": True}, 2.162859),
        (outer.mart, {"lam": 6}, 2.241679),
        (outer.alp, {}, 1.159412),
        (outer.alp, {"weight": 0.5}, 1.002537),
    ],
)
def test_one_network(loss, options, expected):
    close(loss(step(TWO, y=torch.tensor([0, 2])), **options), expected)


def test_several_norms_are_averaged():
    both = step({"own0": TWO["clean"], "own1": TWO["own"]}, y=torch.tensor([0, 2]))
    close(outer.at(both), (0.497660 + 1.193664) / 2)


def test_defensive_distillation():
    close(
        outer.dd(step({"clean": row(6, 8, 1, 0)}, teachers=({"clean": row(10, 5, 0, -5)},)), temperature=20), 1.363194
    )


def test_ard():
    batch = step({"clean": row(1.5, 0.5, 0), "own": row(1, 2, 0.5)}, teachers=({"clean": row(2, 1, 0.1)},))
    close(outer.ard(batch, alpha=0.9, temperature=4), 0.392181, atol=5e-6)
    close(outer.ard(batch), 0.355983)
    close(outer.ard(batch, reduction="mean"), 0.355983 / 3)


TEACHER = {"clean": log(0.7, 0.2, 0.1), "on0": log(0.4, 0.3, 0.3)}
STUDENT = {"clean": log(0.6, 0.3, 0.1), "own": log(0.4, 0.4, 0.2)}


def test_rslad():
    batch = step(STUDENT, teachers=(TEACHER,))
    close(outer.rslad(batch), 0.157624)
    close(outer.rslad(batch, alpha=1.0), 0.183787)
    close(outer.rslad(batch, alpha=0.0), 0.026812)
    # The code adds 1e-5 inside the logarithm, hence the looser bound.
    close(outer.rslad(batch, reduction="mean"), 0.052551, atol=2e-5)


def test_iad():
    late = step(STUDENT, teachers=(TEACHER,), training=Progress(0.5))
    close(outer.iad(late), 0.175370)
    close(outer.iad(late, weighted=False), 0.191462)
    close(outer.iad(step(STUDENT, teachers=(TEACHER,), training=Progress(0.29))), 0.183787)


def test_iad_2():
    natural = {"on0": log(0.5, 0.25, 0.25)}
    batch = step(STUDENT, teachers=(natural, TEACHER), training=Progress(0.5))
    s, t, n = torch.tensor([0.4, 0.4, 0.2]), torch.tensor([0.4, 0.3, 0.3]), torch.tensor([0.5, 0.25, 0.25])
    c, a = torch.tensor([0.6, 0.3, 0.1]), 0.4**0.1
    ce, taught = -s[0].log(), (t * (t / s).log()).sum()
    own, plain = (c * (c / s).log()).sum(), (n * (n / s).log()).sum()
    expected = 0.25 * ce + 0.5 * (a * taught + (1 - a) * own) + 0.25 * plain
    close(outer.iad_2(batch), float(expected))
    early = step(STUDENT, teachers=(natural, TEACHER), training=Progress(0.1))
    close(outer.iad_2(early), float(0.25 * ce + 0.5 * taught + 0.25 * plain))


def test_mtard_moves_the_weight_towards_the_term_that_lags():
    memory: dict[str, Tensor] = {}
    for terms, expected in (((1.0, 1.0), 0.5), ((0.6, 0.9), 0.497500), ((0.5, 0.8), 0.494678)):
        weight = taught._balance(memory, torch.tensor(terms, dtype=torch.float64), rate=0.025, power=1.0)
        close(weight, expected)


def test_mtard_weighs_the_natural_and_the_robust_teacher():
    student = {"clean": log(0.6, 0.3, 0.1), "own": log(0.4, 0.4, 0.2)}
    natural, robust = {"clean": log(0.7, 0.2, 0.1)}, {"on0": log(0.7, 0.2, 0.1)}
    close(outer.mtard(step(student, teachers=(natural, robust))), (0.026812 + 0.183787) / 2)


MMARD_TEACHER = {"clean": log(0.7, 0.2, 0.1), "on0": log(0.4, 0.1, 0.5)}
MMARD_STUDENT = {"clean": log(0.6, 0.3, 0.1), "own": log(0.2, 0.7, 0.1)}


def test_mmard():
    batch = step(MMARD_STUDENT, teachers=(MMARD_TEACHER,))
    close(outer.mmard(batch), 0.897656)
    close(outer.mmard(batch, delta=0.1), 0.887387 + 0.009331)
    close(outer.distil(batch), 0.887387)


def test_mmard_sums_its_relation_over_the_batch_unless_told_otherwise():
    double = {key: value.repeat(2, 1) for key, value in MMARD_STUDENT.items()}
    teacher = {key: value.repeat(2, 1) for key, value in MMARD_TEACHER.items()}
    batch = step(double, teachers=(teacher,), y=torch.tensor([0, 0]))
    close(outer.mmard(batch), 0.887387 + 2 * 0.010270)
    close(outer.mmard(batch, average=True), 0.897656)


def test_relation_vanishes_for_equal_networks_and_ignores_which_view_comes_first():
    same = step(
        {"clean": row(1, 2, 3), "own": row(2, 0, 1)}, teachers=({"clean": row(1, 2, 3), "on0": row(2, 0, 1)},)
    )
    close(outer.mmard(same), 0.0)
    swapped_student = {"clean": MMARD_STUDENT["own"], "own": MMARD_STUDENT["clean"]}
    swapped_teacher = {"clean": MMARD_TEACHER["on0"], "on0": MMARD_TEACHER["clean"]}
    for student, teacher in ((MMARD_STUDENT, MMARD_TEACHER), (swapped_student, swapped_teacher)):
        batch = step(student, teachers=(teacher,))
        close(outer.mmard(batch) - outer.distil(batch), 0.010270)


def test_relation_teaches_the_student_on_both_views():
    student = {key: value.clone().requires_grad_() for key, value in MMARD_STUDENT.items()}
    outer.mmard(step(student, teachers=(MMARD_TEACHER,))).backward()
    assert student["clean"].grad.abs().sum() > 0
    assert student["own"].grad.abs().sum() > 0


# Mutual training --------------------------------------------------------------------------------------------------

CLEAN = row(2, 1, 0), row(1.5, 0.5, 0.5), row(3, 0, -1)
OWN = row(1, 1.2, 0), row(0.8, 0.6, 0.4), row(1, 0.5, 0.9)
NETS = tuple({"clean": clean, "own": own} for clean, own in zip(CLEAN, OWN, strict=True))


def test_mat():
    close(outer.mat(step(*NETS[:2])), 1.346157)
    close(outer.mat(step(*NETS)), 2.289505)
    close(outer.mat(step(*NETS), detach_teacher=True), 2.289505)


def test_mat_without_distillation_is_a_sum_of_adversarial_trainings():
    close(outer.mat(step(*NETS), alpha=0.0), 1.589500 + 1.310788 + 1.367578)


def test_mat_of_equal_networks_without_perturbation_has_nothing_to_distil():
    same = {"clean": row(2, 1, 0), "own": row(2, 1, 0)}
    close(outer.mat(step(same, same), alpha=1.0), 0.0)


def test_mat_teaches_the_teacher_unless_it_is_detached():
    for detach, expected in ((False, [0.135642, -0.067570, -0.068072]), (True, None)):
        teacher = {"clean": CLEAN[0].clone().requires_grad_(), "own": OWN[0]}
        batch = step(teacher, NETS[1])
        (outer.mat(batch, detach_teacher=detach) + 0 * teacher["clean"].sum()).backward()
        close(teacher["clean"].grad, expected or [0.0, 0.0, 0.0])


def test_mat_scenarios():
    close(outer.mat_offline(step(NETS[1], teachers=({"clean": CLEAN[0]},))), 0.622993)
    close(outer.mat_nat_rob(step({"clean": CLEAN[0]}, NETS[1])), 0.939169)


SPECIALISTS = NETS[1:]
GENERALIST = {"clean": CLEAN[0], "own0": row(0.9, 1.1, 0.2), "own1": row(1.4, 0.3, 0.6)}
MSD = {"clean": CLEAN[0], "own": row(0.7, 1.3, 0.1)}


def test_mat_for_several_norms():
    both = 0.769785 + 0.634771
    avg = step(GENERALIST, *SPECIALISTS)
    close(specialists(avg, 0.6, False), both)
    close(outer.mat_avg(avg), 2.047266)
    close(outer.mat_avg(avg) - specialists(avg, 0.6, False), 0.642711)
    # Attack 1 has the larger BCE (1.596598 > 0.868362), so its example and its specialist are used.
    winner = step({"clean": CLEAN[0], "own": GENERALIST["own0"]}, *SPECIALISTS, winner=0)
    close(outer.mat_max(winner), 2.121516)
    close(outer.mat_msd(step(MSD, *SPECIALISTS)), 2.550629)


def test_mat_max_picks_the_teacher_example_by_example():
    generalist = {"clean": CLEAN[0].repeat(2, 1), "own": row(0.9, 1.1, 0.2).repeat(2, 1)}
    pair = [{key: value.repeat(2, 1) for key, value in net.items()} for net in SPECIALISTS]
    y = torch.tensor([0, 0])
    batch = step(generalist, *pair, y=y)
    batch.nets[0].examples = Examples(batch.nets[0].own.images, torch.tensor([0, 1]), among=2)
    singles = [
        outer.mat_max(step({"clean": CLEAN[0], "own": row(0.9, 1.1, 0.2)}, *SPECIALISTS, winner=k)) for k in (0, 1)
    ]
    close(outer.mat_max(batch), float(sum(singles) / 2))


CAT = (
    {"clean": row(2, 1, 0), "own": row(1, 1.2, 0), "on1": row(1.1, 0.9, 0.3)},
    {"clean": row(1.5, 0.5, 0.5), "own": row(0.8, 0.6, 0.4), "on0": row(0.9, 0.7, 0.2)},
)


def test_cat():
    close(outer.cat(step(*CAT)), 0.159526)
    close(outer.cat(step(*CAT), alpha=1.0), 1.368026 + 0.901673)
    close(outer.cat(step(*CAT), alpha=0.0), 0.048464)


def test_cat_takes_any_pair():
    at = outer.at(step({"own": row(1, 1.2, 0)}))
    trades = outer.trades(step({"clean": row(1.5, 0.5, 0.5), "own": row(0.8, 0.6, 0.4)}))
    close(outer.cat(step(*CAT), pair=("at", "trades"), alpha=1.0), float(at + trades))


def test_act():
    nets = {"clean": row(1.5, 0.5, 0.5)}, {"own": row(1, 1.2, 0)}
    close(outer.act(step(*nets)), 0.237423 + 0.202128)


def test_ramp_takes_the_worse_norm_and_pairs_only_what_was_right():
    source, target = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.5, 0.0], [0.0, 3.0]])
    clean = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    batch = step({"own0": source, "own1": target}, {"clean": clean}, y=torch.tensor([0, 0]))
    ce = [-torch.tensor(z).log_softmax(0)[0] for z in ([0.5, 0.0], [0.0, 3.0])]
    p, q = source[0].softmax(0), target[0].softmax(0)
    natural = -torch.tensor([1.0, 0.0]).log_softmax(0)[0]
    expected = sum(ce) / 2 + 5 * (p * (p / q).log()).sum() + natural
    torch.testing.assert_close(outer.ramp(batch), expected)


# What the authors' code does otherwise, by name ---------------------------------------------------------------------


def test_alp_with_smoothed_labels():
    y = torch.tensor([0, 2])
    plain, smooth = (outer.alp(step(TWO, y=y), weight=0.0, smoothing=share) for share in (0.0, 0.1))
    even = -torch.stack([TWO[view].log_softmax(1) for view in ("clean", "own")]).mean()
    close(smooth, float(0.9 * plain + 0.1 * even))


def test_mtards_weight_moves_at_the_pace_of_the_learning_rate_if_asked():
    student = {"clean": log(0.6, 0.3, 0.1), "own": log(0.4, 0.4, 0.2)}
    natural, robust = {"clean": log(0.7, 0.2, 0.1)}, {"on0": log(0.7, 0.2, 0.1)}
    for decay, rate, expected in ((False, 0.1, 0.475), (True, 0.1, 0.4975), (True, 1.0, 0.475)):
        memory = {"first_terms": torch.tensor([0.1, 0.1], dtype=torch.float64), "weight": torch.tensor(0.5)}
        batch = step(student, teachers=(natural, robust), memory=memory, rate=rate)
        outer.mtard(batch, rate=0.1 / (0.5 - 0.026812 / (0.026812 + 0.183787)) * 0.25, decay=decay)
        close(memory["weight"].double(), expected, atol=1e-4)
