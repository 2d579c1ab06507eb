"""The shortest training that is one, for tests of what happens around it."""

from __future__ import annotations

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
