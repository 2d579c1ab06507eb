"""What computes is tried as on processors that can do less, by hand and wherever a change is judged."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
RECIPE = (ROOT / "Makefile").read_text().split("\ntest-capabilities:")[1].split("\n\n")[0]


def test_two_lesser_processors_are_tried_on_everything_that_computes():
    runs = re.findall(r"ATEN_CPU_CAPABILITY=(\w+) ONEDNN_MAX_CPU_ISA=(\w+) .* \$\(NUMERICAL\)$", RECIPE, re.MULTILINE)
    assert runs == [("default", "SSE41"), ("avx2", "AVX2")]


def test_a_change_is_judged_by_them():
    assert "\nmake test\nmake test-capabilities\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.skipif("ATEN_CPU_CAPABILITY" not in os.environ, reason="nothing less was asked for")
def test_the_processor_that_was_asked_for_is_the_one_that_computes():
    assert torch.backends.cpu.get_cpu_capability() == os.environ["ATEN_CPU_CAPABILITY"].upper()
