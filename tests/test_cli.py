"""The front door: what a user types, what is printed, and with which exit code."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from synthetic import add_evaluation
from typer.testing import CliRunner

import benchmark
from benchmark import cli, registry
from benchmark.cli.app import VERBS
from benchmark.errors import BadInput

KINDS = [
    *("methods", "objectives", "losses", "recipes", "attacks", "suites"),
    *("datasets", "architectures", "sources", "papers", "experiments"),
]


def bench(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `bench WORDS...`."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    code = end.value.code
    return (code if isinstance(code, int) else 0), out, err


class Calls:
    """Stands in for a public function and remembers how it was called."""

    def __init__(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error = result, error
        self.made: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.made.append((args, kwargs))
        if self.error:
            raise self.error
        return self.result


def test_help_answers_without_anything_heavy() -> None:
    code = "import sys; from benchmark.cli import main\ntry: main(['--help'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("False")
    for verb in ("train", "evaluate", "report", "list", "show"):
        assert re.search(rf"\b{verb}\b", done.stdout)


INTERRUPTED = """
import atexit, sys
import benchmark
from benchmark import cli

class Late:
    def __del__(self):
        print("taken apart")

def report(**options):
    atexit.register(print, "put in order")
    print("before")
    raise KeyboardInterrupt

late, sys.modules["triton"], benchmark.report = Late(), sys, report
cli.main(WORDS)
"""


@pytest.mark.parametrize(("words", "said"), [("", []), ('["report"]', ["taken apart"])])
def test_after_ctrl_c_a_program_is_not_taken_apart(words: str, said: list[str]) -> None:
    """That takes seconds with all libraries loaded; a program that only calls `main` ends as it always does."""
    command = [sys.executable, "-c", INTERRUPTED.replace("WORDS", words), "report"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stdout.splitlines() == ["before", "put in order", *said]
    assert done.stderr.startswith("bench: interrupted")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(28, "No space left on device", "zoo/at.pt"),
            "zoo/at.pt: No space left on device; what was finished",
        ),
        (OSError("the mount is gone"), "the mount is gone; what was finished is kept"),
        (MemoryError(), "out of memory; try fewer --workers"),
    ],
)
def test_what_the_machine_lacks_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, said: str
) -> None:
    monkeypatch.setattr(benchmark, "report", Calls(error=error))
    code, out, err = bench(capsys, "report")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"bench: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ("{", "it can't be read"),
        ("[" * 10**5, "it can't be read"),
        ("{}", "is not an eval"),
    ],
)
def test_what_is_no_evaluation_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    path = tmp_path / "evaluation.json"
    if content is not None:
        path.write_text(content)
    code, _, err = bench(capsys, "show", path)
    assert (code, err.count("\n")) == (2, 1)
    assert str(path) in err
    assert said in err


def test_the_version_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(capsys, "--version") == (0, f"bench {benchmark.__version__}\n", "")


def test_the_installed_command_and_the_module_are_the_same() -> None:
    command = [sys.executable, "-m", "benchmark", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"bench {benchmark.__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example_that_parses(verb: str) -> None:
    _, example = VERBS[verb]
    parsed = CliRunner().invoke(cli.app, [verb, *example.split(), "--help"])
    assert parsed.exit_code == 0
    assert f"Example: bench {verb} {example}" in " ".join(parsed.output.split())


@pytest.mark.parametrize("kind", KINDS)
def test_list_as_json(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    code, out, _ = bench(capsys, "list", kind, "--json")
    rows = json.loads(out)
    assert code == 0
    assert rows == benchmark.list(kind)
    assert all(isinstance(row["name"], str) and row["name"] for row in rows)
    assert len({row["name"] for row in rows}) == len(rows) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_list_for_people_names_everything(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    code, out, _ = bench(capsys, "list", kind)
    assert code == 0
    assert all(row["name"] in out for row in benchmark.list(kind))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "recipes"])
def test_a_plug_in_that_is_broken_in_any_way_is_named_beside_the_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    entries = [EntryPoint("absent", "nowhere:thing", "benchmark"), EntryPoint("odd", "os:sep", "benchmark")]
    whole = benchmark.list(kind)
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    code, out, _ = bench(capsys, "list", kind, "--json")
    assert code == 0
    assert [row for row in json.loads(out) if row["name"] != "odd"] == whole
    assert "'absent' of nowhere:thing can't be loaded: ModuleNotFoundError" in caplog.text


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


def test_known_parameter_count() -> None:
    (resnet,) = (row for row in benchmark.list("architectures") if row["name"] == "resnet18")
    assert resnet["parameters"] == 11_173_962


def test_train_hands_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    train = Calls([Path("zoo/x.pt")])
    monkeypatch.setattr(benchmark, "train", train, raising=False)
    line = (
        "train --method mat trades --dataset mnist --arch resnet18 --recipe paper --set alpha=0.3 lr=0.1 "
        "--set epochs=2 --teacher a.pt b.pt --inner bce --outer kl --seed 7 --out there --device cpu "
        "--precision fp32 --resume --overwrite --download --data-dir data --trust-remote-code --compile "
        "--devices 2 --num-nodes 3"
    )
    code, out, _ = bench(capsys, *line.split())
    assert code == 0
    assert out == "zoo/x.pt\nzoo/x.pt\n"
    assert [options["method"] for _, options in train.made] == ["mat", "trades"]
    assert train.made[0][1] == {
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
    }


def test_evaluate_hands_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = Calls([])
    monkeypatch.setattr(benchmark, "evaluate", evaluate, raising=False)
    line = (
        "evaluate a.pt b.pt --suite smoke --preset quick --n 10 --mode worst-case --seed 7 --device cpu "
        "--precision bf16 --workers 2 --time-limit 60 --results there --save-adversarial --dataset mnist --download "
        "--data-dir data --trust-remote-code --compile"
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
            },
        )
    ]


#: Arguments that say something about objects, which a command line has none of.
OF_OBJECTS = {"evaluate": {"name"}, "transfer": {"name"}, "verify": {"name", "dataset"}}
#: Where a verb's name is a word of Python's own, and what goes with it.
FUNCTIONS = {"import": "import_checkpoint", "export": "export_checkpoint"}


@pytest.mark.parametrize("verb", VERBS)
def test_options_are_the_arguments_of_the_function(verb: str) -> None:
    """The same names and the same defaults, so that what is read about one is true of the other."""
    function = inspect.signature(getattr(benchmark, FUNCTIONS.get(verb, verb))).parameters
    command = inspect.signature(VERBS[verb][0]).parameters
    only_in_python = {"progress", "tell"} | OF_OBJECTS.get(verb, set())
    assert set(function) - only_in_python == set(command) - {"json"}
    for name in set(function) & set(command):
        default, own = command[name].default, function[name].default
        assert str(default) == str(own) or (default is None and own in ((), (0,))), name  # None: the function's own


def test_every_verb_is_a_public_function() -> None:
    assert {FUNCTIONS.get(verb, verb) for verb in VERBS} <= set(benchmark.__all__)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --method att", "did you mean at"),
        ("train --method at --dataset digitts", "did you mean digits"),
        ("train --method at --arch smal-cnn", "did you mean small-cnn"),
        ("train --method at --recipe quik", "did you mean quick"),
        ("train --method at --set epohcs=3", "did you mean epochs"),
        ("train --method at --set epochs", "epochs"),
        ("train --method at --set epochs=-1", "epochs"),
        ("train --method at --device gpu9", "gpu9"),
        ("train --method at --precision fp17", "known: auto, bf16, fp32"),
        ("train --method at trades --name x", "one method at a time"),
        ("train --method at --devices 0", "--devices must be 1 or more, not 0"),
        ("train --method at --num-nodes -1", "--num-nodes must be 1 or more, not -1"),
        ("train --method at --seed -1", "seed must be a number from 0 to 2^63 - 1, not -1"),
        ("evaluate nothing.pt", "nothing.pt"),
        ("evaluate README.md", "README.md"),
        ("list atacks", "did you mean attacks"),
        ("show nothing.pt", "nothing.pt"),
        ("show nothing.json", "nothing.json"),
        ("show results/records/ab/nothing.safetensors", "there is no record"),
        ("report --results README.md", "README.md"),
        ("report --out README.md", "README.md"),
    ],
)
def test_bad_input_is_one_message(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: str, message: str
) -> None:
    root = Path(__file__).parent.parent
    words = words.replace("README.md", str(root / "README.md"))
    folders = {"train": ["--out", tmp_path], "evaluate": ["--results", tmp_path]}.get(words.split()[0], [])
    code, out, err = bench(capsys, *words.split(), *folders)
    assert code == 2
    assert out == ""
    assert err.startswith("bench: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trian", "train"),
        ("train --methd at", "--method"),
        ("train", "--method"),
        ("evaluate", "CHECKPOINT"),
        ("evaluate a.pt --n many", "--n"),
        ("train --method at --seed one", "--seed"),
    ],
)
def test_words_that_do_not_parse(capsys: pytest.CaptureFixture[str], words: str, message: str) -> None:
    code, _, err = bench(capsys, *words.split())
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "train", Calls(error=KeyboardInterrupt()), raising=False)
    code, _, err = bench(capsys, "train", "--method", "at")
    assert code == 130
    assert "--resume" in err


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "train", Calls(error=ZeroDivisionError()), raising=False)
    with pytest.raises(ZeroDivisionError):
        cli.main(["train", "--method", "at"])


def test_bad_input_from_a_verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "train", Calls(error=BadInput("this, there, do that")), raising=False)
    assert bench(capsys, "train", "--method", "at") == (2, "", "bench: this, there, do that\n")


@pytest.mark.parametrize(("error", "code"), [(None, 0), ("ValueError: it broke", 1)])
def test_evaluate_prints_and_says_what_failed(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: str | None,
    code: int,
) -> None:
    from benchmark.ledger import load_results

    add_evaluation(tmp_path, "a[b]c", error=error)
    monkeypatch.setattr(benchmark, "evaluate", Calls(load_results(tmp_path)), raising=False)
    result, out, _ = bench(capsys, "evaluate", "a.pt")
    assert result == code
    assert "a[b]c" in out
    assert "83.3" in out
    assert (error in out) if error else "16.7" in out


def test_report_prints_the_leaderboard_and_where_the_page_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    add_evaluation(tmp_path / "results")
    code, out, _ = bench(capsys, "report", "--results", tmp_path / "results", "--out", tmp_path / "reports")
    assert code == 0
    assert str(tmp_path / "reports" / "index.html") in out
    assert re.search(r"1\s+at\s+83\.3\s+50\.0\s+50\.0\s+66\.7\s+55\.6\s+16\.7", out)


def test_show_a_record_and_an_evaluation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    manifest = add_evaluation(tmp_path)
    (path,) = tmp_path.glob("evaluations/*.json")
    _, out, _ = bench(capsys, "show", path, "--json")
    assert json.loads(out)["id"] == manifest["id"]
    (name,) = manifest["records"]["ddn"]
    (path,) = tmp_path.glob(f"records/*/{name}.safetensors")
    code, out, _ = bench(capsys, "show", path, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["record"] == name
    assert record["broken"] == [True, False, True, False, True, False]
    assert record["distance"] == pytest.approx([0, 0.7, 0.5, 0.51, 0.49, None])
    assert bench(capsys, "show", path)[0] == 0


def test_a_damaged_record_is_bad_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    add_evaluation(tmp_path)
    path = next(tmp_path.glob("records/*/*.safetensors"))
    path.write_bytes(path.read_bytes()[:-3])
    code, _, err = bench(capsys, "show", path)
    assert code == 2
    assert "evaluate again" in err


def test_unknown_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        benchmark.trian  # noqa: B018
    assert set(benchmark.__all__) <= set(dir(benchmark))
    assert all(getattr(benchmark, name) is not None for name in benchmark.__all__)
