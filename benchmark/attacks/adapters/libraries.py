"""How other libraries get to see a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.attacks.ascent import ACCELERATORS_PATIENCE, PATIENCE
from benchmark.attacks.base import Classifier
from benchmark.attacks.objectives import clearly_wrong, has_answer
from benchmark.threats import Threat, column, in_box


class LibraryModel(nn.Module):
    """A classifier as the `nn.Module` that libraries ask for, without the habits that break them.

    Its logits are a fresh tensor (some libraries write into them), always depend on the input (some call
    `backward` whatever comes), are finite (non-finite rows become zero, and so do their gradients, which are
    contiguous, whatever the network's layout) and never tie for the first place (Square takes a margin of
    exactly zero for success and for failure at once).
    A frozen parameter tells libraries that look for one which device to use.

    Zeros are no success to a library, though an image without an answer is one. So the images that got none are
    remembered, each for the attacked image that it is nearest to; `with_unanswered` puts them among the candidates.

    Args:
        classifier: the network.
        x: the images that are attacked, N×C×H×W.
        threat: norm and ε.
        within: whether only what lies in the ball counts, as for an attack with a fixed budget.
    """

    def __init__(self, classifier: Classifier, x: Tensor, threat: Threat, within: bool = True) -> None:
        super().__init__()
        self._classifier, self._x, self._threat, self._within = classifier, x, threat, within
        self._unanswered: dict[int, tuple[float, Tensor]] = {}
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._patience = PATIENCE.get(x.device.type, ACCELERATORS_PATIENCE)
        self.anchor = nn.Parameter(torch.zeros(1, device=x.device), requires_grad=False)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Logits, N×K, of images N×C×H×W."""
        if x.requires_grad:
            x = x.view_as(x)
            x.register_hook(lambda gradient: torch.nan_to_num(gradient, 0.0, 0.0, 0.0).contiguous())
        logits = self._classifier(x)
        answered = has_answer(logits)
        self._note(x.detach(), answered)
        logits = torch.where(answered[:, None], logits, torch.zeros_like(logits))
        top = logits.topk(2, dim=1)
        tie = (top.values[:, 0] == top.values[:, 1]).to(logits.dtype)
        logits = logits.scatter_add(
            1, logits.argmax(1, keepdim=True), (tie * 1e-6 * (1 + top.values[:, 0].abs()))[:, None]
        )
        if x.requires_grad and not logits.requires_grad:
            logits = logits + 0 * x.flatten(1).sum(1, keepdim=True)
        return logits

    @torch.no_grad()
    def with_unanswered(self, x_adv: Tensor, y: Tensor) -> Tensor:
        """The candidates `x_adv` (N×C×H×W), or what got no answer in place of those that fail or are farther away."""
        self._look()
        if not self._unanswered:
            return x_adv
        rows = torch.tensor(list(self._unanswered), device=x_adv.device)
        images = torch.stack([image for _, image in self._unanswered.values()])
        silent = torch.ones(len(rows), dtype=torch.bool, device=x_adv.device)
        silent = self._classifier.confirm(images, y[rows], silent)
        distance = self._threat.distance(x_adv[rows] - self._x[rows])
        closer = self._threat.distance(images - self._x[rows]) < distance
        fails = ~clearly_wrong(self._classifier(x_adv[rows]), y[rows])
        result = x_adv.clone()
        result[rows] = torch.where(column(silent & (closer | fails), images), images, x_adv[rows])
        return result

    def _note(self, images: Tensor, answered: Tensor) -> None:
        """Images of a pass, and which of them got an answer; an accelerator is asked about several passes at once."""
        # The library may go on to write into what it showed.
        self._seen.append((images if self._patience == 1 else images.clone(), answered))
        if len(self._seen) == self._patience:
            self._look()

    def _look(self) -> None:
        """Remember what got no answer in the passes since the last look."""
        seen, self._seen = self._seen, []
        if seen and not bool(torch.cat([answered for _, answered in seen]).all()):
            for images, answered in seen:
                self._remember(images[~answered])

    def _remember(self, images: Tensor) -> None:
        """Keep of these M images (M×C×H×W), which got no answer, the nearest one to each attacked image."""
        if images.shape[1:] != self._x.shape[1:]:
            return
        for image in images[in_box(images)]:
            distances = self._threat.distance(image - self._x)
            row = int(distances.argmin())
            inside = not self._within or bool(self._threat.contains(self._x[row, None], image[None]))
            if inside and float(distances[row]) < self._unanswered.get(row, (torch.inf,))[0]:
                self._unanswered[row] = (float(distances[row]), image)
