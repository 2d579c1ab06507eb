"""Every option reaches the function that it belongs to, under the same name and with the same default."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from command_line import Calls, bench
from typer.main import get_command
from typer.testing import CliRunner

import benchmark
from benchmark import cli
from benchmark.cli.app import VERBS

#: Arguments that say something about objects, which a command line has none of.
OF_OBJECTS = {
    **{verb: {"name"} for verb in ("decide", "estimate", "evaluate", "transfer")},
    "verify": {"name", "dataset"},
    "report": {"networks", "trust_remote_code"},
}
#: Where a verb's name is a word of Python's own, and what goes with it.
#: What only a command line has, since it says how the command ends.
OF_WORDS = {"verify": {"strict", "checkpoint"}, "report": {"publish"}}
#: What a verb calls where several things are named.
SEVERAL = {"train": ["train_several"]}
FUNCTIONS = {"import": "import_checkpoint", "export": "export_checkpoint"}
#: Whose arguments have a default, or an option that stands for them.
MAY_STAND_ALONE = {"sweep", "demo"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example_that_parses(verb: str) -> None:
    _, example = VERBS[verb]
    parsed = CliRunner().invoke(cli.app, [verb, *example.split(), "--help"])
    assert parsed.exit_code == 0
    assert f"Example: bench {verb} {example}" in " ".join(parsed.output.split())


def test_an_argument_that_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside click 8.5 typer before 0.18 took it for None, or left it out."""
    verbs = get_command(cli.app).commands.items()  # type: ignore[attr-defined]
    needing = [name for name, verb in verbs if any(not each.opts or each.opts[0][0] != "-" for each in verb.params)]
    told = {verb: bench(capsys, verb) for verb in needing if verb not in MAY_STAND_ALONE}
    assert len(told) > 10
    assert [verb for verb, (code, _, err) in told.items() if code != 2 or "Missing argument" not in err] == []


def test_the_names_that_were_promised() -> None:
    promised = {
        "methods": "natural at at-l2 at-l1 at-avg at-max at-msd trades mat mat-avg mat-max mat-msd",
        "attacks": "fgsm pgd mim ddn cw deepfool gaussian-noise boundary pointwise salt-and-pepper autoattack",
        "suites": "multi-perturbation",
        "recipes": "quick",
        "datasets": "digits cifar10 cifar100 mnist fashion-mnist svhn folder",
        "architectures": "small-cnn resnet18 preact-resnet18 wrn-28-10 wrn-34-10 wrn-34-20 wrn-70-16 mobilenet-v2",
        "papers": "mat mmard cat robust-union",
        "sources": "robustbench torchvision timm python",
        "objectives": "ce margin trades mmard",
        "losses": "trades mat kl",
        "experiments": "alpha scenarios",
    }
    for kind, names in promised.items():
        assert set(names.split()) <= {row["name"] for row in benchmark.list(kind)}, kind
    (at,) = (row for row in benchmark.list("methods") if row["name"] == "at")
    assert at["aliases"] == ["at-linf"]


def test_train_hands_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    train, several = Calls([Path("zoo/x.pt")]), Calls([])
    monkeypatch.setattr(benchmark, "train", train, raising=False)
    monkeypatch.setattr(benchmark, "train_several", several, raising=False)
    line = (
        "train --method mat --dataset mnist --arch resnet18 --recipe paper --set alpha=0.3 lr=0.1 "
        "--set epochs=2 --teacher a.pt b.pt --inner bce --outer kl --seed 7 --out there --device cpu "
        "--precision fp32 --resume --overwrite --download --data-dir data --trust-remote-code --compile "
        "--devices 2 --num-nodes 3 --deterministic --extend --no-keep-state"
    )
    code, out, _ = bench(capsys, *line.split())
    assert code == 0
    assert out == "zoo/x.pt\n"
    assert not several.made
    ((_, options),) = train.made
    assert options == {
        "method": "mat",
        "dataset": "mnist",
        "arch": "resnet18",
        "recipe": "paper",
        "set": ["alpha=0.3", "lr=0.1", "epochs=2"],
        "teacher": ["a.pt", "b.pt"],
        "inner": "bce",
        "outer": "kl",
        "seed": 7,
        "out": Path("there"),
        "device": "cpu",
        "precision": "fp32",
        "resume": True,
        "overwrite": True,
        "download": True,
        "data_dir": Path("data"),
        "trust_remote_code": True,
        "compile": True,
        "devices": 2,
        "num_nodes": 3,
        "deterministic": True,
        "extend": True,
        "keep_state": False,
        "dry_run": False,
    }
    more = "--method trades --seed 8 --workers 2 --engine ray --address auto --gpu-share 0.5"
    assert bench(capsys, *line.split(), *more.split())[0] == 0
    ((_, spread),) = several.made
    assert spread.pop("report")([Path("zoo/y.pt")]) is None
    assert capsys.readouterr().out == "zoo/y.pt\n"
    engine = {"workers": 2, "engine": "ray", "address": "auto", "gpu_share": 0.5}
    assert spread == {**options, **engine, "method": ["mat", "trades"], "seed": [7, 8]}


