"""What computes is tried as on processors that can do less, by hand and wherever a change is judged."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
WORKFLOW = (ROOT / ".github" / "workflows" / "test.yml").read_text()
RECIPE = (ROOT / "Makefile").read_text().split("\ntest-capabilities:")[1].split("\n\n")[0]


def test_two_lesser_processors_are_tried_on_everything_that_computes():
    runs = re.findall(r"ATEN_CPU_CAPABILITY=(\w+) ONEDNN_MAX_CPU_ISA=(\w+) .* \$\(NUMERICAL\)$", RECIPE, re.MULTILINE)
    assert runs == [("default", "SSE41"), ("avx2", "AVX2")]


def test_a_change_is_judged_by_them():
    assert "\nmake test\nmake test-capabilities\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.skipif("ATEN_CPU_CAPABILITY" not in os.environ, reason="nothing less was asked for")
def test_the_processor_that_was_asked_for_is_the_one_that_computes():
    assert torch.backends.cpu.get_cpu_capability() == os.environ["ATEN_CPU_CAPABILITY"].upper()


def test_the_workflow_makes_what_there_is_to_make():
    targets = {
        *re.findall(r"target: ([a-z-]+)\}", WORKFLOW),
        *re.findall(r"target: \[([a-z-]+)\]", WORKFLOW),
        *re.findall(r"\bmake ([a-z-]+)", WORKFLOW),
    }
    assert {"test", "test-capability", "test-lowest"} <= targets
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets <= {*rules}


def test_the_workflow_tries_every_capability_on_every_instruction_set():
    aten, onednn = (
        re.search(rf"^        {name}: \[(.*)\]$", WORKFLOW, re.MULTILINE)[1] for name in ("aten", "onednn")
    )
    assert aten.split(", ") == ["default", "avx2", "avx512"]
    assert onednn.split(", ") == ["SSE41", "AVX2", "AVX512_CORE", "AVX512_CORE_AMX"]
    assert 'make test-capability PYTHON=python ATEN="$ATEN" ONEDNN="$ONEDNN"' in WORKFLOW
