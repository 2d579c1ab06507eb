"""One attack with its restarts on one shard, every candidate verified."""

from __future__ import annotations

import logging
from collections import Counter

import torch
from torch import Tensor

from benchmark.attacks import Resumable, Stage
from benchmark.evaluation.judge import AttackFault, Verdict, check_candidates, verify
from benchmark.evaluation.reuse import Earlier
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import LoadedTarget
from benchmark.generators import OwnGenerators
from benchmark.memory import halve_on_out_of_memory
from benchmark.noise import ExampleNoise
from benchmark.storage import digest

#: What attacks warn of is heard on this channel and kept in the record.
_LOG = logging.getLogger("benchmark.attacks")


class Trial:
    """What an attack has achieved so far on the images start, ..., stop − 1 of a test set.

    Args:
        network: whose images these are, and who judges the candidates.
        item: the attack, the threat, the number of restarts.
        start, stop: the shard, in positions of the test set.
        handed: N bools, which images the attack may work on, those that other attacks left standing; then it is done
            with an image once it is broken. None for all that are classified correctly.

    Attributes:
        clean_errors: N bools, misclassified without any attack.
        broken, distance: N each; clean errors are broken at distance 0.
        no_answer: N bools, which of the broken the network had no answer for.
        closest: N×C×H×W, the closest verified adversarial of each image, or the image itself.
        classes: how many the network has.
        clean_class, adversarial_class: N class indices each, what the network takes the image for, and `closest` when
            it was judged.
        wrong_share: N float32, in which share of the passes that judged the candidate it was misclassified: of those
            that broke an image, of the closest; else the highest.
        faults: candidates that were rejected, by reason.
        candidates: N×C×H×W, what the attack returned last, admissible or not.
        pictured: N bools, for which images `closest` is an adversarial if they are broken.
    """

    def __init__(self, network: LoadedTarget, item: SuiteItem, start: int, stop: int, handed: Tensor | None) -> None:
        self.network, self.item, self.start = network, item, start
        shard = network.shard(start, stop)
        self.x, self.y, self.clean_errors = shard.x, shard.y, shard.clean_errors
        everyone = torch.ones_like(self.clean_errors)
        self.handed = (everyone if handed is None else handed.to(everyone.device)) & ~self.clean_errors
        self.broken = self.clean_errors.clone()
        self.no_answer = shard.no_answer & self.clean_errors
        self.distance = torch.where(self.clean_errors, 0.0, torch.inf)
        self.closest = self.x.clone()
        self.classes = shard.logits.shape[1]
        self.clean_class, self.adversarial_class = shard.classes, shard.classes.clone()
        self.wrong_share = shard.wrong_share.clone()
        self.faults: Counter[str] = Counter()
        self._pending = self.handed.clone()
        self._until_broken = item.attack.kind == "fixed-budget" or handed is not None
        self.candidates = self.x
        self.pictured = ~self.clean_errors
        self._tried = 0
        self._verdict: Verdict | None = None

    def run(self, seed: int, stage: Stage | None = None) -> None:
        """All restarts: a budget attack tries again where it failed, a minimal one everywhere for less distance.

        Where it only has to break what others left standing, a minimal one also tries again only where it failed.

        Args:
            seed: of all noise.
            stage: where to go on; None to begin at the beginning.

        Raises:
            AttackFault: nothing of what the attack returned was admissible.
        """
        for restart in range(self.item.restarts):
            rows = self._pending.nonzero().squeeze(1)
            if not len(rows):
                break
            x_adv = self.x.clone()
            x_adv[rows] = craft(self.network, self.item, rows, self.start, self.x, self.y, seed, restart, stage)
            self.candidates = x_adv
            self.judge(x_adv)
        self.check()

    def inherit(self, earlier: Earlier) -> None:
        """Take in what is known of some of the images already; they are not attacked again.

        Args:
            earlier: what the same attack with the same noise did to them.
        """
        device = self.broken.device
        known = torch.from_numpy(earlier.known).to(device) & self.handed
        self.broken |= torch.from_numpy(earlier.broken).to(device) & known
        self.no_answer |= torch.from_numpy(earlier.no_answer).to(device) & known
        self.distance = torch.where(known, torch.from_numpy(earlier.distance).to(device), self.distance)
        classes = torch.from_numpy(earlier.adversarial_class).to(device)
        self.adversarial_class = torch.where(known, classes, self.adversarial_class)
        self._pending &= ~known
        self.pictured = self.pictured & ~known

    def judge(self, x_adv: Tensor) -> None:
        """Take in candidates (N×C×H×W) for the images that are still to be broken."""
        tried = self._pending.clone()
        judging, kind = self.network.judging, self.item.attack.kind
        seed = self._seed() if judging.is_random else None
        verdict = verify(self.network.model, self.x, self.y, x_adv, tried, self.item.threat, kind, judging, seed)
        closer = verdict.distance < self.distance
        self.closest[closer], self.adversarial_class[closer] = verdict.judged[closer], verdict.classes[closer]
        telling = closer | (tried & ~self.broken & (verdict.wrong_share > self.wrong_share))
        self.wrong_share = torch.where(telling, verdict.wrong_share, self.wrong_share)
        self.distance = torch.minimum(self.distance, verdict.distance)
        self.broken |= verdict.broken
        self.no_answer |= verdict.no_answer
        self.faults.update(verdict.faults)
        self._tried += int(tried.sum())
        self._verdict = verdict
        if self._until_broken:
            self._pending &= ~verdict.broken

    def _seed(self) -> int:
        """Of what a random network draws for the next verdict: another one for each, whoever ran before."""
        return int(digest([self.item.label, self.start, self._tried])[:8], 16)

    def changed_answers(self) -> int:
        """For how many images of the shard the network's answer is no longer what it was: to the image itself, or to
        what it was shown last in its place, when candidates were judged."""
        judged = None if self._verdict is None else (self._verdict.judged, self._verdict.logits)
        return self.network.changed_answers(self.start, self.start + len(self.x), judged)

    def check(self) -> None:
        """Raises AttackFault if candidates were tried and all of them were rejected."""
        if self._tried and sum(self.faults.values()) == self._tried:
            raise AttackFault(f"every candidate was rejected: {', '.join(self.faults)}")