def test_evaluate_hands_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = Calls([])
    monkeypatch.setattr(benchmark, "evaluate", evaluate, raising=False)
    line = (
        "evaluate a.pt b.pt --suite smoke --preset quick --n 10 --mode worst-case --seed 7 --device cpu "
        "--precision bf16 --workers 2 --time-limit 60 --results there --save-adversarial --dataset mnist --download "
        "--data-dir data --trust-remote-code --compile --stochastic 4 --verdict-passes 9 --eight-bit "
        "--resize 40 --crop 32 --devices 0,1 --engine ray --address auto --gpu-share 0.5 --part 2/3 --stop-after 50m "
        "--deterministic --add-classes"
    )
    code, _, _ = bench(capsys, *line.split())
    assert code == 0
    assert evaluate.made == [
        (
            (),
            {
                "checkpoints": ["a.pt", "b.pt"],
                "suite": "smoke",
                "preset": "quick",
                "n": 10,
                "mode": "worst-case",
                "seed": 7,
                "device": "cpu",
                "precision": "bf16",
                "workers": 2,
                "time_limit": 60.0,
                "results": Path("there"),
                "save_adversarial": True,
                "dataset": "mnist",
                "data_dir": Path("data"),
                "download": True,
                "trust_remote_code": True,
                "compile": True,
                "stochastic": 4,
                "verdict_passes": 9,
                "eight_bit": True,
                "resize": "40",
                "crop": 32,
                "devices": "0,1",
                "engine": "ray",
                "address": "auto",
                "gpu_share": 0.5,
                "part": "2/3",
                "stop_after": "50m",
                "deterministic": True,
                "add_classes": True,
            },
        )
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_options_are_the_arguments_of_the_function(verb: str) -> None:
    """The same names and the same defaults, so that what is read about one is true of the other."""
    function = dict(inspect.signature(getattr(benchmark, FUNCTIONS.get(verb, verb))).parameters)
    for name in SEVERAL.get(verb, ()):
        function |= inspect.signature(getattr(benchmark, name)).parameters
    command = inspect.signature(VERBS[verb][0]).parameters
    only_in_python = {"progress", "tell", "report", "shown", "options"} | OF_OBJECTS.get(verb, set())
    assert set(function) - only_in_python == set(command) - {"json"} - OF_WORDS.get(verb, set())
    for name in set(function) & set(command):
        default, own = command[name].default, function[name].default
        its_own = ((), (0,), ("digits",), inspect.Parameter.empty)
        is_own = default is None and own in its_own  # None: the function's own
        assert str(default) == str(own) or is_own, name


def test_every_verb_is_a_public_function() -> None:
    assert {FUNCTIONS.get(verb, verb) for verb in VERBS} <= set(benchmark.__all__)


def test_unknown_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        benchmark.trian  # noqa: B018
    assert set(benchmark.__all__) <= set(dir(benchmark))
    assert all(getattr(benchmark, name) is not None for name in benchmark.__all__)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "a.pt", "--epsilon", "linf=0.1", "--epsilon", "l2=1"], "--epsilon is given 2 times"),
        (["evaluate", "a.pt", "--n=10", "--n", "20"], "--n is given 2 times"),
        (["train", "--method", "at", "--keep-state", "--no-keep-state"], "--keep-state is given 2 times"),
        (["merge", "a", "--into", "b", "--into", "c"], "--into is given 2 times"),
        (["evaluate", "a.pt", "--scale", ""], "--scale is empty"),
        (["evaluate", "a.pt", "--dataset="], "--dataset is empty"),
        (["evaluate", "a.pt", "--results", ""], "--results is empty"),
        (["evaluate", ""], "CHECKPOINT is empty"),
        (["train", "--method", "at", "--arch", ""], "--arch is empty"),
        (["train", "--method", "at", ""], "--method is empty"),
        (["report", "--publish", ""], "--publish is empty"),
        (["verify", "", "a.pt"], "RESULTS is empty"),
    ],
)
def test_nothing_that_was_typed_is_dropped_in_silence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    """The last of two radii would count, the default scale in place of an empty one: both decide numbers."""
    stand_in = Calls()
    for verb in VERBS:
        monkeypatch.setattr(benchmark, verb, stand_in, raising=False)
    code, out, err = bench(capsys, *words)
    assert (code, out, stand_in.made) == (2, "", [])
    assert err.startswith(f"bench: {message}"), err
    assert err.count("\n") == 1


def test_what_may_be_repeated_still_may(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    train = Calls()
    monkeypatch.setattr(benchmark, "train_several", train)
    code, _, err = bench(capsys, "train", "--method", "at", "trades", "--method", "mat", "--set", "lr=-1", "--set=a=")
    assert (code, err, len(train.made)) == (0, "", 1)
