"""The public function of the evaluation package: networks in, a ledger and evaluations out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.arguments import checked_arguments
from benchmark.deadline import stoppable
from benchmark.engines import Devices, Means
from benchmark.evaluation import objects
from benchmark.evaluation.adding_classes import tell_of_unknown
from benchmark.evaluation.checking import checked
from benchmark.evaluation.complaints import reported
from benchmark.evaluation.filing import Work, file_if_whole, finished, run_and_file, written
from benchmark.evaluation.following import Followed
from benchmark.evaluation.objects import Data
from benchmark.evaluation.repeatable import tell_of_earlier
from benchmark.evaluation.request import EvaluationRequest
from benchmark.given import Given as GivenSuite
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.packing import pack
from benchmark.models import Given, listed
from benchmark.own.trust import trusts
from benchmark.parts import WHOLE, Part, read_part
from benchmark.scales import Epsilon
from benchmark.trackers import check_trackers


@stoppable
@trusts
@checked_arguments
def evaluate(
    checkpoints: Sequence[Given] | Given,
    *,
    name: str | Sequence[str] | None = None,
    suite: GivenSuite = "multi-perturbation",
    preset: str = "standard",
    n: int | None = None,
    mode: str = "complete",
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int | None = None,
    devices: Devices | None = None,
    engine: str = "local",
    address: str | None = None,
    gpu_share: float = 1.0,
    part: str | None = None,
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
    stochastic: int | None = None,
    verdict_passes: int | None = None,
    eight_bit: bool = False,
    deterministic: bool = False,
    log: Sequence[str] | str = (),
    progress: bool = True,
) -> list[Evaluation]:
    """Attack networks and keep, per image, what broke them. What is in `results` already is not run again.

    Args:
        checkpoints: one or several checkpoint files, networks from elsewhere as `benchmark.load_model` takes them, or
            networks themselves: a `torch.nn.Module` that maps images N×C×H×W in [0, 1] to N×K logits, of which a copy
            is evaluated, in eval mode and float32.
        name: what to call the modules among them, in their order; None for the names of their classes.
        suite: name or YAML file of the attacks to run, or a dict of what stands in such a file.
        preset: "standard", or one that the suite defines, such as "quick".
        n: use the first `n` test images; None for the suite's number, or all if there are fewer.
        mode: "complete": every attack sees every image. "worst-case": only what earlier attacks under the same threat
            left standing, which gives the same accuracies per threat and in the worst case at a fraction of the cost,
            and up to a hundred images that all see, by which they are compared for signs of gradient masking.
        seed: of all noise.
        device: "auto", "cpu", "cuda", "cuda:1", ...
        precision: of the search: "auto", "fp32", "tf32" or "bf16". Verdicts are always float32.
        workers: how many attack at once. None for one per GPU, one in all where there is none; on a cluster, for as
            many as it has room for. One is used, which is said, where a module can't be sent to them, such as one
            whose class is defined in a notebook.
        devices: which GPUs workers are spread over: a number of them, or their numbers, "0,1,2". None for all, where
            `device` does not name one.
        engine: "local", or "ray" for a Ray cluster, whose workers need no disk in common with this machine.
        address: of the cluster; "auto" for the one that this machine is part of.
        gpu_share: what each worker takes of a GPU, so that several share one: 0.5.
        part: "2/8" for the second of eight parts that have no work in common, each with a results folder of its own,
            to be joined by `benchmark.merge`, or all with one. None for all of it.
        time_limit: seconds that one attack on one shard of the images may take; None for no limit. What takes longer,
            like what makes its process die, is begun twice more and then recorded as failed.
        results: the folder of the ledger.
        save_adversarial: whether to store the adversarial images, too.
        add_classes: let what is in `results` already learn the predicted classes, which records of older versions
            lack: those of clean images by one pass, those of adversarial images by another where they are stored,
            else by attacking again. Its verdicts and costs stay as they are.
        dataset: whose test images to use, by name, or the data itself: a `benchmark.Dataset`, a pair of images and
            labels, or a dataset of torch's, of which only the images in use are read. None for the dataset that each
            network was trained on.
        resize: pixels that the shorter side of pictures is resized to, "256x256" for height and width, or "network"
            for what the network's weights were made for; None for pictures of one size, and for a network's own view
            of imagenet.
        crop: side of the square that is then cut out of their middle; None for all of it.
        scale: whose row of published radii to take, such as "imagenet"; None for that of the dataset. Pictures of
            one's own have none.
        epsilon: radii by norm that go before those of the row: {"linf": "4/255", "l2": 2} or "linf=4/255,l2=2".
        data_dir: where datasets lie; None for the default.
        download: whether missing data and foreign networks may be fetched.
        trust_remote_code: whether foreign code that a network is made by may be run.
        compile: let torch.compile make code for the search's passes: minutes at first, worth it in long runs.
        classes: what the outputs of the networks that don't say so stand for: a file, or a list, with the name of
            the data's class for each output; None for the data's own order.
        stochastic: for networks that draw random numbers: over how many passes each gradient of our attacks, and
            each answer to an attack, is averaged (AutoAttack runs its version "rand"). Such results have a table of
            their own.
        verdict_passes: how many float32 passes vote on each image of such a network; it counts as robust where more
            than half of them are right. None for 20.
        eight_bit: round adversarial images to 256 levels per channel, inside the ball, before the verdict: only what
            an image file can hold counts.
        deterministic: use only what gives the same bits again on the same device, which may be slower; attacks on
            networks with layers that torch has no such way of computing then fail. Records say which it was; what is
            in `results` already is not run again for it, which is said.
        log: trackers to tell of each attack and of the final row, "tensorboard", "mlflow", "wandb", "trackio" or
            others that packages add; event files go to `results/runs`.
        progress: whether to show how far it is, on the standard error stream.

    Returns:
        One evaluation per network, in their order. Attacks that failed are listed in `failures`.

    Raises:
        BadInput: anything that is wrong with the input; all of it is reported at once, before any attack begins. Also
            if every network fails its check.
        PartlyFailed: some networks could not be loaded, don't fit the images or fail their check; the others were
            evaluated: its `done` has their evaluations, its `failures` say what is wrong with those that were not.
        KeyboardInterrupt: the ledger is whole; call again to go on.
    """
    trackers = check_trackers(log)
    with objects.held(listed(checkpoints), name, dataset) as (sources, data):
        request = EvaluationRequest(
            suite=suite,
            preset=preset,
            n=n,
            mode=mode,
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
            stochastic=stochastic,
            verdict_passes=verdict_passes,
            eight_bit=eight_bit,
            deterministic=deterministic,
        )
        return _evaluated(request, sources, progress, read_part(part), trackers)


def _evaluated(
    request: EvaluationRequest, sources: Sequence[str], progress: bool, part: Part, trackers: Sequence[str]
) -> list[Evaluation]:
    planned, ledger, failures = request.plans(sources)
    plans = {plan.id: plan for plan in planned.values()}
    old = {key: evaluation for key, plan in plans.items() if (evaluation := finished(plan, ledger)) is not None}
    for found in old.values():  # of an earlier version, or of a process that was killed before it had packed them
        pack(ledger, found.model["digest"], [name for outcome in found.outcomes for name in outcome.records])
    missing, unfit = checked([plan for key, plan in plans.items() if key not in old])
    fit = {*old, *(plan.id for plan in missing)}
    for key in fit:
        ledger.remember(plans[key].target.known)
    work = [
        Work(job, plan.card, [plan])
        for plan in missing
        for place, job in enumerate(plan.jobs())
        if part.has(plan.id, place)
    ]
    with Followed(trackers, {key: plan for key, plan in plans.items() if key in fit}, ledger) as followed:
        lost = run_and_file(work, missing, ledger, request.means, progress, request.time_limit, part, followed.done)
        done = [key for key in plans if key in fit and key not in lost]
        if part != WHOLE:
            done = [key for key in done if key in old or file_if_whole(plans[key], ledger)]
        evaluations = [old.get(key) or written(plans[key], ledger) for key in done]
        tell_of_unknown(request.add_classes, evaluations, ledger.folder)
        followed.finished(evaluations)
    tell_of_earlier(
        request.deterministic, ((each.model["name"], each.deterministic) for each in evaluations), ledger.folder
    )
    return reported(evaluations, [*failures, *unfit, *lost.values()])
