"""What the program misses around it is said in one sentence before the work, or done without; never met after it."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from evaluation_toys import save, write_suite
from picture_trees import write_tree

import benchmark
from benchmark import cache, cli, data, environment, hardware
from benchmark.errors import BadInput, Notice
from benchmark.evaluation.progress import Display
from benchmark.models import load_checkpoint
from benchmark.training import parallel
from benchmark.training.report import Reporter

PACKAGE = Path(benchmark.__file__).parent


@pytest.fixture
def train(tmp_path):
    """Trains for one epoch; gives the paths."""
    return lambda **options: benchmark.train(
        "natural", set=["epochs=1"], out=tmp_path / "zoo", progress=False, **options
    )


@pytest.fixture
def no_training(monkeypatch):
    """Nothing may be computed: what is wrong has to be found before."""
    monkeypatch.setattr("benchmark.training.Trainer", lambda *_: pytest.fail("trained"))


def exit_code(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([*map(str, words)])
    return int(end.value.code or 0)


def fail(error: Exception):
    def raise_it(*_, **__):
        raise error

    return raise_it


# Copied, not installed


def test_without_its_own_metadata_all_goes_on(train, tmp_path, monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name in (environment.NAME, "lightning-fabric"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "requires", fail(importlib.metadata.PackageNotFoundError("none")))
    (path,) = train()
    versions = load_checkpoint(path).versions
    assert versions["robustness-benchmark"] == benchmark.__version__
    assert versions["lightning-fabric"] not in ("", None)
    (finding,) = benchmark.doctor(zoo=tmp_path / "zoo")
    assert "the program is not installed" in finding.problem


def test_a_version_that_nobody_knows_is_unknown():
    assert environment.version("no-such-package") == "unknown"


@pytest.mark.usefixtures("no_training")
def test_a_package_that_is_needed_at_the_end_is_asked_for_at_the_start(train, tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "NEEDED_LATE", ("jinja2", "no_such_package"))
    message = "needed and not installed: no_such_package; make setup, or pip install no_such_package"
    with pytest.raises(BadInput, match=message):
        train()
    with pytest.raises(BadInput, match=message):
        benchmark.sweep(method="natural", set=["lr=0.1,0.2"], zoo=tmp_path, out=tmp_path)
    with pytest.raises(BadInput, match=message):
        benchmark.paper("mat", table="5", zoo=tmp_path, results=tmp_path / "results", out=tmp_path)


def test_a_package_that_is_missed_elsewhere_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("benchmark.list", fail(ModuleNotFoundError("No module named 'yaml'", name="yaml")))
    assert exit_code("list", "attacks") == 2
    assert capsys.readouterr().err.startswith("bench: No module named 'yaml': a package is missing or broken")
    monkeypatch.setattr("benchmark.list", fail(ModuleNotFoundError("no", name="benchmark.typo")))
    with pytest.raises(ModuleNotFoundError):  # a fault of our own is shown as one
        cli.main(["list", "attacks"])


def test_the_doctor_goes_on_where_a_package_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.checkup._zoo", fail(ModuleNotFoundError("No module named 'safetensors'")))
    problems = [finding.problem for finding in benchmark.doctor(zoo=tmp_path)]
    assert "No module named 'safetensors'" in problems


# No home, no place for a cache


@pytest.fixture
def homeless(monkeypatch):
    import platformdirs

    monkeypatch.delenv("BENCHMARK_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", fail(RuntimeError("could not determine the home directory")))
    monkeypatch.setattr(Path, "expanduser", fail(RuntimeError("Could not determine home directory.")))


@pytest.mark.usefixtures("homeless")
def test_without_a_home_what_needs_none_goes_on(tmp_path, monkeypatch):
    assert len(data.load("digits").test)
    monkeypatch.setattr(Path, "expanduser", lambda path: path)
    tree = write_tree(tmp_path / "tree")
    with pytest.warns(Notice, match="not kept for next time: there is no home folder"):
        assert len(data.load(f"folder:{tree}").test) == 8


@pytest.mark.usefixtures("homeless")
def test_without_a_home_what_needs_one_says_so(tmp_path):
    with pytest.raises(BadInput, match="there is no home folder to keep data in; set BENCHMARK_DATA"):
        data.load("cifar10")
    with pytest.raises(BadInput, match="there is no such home folder; write the path out"):
        data.load("folder:~/pictures")
    assert "there is no home folder to keep data in" in [each.problem for each in benchmark.doctor(zoo=tmp_path)]


def test_a_home_that_stays_a_tilde_is_none(monkeypatch):
    """What platformdirs 4.0 makes of it; a folder called ~ would be made here."""
    import platformdirs

    monkeypatch.delenv("BENCHMARK_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
    with pytest.raises(BadInput, match="there is no home folder"):
        cache.cache_root()


# Folders


@pytest.fixture
def gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("gone")
@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use can't be removed there")
def test_a_working_folder_that_is_gone(capsys):
    for words in (["doctor"], ["train", "--method", "natural"], ["list", "attacks"]):
        assert exit_code(*words) == 2
        assert capsys.readouterr().err == (
            "bench: the folder that this was started in is gone; change to one that is there\n"
        )
    with pytest.raises(BadInput, match="is gone"):
        benchmark.doctor()


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("part", ["last", ".state", "runs"])
def test_a_place_that_is_written_to_at_the_end_is_tried_at_the_start(train, tmp_path, part):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / part).touch()
    with pytest.raises(BadInput, match=rf"can't write to the folder .*{part}: Not a directory"):
        train()


@pytest.mark.parametrize("part", ["records", "evaluations", "images"])
def test_so_are_those_of_an_evaluation(tmp_path, monkeypatch, part):
    module = sys.modules["benchmark.evaluation.evaluate"]
    monkeypatch.setattr(module, "run_and_file", lambda *_: pytest.fail("attacked"))
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / part).symlink_to("unmounted")
    with pytest.raises(BadInput, match=rf"can't write to the folder .*{part}: No such file"):
        benchmark.evaluate(save(tmp_path), suite=suite, results=tmp_path / "results", progress=False)


@pytest.mark.usefixtures("no_training")
def test_a_disk_that_is_full_is_met_at_the_start(train, monkeypatch):
    monkeypatch.setattr("benchmark.storage.os.fsync", fail(OSError(28, "No space left on device")))
    with pytest.raises(
        BadInput, match=r"can't write to the folder .*zoo: No space left on device; .*free some space"
    ):
        train()


def test_a_report_asks_before_it_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[benchmark.report.__module__], "leaderboards", lambda _: pytest.fail("counted"))
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="can't write to the folder"):
        benchmark.report(results=tmp_path / "results", out=tmp_path / "file")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadInput, match="pip install pyarrow"):
        benchmark.report(results=tmp_path / "results", out=tmp_path, format="parquet")


# Memory, devices, the machine


def test_without_shared_memory_several_processes_are_refused(monkeypatch):
    context = SimpleNamespace(Lock=fail(OSError(38, "Function not implemented")))
    monkeypatch.setattr(environment.multiprocessing, "get_context", lambda _: context)
    with pytest.raises(BadInput, match=r"--devices 2: processes can't share memory here .*; see that /dev/shm"):
        parallel.make_fabric(torch.device("cpu"), "fp32", devices=2)


@pytest.mark.usefixtures("no_training")
def test_with_too_little_shared_memory_they_are_too(train, monkeypatch):
    """As in a container, where there are 64 MiB: the processes would end by a bus error."""
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**17))
    with pytest.raises(
        BadInput, match=r"--devices 2: the processes share 0\.\d MiB, and 0\.1 MiB are free in /dev/shm"
    ):
        train(devices=2, device="cpu")


def test_a_gpu_that_is_there_and_can_not_compute(monkeypatch):
    """An old driver, or a build without its kernels: never the processor instead without a word."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", fail(RuntimeError("no kernel image is available")))
    with pytest.raises(BadInput, match=r"device 'cuda' can't be used here \(no kernel image.*--device auto or cpu"):
        hardware.resolve_device("auto")


