"""Networks that hide their gradients are found by attacks that follow gradients alone, in either mode."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import masked_networks
import pytest
from evaluation_toys import write_suite

from benchmark.analysis.masking import is_masked, masking_flags
from benchmark.evaluation import evaluate

pytestmark = pytest.mark.usefixtures("one_thread")

#: Nothing here could be stronger than what it hides from.
GRADIENTS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: linf, parameters: {steps: 5, relative_step_size: 0.5}}
"""


@pytest.fixture
def flags(tmp_path):
    def run(name, mode):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # quantising so is deprecated
            (found,) = evaluate(
                f"python:masked_networks:{name}",
                suite=write_suite(tmp_path, GRADIENTS, images=60),
                results=tmp_path / "results",
                dataset="digits",
                trust_remote_code=True,
                precision="fp32",
                mode=mode,
                progress=False,
            )
        assert not found.failures
        return masking_flags(found)

    return run


@pytest.mark.parametrize("mode", ["complete", "worst-case"])
@pytest.mark.parametrize("name", masked_networks.MASKED)
def test_a_network_that_hides_is_found(flags, name, mode):
    _, sign = masked_networks.MASKED[name]
    assert sign in {flag.name for flag in flags(name, mode) if flag.is_strong}


def test_the_page_tells_of_each_and_of_its_sign():
    page = (Path(__file__).parent.parent / "docs" / "masking.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    told = {name: row.split("|")[2].strip() for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {name: sign for name, (_, sign) in masked_networks.MASKED.items()}


@pytest.mark.parametrize("mode", ["complete", "worst-case"])
@pytest.mark.parametrize("name", masked_networks.HONEST)
def test_a_network_that_only_looks_odd_is_not(flags, name, mode):
    assert not is_masked(flags(name, mode))
