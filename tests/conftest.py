"""What holds for all tests: none fails for being slow, since machines may be busy, nor for which ran before it, nor
for how full the disk is."""

from __future__ import annotations

import atexit
import gc
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from browser_site import browser  # noqa: F401 (a fixture, so that all files share one)
from hypothesis import settings
from traces import put_back

from benchmark.planning import speed

# What is imported and collected from here on stays to the end: nothing of it needs to be looked for among garbage.
gc.disable()

settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")

#: Torch's own notes where it was asked, line by line, for each of three kinds of accelerators that are not there.
SEED_ALL = torch.manual_seed if torch.accelerator.is_available() else torch.default_generator.manual_seed

#: Seconds after which a slow test counts as hanging; what the others have is set in pyproject.toml.
HANGING = 3600

# A shell's background jobs start with Ctrl-C ignored, and so would all programs that tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small batches only lose time to threads, the more so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def leaves_no_trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test changes for the whole process is put back, see `traces`."""
    with put_back(str(tmp_path_factory.getbasetemp())):
        yield


@pytest.fixture(autouse=True, scope="module")
def module_leaves_no_trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """So is what the fixtures change that all tests of a file share."""
    with put_back(str(tmp_path_factory.getbasetemp())):
        yield


@pytest.fixture(autouse=True)
def room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little free space is a finding of `bench doctor`, and none of the tests' business, but of those that set it."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**40, used=0, free=2**40))


@pytest.fixture(autouse=True)
def short_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks how fast this machine is, so that a plan need not look at each network for a second."""
    monkeypatch.setattr(speed, "PROBE_SECONDS", 0.001)


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """What a test draws without a seed of its own is the same whatever ran before in this process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (libraries draw from it)
    SEED_ALL(0)


def pytest_collection_finish() -> None:
    """From here on no module that is imported is kept compiled: a test may write one, and another in its place within
    the second by which Python tells them apart. What the tests themselves are made of is kept by now."""
    sys.dont_write_bytecode = True
    gc.freeze()
    gc.enable()
    atexit.register(gc.unfreeze)  # else triton takes what is never searched for leaks, and says so


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HANGING))
