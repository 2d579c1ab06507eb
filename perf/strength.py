"""How strong our attacks are beside the peers', at equal budgets, on the same images of the same checkpoints.

    python perf/strength.py zoo/at.pt zoo/mat-h1.pt --images 450

For each attack: the robust accuracy that ours and the peer's leave, judged by the same float32 pass and the same
check of the ball, their difference (negative: ours is stronger) with a 95% interval of paired differences,
and for minimal attacks the median distance of both, and the median of their ratio, over the images that both broke.
Nothing is trained here.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import peers
import torch
from torch import Tensor, nn

from benchmark import data, models
from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.objectives import is_wrong
from benchmark.evaluation.suite import load_suite
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

#: (our attack, norm, our parameters, peer, what the peer runs)
Row = tuple[str, str, dict[str, object], str, Callable[[nn.Module, Tensor, Tensor, Threat], Tensor]]


def rows() -> Iterator[Row]:
    """The comparisons; a peer's own defaults are replaced wherever ours has another budget."""
    # From the clean image: a random start would make the comparison a matter of luck.
    pgd = {"steps": 40, "relative_step_size": 0.1, "start": "zero"}

    def fb_pgd(cls: str) -> Callable[[nn.Module, Tensor, Tensor, Threat], Tensor]:
        return lambda m, x, y, t: peers.foolbox(m, x, y, cls, t, rel_stepsize=0.1, steps=40, random_start=False)

    yield "pgd", "linf", pgd, "foolbox", fb_pgd("LinfProjectedGradientDescentAttack")
    yield "pgd", "l2", pgd, "foolbox", fb_pgd("L2ProjectedGradientDescentAttack")
    yield (
        "pgd",
        "linf",
        pgd,
        "torchattacks",
        lambda m, x, y, t: peers.torchattacks(
            m, x, y, "PGD", eps=t.epsilon, alpha=t.epsilon / 10, steps=40, random_start=False
        ),
    )
    yield (
        "pgd",
        "linf",
        pgd,
        "adv_lib",
        lambda m, x, y, t: peers.advlib(
            m, x, y, "pgd_linf", ε=t.epsilon, steps=40, absolute_step_size=t.epsilon / 10, random_init=False
        ),
    )
    yield (
        "apgd-ce",
        "l1",
        {"steps": 100},
        "adv_lib",
        lambda m, x, y, t: peers.advlib(
            m, x, y, "apgd", eps=t.epsilon, norm=1, n_iter=100, n_restarts=5, loss_function="ce", use_large_reps=True
        ),
    )
    yield (
        "ddn",
        "l2",
        {"steps": 100},
        "foolbox",
        lambda m, x, y, t: peers.foolbox(m, x, y, "DDNAttack", None, steps=100),
    )
    yield (
        "ddn",
        "l2",
        {"steps": 100},
        "adv_lib",
        lambda m, x, y, t: peers.advlib(m, x, y, "ddn", steps=100, levels=None),
    )
    searches = {"searches": 5, "steps": 200, "step_size": 0.025, "initial_c": 0.01}
    their_searches = {"binary_search_steps": 5, "steps": 200, "stepsize": 0.025, "initial_const": 0.01}
    yield (
        "cw",
        "l2",
        searches,
        "foolbox",
        lambda m, x, y, t: peers.foolbox(m, x, y, "L2CarliniWagnerAttack", None, **their_searches),
    )
    yield (
        "deepfool",
        "l2",
        {"steps": 50},
        "foolbox",
        lambda m, x, y, t: peers.foolbox(m, x, y, "L2DeepFoolAttack", None, steps=50),
    )
    for norm, cls, p in (
        ("linf", "LInfFMNAttack", float("inf")),
        ("l2", "L2FMNAttack", 2),
        ("l1", "L1FMNAttack", 1),
        ("l0", "L0FMNAttack", 0),
    ):
        yield (
            "fmn",
            norm,
            {"steps": 100},
            "foolbox",
            lambda m, x, y, t, cls=cls: peers.foolbox(m, x, y, cls, None, steps=100),  # type: ignore[misc]
        )
        yield (
            "fmn",
            norm,
            {"steps": 100},
            "adv_lib",
            lambda m, x, y, t, p=p: peers.advlib(m, x, y, "fmn", norm=p, steps=100),  # type: ignore[misc]
        )
    for norm in ("linf", "l2", "l1"):
        yield (
            "autoattack",
            norm,
            {},
            "pyautoattack",
            lambda m, x, y, t: peers.autoattack(m, x, y, t, len(x)),
        )


