"""No more threads than a container has processors' worth of time, whatever the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmark import cores, quickstart
from benchmark.cli import main
from benchmark.data import pictures


@pytest.fixture
def of_64(monkeypatch):
    monkeypatch.setattr(cores, "bound", lambda: 64)


def machine(root: Path, groups: str, **files: str) -> Path:
    """A tree with what Linux tells of control groups; files are named from `sys/fs/cgroup`, with __ for each /."""
    cgroup = root / "sys" / "fs" / "cgroup"
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(groups)
    for name, text in files.items():
        path = cgroup / name.replace("__", "/").replace("cpu_", "cpu.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "number"),
    [
        ("0::/\n", {"cpu_max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu_max": "150000 100000\n"}, 1),
        ("0::/\n", {"cpu_max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu_max": "max 100000\n"}, 64),
        ("0::/\n", {"cpu_max": "9900000 100000\n"}, 64),  # more than there are
        ("0::/\n", {"cpu_max": "400000 0\n"}, 64),
        ("0::/\n", {"cpu_max": "nonsense\n"}, 64),
        ("0::/\n", {}, 64),
        ("", {}, 64),
        ("0::/jobs/7\n", {"jobs__cpu_max": "400000 100000\n", "jobs__7__cpu_max": "max 100000\n"}, 4),
        ("0::/jobs/7\n", {"jobs__cpu_max": "400000 100000\n", "jobs__7__cpu_max": "200000 100000\n"}, 2),
        ("0::/jobs/7\n", {"jobs__cpu_max": "200000 100000\n", "jobs__7__cpu_max": "400000 100000\n"}, 2),
        ("0::/elsewhere\n", {"cpu_max": "300000 100000\n"}, 3),  # the machine's name of it, in its own container
        (
            "4:memory:/\n3:cpu,cpuacct:/docker/1f\n",
            {"cpu__docker__1f__cpu_cfs_quota_us": "500000\n", "cpu__docker__1f__cpu_cfs_period_us": "100000\n"},
            5,
        ),
        (
            "3:cpu:/\n0::/\n",
            {"cpu__cpu_cfs_quota_us": "-1\n", "cpu__cpu_cfs_period_us": "100000\n"},
            64,
        ),
        ("0::/\n", {"unified__cpu_max": "600000 100000\n"}, 6),
        ("5:cpuset:/a\n", {"cpu__a__cpu_cfs_quota_us": "100000", "cpu__a__cpu_cfs_period_us": "100000"}, 64),
    ],
)
def test_a_share_of_the_processors_is_a_number_of_them(of_64, tmp_path, groups, files, number):
    assert cores.available(machine(tmp_path, groups, **files)) == number


def test_without_control_groups_it_is_those_it_is_bound_to(of_64, tmp_path):
    assert cores.share(tmp_path) is None
    assert cores.available(tmp_path) == 64


def test_libraries_are_told_unless_a_number_was_given(of_64, tmp_path):
    root = machine(tmp_path, "0::/\n", cpu_max="200000 100000\n")
    for given, told in (({}, "2"), ({"OMP_NUM_THREADS": "8"}, "8")):
        cores.keep_to_share(given, root)
        assert given == {"OMP_NUM_THREADS": told}


def test_without_a_limit_they_are_told_nothing(of_64, tmp_path):
    environment: dict[str, str] = {}
    cores.keep_to_share(environment, tmp_path)
    assert environment == {}


def test_the_command_line_keeps_to_it(of_64, monkeypatch):
    monkeypatch.setattr(cores, "share", lambda root: 3.7)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_the_demo_has_as_many_workers(of_64, monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "share", lambda root: 2.0)
    asked: list[int] = []
    monkeypatch.setattr(quickstart, "_threads", lambda number: asked.append(number) or _stop())
    with pytest.raises(InterruptedError):
        quickstart.demo(tmp_path)
    assert asked == [2]


def test_pictures_are_read_by_as_many_threads(of_64, monkeypatch):
    monkeypatch.setattr(cores, "share", lambda root: 3.0)
    monkeypatch.setattr(pictures, "_size", lambda *_: pictures.Size(2, 2, "a"))
    monkeypatch.setattr(pictures, "ThreadPoolExecutor", lambda number: _stop(number))
    with pytest.raises(InterruptedError, match="3"):
        pictures.decode([Path("a.png")], None, None, lambda shape: None)


def _stop(*told: object) -> None:
    raise InterruptedError(*told)