def craft(
    network: LoadedTarget,
    item: SuiteItem,
    rows: Tensor,
    start: int,
    x: Tensor,
    y: Tensor,
    seed: int,
    restart: int,
    stage: Stage | None = None,
) -> Tensor:
    """Candidates for the images `rows` of a shard that begins at `start`: as many as there are rows.

    The attack goes on from `stage`, which holds all images of the shard, if there is one. The batch shrinks when
    memory runs out; where it matters to the attack, that is told. What it draws from the global generators follows
    from its noise and leaves no trace; what it changed about the network is undone.

    Raises:
        AttackFault: what came back can't be candidates, or the network was changed.
    """

    def attack(part: slice) -> Tensor:
        chosen = rows[part]
        noise = ExampleNoise(seed, network.positions(chosen + start), restart, x.device)
        if network.judging.is_random:  # whatever was attacked before, or in another process
            network.classifier.draw_anew(noise.fork().seed())
        arguments = (network.classifier, x[chosen], y[chosen], item.threat, noise)
        try:
            with OwnGenerators(noise.seed(), x.device), network.classifier.searching(), torch.enable_grad():
                if stage is not None and isinstance(item.attack, Resumable):
                    x_adv = item.attack.resume(*arguments, Stage(stage.steps, stage.images[chosen]))
                else:
                    x_adv = item.attack(*arguments)
        finally:
            changed = network.restore()
        if changed:
            raise AttackFault("the network's weights, buffers or mode were changed, by the attack or by itself")
        check_candidates(x_adv, x[chosen])
        if len(chosen) < len(rows) and not item.attack.batch_independent:
            _LOG.warning("memory ran out for whole shards; in smaller batches its random draws are others")
        return x_adv.detach()

    return halve_on_out_of_memory(attack, len(rows))
