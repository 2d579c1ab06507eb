"""Ledgers with known content, written through the evaluation room's own door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.ledger import Ledger, Record
from benchmark.ledger.record import FORMAT
from benchmark.ledger.schema import suite_digest
from benchmark.storage import digest

#: The worked example of six images: (label, norm, epsilon, kind, broken or distance per image).
WORKED_CLEAN_ERRORS = (True, False, False, False, False, False)
WORKED_ATTACKS = (
    ("fgsm", "linf", 0.03, "fixed-budget", (1, 0, 1, 0, 0, 0)),
    ("pgd", "linf", 0.03, "fixed-budget", (1, 1, 0, 0, 0, 0)),
    ("ddn", "l2", 0.5, "minimum-norm", (0, 0.7, 0.5, 0.51, 0.49, np.inf)),
    ("s&p", "l1", 12.0, "minimum-norm", (0, 40, np.inf, 12, 13, 12.5)),
)


def costs(label: str, images: int, error: str | None = None) -> dict[str, Any]:
    """What a record says of a run beside its results."""
    return {
        "label": label,
        "error": error,
        "seconds": 1.5,
        "forwards": 1000,
        "backwards": 400,
        "dead_gradients": 0,
        "disagreements": 0,
        "attacked": images,
        "faults": {},
        "hardware": "a machine",
        "date": "2026-01-02T03:04:05+00:00",
    }


def add_evaluation(
    results: Path,
    name: str = "at",
    attacks: Sequence[tuple[str, str, float, str, Sequence[float]]] = WORKED_ATTACKS,
    clean_errors: Sequence[bool] = WORKED_CLEAN_ERRORS,
    *,
    dataset: str = "digits",
    mode: str = "complete",
    preset: str = "quick",
    suite: str = "multi-perturbation",
    error: str | None = None,
    info: Mapping[str, Any] | None = None,
    card: Mapping[str, Any] | None = None,
    network: str | None = None,
    seed: int = 0,
    crafted_on: str | None = None,
    union: Sequence[tuple[str, float]] | None = None,
    identities: Mapping[str, Mapping[str, Any]] | None = None,
    about: Mapping[str, Any] | None = None,
    restarts: int = 1,
    precision: str = "fp32",
    classes: Mapping[str, Any] | None = None,
    predicted: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """File one evaluation with one record per attack and return its manifest; `error` makes the last attack fail.

    Networks of the same `network`, by default their name, are the same. `union`: the threats that the suite counts.
    `identities`: of attacks by label, where they are not invented. `about`: what else the suite says of itself.
    `classes`: of the images, as a manifest tells them. `predicted`: of attacks by label, the classes of adversarial
    images; records of other attacks know none.
    NaN stands for an image that the attack was not tried on.
    """
    ledger = Ledger.open(results, create=True)
    images = len(clean_errors)
    known = [name, network] if network else name
    network = digest(network or name)
    items, records = [], {}
    other = (suite, preset) != ("multi-perturbation", "quick")
    version = 2 + int(digest([suite, preset])[:6], 16) if other else 1  # suites of one digest are one suite
    for label, norm, epsilon, kind, values in attacks:
        wrong = np.asarray(clean_errors, bool)
        found = np.asarray(values, float)
        tried = ~np.isnan(found)
        found = np.where(tried, found, np.inf if kind == "minimum-norm" else 0)
        distance = np.where(wrong, 0, found if kind == "minimum-norm" else np.where(found > 0, epsilon, np.inf))
        failed = error is not None and label == attacks[-1][0]
        attack = dict((identities or {}).get(label) or {"name": label, "version": version, "steps": 40})
        data = {"digest": digest(dataset), "start": 0, "stop": images}
        record = Record(
            key={
                "network": network,
                "data": data,
                "attack": attack,
                "label": label,
                "suite": [suite, preset, mode],
                "seed": seed,
                "source": crafted_on,
            },
            broken=wrong if failed else wrong | (distance <= epsilon),
            distance=np.where(wrong, 0, np.inf) if failed else distance,
            evaluated=wrong if failed else wrong | tried,
            clean_errors=wrong,
            **_predicted(classes, (predicted or {}).get(label)),
            info=costs(label, images, error if failed else None) | dict(info or {}),
        )
        ledger.write(record)
        records[label] = [record.digest]
        items.append(
            {
                "label": label,
                "attack": attack,
                "norm": norm,
                "epsilon": epsilon,
                "restarts": restarts,
                "kind": kind,
                "source": "own",
                "paper": "",
            }
        )
    counted = {"union": [{"norm": norm, "epsilon": radius} for norm, radius in union]} if union else {}
    manifest = {
        "format": FORMAT,
        "id": digest([known, dataset, suite, preset, items, mode, images, seed, crafted_on]),
        "model": {**_card(name, network, dataset), **(card or {})},
        "suite": {"name": suite, "preset": preset, "version": 1, "items": items}
        | {"digest": suite_digest({"items": items, **counted}, images)}
        | counted
        | dict(about or {}),
        "dataset": {"name": dataset, "digest": digest(dataset), "images": images},
        "mode": mode,
        "seed": seed,
        "precision": precision,
        "notes": [],
        "records": records,
        "crafted_on": _card(crafted_on, digest(crafted_on), dataset) if crafted_on else None,
        "classes": classes,
    }
    ledger.write_evaluation(manifest)
    return manifest


def _card(name: str, network: str, dataset: str) -> dict[str, Any]:
    """What a network called `name`, with the digest `network`, says about itself."""
    return {
        "name": name,
        "method": name,
        "network": "",
        "architecture": "small-cnn",
        "dataset": dataset,
        "seed": 0,
        "digest": network,
        "history": [],
    }


def _predicted(classes: Mapping[str, Any] | None, adversarial: Sequence[int] | None) -> dict[str, Any]:
    if classes is None or adversarial is None:
        return {}
    clean = np.array(classes["answers"].split(), np.int64)
    return {"clean_class": clean, "adversarial_class": np.array(adversarial, np.int64)}
