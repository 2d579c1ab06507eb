"""No test sees which ran before it: what it changes for the whole process is put back."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import types
from importlib.abc import MetaPathFinder

import pytest
import torch
from traces import put_back

import benchmark
from benchmark.attacks import ATTACKS
from benchmark.models import ARCHITECTURES

BACKENDS = torch.backends


class Nothing(MetaPathFinder):
    """Finds nothing."""

    def find_spec(self, *_: object) -> None:
        return None


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


def mask() -> int:
    os.umask(found := os.umask(0o022))
    return found


def register() -> None:
    benchmark.register_architecture("left-behind", lambda **_: torch.nn.Identity())
    ATTACKS._own.pop("fgsm")


def change_environment() -> None:
    os.environ["LEFT_BEHIND"] = "1"
    os.environ["PATH"] = "nowhere"
    del os.environ["HOME"]


#: What a test may do, and how one sees that it did.
TRACES = {
    "path": (lambda: sys.path.insert(0, "left-behind"), lambda: [*sys.path]),
    "path shortened": (lambda: sys.path.pop(), lambda: [*sys.path]),
    "finder": (lambda: sys.meta_path.insert(0, Nothing()), lambda: [*sys.meta_path]),
    "module made anew": (lambda: sys.modules.update(json=types.ModuleType("json")), lambda: sys.modules["json"]),
    "module taken out": (lambda: sys.modules.pop("json"), lambda: sys.modules.get("json")),
    "arguments": (lambda: sys.argv.append("left-behind"), lambda: [*sys.argv]),
    "environment": (change_environment, environment),
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "mask": (lambda: os.umask(0o077), mask),
    "signal": (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), lambda: signal.getsignal(signal.SIGTERM)),
    "names": (register, lambda: [*ARCHITECTURES.names(), ARCHITECTURES.is_put("left-behind"), "fgsm" in ATTACKS]),
    "dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "anomalies": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "repeats": (lambda: torch.set_deterministic_debug_mode("error"), torch.get_deterministic_debug_mode),
    "products": (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision),
    "TF32": (lambda: setattr(BACKENDS.cudnn, "allow_tf32", False), lambda: BACKENDS.cudnn.allow_tf32),
    "one product": (
        lambda: setattr(BACKENDS.cudnn.conv, "fp32_precision", "ieee"),
        lambda: BACKENDS.cudnn.conv.fp32_precision,
    ),
    "convolutions": (
        lambda: setattr(BACKENDS.cudnn, "benchmark", not BACKENDS.cudnn.benchmark),
        lambda: BACKENDS.cudnn.benchmark,
    ),
}


@pytest.mark.parametrize("trace", TRACES)
def test_what_a_test_changes_is_put_back(trace, tmp_path):
    leave, see = TRACES[trace]
    before = see()
    with put_back(str(tmp_path)):
        leave()
        assert see() != before
    assert see() == before


def test_modules_that_a_test_made_are_forgotten(tmp_path):
    (tmp_path / "left_behind").mkdir()
    (tmp_path / "left_behind" / "__init__.py").touch()
    (tmp_path / "left_alone.py").touch()
    with put_back(str(tmp_path)):
        sys.path.insert(0, str(tmp_path))
        for name in ("left_behind", "left_alone"):
            importlib.invalidate_caches()
            importlib.import_module(name)
    assert not {"left_behind", "left_alone"} & sys.modules.keys()


def test_what_a_library_sets_up_stays(tmp_path):
    """A library adds its folder once, when it is imported; no other import of it would."""
    folder = f"{sys.prefix}/lib/vendored"
    with put_back(str(tmp_path)):
        sys.path.insert(0, folder)
    assert folder in sys.path


def test_a_working_folder_that_is_gone_is_left(tmp_path):
    before = os.getcwd()
    with put_back(str(tmp_path)):
        (tmp_path / "gone").mkdir()
        os.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
    assert os.getcwd() == before


def test_it_is_done_around_every_test_and_every_file(request):
    assert {"leaves_no_trace", "module_leaves_no_trace"} < {*request.fixturenames}
