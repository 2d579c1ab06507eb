"""Transfer as jobs with several judges: same numbers whoever does them; what dies or fails is told for whom."""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np
import pytest
from evaluation_toys import save, trained, with_last_layer, write_suite
from fault_toys import Deadly

from benchmark.attacks import ATTACKS
from benchmark.checkup import lacking, looked_at
from benchmark.cli import main
from benchmark.engines import Limits
from benchmark.errors import BadInput, Notice, PartlyFailed, UnfitNetwork
from benchmark.evaluation import engine, evaluate, plan, transfer, transfer_job
from benchmark.evaluation.jobs import AttackJob, Step
from benchmark.evaluation.run_job import run_job
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import read_record, write_record

pytestmark = pytest.mark.usefixtures("one_thread")

PGD = "  - {attack: pgd, norm: linf, parameters: {steps: 5, relative_step_size: 0.3, success: last}}\n"
DDN = "  - {attack: ddn, norm: l2, parameters: {steps: 20}}\n"


@pytest.fixture
def options(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 30)  # two shards
    suite = write_suite(tmp_path, PGD + DDN, images=60)
    return {"suite": suite, "results": tmp_path / "results", "precision": "fp32", "progress": False}


@pytest.fixture
def networks(tmp_path):
    return [
        save(tmp_path),
        save(tmp_path, with_last_layer("other", 0.2, 2.0)),
        save(tmp_path, dataclasses.replace(trained(), name="copy")),
    ]


def numbers(pairs):
    """All that a transfer measured, by pair and attack."""
    return {
        (pair.crafted_on["name"], pair.name, outcome.label): (outcome.records, outcome.broken, outcome.distance)
        for pair in pairs
        for outcome in pair.outcomes
    }


def same(pairs, others):
    first, second = numbers(pairs), numbers(others)
    assert first.keys() == second.keys()
    for key, (records, broken, distance) in first.items():
        assert records == second[key][0], key
        assert np.array_equal(broken, second[key][1]), key
        assert np.array_equal(distance, second[key][2]), key


@pytest.mark.slow
def test_two_workers_find_what_one_process_finds(options, networks, tmp_path):
    alone = transfer(networks[:2], networks[:2], **options)
    same(transfer(networks[:2], networks[:2], workers=2, **{**options, "results": tmp_path / "others"}), alone)


