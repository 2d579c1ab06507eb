"""The count of false alarms: what is drawn, replayed, counted and written."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from test_analysis_insight import attack, blind
from test_analysis_masking import found

from benchmark.analysis.masking import masking_flags
from benchmark.ledger.evaluation import Probe

false_alarms = pytest.importorskip("false_alarms")


def network(*outcomes):
    probe = Probe(100, 0, 100)
    return found(*(dataclasses.replace(one, probe=probe) for one in outcomes))


HONEST = network(attack("fgsm", 90), attack("pgd", 120, steps=40))
MASKED = network(attack("fgsm", 90), attack("pgd", 10, steps=40))


def test_the_table_counts_networks_and_rates():
    networks = [("a", HONEST), ("b", HONEST), ("b", MASKED), ("c", HONEST)]
    lines = false_alarms.alarms(networks, draws=3)
    assert lines[2] == "| complete | 450, as measured | 1 of 4 (4.6–69.9%) | 1 of 4 (4.6–69.9%) |"
    assert lines[3].startswith("| worst-case | 450, as measured | 1 of 4")
    assert len(lines) == 2 + 2 + 2 * len(false_alarms.SIZES)
    assert all("25.00% (0.00–" in line for line in lines[4:])
    assert false_alarms.which(networks)[0].startswith(
        "* toy, complete mode, strong: one-step attack beats iterative attacks; fgsm"
    )


def test_images_are_drawn_with_all_that_belongs_to_them():
    generator = np.random.default_rng(0)
    drawn = false_alarms.resampled(HONEST, 50, generator)
    assert len(drawn.clean_errors) == 50
    assert [outcome.broken.shape for outcome in drawn.outcomes] == [(50,), (50,)]
    assert (drawn.outcomes[1].broken | ~drawn.outcomes[0].broken).all()  # rows stay together: pgd broke more
    assert drawn.outcomes[0].probe == Probe(25, 0, 25)
    assert drawn.outcomes[0].costs["attacked"] == 50
    assert masking_flags(false_alarms.replayed(drawn)) == []
    dead = false_alarms.resampled(network(blind("square", 5), attack("pgd", 9)), 400, generator)
    assert len(dead.clean_errors) == 400  # more than there are: with repetition


def test_the_lines_go_between_the_markers(tmp_path, monkeypatch):
    page = tmp_path / "masking.md"
    page.write_text(
        "before\n<!-- false alarms: begin -->\nold\n<!-- false alarms: end -->\nafter\n", encoding="utf-8"
    )
    monkeypatch.setattr(false_alarms, "PAGE", page)
    false_alarms.write(["new"])
    false_alarms.write(["newer"])
    assert page.read_text(encoding="utf-8") == (
        "before\n<!-- false alarms: begin -->\n\nnewer\n\n<!-- false alarms: end -->\nafter\n"
    )
