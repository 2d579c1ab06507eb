"""The runs of a sweep, planned as those of a paper are: networks, the trainings that are missing, evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.data import Dataset
from benchmark.data.extra import ExtraImages
from benchmark.experiments.setting import SweepSetting
from benchmark.experiments.variants import Variant
from benchmark.models import Checkpoint
from benchmark.planning.jobs import EvaluationQuery, Job, JobList, missing_trainings
from benchmark.planning.networks import ExtraData, PlannedNetwork, TrainingRun, training_run
from benchmark.planning.runs import Zoo
from benchmark.planning.teacher_runs import TeacherRun
from benchmark.training.teachers import load_teachers


@dataclass(frozen=True)
class PlannedVariant:
    """A variant, and by seed the networks that its training leads to."""

    variant: Variant
    networks: dict[int, tuple[PlannedNetwork, ...]]

    def all(self) -> Iterator[PlannedNetwork]:
        """The networks of all seeds."""
        for networks in self.networks.values():
            yield from networks


def given_teachers(
    variants: Sequence[Variant], setting: SweepSetting, data: Dataset, download: bool
) -> list[PlannedNetwork]:
    """The caller's teachers, looked at before anything is trained; none where no variant has a frozen teacher.

    Raises:
        BadInput: one can't be loaded, or does not fit the data.
    """
    pupil = next((variant for variant in variants if variant.roles), None)
    if pupil is None or not setting.teacher:
        return []
    trust = setting.trust_remote_code
    loaded = load_teachers(
        pupil.method, pupil.roles, setting.teacher, data, download=download, trust_remote_code=trust
    )
    return [
        PlannedNetwork(teacher.name, source=str(source), digest=teacher.digest)
        for source, teacher in zip(setting.teacher, loaded, strict=True)
    ]


def plan_variants(
    variants: Sequence[Variant],
    setting: SweepSetting,
    dataset: str,
    architecture: str,
    teachers: Sequence[PlannedNetwork] = (),
    inits: Sequence[Checkpoint] = (),
    extra_data: ExtraImages | None = None,
) -> list[PlannedVariant]:
    """The networks of all variants.

    Args:
        variants, setting: what is compared, and how it is trained.
        dataset, architecture: of all runs, by the names that the setting's stand for.
        teachers: whom methods learn from that need somebody; empty for the variants' own.
        inits: what the networks begin with, as the setting's `init` names them.
        extra_data: more images to train on.
    """
    begun = [
        PlannedNetwork(network.name, source=str(source), digest=network.digest)
        for source, network in zip(setting.init, inits, strict=True)
    ]
    extra = ExtraData(extra_data.name, extra_data.digest) if extra_data else None

    def run(of: Variant | TeacherRun, seed: int, learns_from: Sequence[PlannedNetwork] = ()) -> TrainingRun:
        return training_run(
            of.method,
            dataset=dataset,
            architecture=architecture,
            recipe=setting.recipe,
            seed=seed,
            settings=of.settings,
            inner=of.inner,
            outer=of.outer if isinstance(of, Variant) else None,
            radii=setting.radii,
            teachers=learns_from,
            inits=begun if isinstance(of, Variant) else (),
            extra_data=extra if isinstance(of, Variant) else None,
        )

    def networks(variant: Variant, seed: int) -> tuple[PlannedNetwork, ...]:
        given = teachers if variant.roles else ()
        own = [network for teacher in variant.teachers for network in run(teacher, seed).networks()]
        return tuple(run(variant, seed, [*given, *own]).networks())

    return [
        PlannedVariant(variant, {seed: networks(variant, seed) for seed in setting.seeds}) for variant in variants
    ]


def make_job_list(planned: Sequence[PlannedVariant], setting: SweepSetting, zoo: Zoo) -> JobList:
    """The trainings that are missing, and the evaluations on test images where these are what is measured."""
    wanted = [(network, each.variant.label) for each in planned for network in each.all()]
    needed = ((ancestor, label) for network, label in wanted for ancestor in network.lineage())
    query = EvaluationQuery(setting.suite, mode="worst-case")
    evaluations = [Job(network, query, label) for network, label in wanted] if setting.on_test else []
    return JobList([*missing_trainings(needed, zoo), *evaluations])
