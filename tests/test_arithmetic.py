"""Float32 products are float32 where the context says so, whoever set what before; afterwards all is as before."""

from __future__ import annotations

import os
from inspect import signature

import pytest
import torch
from attack_toys import small_net
from evaluation_toys import save, with_last_layer, write_suite
from synthetic_training import begin_and_interrupt, run

import benchmark
from benchmark.arithmetic import arithmetic, deterministic, full_precision, tf32, tuned_convolutions, tunes
from benchmark.attacks import PreparedClassifier
from benchmark.errors import BadInput, Notice
from benchmark.hardware import resolve_precision
from benchmark.ledger import Ledger
from benchmark.models import load_checkpoint
from benchmark.planning.runner import JobRunner
from benchmark.planning.setting import Setting
from benchmark.reporting.reproduce import evaluation_command, training_command
from benchmark.training.trainer import Trainer

BACKENDS = torch.backends
PRODUCTS = (
    *(BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn, BACKENDS.cuda.matmul),
    *(BACKENDS.mkldnn.conv, BACKENDS.mkldnn.rnn, BACKENDS.mkldnn.matmul),
)


def older():
    """The older settings, "mixed" where torch refuses to read them."""
    told = []
    for read in (torch.get_float32_matmul_precision, lambda: BACKENDS.cudnn.allow_tf32):
        try:
            told.append(read())
        except RuntimeError:
            told.append("mixed")
    return told


def newer():
    return [product.fp32_precision for product in PRODUCTS]


@pytest.fixture(autouse=True)
def as_found():
    yield
    BACKENDS.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cudnn.allow_tf32 = True
    for product in PRODUCTS:
        product.fp32_precision = "tf32" if product in PRODUCTS[:2] else "none"


def untouched():
    pass


def allow_less():
    torch.set_float32_matmul_precision("medium")


def allow_cudnn_none():
    BACKENDS.cudnn.allow_tf32 = False


def set_one_product():
    BACKENDS.cudnn.conv.fp32_precision = "ieee"


def set_matmul():
    BACKENDS.cuda.matmul.fp32_precision = "tf32"


def set_all():
    BACKENDS.fp32_precision = "tf32"


@pytest.mark.parametrize(
    "prepare",
    [untouched, allow_less, allow_cudnn_none, set_one_product, set_matmul, set_all],
    ids=lambda f: f.__name__,
)
def test_full_precision_holds_after_either_way_of_setting_and_leaves_what_was_set(prepare):
    prepare()
    before = newer(), older()
    with full_precision():
        assert {*newer()} <= {"ieee", "none"}
        with tf32():
            assert newer()[:3] == ["tf32"] * 3
        assert {*newer()} <= {"ieee", "none"}
    assert (newer(), older()) == before
    with pytest.raises(ZeroDivisionError), full_precision():
        raise ZeroDivisionError
    assert (newer(), older()) == before


def test_what_follows_the_setting_for_all_goes_on_following_it():
    BACKENDS.fp32_precision = "tf32"
    with full_precision():
        pass
    BACKENDS.fp32_precision = "ieee"
    assert newer()[2] == "ieee"


def test_the_older_settings_can_be_read_within_the_context_as_compilers_do():
    with full_precision():
        assert older() == ["highest", False]
    with tf32():
        assert older() == ["high", True]


@pytest.mark.parametrize(("precision", "setting"), [("fp32", "ieee"), ("bf16", "ieee"), ("tf32", "tf32")])
def test_a_precision_says_how_a_gpu_multiplies_float32(precision, setting):
    with arithmetic(precision):
        assert newer()[0] == setting


def test_tf32_is_refused_where_it_would_be_float32():
    with pytest.raises(BadInput, match="cpu has no TF32"):
        resolve_precision("tf32", torch.device("cpu"))


