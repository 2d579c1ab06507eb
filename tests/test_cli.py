"""The front door: what a user types, what is printed, and with which exit code."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from command_line import Calls, bench
from synthetic import add_evaluation

import benchmark
from benchmark import cli, registry
from benchmark.errors import BadInput

KINDS = [
    *("methods", "objectives", "losses", "recipes", "attacks", "suites"),
    *("datasets", "architectures", "sources", "papers", "experiments"),
]


def test_help_answers_without_anything_heavy() -> None:
    code = "import sys; from benchmark.cli import main\ntry: main(['--help'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("False")
    for verb in ("train", "evaluate", "report", "list", "show"):
        assert re.search(rf"\b{verb}\b", done.stdout)


def test_the_verbs_are_made_once_in_a_process(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Typer takes longer to make them than most of what tests and notebooks ask of `main`."""
    first = bench(capsys, "--version")
    for module in ("benchmark.cli.main", "typer.main"):
        monkeypatch.setattr(importlib.import_module(module), "get_command", None)
    assert bench(capsys, "--version") == first == (0, f"bench {benchmark.__version__}\n", "")


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


def test_known_parameter_count() -> None:
    (resnet,) = (row for row in benchmark.list("architectures") if row["name"] == "resnet18")
    assert resnet["parameters"] == 11_173_962


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
        ("train --method at trades --name x", "would name 2 runs alike; train one at a time"),
        ("train --method at --devices 0", "--devices must be 1 or more, not 0"),
        ("train --method at --num-nodes -1", "--num-nodes must be 1 or more, not -1"),
        ("train --method at --seed -1", "seed must be a whole number from 0 to 2^63 - 1, not -1"),
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
    assert re.search(r"1\s+at\s+16\.7\s+\S+\s+55\.6\s+50\.0\s+50\.0\s+66\.7\s+83\.3", out)


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