@pytest.mark.parametrize("name", ["cpu:1", "cpu:7"])
def test_a_processor_has_no_number(name):
    """Every number was taken, and the same one computed."""
    with pytest.raises(BadInput, match=f"device '{name}' can't be used here .there is one device cpu"):
        hardware.resolve_device(name)
    assert hardware.resolve_device("cpu:0").type == "cpu"


def test_a_processor_that_does_not_say_its_name(monkeypatch):
    monkeypatch.setattr(Path, "read_text", fail(PermissionError(13, "Permission denied")))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert hardware.describe(torch.device("cpu")).endswith(", 2 threads")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert hardware.describe(torch.device("cpu")).endswith(", 1 thread")


# Streams and words


@pytest.mark.parametrize("stream", [None, open(os.devnull, "w")])  # noqa: SIM115 (closed at once)
def test_with_nobody_to_tell_it_works_on(monkeypatch, stream):
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with Reporter("x", 1, 1, None if stream is None else False, None), Display(1, show=stream is None) as display:
        display.advance({"name": "network"}, "attack", "failed", False)
    assert not environment.is_terminal(stream)


def test_every_text_file_is_read_and_written_as_utf_8():
    """Whatever the system's own encoding is."""
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert name not in ("read_text", "write_text") or _says_encoding(node), f"{module}:{node.lineno}"


def _says_encoding(call: ast.Call) -> bool:
    ours = isinstance(call.func, ast.Name)  # benchmark.storage.read_text, which knows nothing else
    return ours or any(keyword.arg == "encoding" for keyword in call.keywords)


def test_where_only_ascii_is_known(tmp_path):
    """Shipped files are read, and what can't be shown is shown as a code."""
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    env |= {"PYTHONPATH": str(PACKAGE.parent), "OMP_NUM_THREADS": "1"}
    for verb in ("recipes", "papers"):
        command = [sys.executable, "-m", "benchmark", "list", verb]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