def test_deterministic_holds_within_and_is_undone(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic(False):
        assert not torch.are_deterministic_algorithms_enabled()
    with deterministic():
        assert torch.are_deterministic_algorithms_enabled()
        assert BACKENDS.cudnn.deterministic
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    with pytest.raises(ZeroDivisionError), deterministic():
        raise ZeroDivisionError
    assert not torch.are_deterministic_algorithms_enabled()
    assert not BACKENDS.cudnn.deterministic
    torch.set_deterministic_debug_mode("warn")
    try:
        with deterministic():
            assert torch.get_deterministic_debug_mode() == 2
        assert torch.get_deterministic_debug_mode() == 1
    finally:
        torch.set_deterministic_debug_mode("default")


def test_records_and_checkpoints_say_whether_a_repeat_gives_the_same_bits(tmp_path):
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    for asked in (False, True):
        results = tmp_path / str(asked)
        (made,) = benchmark.evaluate(
            save(tmp_path), suite=suite, device="cpu", results=results, deterministic=asked, progress=False
        )
        (name,) = made.outcomes[0].records
        record = Ledger.open(results).read(made.model["digest"], name)
        assert record.info.get("deterministic", False) == asked
        assert made.deterministic == asked
        assert ("--deterministic" in evaluation_command(made)) == asked
    (path,) = run("natural", tmp_path / "zoo", {"epochs": 1}, deterministic=True)
    assert load_checkpoint(path).extra["deterministic"]
    assert "--deterministic" in training_command(load_checkpoint(path).card())
    assert not torch.are_deterministic_algorithms_enabled()


def test_all_that_computes_can_be_told_to_repeat_its_bits(tmp_path):
    """Transfer says so in its records; the others hand it to the same requests, trainings and evaluations."""
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    (made,) = benchmark.transfer(
        save(tmp_path), suite=suite, device="cpu", results=tmp_path / "results", deterministic=True, progress=False
    )
    assert made.deterministic
    verbs = ("train", "evaluate", "transfer", "decide", "estimate", "sweep", "paper")
    assert all("deterministic" in signature(getattr(benchmark, verb)).parameters for verb in verbs)
    setting = Setting(dataset="digits", recipe="quick", preset="quick", images=None, deterministic=True)
    assert JobRunner(setting, tmp_path)._means["deterministic"]


@pytest.mark.filterwarnings("error::benchmark.errors.Notice")
def test_it_is_said_where_results_that_a_repeat_may_change_are_used(tmp_path):
    network, suite = save(tmp_path), write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    asked = {"suite": suite, "device": "cpu", "progress": False}
    earlier, anew = {"results": tmp_path / "earlier"}, {"results": tmp_path / "anew"}
    benchmark.evaluate(network, **asked, **earlier)
    with pytest.warns(Notice, match=r"toy: some results were made earlier without"):
        (made,) = benchmark.evaluate(network, **asked, **earlier, deterministic=True)
    assert not made.deterministic
    for _ in range(2):
        (made,) = benchmark.evaluate(network, **asked, **anew, deterministic=True)
        assert made.deterministic


@pytest.mark.slow
@pytest.mark.filterwarnings("error::benchmark.errors.Notice")
def test_every_verb_says_that_it_uses_them(tmp_path):
    network, other = save(tmp_path), save(tmp_path, with_last_layer("worse", 0.0, -1.0))
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    asked = {"suite": suite, "device": "cpu", "progress": False}
    out = {"n": 6, "to": 49, "out": tmp_path / "estimate"}
    pair = {"metric": "linf", "margin": 50, "out": tmp_path / "decision"}
    earlier = {"results": tmp_path / "earlier"}
    benchmark.decide([network, other], **pair, **asked, **earlier)
    with pytest.warns(Notice, match=r"toy, worse: some results were made earlier without --deterministic"):
        benchmark.decide([network, other], **pair, **asked, **earlier, deterministic=True)
    benchmark.transfer(network, **asked, **earlier)
    with pytest.warns(Notice, match=r"some results were made earlier without"):
        benchmark.transfer(network, **asked, **earlier, deterministic=True)
    with pytest.warns(Notice, match=r"toy: some results were made earlier without"):  # of the blocks of the decision
        (made,) = benchmark.evaluate(network, **asked, **earlier, deterministic=True)
    assert not made.deterministic
    with pytest.warns(Notice, match=r"toy: some results were made earlier without"):
        benchmark.estimate(network, **out, **asked, **earlier, deterministic=True)


def test_a_checkpoint_repeats_only_if_all_of_its_epochs_do(tmp_path, monkeypatch):
    begin_and_interrupt(monkeypatch)("natural", tmp_path)
    with pytest.warns(Notice, match=r"mine.pt: trained, or begun, earlier without --deterministic"):
        (path,) = run("natural", tmp_path, resume=True, deterministic=True)
    assert "deterministic" not in load_checkpoint(path).extra
    with pytest.warns(Notice, match="with another --out"):
        run("natural", tmp_path, deterministic=True)
    begin_and_interrupt(monkeypatch)("natural", tmp_path / "other", deterministic=True)
    (path,) = run("natural", tmp_path / "other", resume=True, deterministic=True)
    assert load_checkpoint(path).extra["deterministic"]


def test_convolutions_are_tuned_on_gpus_only_and_never_where_repeats_are_asked_for():
    gpu, processor = torch.device("cuda"), torch.device("cpu")
    cudnn = BACKENDS.cudnn
    assert not tunes(processor)
    for device, repeating, on in ((gpu, True, True), (gpu, False, False), (processor, True, False)):
        with tuned_convolutions(device, repeating):
            assert cudnn.benchmark is on
        assert not cudnn.benchmark
    with deterministic():
        assert not tunes(gpu)
        with tuned_convolutions(gpu):
            assert not cudnn.benchmark


def test_a_record_and_a_checkpoint_say_that_convolutions_were_tuned(tmp_path, monkeypatch):
    told = []
    for name, on in (("plain", False), ("tuned", True)):
        monkeypatch.setattr("benchmark.training.trainer.tunes", lambda _, on=on: on)
        monkeypatch.setattr("benchmark.attacks.prepared.tunes", lambda _, on=on: on)
        monkeypatch.setattr("benchmark.attacks.prepared.PreparedClassifier._may_pad", lambda *_: True)
        (path, *_) = run("natural", tmp_path / name)
        suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=4)
        means = {"device": "cpu", "precision": "fp32", "progress": False}
        benchmark.evaluate(path, suite=suite, results=tmp_path / name / "results", **means)
        ledger = Ledger.open(tmp_path / name / "results")
        (evaluation,) = ledger.evaluations()
        record = ledger.read(evaluation.model["digest"], evaluation.outcomes[0].records[0])
        told.append((load_checkpoint(path).extra.get("cudnn_benchmark"), record.info.get("cudnn_benchmark")))
    assert told == [(None, None), (True, True)]


def test_a_search_is_tuned_only_where_its_passes_are_of_few_sizes(monkeypatch):
    monkeypatch.setattr("benchmark.arithmetic.tunes", lambda _: True)
    classifier = PreparedClassifier(small_net(), 5)
    for pads in (False, True):
        classifier.pads = pads
        for context in (classifier.searching, classifier.exact):
            with context():
                assert BACKENDS.cudnn.benchmark is pads
            assert not BACKENDS.cudnn.benchmark


def test_epochs_are_tuned_and_a_checkpoint_says_so_of_some_of_them(tmp_path, monkeypatch):
    seen, epoch = [], Trainer._train_epoch

    def noted(*told):
        seen.append(BACKENDS.cudnn.benchmark)
        return epoch(*told)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_epoch", noted)
        for place in ("benchmark.training.trainer.tunes", "benchmark.arithmetic.tunes"):
            patch.setattr(place, lambda _: True)
        begin_and_interrupt(patch)("natural", tmp_path)
    assert {*seen} == {True}
    (path,) = run("natural", tmp_path, resume=True)
    assert load_checkpoint(path).extra["cudnn_benchmark"] is True
