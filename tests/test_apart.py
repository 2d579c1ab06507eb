"""What a public function computes depends on no other thread and on nothing that its caller has set for torch."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import pytest
import torch
from evaluation_toys import trained, write_suite
from torch import Tensor, nn

import benchmark
from benchmark import deadline
from benchmark.apart import apart, one_at_a_time
from benchmark.data import load
from benchmark.evaluation import target as targets

pytestmark = pytest.mark.usefixtures("one_thread")

#: One attack whose noise, one whose candidates follow from what is the default in torch.
ATTACKS = """\
  - {attack: pgd, norm: linf, parameters: {steps: 3}}
  - {attack: ddn, norm: l2, parameters: {steps: 5}}
  - {attack: square, norm: linf, parameters: {queries: 30}}
"""


class Shifted(nn.Module):
    """The trained network that looks at images moved aside by so many pixels."""

    def __init__(self, by: int = 0) -> None:
        super().__init__()
        self.inner, self.by = trained().model(), by

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.roll(self.by, 3) if self.by else x)


@contextmanager
def default_dtype(dtype: torch.dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


#: What a caller's program may have set; a device that is no accelerator's stands for any other.
SET: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device": lambda: torch.device("meta"),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


def state() -> list[object]:
    return [
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.is_autocast_enabled("cpu"),
    ]


def flags(folder, network: object, **options: object) -> np.ndarray:
    (found,) = benchmark.evaluate(
        network,  # type: ignore[arg-type]
        suite=write_suite(folder, ATTACKS, images=20),
        dataset="digits",
        results=folder / "results",
        precision="fp32",
        progress=False,
        **options,  # type: ignore[arg-type]
    )
    assert not found.failures
    return np.stack([found.clean_errors, *(outcome.broken for outcome in found.outcomes)])


def images_and_labels() -> tuple[Tensor, Tensor]:
    return load("digits").test.batch(slice(0, 20))


def adversarial(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    # In l2 every bit of the gradient counts, not its sign alone.
    return benchmark.attack(network, x, y, "pgd", norm="l2", epsilon=0.8, steps=3).images


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return flags(tmp_path_factory.mktemp("plain"), Shifted()), adversarial(Shifted(), *images_and_labels())


@pytest.mark.parametrize("name", SET)
def test_what_the_caller_has_set_changes_no_number(name, expected, tmp_path):
    broken, images = expected
    network = Shifted()
    targets.forget()
    with SET[name]():
        before = state()
        found = flags(tmp_path, network)
        assert state() == before
    assert (found == broken).all()
    x, y = images_and_labels()
    with SET[name]():
        before = state()
        attacked = adversarial(network, x, y)
        assert state() == before
    assert torch.equal(attacked, images)


@pytest.mark.parametrize("name", ["float64", "device"])
def test_a_training_is_the_same_whatever_is_the_default(name, tmp_path):
    options = {"dataset": "digits", "set": {"epochs": 1}, "progress": False}
    states = []
    for where, context in (("a", nullcontext), ("b", SET[name])):
        with context():
            (path,) = benchmark.train("natural", out=tmp_path / where, **options)  # type: ignore[arg-type]
        states.append(benchmark.load_model(str(path)).state)
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_an_ascent_of_ones_own_loop_stays_within_its_autocast():
    """`perturb` is a part of the caller's training step, and as fast as that."""
    x, y = load("digits").test.batch(slice(0, 8))
    dtypes = []

    class Watched(Shifted):
        def forward(self, x: Tensor) -> Tensor:
            dtypes.append(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype)
            return super().forward(x)

    with torch.autocast("cpu", torch.bfloat16):
        benchmark.perturb(Watched().eval(), x, y, epsilon=0.1, steps=1)
    assert set(dtypes) == {torch.bfloat16}


def test_networks_of_one_class_in_several_threads_get_their_own_numbers(tmp_path):
    networks = [Shifted(by) for by in range(4)]
    for name in ("alone", "together"):
        (tmp_path / name).mkdir()
    alone = [flags(tmp_path / "alone", network) for network in networks]
    assert len({found.tobytes() for found in alone}) == 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda network: flags(tmp_path / "together", network), networks))
    assert all(map(np.array_equal, alone, together))
    x, y = images_and_labels()
    images = [adversarial(network, x, y) for network in networks]
    with ThreadPoolExecutor(4) as pool:
        assert all(map(torch.equal, images, pool.map(lambda network: adversarial(network, x, y), networks)))


def test_one_thread_is_in_a_verb_at_a_time_and_may_be_in_another_within_it():
    inside: list[str] = []
    most: list[int] = []

    @apart
    def verb(name: str, depth: int = 1) -> None:
        inside.append(name)
        most.append(len(set(inside)))
        time.sleep(0.01)
        if depth:
            verb(name, depth - 1)
        inside.remove(name)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(verb, "abcdabcd"))
    assert set(most) == {1}
    assert len(most) == 16


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_was_forked_while_another_thread_is_at_work_does_not_wait_for_it():
    at_work, is_over = threading.Event(), threading.Event()

    @apart
    def verb() -> None:
        at_work.set()
        is_over.wait()

    thread = threading.Thread(target=verb)
    thread.start()
    at_work.wait()
    child = multiprocessing.get_context("fork").Process(target=apart(int))
    child.start()
    child.join(20)
    is_over.set()
    thread.join()
    if child.exitcode is None:
        child.kill()
    assert child.exitcode == 0


def test_waiting_for_ones_turn_counts_as_time():
    """And the limit of one that waits is none of the one that it waits for."""
    waits, limits = threading.Event(), []

    @deadline.stoppable
    def verb() -> None:
        limits.append("begun")

    def other() -> None:
        waits.set()
        with pytest.raises(deadline.OutOfTime):
            verb(stop_after=0.2)

    thread = threading.Thread(target=other)
    with one_at_a_time():
        thread.start()
        waits.wait()
        time.sleep(0.4)
        limits.append(deadline.end())
    thread.join()
    assert limits == [None]


def test_every_verb_is_apart():
    """But those that are a part of the caller's own loop, or only say what there is."""
    free = {"perturb", "straight_through"}
    verbs = [name for name in benchmark.__all__ if inspect.isfunction(getattr(benchmark, name))]
    assert {"attack", "evaluate", "train", "report"} < set(verbs)
    for name in verbs:
        if name in free or name.startswith("register_"):
            continue
        found = getattr(benchmark, name)
        seen = set()
        while found is not None and found not in seen:
            seen.add(found)
            if found.__code__.co_filename.endswith("apart.py"):
                break
            found = getattr(found, "__wrapped__", None)
        assert found is not None, name
