"""A Ray cluster: the same records, whatever is killed; nothing lost, nothing twice. Started on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from engine_toys import Count, ran
from evaluation_toys import evaluated
from test_merge import content
from test_shipping import OWN, unseen

from benchmark.engines import Limits
from benchmark.evaluation import engine as evaluation_engine
from benchmark.evaluation import plan
from benchmark.models import load_checkpoint
from benchmark.training import task
from benchmark.training.several import train_several

ray = pytest.importorskip("ray")
from benchmark.engines.on_ray import OnRay  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

LINES = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: linf, parameters: {steps: 2}}\n"

#: A driver of its own, in jobs of ten images.
DRIVER = """
import sys
from pathlib import Path

from evaluation_toys import evaluated

from benchmark.evaluation import plan

plan.SHARD = 10
evaluated(Path(sys.argv[1]), sys.argv[2], images=60, engine="ray", address=sys.argv[3])
"""


@pytest.fixture(autouse=True)
def nodes(monkeypatch):
    """Workers find the modules of the tests; where the machine is busy, they don't wait for everybody else."""
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    monkeypatch.setenv("RAY_worker_niceness", "0")


@pytest.fixture
def cluster():
    """Two nodes, of one processor each; the driver is at the first."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        made.add_node(num_cpus=1)
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def blind(monkeypatch):
    """Workers that don't see the ledger's folder."""
    monkeypatch.setattr(evaluation_engine, "remote_tasks", unseen)


def test_records_come_home_from_a_machine_without_our_disk(tmp_path, blind, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 10)
    for name, mode, means in (("here", "worst-case", {}), ("there", "worst-case", {"engine": "ray", "workers": 2})):
        (tmp_path / name).mkdir()
        (found,) = evaluated(tmp_path / name, LINES, images=20, mode=mode, **means)
        assert not found.failures
    assert content(tmp_path / "here/results") == content(tmp_path / "there/results")
    assert not ray.is_initialized()
    assert not list((tmp_path / "there/results").glob(".*"))


def test_a_task_past_its_limit_and_one_that_kills_its_worker_are_given_up(tmp_path, cluster):
    for name in ("dies", "hangs"):
        (tmp_path / name).mkdir()
    tasks = [
        Count("dies", ("one", "die", "two"), folder=tmp_path / "dies"),
        Count("hangs", ("one", "hang", "two"), folder=tmp_path / "hangs"),
    ]
    told, _ = ran(tasks, OnRay(cluster.address), Limits(3.0))
    assert [message for position, _, message in told if position == 1] == [
        "one",
        "given up after 3 tries: took longer than the time limit of 3 s",
        "two",
    ]
    died = [message for position, _, message in told if position == 0]
    assert (died[0], died[2], died[1][:36]) == ("one", "two", "given up after 3 tries: its process ")


def test_a_node_that_is_killed_in_the_middle_changes_nothing(tmp_path, cluster, blind, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 10)
    node = next(each for each in cluster.worker_nodes)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    evaluated(tmp_path / "here", LINES, images=60)

    def kill():
        while not list((tmp_path / "there").rglob("*.safetensors")):
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    (found,) = evaluated(tmp_path / "there", LINES, images=60, engine="ray", address=cluster.address)
    killer.join()
    assert not found.failures
    assert content(tmp_path / "here/results") == content(tmp_path / "there/results")


def test_a_driver_that_is_killed_and_begun_again_finds_the_same(tmp_path, cluster, monkeypatch):
    """Its records are kept; the cluster ends what it left behind."""
    monkeypatch.setattr(plan, "SHARD", 10)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    evaluated(tmp_path / "here", LINES, images=60)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, tmp_path / "there", LINES, cluster.address], cwd=Path(__file__).parent
    )
    while not (kept := list((tmp_path / "there/results").rglob("*.safetensors"))):
        assert driver.poll() is None
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    written = {path: path.stat().st_mtime_ns for path in kept}
    assert len(written) < len(content(tmp_path / "here/results"))
    (found,) = evaluated(tmp_path / "there", LINES, images=60, engine="ray", address=cluster.address)
    assert not found.failures
    assert content(tmp_path / "here/results") == content(tmp_path / "there/results")
    assert {path: path.stat().st_mtime_ns for path in kept} == written


def test_an_attack_of_ones_own_runs_on_every_machine_that_has_its_file(tmp_path, cluster, blind):
    line = f"  - {{attack: '{tmp_path}/mine.py:Shift', norm: linf}}\n"
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "helpers.py").write_text("SHARE = 1.0\n")
    for name, means in (("here", {}), ("there", {"engine": "ray", "address": cluster.address})):
        (tmp_path / name).mkdir()
        (found,) = evaluated(tmp_path / name, line, images=20, trust_remote_code=True, **means)
        assert not found.failures
    assert content(tmp_path / "here/results") == content(tmp_path / "there/results")


def test_two_drivers_on_one_folder_and_one_that_begins_again(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 10)
    (tmp_path / "here").mkdir()
    evaluated(tmp_path / "here", LINES, images=40)
    (tmp_path / "there").mkdir()
    evaluated(tmp_path / "there", LINES, images=40, engine="ray", address=cluster.address, part="1/2")
    evaluated(tmp_path / "there", LINES, images=40, workers=2)
    (found,) = evaluated(tmp_path / "there", LINES, images=40, engine="ray", address=cluster.address)
    assert not found.failures
    assert content(tmp_path / "here/results") == content(tmp_path / "there/results")


def test_trainings_on_two_nodes_are_those_of_one_process(tmp_path, cluster):
    told = {"set": {"epochs": 1, "batch_size": 512}, "device": "cpu", "precision": "fp32", "progress": False}
    here = train_several("natural", (0, 1, 2), out=tmp_path / "here", **told)
    there = train_several("natural", (0, 1, 2), out=tmp_path / "there", engine="ray", address=cluster.address, **told)
    assert [path.name for path in there] == [path.name for path in here]
    for one, other in zip(there, here, strict=True):
        ours, theirs = load_checkpoint(one).state, load_checkpoint(other).state
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)  # nodes may have other threads
    assert not list((tmp_path / "there").rglob("*.part"))
    assert not list((tmp_path / "there/.state").glob("*.pt"))


def test_trainings_come_home_from_nodes_without_our_disk(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(task, "_mark", lambda zoo: nullcontext(None if zoo is None else zoo / "unseen-by-nodes"))
    told = {"set": {"epochs": 1, "batch_size": 512}, "device": "cpu", "precision": "fp32", "progress": False}
    found = train_several(("natural", "at"), out=tmp_path, engine="ray", address=cluster.address, **told)
    assert {load_checkpoint(path).method for path in found} == {"natural", "at"}
    assert all((tmp_path / "last" / path.name).is_file() for path in found)


def test_a_node_that_is_killed_while_it_trains_changes_no_weights(tmp_path, cluster):
    """Its run goes on elsewhere, from the last epoch that was kept."""
    told = {"set": {"epochs": 6, "batch_size": 256}, "device": "cpu", "precision": "fp32", "progress": False}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as on the nodes: other threads add in another order, which six epochs make visible
    try:
        here = train_several("natural", (0, 1, 2), out=tmp_path / "here", **told)
    finally:
        torch.set_num_threads(threads)
    node = next(each for each in cluster.worker_nodes)
    killed_at: list[int] = []

    def kill():
        while len(under_way := list((tmp_path / "there/.state").glob("*.pt"))) < 2:  # one on each node
            time.sleep(0.02)
        cluster.remove_node(node, allow_graceful=False)
        killed_at.append(len(under_way))

    killer = threading.Thread(target=kill)
    killer.start()
    there = train_several("natural", (0, 1, 2), out=tmp_path / "there", engine="ray", address=cluster.address, **told)
    killer.join()
    assert killed_at == [2]
    for one, other in zip(there, here, strict=True):
        ours, theirs = load_checkpoint(one), load_checkpoint(other)
        assert ours.name == theirs.name
        torch.testing.assert_close(ours.state, theirs.state, rtol=1e-5, atol=1e-6)
    assert not list((tmp_path / "there/.state").glob("*.pt"))
