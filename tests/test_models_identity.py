"""Two networks are one only if they compute with the same, wherever they keep it and whatever runs it."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
import threading
import weakref
from pathlib import Path
from unittest.mock import Mock

import identity_toys
import pytest
import torch
from torch import nn
from torchvision import transforms

from benchmark.errors import BadInput
from benchmark.models import ExternalModel, network_of
from benchmark.models.reach import Reach

ROOT = Path(__file__).parent.parent


def digest(network: nn.Module) -> str:
    return ExternalModel("a", network).digest


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", identity_toys.PLACES)
def test_a_tensor_counts_wherever_it_is_kept(name):
    make = identity_toys.PLACES[name]
    one, same, other = (
        digest(make(torch.tensor(values))) for values in ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.5])
    )
    assert one == same != other


def holds(held: object) -> str:
    return digest(identity_toys.Holds(held))


def test_numbers_and_words_count_places_and_devices_do_not():
    values = [0, 1, 1.0, True, None, "same", "valid", b"x", [1, 2], [2, 1], (1, 2), {"a": 1}, {"b": 1}, 1j]
    assert len({holds(value) for value in values}) == len(values)
    for one, other in (
        ("data/a.pt", "elsewhere/b.pt"),
        ("cpu", "cuda:1"),
        (torch.device("cpu"), torch.device("cuda")),
    ):
        assert holds(one) == holds(other)
    assert holds(nn.DataParallel(nn.Flatten())) == holds(nn.DataParallel(nn.Flatten()))


def test_order_and_kind_count():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    assert digest(nn.Sequential(nn.ReLU())) != digest(nn.Sequential(nn.GELU()))
    assert digest(nn.Sequential(a, b)) != digest(nn.Sequential(b, a))
    assert holds([a, b, a]) != holds([a, b, b])
    assert digest(nn.Conv2d(1, 1, 1, bias=False, stride=1)) != digest(nn.Conv2d(2, 1, 1, bias=False, stride=2))


def test_what_only_looks_or_is_set_when_it_is_loaded_does_not_count():
    network = nn.Sequential(nn.Linear(2, 2))
    before = digest(network)
    network.train().requires_grad_(False)
    assert digest(network) == before
    hooked = [nn.Sequential(nn.Linear(2, 2)) for _ in range(2)]
    for each in hooked:  # torch numbers all hooks of a process
        each.load_state_dict(network.state_dict())
        each.register_forward_hook(print)
    assert digest(hooked[0]) == digest(hooked[1]) != before


def test_the_walk_ends_in_long_chains_and_large_rings():
    end: list[object] = []
    chain = end
    for _ in range(10_000):
        chain = [chain]
    end.append(chain)
    assert holds(chain)


def test_the_versions_of_its_libraries_count_and_how_they_were_built_does_not(monkeypatch):
    real = importlib.metadata.version
    network = nn.Linear(2, 2)

    def with_version(package: str, version: str) -> str:
        monkeypatch.setattr(importlib.metadata, "version", lambda name: version if name == package else real(name))
        return digest(network)

    assert with_version("torch", "3.0+cpu") == with_version("torch", "3.0+cu999") != with_version("torch", "3.1")
    assert with_version("torchvision", "3.0") == with_version("torchvision", "3.1")  # it is not of this network
    from torchvision.models import squeezenet1_1

    network = squeezenet1_1()
    assert with_version("torchvision", "3.0") != with_version("torchvision", "3.1")
    assert with_version("robustness-benchmark", "3.0") == with_version("robustness-benchmark", "3.1")


class Prickly:
    __module__ = property(lambda self: 1 / 0)  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        raise KeyError(name)

    def __eq__(self, other: object) -> bool:
        raise TypeError("incomparable")

    __hash__ = None  # type: ignore[assignment]


def test_odd_things_in_it_do_no_harm(tmp_path):
    def odd() -> list[object]:
        with (tmp_path / "file").open("w") as file:
            things = [
                10**10_000,
                Mock(),
                file,
                threading.Lock(),
                (n for n in [1]),
                sys,
                logging.getLogger(),
                iter([1]),
            ]
        return [*things, weakref.ref(file), torch.Generator(), float("nan"), "\ud800", b"", print, len, dict.fromkeys]

    assert holds(odd()) == holds(odd())
    assert holds(10**10_000) != holds(10**10_000 + 1)
    with pytest.raises(BadInput, match="a can't be told apart from others, as it holds something odd"):
        holds(Prickly())


def test_code_without_a_file_counts_by_what_it_does():
    def made(text: str) -> str:
        namespace = {"nn": nn, "__name__": "__main__"}
        exec(f"class Net(nn.Module):\n    def forward(self, x):\n        return {text}", namespace)
        return digest(namespace["Net"]())  # type: ignore[operator]

    assert made("x + 1") == made("x + 1") != made("x + 2")
    assert made("(lambda y: y + 1)(x)") != made("(lambda y: y + 2)(x)")


def test_reach_names_the_modules_that_it_met():
    assert {"torch.nn.modules.linear", "identity_toys"} <= Reach(identity_toys.Holds(nn.Linear(1, 1))).modules


def test_a_function_that_an_object_of_a_library_runs_counts():
    def network(run):
        module = nn.Sequential(nn.Flatten())
        module.change = transforms.Compose([transforms.Lambda(run)])
        return network_of(module).digest

    one, other = network(lambda x: 2 * x), network(lambda x: 3 * x)
    assert one != other
    assert one == network(lambda x: 2 * x)
