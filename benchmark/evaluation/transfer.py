"""Black-box transfer: adversarial images crafted on one network, tried on others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.arguments import checked_arguments
from benchmark.deadline import stoppable
from benchmark.engines import Devices, Means
from benchmark.errors import BadInput
from benchmark.evaluation import objects
from benchmark.evaluation.adding_classes import tell_of_unknown
from benchmark.evaluation.checking import checked
from benchmark.evaluation.complaints import reported
from benchmark.evaluation.filing import Work, finished, run_and_file, written
from benchmark.evaluation.objects import Data
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.repeatable import tell_of_earlier
from benchmark.evaluation.request import EvaluationRequest, check_fileable
from benchmark.given import Given as GivenSuite
from benchmark.ledger.evaluation import Evaluation
from benchmark.models import Given, listed
from benchmark.own.trust import trusts
from benchmark.scales import Epsilon


@stoppable
@trusts
@checked_arguments
def transfer(
    sources: Sequence[Given] | Given,
    targets: Sequence[Given] | Given | None = None,
    *,
    name: str | Sequence[str] | None = None,
    suite: GivenSuite = "transfer",
    preset: str = "standard",
    n: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int | None = None,
    devices: Devices | None = None,
    engine: str = "local",
    address: str | None = None,
    gpu_share: float = 1.0,
    time_limit: float | None = None,
    results: str | Path = "results",
    save_adversarial: bool = False,
    add_classes: bool = False,
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
) -> list[Evaluation]:
    """Try what is crafted on each source on every target; each source is attacked once.

    Every image is attacked, whether the source classifies it correctly or not, and nothing that fools the source
    is kept back: only the target's verdict counts. Where source and target are the same network this is the white-box
    attack.

    Args:
        sources: networks to craft on, as `evaluate` takes them.
        targets: networks to try the images on; None for the sources themselves.
        name: what to call the modules among sources and targets, each once, in their order; None for the names of
            their classes.
        suite: name or YAML file of the attacks, or a dict of what stands in such a file.
        preset, n, seed, device, precision, workers, devices, engine, address, gpu_share, results, dataset, resize,
            crop, scale, epsilon, data_dir, download, trust_remote_code, compile, classes, deterministic, progress: as
            for `evaluate`. A worker holds all networks.
        time_limit: seconds that crafting one attack on one shard of the images may take, and as many each target for
            its verdict; None for no limit. What takes longer is begun twice more and then recorded as failed: for
            every target if it was the attack, else for that one.
        save_adversarial: whether to store the adversarial images, too; each target keeps those that fooled it.
        add_classes: as for `evaluate`.

    Returns:
        One evaluation per pair, source by source: `crafted_on` is the source's card, `model` the target's.

    Raises:
        BadInput: anything that is wrong with the input, or networks that are not tried on the same images; also if no
            source or no target is left that passes its check.
        PartlyFailed: some networks failed, as for `evaluate`; its `done` has the pairs of the others.
        KeyboardInterrupt: the ledger is whole; call again to go on.
    """
    first = listed(sources)
    second = first if targets is None else listed(targets)
    with objects.held([*first, *second], name, dataset) as (called, data):
        request = EvaluationRequest(
            suite=suite,
            preset=preset,
            n=n,
            seed=seed,
            device=device,
            precision=precision,
            means=objects.means_for(Means(workers, devices, engine, address, gpu_share, device), time_limit, suite),
            time_limit=time_limit,
            results=results,
            save_adversarial=save_adversarial,
            add_classes=add_classes,
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
        return _transferred(request, called[: len(first)], called[len(first) :], progress)


def _transferred(
    request: EvaluationRequest, first: Sequence[str], second: Sequence[str], progress: bool
) -> list[Evaluation]:
    """Each of the networks `first` tried on each of `second`."""
    planned, ledger, failures = request.plans([*first, *second])
    if len({(plan.target.data, plan.suite.digest) for plan in planned.values()}) > 1:
        datasets = ", ".join(
            dict.fromkeys(f"{plan.card['name']} ({plan.target.dataset})" for plan in planned.values())
        )
        raise BadInput(f"sources and targets must be tried on the same images, but these are not: {datasets}")
    plans = {plan.id: plan for plan in planned.values()}
    from_ids, to_ids = (
        dict.fromkeys(planned[name].id for name in names if name in planned) for names in (first, second)
    )
    pairs = [(source, target) for source in from_ids for target in to_ids]
    wanted = [_pair(plans[source], plans[target]) for source, target in pairs]
    for pair in wanted:
        check_fileable(pair)
    missing = {pair for pair, plan in zip(pairs, wanted, strict=True) if finished(plan, ledger) is None}
    asked = [plan for key, plan in plans.items() if any(key in pair for pair in missing)]
    fit, unfit = checked(asked)
    for plan in asked:
        plans.pop(plan.id)
    plans |= {plan.id: plan for plan in fit}
    for plan in plans.values():
        ledger.remember(plan.target.known)
    pairs = [(source, target) for source, target in pairs if source in plans and target in plans]
    work = [each for source in from_ids for each in _work(source, [pair for pair in pairs if pair in missing], plans)]
    used = dict.fromkeys(key for pair in pairs if pair in missing for key in pair)
    lost = run_and_file(work, [plans[key] for key in used], ledger, request.means, progress, request.time_limit)
    filed = [pair for source, target in pairs if (pair := _pair(plans[source], plans[target])).id not in lost]
    evaluations = [written(pair, ledger) for pair in filed]
    tell_of_unknown(request.add_classes, evaluations, ledger.folder)
    tell_of_earlier(
        request.deterministic, ((each.model["name"], each.deterministic) for each in evaluations), ledger.folder
    )
    return reported(evaluations, [*failures, *unfit, *lost.values()])


def _work(source: str, missing: Sequence[tuple[str, str]], plans: Mapping[str, Plan]) -> Iterator[Work]:
    """One job per attack and shard of the plan called `source`, which all targets that lack its images judge."""
    targets = [plans[target] for first, target in missing if first == source]
    judges = tuple(target.target for target in targets)
    pairs = [_pair(plans[source], target) for target in targets]
    for job in plans[source].jobs() if targets else ():
        for alone in job.split():
            yield Work(dataclasses.replace(alone, judges=judges), plans[source].card, pairs)


def _pair(source: Plan, target: Plan) -> Plan:
    """What the target says to images that were crafted on the source, where the source's last layer was left out."""
    whom = dataclasses.replace(target.target, last_layer=source.target.last_layer)
    return dataclasses.replace(target, target=whom, crafted_on=source.card)