def judge(
    model: nn.Module, x: Tensor, y: Tensor, x_adv: Tensor, threat: Threat, minimal: bool
) -> tuple[Tensor, Tensor]:
    """(broken within ε, distance of the misclassified point or inf), by one float32 pass of the plain network."""
    x_adv = x_adv.float().clamp(0, 1) if minimal else x_adv.float()
    with torch.no_grad():
        wrong = is_wrong(model(x_adv), y) & torch.isfinite(x_adv.flatten(1)).all(1)
    distance = torch.where(wrong, threat.distance(x_adv - x), torch.inf)
    return wrong & threat.contains(x, x_adv), distance


def paired(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
    """Difference of the robust accuracies (ours − theirs) and the half width of its 95% interval."""
    difference = (~ours).double() - (~theirs).double()
    return float(difference.mean()), 1.96 * float(difference.std()) / math.sqrt(len(difference))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--suite", default="multi-perturbation", help="whose radii to use")
    parser.add_argument("--only", default="", help="run the comparisons whose name contains this")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    device = resolve_device(options.device)
    precision = resolve_precision(options.precision, device)

    for path in options.checkpoints:
        checkpoint = models.load_checkpoint(path)
        model = checkpoint.model().to(device)
        suite = load_suite(options.suite, scale=checkpoint.scale)
        radii = {item.threat.norm: item.threat for item in suite.items} | {"l0": Threat("l0", 8)}
        test = data.load(checkpoint.dataset).test
        x, y = (part.to(device) for part in test.batch(slice(0, options.images)))
        classifier = PreparedClassifier(model, checkpoint.num_classes, device, precision)
        for name, norm, parameters, peer, theirs in rows():
            title = f"{name}-{norm} vs {peer}"
            if options.only not in title:
                continue
            if find_spec(peer) is None:
                print(f"{title}: {peer} is not installed (see perf/requirements.txt)", file=sys.stderr)
                continue
            attack, threat = make_attack(name, parameters), radii[norm]
            minimal = attack.kind == "minimum-norm"
            mine = attack(classifier, x, y, threat, ExampleNoise(0, range(len(x)), device=device))
            torch.manual_seed(0)
            peers_own = theirs(model, x, y, threat)
            broken, distance = judge(model, x, y, mine, threat, minimal)
            peer_broken, peer_distance = judge(model, x, y, peers_own, threat, minimal)
            difference, half = paired(broken, peer_broken)
            line: dict[str, object] = {
                "checkpoint": checkpoint.name,
                "name": title,
                "accuracy": 1 - float(broken.double().mean()),
                "peer_accuracy": 1 - float(peer_broken.double().mean()),
                "difference": difference,
                "interval": [difference - half, difference + half],
                "images": len(x),
            }
            both = torch.isfinite(distance) & torch.isfinite(peer_distance) & (distance > 0)
            if minimal and bool(both.any()):
                line["median_distance"] = float(distance[both].median())
                line["peer_median_distance"] = float(peer_distance[both].median())
                line["median_distance_ratio"] = float((distance[both] / peer_distance[both]).median())
            _show(line, options.json)


def _show(line: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(line), flush=True)
        return
    low, high = line["interval"]  # type: ignore[misc]
    distances = (
        f"   median {line['median_distance']:.4f} vs {line['peer_median_distance']:.4f}"
        f", of their ratio {line['median_distance_ratio']:.4f}"
        if "median_distance" in line
        else ""
    )
    print(
        f"{line['checkpoint']!s:12} {line['name']!s:28} {line['accuracy']:7.1%} vs {line['peer_accuracy']:7.1%}"
        f"   {line['difference']:+.2%} [{low:+.2%}, {high:+.2%}]{distances}",
        flush=True,
    )


if __name__ == "__main__":
    main()
