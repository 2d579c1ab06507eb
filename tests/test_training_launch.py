"""Who started the processes of a training: as Fabric sees it, or refused in words."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time

import pytest
import torch
from torch.multiprocessing.spawn import start_processes

from benchmark.errors import BadInput
from benchmark.training.launch import is_one_of_many, lost_process_named
from benchmark.training.parallel import make_fabric

CPU = torch.device("cpu")
#: As SLURM sets it in a batch script of one task, and what srun adds for the first of two.
BATCH = {
    "SLURM_JOB_ID": "7",
    "SLURM_NTASKS": "1",
    "SLURM_NTASKS_PER_NODE": "1",
    "SLURM_NNODES": "1",
    "SLURM_JOB_NAME": "x",
}
TWO = BATCH | {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2"}
SRUN = TWO | {"SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}


@pytest.fixture
def environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("SLURM_", "TORCHELASTIC_"))]:
        monkeypatch.delenv(name)

    def set_to(values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_to


@pytest.mark.parametrize(
    ("values", "devices", "strategy"),
    [
        ({}, 1, "SingleDeviceStrategy"),
        (BATCH, 1, "SingleDeviceStrategy"),
        (BATCH, 2, "DDPStrategy"),
        (TWO, 1, "SingleDeviceStrategy"),  # a batch script that does other things with its second task
        (SRUN, 2, "DDPStrategy"),
        (SRUN | {"SLURM_JOB_NAME": "bash"}, 2, "DDPStrategy"),
    ],
)
def test_a_task_of_slurm_trains_with_as_many_processes_as_it_was_asked_for(environment, values, devices, strategy):
    environment(values)
    fabric = make_fabric(CPU, "fp32", devices)
    assert type(fabric.strategy).__name__ == strategy
    assert fabric.world_size == devices
    by_slurm = values is SRUN
    assert (
        type(fabric.strategy.cluster_environment).__name__ == "SLURMEnvironment" if devices > 1 else False
    ) == by_slurm


@pytest.mark.parametrize(
    ("values", "devices", "nodes", "told"),
    [
        (SRUN, 1, 1, "srun has started 2 processes, but --devices 1 --num-nodes 1 asks for 1"),
        (SRUN, 4, 1, "srun has started 2 processes, but --devices 4"),
        (SRUN | {"SLURM_NTASKS": "many"}, 2, 1, "SLURM_NTASKS=many"),
        (BATCH, 1, 2, "--num-nodes 2: start the same command on each machine"),
        ({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}, 1, 1, "torchrun has started 2 processes"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(environment, values, devices, nodes, told):
    environment(values)
    with pytest.raises(BadInput, match=told):
        make_fabric(CPU, "fp32", devices, nodes)


def test_srun_without_tasks_per_node_is_told_what_to_do(environment, monkeypatch):
    environment(SRUN)
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(BadInput, match="--ntasks-per-node=2"):
        is_one_of_many(2, 1)


def test_one_gpu_by_number_is_not_two(environment):
    environment({})
    with pytest.raises(
        BadInput, match="--device cuda:1 names one cuda, and --devices 2 asks for 2; write --device cuda"
    ):
        make_fabric(torch.device("cuda:1"), "fp32", 2)


def _killed(rank: int) -> None:
    """The second of two processes is killed while the first would go on for hours."""
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(3600)


@pytest.mark.skipif(sys.platform != "linux", reason="forks processes that have loaded torch")
def test_a_process_that_is_killed_is_one_clear_error_and_takes_the_others_along():
    with pytest.raises(BadInput) as caught, lost_process_named("mine"):
        start_processes(_killed, nprocs=2, start_method="fork")
    told = "mine: process 1 of those that train together was ended by SIGKILL, as systems do that run out of memory, "
    assert str(caught.value).startswith(told)
    assert "--resume goes on" in str(caught.value)
    assert "__main__" not in str(caught.value)
    assert not multiprocessing.active_children()


def _ended(rank: int) -> None:
    os._exit(1)


@pytest.mark.skipif(sys.platform != "linux", reason="forks processes that have loaded torch")
def test_processes_that_end_by_themselves_are_those_of_a_script_that_they_begin_anew():
    with pytest.raises(BadInput, match=r"ended by exit code 1.* below `if __name__ == "), lost_process_named("mine"):
        start_processes(_ended, nprocs=2, start_method="fork")
