"""Ledgers for papers, with as many images broken as a test wants, written through the evaluation room's own door."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import costs

from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.ledger import Ledger, Record
from benchmark.ledger.record import FORMAT
from benchmark.papers.setting import PaperSetting
from benchmark.planning.networks import PlannedNetwork, TrainingRun
from benchmark.storage import digest
from benchmark.training.decision import decide
from benchmark.training.identity import images_digest, make_identity

#: A paper of two networks and one that can't be trained.
TOY = """\
name: toy
title: Toy
source: nowhere
scales:
  other: {recipe: quick, preset: quick, images: 20, architecture: small-cnn}
runs:
  natural: {method: natural, settings: {epochs: 1}}
  ard: {method: ard, teachers: [natural], settings: {epochs: 1, threats.linf.steps: 1}}
  unborn: {method: no-such-method}
exhibits:
  "1":
    title: Two networks
    suite: smoke
    columns:
      - {label: Clean, metric: clean}
      - {label: linf, metric: linf}
      - {label: Ravg, metric: r_avg}
    rows:
      - {label: unborn, run: unborn}
      - {label: ARD, run: ard}
      - {label: Nature, run: natural}
claims:
  - {text: they differ on clean images, exhibit: "1", left: Nature, right: ARD, column: Clean}
"""


def write_toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the file of that paper, in the working folder, which is `folder` from now on."""
    monkeypatch.chdir(folder)
    (folder / "toy.yaml").write_text(TOY, encoding="utf-8")
    return "toy.yaml"


def file_evaluation(
    results: Path,
    network: PlannedNetwork,
    setting: PaperSetting,
    suite: str,
    broken: Mapping[str, int] | int,
    *,
    images: int = 100,
    clean_errors: int = 0,
    mode: str = "complete",
    scale: str | None = None,
    card: Mapping[str, Any] | None = None,
    fails: str | None = None,
    source: PlannedNetwork | None = None,
    hardware: str | None = None,
) -> None:
    """File an evaluation of `network` in which each attack breaks the first so many images.

    Attacks without a radius find the others at twice the radius.

    Args:
        results: the ledger.
        network, setting: whose evaluation, with which data and preset.
        suite: under which suite.
        broken: per label of the suite, how many images it breaks; a number for all labels.
        clean_errors: how many of the last images are misclassified without attack.
        scale: the suite's row of radii; the dataset's name if left out.
        card: what the network says about itself, where it is not what the paper asks for.
        fails: label of an attack that failed.
        source: the network that the images were crafted on, if another one.
        hardware: where it was computed, if not on a machine that nobody has.
    """
    ledger = Ledger.open(results, create=True)
    bound = load_suite(suite, setting.preset, scale or setting.dataset).first(images)
    wrong = np.arange(images) >= images - clean_errors
    records: dict[str, list[str]] = {}
    for item in bound.items:
        count = broken if isinstance(broken, int) else broken.get(item.label, 0)
        failed = item.label == fails
        is_unbounded = item.attack.kind == "minimum-norm" and not failed
        hit = wrong | ((np.arange(images) < count) & (not failed))
        record = Record(
            key={
                "network": digest(network.name),
                "data": {"digest": digest(setting.dataset), "start": 0, "stop": images},
                "attack": item.definition()["attack"],
                "case": [item.definition(), setting.preset, mode, count, source.name if source else None],
            },
            broken=hit,
            distance=np.where(hit, 0.0, 2 * item.threat.epsilon if is_unbounded else np.inf),
            evaluated=np.ones(images, bool),
            clean_errors=wrong,
            info=costs(item.label, images, "RuntimeError: it broke down" if failed else None)
            | {"seconds": 2.0}
            | ({"hardware": hardware} if hardware else {}),
        )
        ledger.write(record)
        records[item.label] = [record.digest]
    ledger.write_evaluation(
        {
            "format": FORMAT,
            "id": digest([network.name, bound.digest, mode, images, str(broken), clean_errors]),
            "model": {**_card(network, setting), **(card or {})},
            "crafted_on": _card(source, setting) if source else None,
            "suite": bound.definition(),
            "dataset": {"name": setting.dataset, "digest": digest(setting.dataset), "images": images},
            "mode": mode,
            "seed": 0,
            "precision": "fp32",
            "notes": [],
            "records": records,
        }
    )


def _card(network: PlannedNetwork, setting: PaperSetting) -> dict[str, Any]:
    """What `network` would say about itself."""
    told = {"name": network.name, "network": network.member, "digest": digest(network.name)}
    if asked := network.training:
        taught = [{"role": "teacher", "source": each.name, "digest": digest(each.name)} for each in asked.teachers]
        extra = {"precision": "fp32", "lineage": taught, "run": run_of(asked, setting)}
        return told | {
            "method": asked.method,
            "architecture": asked.architecture,
            "dataset": asked.dataset,
            "scale": asked.dataset,
            "seed": asked.seed,
            "recipe": {"name": asked.recipe},
            "history": [{"epoch": 1, "seconds": 7.0}, {"epoch": 2, "seconds": 8.0}],
            "extra": extra,
        }
    return told


@lru_cache(maxsize=64)
def run_of(training: TrainingRun, setting: PaperSetting) -> str:
    """The digest of the run; of one on data that is not here, a word that says so."""
    try:
        data = load(setting.dataset)
    except BadInput:
        return "on data that is not here"
    asked = training.method, data, training.architecture, training.recipe, training.settings
    recipe, bound = decide(*asked, training.inner, training.outer)
    identity = make_identity(
        training.method,
        bound,
        recipe,
        training.architecture,
        data=images_digest(data),
        teachers=[digest(each.name) for each in training.teachers],
        seed=training.seed,
        precision="fp32",
        inner=training.inner,
        outer=training.outer,
    )
    return digest(identity)
