"""How other libraries get to see a network, and how their randomness is kept away from the caller's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.attacks.base import Classifier


class LibraryModel(nn.Module):
    """A classifier as the `nn.Module` that libraries ask for, without the habits that break them.

    Its logits are a fresh tensor (some libraries write into them), always depend on the input (some call
    `backward` whatever comes), are finite (non-finite rows become zero, and so do their gradients, which are
    contiguous, whatever the network's layout) and never tie for the first place (Square takes a margin of
    exactly zero for success and for failure at once).
    A frozen parameter tells libraries that look for one which device to use.
    """

    def __init__(self, classifier: Classifier, device: torch.device) -> None:
        super().__init__()
        self._classifier = classifier
        self.anchor = nn.Parameter(torch.zeros(1, device=device), requires_grad=False)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Logits, N×K, of images N×C×H×W."""
        if x.requires_grad:
            x = x.view_as(x)
            x.register_hook(lambda gradient: torch.nan_to_num(gradient, 0.0, 0.0, 0.0).contiguous())
        logits = self._classifier(x)
        logits = torch.where(torch.isfinite(logits).all(1, keepdim=True), logits, torch.zeros_like(logits))
        top = logits.topk(2, dim=1)
        tie = (top.values[:, 0] == top.values[:, 1]).to(logits.dtype)
        logits = logits.scatter_add(
            1, logits.argmax(1, keepdim=True), (tie * 1e-6 * (1 + top.values[:, 0].abs()))[:, None]
        )
        if x.requires_grad and not logits.requires_grad:
            logits = logits + 0 * x.flatten(1).sum(1, keepdim=True)
        return logits


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within this context the global generators of torch, NumPy and Python start from `seed`; then as found."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        try:
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