@pytest.mark.parametrize("writes", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_one_that_is_interrupted_goes_on_where_it_was(options, networks, tmp_path, monkeypatch, writes):
    """Pairs are filed whole or not at all, what was judged is not judged again, and no number differs."""
    whole = transfer(networks[:2], networks[:2], **{**options, "results": tmp_path / "whole"})
    real, written = Ledger.write, []

    def write(self, record):
        if len(written) == writes:
            raise KeyboardInterrupt
        real(self, record)
        written.append(record.digest)

    monkeypatch.setattr(Ledger, "write", write)
    with pytest.raises(KeyboardInterrupt):
        transfer(networks[:2], networks[:2], **options)
    left = Ledger.open(options["results"])
    assert all(not outcome.missing and outcome.complete for pair in left.transfers() for outcome in pair.outcomes)
    assert not left.problems
    monkeypatch.setattr(Ledger, "write", lambda self, record: written.append(record.digest) or real(self, record))
    same(transfer(networks[:2], networks[:2], **options), whole)
    assert len(written) == len(set(written)) == sum(len(records) for records, *_ in numbers(whole).values())


@pytest.mark.slow  # test_engines.py holds the same of tasks, test_what_is_given_up_fails_for_whom_it_concerns of jobs
def test_an_attack_that_kills_its_worker_fails_for_every_target_and_is_tried_again(
    options, networks, tmp_path, monkeypatch
):
    """It is begun once, however many targets; the numbers of the other attack are those of any process."""
    monkeypatch.setitem(ATTACKS._own, "deadly", Deadly)
    monkeypatch.setattr(engine, "Limits", functools.partial(Limits, tries=1))
    log = tmp_path / "log"
    deadly = f"  - {{attack: deadly, norm: linf, parameters: {{log: '{log}', times: 1}}}}\n"
    options["suite"] = write_suite(tmp_path, deadly + PGD, images=30)
    pairs = transfer(networks[0], networks[:2], time_limit=600, **options)
    assert log.stat().st_size == 1
    for pair in pairs:
        gave_up, went_on = pair.outcomes
        assert gave_up.errors == ("given up after 1 tries: its process was ended by signal 9",)
        assert not gave_up.complete
        assert not gave_up.broken[~pair.clean_errors].any()
        assert went_on.complete
    again = transfer(networks[0], networks[:2], **options)
    assert log.stat().st_size == 2
    assert [pair.id for pair in again] == [pair.id for pair in pairs]
    assert all(outcome.complete for pair in again for outcome in pair.outcomes)
    same(again, transfer(networks[0], networks[:2], **{**options, "results": tmp_path / "others"}))


@pytest.fixture
def job(options, networks, tmp_path):
    """The first job of the first network, which the second and the third judge; and a ledger for it."""
    from benchmark.evaluation.request import EvaluationRequest

    planned = EvaluationRequest(suite=options["suite"], precision="fp32", results=tmp_path / "results").plans(
        networks
    )
    first, *others = planned.plans.values()
    alone = first.jobs()[0].split()[0]
    return dataclasses.replace(alone, judges=tuple(each.target for each in others)), planned.ledger


def test_the_steps_of_a_job_are_told_in_their_order(job):
    work, ledger = job
    (item,) = work.items
    assert work.steps == [Step(item.label), Step(item.label, 0), Step(item.label, 1)]
    assert work.networks == 3
    for reused in (False, True):
        events = [*run_job(work, ledger)]
        assert [event.step for event in events] == work.steps
        assert [event.reused for event in events[1:]] == [reused] * 2


@pytest.mark.parametrize(("judge", "failed"), [(None, [True, True]), (0, [True, False]), (1, [False, True])])
def test_what_is_given_up_fails_for_whom_it_concerns(job, monkeypatch, judge, failed):
    work, ledger = job
    crafted = []
    real = transfer_job.craft
    monkeypatch.setattr(transfer_job, "craft", lambda *asked: crafted.append(1) or real(*asked))
    events = [*run_job(work, ledger, {Step(work.items[0].label, judge): "it took too long"})]
    assert [event.error for event in events[1:]] == ["it took too long" if each else None for each in failed]
    assert len(crafted) == (judge is not None)
    for event, target in zip(events[1:], work.judges, strict=True):
        record = ledger.read(target.network, event.record)
        assert (record.error is not None) == (event.error is not None)
        assert record.info["seconds"] >= 0


def test_a_target_that_fails_under_way_stops_no_other(options, networks, monkeypatch):
    real = transfer_job.loaded

    def loaded(target, at_once):
        if target.source == str(networks[1]):
            raise UnfitNetwork(f"{target.source}: the file is not what it was")
        return real(target, at_once)

    monkeypatch.setattr(transfer_job, "loaded", loaded)
    with pytest.raises(PartlyFailed, match="not what it was") as caught:
        transfer(networks[0], networks, **options)
    assert [pair.name for pair in caught.value.done] == ["toy", "copy"]
    assert len(caught.value.failures) == 1
    assert len(Ledger.open(options["results"]).transfers()) == 2
    monkeypatch.setattr(transfer_job, "loaded", real)
    assert [pair.name for pair in transfer(networks[0], networks, **options)] == ["toy", "other", "copy"]


def test_only_pairs_that_are_missing_are_worked_for(options, networks, monkeypatch):
    transfer(networks[0], networks[:2], **options)
    begun: list[AttackJob] = []
    real = transfer_job._crafted
    monkeypatch.setattr(transfer_job, "_crafted", lambda job, *rest: begun.append(job) or real(job, *rest))
    pairs = transfer(networks[:2], networks[:2], **options)
    assert len(pairs) == 4
    assert {job.target.source for job in begun} == {str(networks[1])}
    assert {len(job.judges) for job in begun} == {2}


def test_the_white_box_keeps_no_more_networks_in_memory_than_before(options, networks):
    from benchmark.evaluation import target

    planned = evaluate(networks[:2], **options)
    assert len(planned) == 2
    assert target._LOADED == {}, "nothing stays once all is done"


@pytest.mark.parametrize(
    ("words", "told"),
    [("--time-limit 0", "time_limit must be a positive number"), ("--workers 0", "workers must be 1 or more")],
)
def test_the_command_refuses_what_has_no_sense(options, networks, tmp_path, capsys, words, told):
    with pytest.raises(SystemExit) as ended:
        main(["transfer", str(networks[0]), "--results", str(tmp_path / "results"), *words.split()])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_command_hands_workers_and_time_limit_on(monkeypatch):
    import benchmark

    asked = {}

    def answer(*arguments, **options):
        asked.update(options)
        raise BadInput("that is all")

    monkeypatch.setattr(benchmark, "transfer", answer, raising=False)
    with pytest.raises(SystemExit):
        main(["transfer", "a.pt", "--workers", "3", "--time-limit", "60"])
    assert (asked["workers"], asked["time_limit"]) == (3, 60.0)


@pytest.mark.parametrize("keep_images", [True, False])
def test_older_results_learn_their_classes_by_stored_images_or_by_crafting_again(
    keep_images, options, networks, monkeypatch
):
    pairs = transfer(networks[:1], networks[:2], save_adversarial=keep_images, **options)
    paths = sorted((options["results"] / "records").glob("*/*.safetensors"))
    whole = {path: read_record(path) for path in paths}
    for path, record in whole.items():
        write_record(path, dataclasses.replace(record, clean_class=None, adversarial_class=None))
    (lacks,) = lacking(results=options["results"])
    assert re.match(r"2 transfers of 2 in .*bench transfer --add-classes, with the options of that transfer", lacks)
    assert (
        looked_at(results=options["results"]).split(" in ")[0].endswith("records and 0 evaluations and 2 transfers")
    )
    with monkeypatch.context() as patch:
        if keep_images:
            patch.setattr(transfer_job, "_crafted", None)
        found = transfer(networks[:1], networks[:2], add_classes=True, **options)
    same(found, pairs)
    assert all(outcome.knows_classes for pair in found for outcome in pair.outcomes)
    assert lacking(results=options["results"]) == []
    for path, record in whole.items():
        again = read_record(path)
        assert again.info == record.info
        assert again.adversarial_class.tolist() == record.adversarial_class.tolist()


def test_it_is_said_which_classes_stay_unknown_for_good(options, networks, monkeypatch):
    transfer(networks[:1], networks[1:2], **options)
    for path in (options["results"] / "records").glob("*/*.safetensors"):
        write_record(path, dataclasses.replace(read_record(path), clean_class=None, adversarial_class=None))
    monkeypatch.setattr(transfer_job, "from_record", lambda record, again: record)  # another image was found
    with pytest.warns(
        Notice, match="other: some classes predicted under pgd.*stay unknown.*Asking again changes noth"
    ):
        transfer(networks[:1], networks[1:2], add_classes=True, **options)
