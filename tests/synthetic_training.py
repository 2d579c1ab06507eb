"""The shortest training that is one, for tests of what happens around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark import training
from benchmark.training import train

#: One step of ascent, two epochs.
SHORT = {
    "epochs": 2,
    "batch_size": 256,
    "validation.steps": 1,
    "threats.linf.steps": 1,
    "threats.l2.steps": 1,
    "threats.l1.steps": 1,
}
FAST = {"device": "cpu", "precision": "fp32", "progress": False}


def run(method, folder, settings=None, **options):
    """Train shortly, under the name "mine" if no other is given."""
    return train(method, out=folder, set={**SHORT, **(settings or {})}, **{"name": "mine", **FAST, **options})


def begin_and_interrupt(monkeypatch):
    """What trains to the end, as `run`, and is interrupted before the checkpoints are written."""

    def begin(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(training, "save_checkpoints", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run(*arguments, **options)

    return begin


def content(folder: Path) -> dict[str, bytes]:
    """The files of networks and states below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.pt"))}
