"""The public function that tells Rworst to a stated width, from expensive attacks on a sample of the images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.analysis.aggregate import r_worst
from benchmark.arguments import checked_arguments
from benchmark.deadline import stoppable
from benchmark.engines import Means
from benchmark.errors import BadInput
from benchmark.evaluation import objects
from benchmark.evaluation.checking import checked
from benchmark.evaluation.filing import finished
from benchmark.evaluation.objects import Data
from benchmark.evaluation.plan import MODES, Plan
from benchmark.evaluation.repeatable import tell_of_earlier
from benchmark.evaluation.request import EvaluationRequest
from benchmark.given import Given as GivenSuite
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.marker import check_apart
from benchmark.models import Given, listed
from benchmark.own.trust import trusts
from benchmark.reporting.text import in_points
from benchmark.scales import Epsilon
from benchmark.sequential.page import write_estimate
from benchmark.sequential.result import Estimate, Look
from benchmark.sequential.two_phase_run import TwoPhase, described
from benchmark.storage import check_writable, safe_name


@stoppable
@trusts
@checked_arguments
def estimate(
    network: Given,
    *,
    name: str | None = None,
    to: float = 1.0,
    suite: GivenSuite = "autoattack",
    preset: str = "standard",
    alpha: float = 0.05,
    n: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 1,
    time_limit: float | None = None,
    results: str | Path = "results",
    out: str | Path | None = None,
    dataset: Data | None = None,
    resize: int | str | None = None,
    crop: int | None = None,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    data_dir: str | Path | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    compile: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    deterministic: bool = False,
    progress: bool = True,
) -> Estimate:
    """Estimate Rworst of a network on these test images to ± `to` points.

    The cheap attacks of the suite are run on all images, the expensive ones on a random sample of those that are
    still standing, see `benchmark.statistics.two_phase`. AutoAttack is run as its members. What was attacked is in
    `results`: the same call goes on after an interruption.

    Args:
        network: a checkpoint file or another source, as `evaluate` takes it.
        to: half the width of the interval, in percentage points.
        suite, preset, n: the attacks, and how many test images it is about, as `evaluate` takes them.
        alpha: the probability with which the interval is wrong.
        seed: of all noise, and of the sample.
        out: folder for the page and its table; reports/estimates/NAME if left out.
        name, device, precision, workers, time_limit, results, dataset, resize, crop, scale, epsilon, data_dir,
            download, trust_remote_code, compile, classes, deterministic, progress: as `evaluate` takes them.

    Returns:
        Rworst and its interval as fractions, what it took, and the path of the page.

    Raises:
        BadInput: anything that is wrong with the input, such as a width that can't be; the network can't be attacked.
        KeyboardInterrupt: what was attacked is kept; call again to go on.
    """
    if not 0 < alpha < 0.5:  # NaN is neither
        raise BadInput(f"alpha must lie between 0 and 0.5, not {alpha:g}; 0.05 is usual")
    given = listed(network)
    if len(given) != 1:
        raise BadInput("estimating takes one network; for several, bench decide says which is the best")
    with objects.held(given, name, dataset) as (sources, data):
        request = EvaluationRequest(
            suite=suite,
            preset=preset,
            n=n,
            mode="worst-case",
            seed=seed,
            device=device,
            precision=precision,
            means=objects.means_for(Means(workers), time_limit, suite),
            time_limit=time_limit,
            results=results,
            dataset=data,
            resize=resize,
            crop=crop,
            scale=scale,
            epsilon=epsilon,
            data_dir=data_dir,
            download=download,
            trust_remote_code=trust_remote_code,
            compile=compile,
            classes=classes,
            deterministic=deterministic,
        )
        return _estimated(request, sources, to, alpha, out, progress)


def _estimated(
    request: EvaluationRequest,
    sources: Sequence[str],
    to: float,
    alpha: float,
    out: str | Path | None,
    progress: bool,
) -> Estimate:
    planned, ledger, failures = request.plans(sources)
    if failures:
        raise BadInput("\n".join(failures))
    (plan,) = planned.values()
    _check_width(to, plan.suite.images)
    called = f"{plan.card['name']}-{plan.suite.name}-{plan.suite.preset}"
    folder = Path(out) if out else Path("reports/estimates") / safe_name(called)
    check_apart(folder, ledger.folder)
    check_writable(folder)
    whole = _whole(plan, ledger)
    if whole is not None:
        found, repeats = _known(plan, whole, to / 100, alpha), whole.deterministic
    else:
        plans, unfit = checked([plan])
        if unfit:
            raise BadInput("\n".join(unfit))
        ledger.remember(plan.target.known)
        two_phase = TwoPhase(plans[0], ledger, request.means, request.time_limit)
        found, repeats = two_phase.run(to / 100, alpha, progress), two_phase.repeats
    tell_of_earlier(request.deterministic, [(plan.card["name"], repeats)], ledger.folder)
    return replace(found, page=write_estimate(folder, found))


def _check_width(to: float, images: int) -> None:
    if not (math.isfinite(to) and 0 < to < 50):
        raise BadInput(f"--to must lie between 0 and 50 percentage points, not {to:g}")
    if to * images < 100:
        raise BadInput(
            f"--to {to:g} is less than one of {images} images, which is {in_points(100 / images)}: only attacking "
            "all of them can tell that; use bench evaluate --mode worst-case, or name a larger width"
        )


def _whole(plan: Plan, ledger: Ledger) -> Evaluation | None:
    """An evaluation on all images that says what Rworst is, if one has been made before."""
    for mode in MODES:
        whole = finished(replace(plan, mode=mode), ledger)
        if whole is not None and r_worst(whole) is not None:
            return whole
    return None


def _known(plan: Plan, whole: Evaluation, width: float, alpha: float) -> Estimate:
    """Rworst from an evaluation on all images."""
    value, images = r_worst(whole), plan.suite.images
    assert value is not None
    return Estimate(
        **described(plan),
        value=value,
        low=value,
        high=value,
        width=width,
        alpha=alpha,
        cheap=(),
        expensive=(),
        standing=round(value * images),
        sampled=round(value * images),
        passes=0,
        passes_of_all=0,
        looks=(Look(images, value, value, value),),
    )
