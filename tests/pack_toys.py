"""Evaluations of many records, as they are and packed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from benchmark.checkup import Finding, doctor
from benchmark.ledger import Ledger, Record
from benchmark.ledger.classes import NONE
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.predictions import UNKNOWN, fitting
from benchmark.ledger.record import FORMAT, RULES, checksum, written
from benchmark.ledger.schema import suite_digest
from benchmark.storage import digest

NETWORK, SHARD = digest("a network"), 10


def item(number: int) -> dict:
    return {
        "label": f"attack-{number}",
        "attack": {"name": "pgd", "version": 1, "number": number},
        "norm": ("linf", "l2")[number % 2],
        "epsilon": 0.5,
        "restarts": 1,
        "kind": ("fixed-budget", "minimum-norm")[number % 2],
        "source": "own",
        "paper": "",
    }


def record(number: int, start: int, stop: int, **told) -> Record:
    """What one attack found on some images: oddities here and there, as attacks have them."""
    draw = np.random.default_rng([number, start])
    images = stop - start
    wrong = np.random.default_rng(start).random(images) < 0.2
    broken = wrong | (draw.random(images) < 0.5)
    silent = broken & (draw.random(images) < 0.3) if (number, start) == (1, 10) else np.zeros(images, bool)
    info = {
        **dict.fromkeys(("forwards", "backwards", "dead_gradients", "disagreements", "attacked"), start + number),
        "seconds": draw.random(),
        "error": None,
        "faults": {"outside the ball": 2} if start == 20 else {},
        "hardware": "a machine" if start else "another machine",
        "date": f"2026-01-02T00:00:{start:02}",
        "changed_answers": int(number == 2),
        "warnings": ['ä\n"{}'] if number == 0 else [],
        "probe": {"images": 5, "dead": 1, "uphill": start % 3} if number == 1 else None,
    }
    return Record(
        key={
            "network": NETWORK,
            "data": {"digest": "d", "start": start, "stop": stop},
            "attack": item(number)["attack"],
            "handed": None if number else digest(start),
        },
        broken=broken,
        distance=np.where(wrong, 0, np.where(broken, draw.random(images), np.inf)).astype(np.float32),
        evaluated=~silent | wrong,
        clean_errors=wrong,
        no_answer=silent,
        wrong_share=draw.random(images).astype(np.float32) if number == 3 and start else None,
        info=info | told,
    )


def fill(folder: Path, attacks: int = 4, images: int = 35) -> tuple[Ledger, dict]:
    """A ledger of one evaluation, in single files."""
    ledger = Ledger.open(folder, create=True)
    items = [item(number) for number in range(attacks)]
    records: dict[str, list[str]] = {}
    for number, each in enumerate(items):
        for start in range(0, images, SHARD):
            found = record(number, start, min(start + SHARD, images))
            ledger.write(found)
            records.setdefault(each["label"], []).append(found.digest)
    suite = {"name": "s", "preset": "standard", "items": items}
    manifest = {
        "format": FORMAT,
        "id": digest(["evaluation", attacks]),
        "model": {
            "name": "net",
            "method": "at",
            "network": "",
            "architecture": "a",
            "dataset": "x",
            "digest": NETWORK,
        },
        "suite": {**suite, "digest": suite_digest(suite, images)},
        "dataset": {"name": "x", "digest": "d", "images": images},
        "mode": "complete",
        "seed": 0,
        "precision": "fp32",
        "rules": RULES,
        "notes": [],
        "records": records,
    }
    ledger.write_evaluation(manifest)
    return ledger, manifest


def names(manifest: dict) -> list[str]:
    return [name for own in manifest["records"].values() for name in own]


def content(record: Record) -> tuple[str, str]:
    text, arrays = written(record)
    return text, checksum(text, arrays)


def singles(ledger: Ledger) -> list[Path]:
    return sorted(ledger.folder.glob("records/*/*.safetensors"))


def packs(ledger: Ledger) -> list[Path]:
    return sorted(ledger.folder.glob("packs/*/*.safetensors"))


def plain(value):
    """An evaluation as values that can be compared with ==."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tobytes()
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: round(each, 9) if isinstance(each, float) else plain(each) for name, each in value.items()}
    return value


def damage(folder: Path, **options) -> list[Finding]:
    """What the doctor finds, besides what attacks did wrong."""
    return [found for found in doctor(results=folder, **options) if "were rejected" not in found.problem]


def whole(folder: Path) -> Evaluation:
    ledger = Ledger.open(folder)
    (found,) = ledger.evaluations()
    assert not ledger.problems
    assert not any(outcome.missing for outcome in found.outcomes)
    return found


def with_classes(found: Record, count: int) -> Record:
    """The same of a network with so many classes, which knows what it predicts."""
    clean = np.where(found.clean_errors, NONE, count - 1)
    adversarial = np.where(found.evaluated, np.where(found.broken & ~found.clean_errors, 0, clean), UNKNOWN)
    told = {"clean_class": clean, "adversarial_class": adversarial}
    return dataclasses.replace(found, **{name: fitting(own, count) for name, own in told.items()})
