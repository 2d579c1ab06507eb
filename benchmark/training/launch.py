"""Who has started this process: torchrun or srun, one of many that train together; or anybody, and alone."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.errors import BadInput

#: Of signals that end a process, what usually sends them.
_USUAL = {"SIGKILL": ", as systems do that run out of memory"}


@contextmanager
def lost_process_named(name: str) -> Iterator[None]:
    """Within this context a process of the training `name` that somebody else ends is one clear error.

    Raises:
        BadInput: that happened; the others are ended then.
    """
    from torch.multiprocessing.spawn import ProcessExitedException

    try:
        yield
    except ProcessExitedException as error:
        how = error.signal_name or f"exit code {error.exit_code}"
        guard = "" if error.signal_name else '; in a script, call this below `if __name__ == "__main__":`'
        raise BadInput(
            f"{name}: process {error.error_index} of those that train together was ended by {how}"
            f"{_USUAL.get(error.signal_name or '', '')}, and the others with it; nothing is half-written: --resume "
            f"goes on after the last epoch that was finished{guard}"
        ) from error


def is_one_of_many(devices: int, num_nodes: int) -> bool:
    """Whether others were started with this process, `devices` on each of `num_nodes` machines, as Fabric sees it.

    A single task of SLURM's, as in a batch script without srun, starts its processes itself.

    Raises:
        BadInput: as many were started as were not asked for, or several machines are asked for and nobody has
            started anything on the others.
    """
    wanted = devices * num_nodes
    starter, started = _started()
    if wanted == 1 and started == 1:
        return False
    if started == 1 and num_nodes == 1:
        return False
    if started == 1:
        raise BadInput(f"--num-nodes {num_nodes}: start the same command on each machine with torchrun or srun")
    if started != wanted:
        raise BadInput(
            f"{starter} has started {started} processes, but --devices {devices} --num-nodes {num_nodes} asks for "
            f"{wanted}; let both say the same"
        )
    if starter == "srun" and "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise BadInput(
            f"start srun with --ntasks-per-node={devices} in place of --ntasks, so that each machine has as many"
        )
    return True


def _started() -> tuple[str, int]:
    """By what, and how many processes; 1 where this one is alone."""
    from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a srun that is there and was not used
        if TorchElasticEnvironment.detect():
            return "torchrun", _number("WORLD_SIZE")
        if SLURMEnvironment.detect() and not _is_batch_script():
            return "srun", _number("SLURM_NTASKS")
    return "", 1


def _is_batch_script() -> bool:
    """Whether it runs in a batch script itself, with many tasks allotted to it and none of them started by srun."""
    return "SLURM_JOB_ID" in os.environ and not {"SLURM_STEP_ID", "SLURM_STEPID"} & os.environ.keys()


def _number(name: str) -> int:
    try:
        return max(1, int(os.environ.get(name, "1")))
    except ValueError as error:
        raise BadInput(f"the environment says {name}={os.environ[name]}, which is no number of processes") from error
