"""What is evaluated: a network and the images it is tried on, named by digest and loaded where they are needed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor, nn

from benchmark.attacks import PreparedClassifier, freeze, last_layer
from benchmark.data import Dataset, Split
from benchmark.errors import FOREIGN, BadInput, UnfitNetwork, reason
from benchmark.evaluation import opening
from benchmark.evaluation.judge import asked, exact_logits
from benchmark.evaluation.judging import SINGLE, Judging
from benchmark.evaluation.opening import dataset_of, open_network
from benchmark.evaluation.shard import Shard
from benchmark.ledger.answers import Answers, Known
from benchmark.ledger.classes import Classes
from benchmark.memory import free_cached, halve_on_out_of_memory, is_out_of_memory
from benchmark.models import Arranged, Checkpoint, ExternalModel, arranged, check_model, differing
from benchmark.moved import look_up
from benchmark.own.trust import trusting

Network = Checkpoint | ExternalModel | Arranged


@dataclass(frozen=True)
class Target:
    """A network and a test set by name and digest: all that a worker needs to load the same ones.

    Attributes:
        source: where the network comes from, e.g. a checkpoint's path.
        network: the digest that the network's results are filed under.
        dataset, data_dir: what `benchmark.data.load` is asked for.
        data: the digest of the test split.
        device, precision: of the search, resolved.
        trust_remote_code: whether foreign code that the network is made by may be run.
        compile: whether the search's passes are compiled.
        contents: the digest of what the network is made of; "" where that is `network`.
        answers: what it answers to the first test images; None where it was not asked.
        outputs: for each class of the data, which output stands for it; () where they stand in the data's order.
        images: how many test images are needed, so that no more need be read; None for all.
        classes: how many the network has, for data whose classes were only counted.
        data_is_object: whether the data was handed over, and no name leads to it.
        last_layer: the layer that the search leaves out, see `attacks.last_layer`; "" for none.
        judging: how gradients and verdicts are made.
        deterministic: whether only kernels run that give the same bits again.
    """

    source: str
    network: str
    dataset: str
    data_dir: str | None
    data: str
    device: str
    precision: str
    trust_remote_code: bool = False
    compile: bool = False
    contents: str = ""
    answers: Answers | None = None
    outputs: tuple[int, ...] = ()
    last_layer: str = ""
    images: int | None = None
    classes: int = 0
    data_is_object: bool = False
    judging: Judging = SINGLE
    deterministic: bool = False

    @property
    def known(self) -> Known | None:
        """What to know the network again by, if it was asked."""
        contents = self.contents or self.network
        return None if self.answers is None else Known(self.network, contents, self.data, self.answers)


#: How many test images a network is asked for, and as many between them.
FEW = 8

#: How far the answers of the prepared network may be from those of the original, as `differing` measures it.
_ROUNDING = 2e-2


class TestImages(Protocol):
    """What a target asks of a dataset."""

    @property
    def test(self) -> Split: ...
    @property
    def num_classes(self) -> int: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...


class LoadedTarget:
    """A loaded target.

    Attributes:
        model: the original network, float32 and in eval mode: the one that verification asks.
        classifier: the network as prepared for the search.
    """

    def __init__(self, model: nn.Module, dataset: TestImages, target: Target) -> None:
        self.model = freeze(model.to(target.device).float().eval())
        self._test, self._device = dataset.test, torch.device(target.device)
        self._num_classes, self._target = dataset.num_classes, target
        self._class_names = dataset.class_names
        self.judging = target.judging
        self._shards: dict[tuple[int, int], Shard] = {}
        self._positions: Tensor | None = None
        self.classifier = self._prepared()
        self._changes_itself = False
        with torch.no_grad(), suppress(*FOREIGN):  # what else is wrong with it, `check_model` says
            self.classifier(self.images(0, 2)[0])
        self._changes_itself = self.restore()

    def _prepared(self) -> PreparedClassifier:
        probe = self.images(0, 2)[0]
        return PreparedClassifier(
            self.model,
            self._num_classes,
            self._device,
            self._target.precision,
            probe,
            self._target.compile,
            self._target.last_layer,
            self._target.judging.draws,
        )

    def restore(self) -> bool:
        """Prepare the network anew if it is no longer as it was prepared; whether anybody but itself changed it."""
        changed = self.classifier.is_changed()
        if changed:
            self.classifier = self._prepared()
        return changed and not self._changes_itself

    def at(self, positions: Sequence[int]) -> LoadedTarget:
        """The same network on these images of its test set alone, numbered from 0 in this order."""
        block = copy.copy(self)
        block._positions = torch.tensor(positions)
        block._test, block._shards = self._test[block._positions], {}
        return block

    def positions(self, rows: Tensor) -> Tensor:
        """Where the images numbered `rows` stand in the whole test set: what their noise follows from."""
        return rows if self._positions is None else self._positions[rows.cpu()]

    def images(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Copies on the device of the images start, ..., stop − 1, and their labels."""
        x, y = (tensor.to(self._device, copy=True) for tensor in self._test.batch(slice(start, stop)))
        return x, y

    def shard(self, start: int, stop: int) -> Shard:
        """`images`, and what the network answers without attack.

        Raises:
            UnfitNetwork: the network fails on them.
        """
        if (start, stop) not in self._shards:
            x, y = self.images(start, stop)
            place = f"the test images {start} to {stop - 1}"
            try:
                seed = start if self.judging.is_random else None
                logits, share, answers = asked(self.model, x, y, self.judging.verdict_passes, seed)
            except FOREIGN as error:  # a foreign network may raise anything
                raise UnfitNetwork(f"{self._target.source}: the network fails on {place}: {reason(error)}") from error
            self._shards = {(start, stop): Shard(x, y, share >= 0.5, logits, share, answers)}
        return self._shards[start, stop]

    def classes(self, images: int, at_once: int) -> Classes:
        """The classes of the first so many images, and which ones the network answers without attack.

        Raises:
            UnfitNetwork: the network fails on some.
        """
        labels, answers = [], []
        for start in range(0, images, at_once):
            shard = self.shard(start, min(start + at_once, images))
            labels.append(shard.y)
            answers.append(shard.classes)
        return Classes(self._class_names, *(torch.cat(each).cpu().numpy() for each in (labels, answers)))

    def changed_answers(self, start: int, stop: int, judged: tuple[Tensor, Tensor] | None = None) -> int:
        """For how many images of a shard the network answers otherwise than before, by more than rounding.

        Asked are the original, for the images as they are and as they were `judged` last, each in reversed order, and
        the prepared network as attacks ask it: for gradients, for a few images at a time. Another answer says that it
        is random or depends on earlier calls or other images, perhaps only where attacks lead, or that what was
        searched is not what is judged.

        Args:
            start, stop: the shard.
            judged: images N×C×H×W that were shown to the original in this order, and the logits N×K it gave.
        """
        if self.judging.is_random:  # which is said, and needs no proof
            return 0
        shard = self.shard(start, stop)
        x, logits = shard.x, shard.logits
        try:
            changed = differing(logits, self._as_attacks_ask(x), _ROUNDING)
            for images, before in [(x, logits), *([] if judged is None else [judged])]:
                changed |= differing(before, exact_logits(self.model, images.flip(0)).flip(0))
        except FOREIGN:  # a network that fails now and has not before answers none of them any more
            return len(x)
        return int(changed.sum())

    def _as_attacks_ask(self, x: Tensor) -> Tensor:
        """Logits N×K of the prepared network in float32, asked for one image, two, three, ... with gradients: images
        leave a search as they are broken, so that attacks ask for any number of them."""

        def ask(images: Tensor) -> Tensor:
            try:
                with torch.enable_grad():
                    return self.classifier.outputs(images.clone().requires_grad_()).detach()
            except FOREIGN as error:  # a foreign network may raise anything where it can't be followed back
                if is_out_of_memory(error):
                    raise
                with torch.no_grad():
                    return self.classifier.outputs(images)

        sizes = range(1, len(x) + 1)
        ends = [end for end in accumulate(sizes) if end < len(x)]
        with self.classifier.exact():
            return torch.cat([_halved(ask, part) for part in x.tensor_split(ends)])


def _halved(ask: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return halve_on_out_of_memory(lambda rows: ask(x[rows]), len(x))


#: The networks that stay in memory, the one used last at the end.
_LOADED: dict[Target, LoadedTarget] = {}


def loaded(target: Target, at_once: int = 1) -> LoadedTarget:
    """`load_target`; the latest `at_once` stay in memory."""
    found = _LOADED.pop(target, None)
    while len(_LOADED) >= at_once:
        del _LOADED[next(iter(_LOADED))]
    _LOADED[target] = found or load_target(target)
    return _LOADED[target]


def load_target(target: Target) -> LoadedTarget:
    """Load `target`.

    Raises:
        BadInput: the data is no longer what it was when the evaluation was planned.
        UnfitNetwork: that is so of the network.
    """
    with trusting(target.trust_remote_code):
        return _load_target(target)


def _load_target(target: Target) -> LoadedTarget:
    try:
        network = arranged(open_network(target.source, trust_remote_code=target.trust_remote_code), target.outputs)
    except BadInput as error:  # it could be opened when the evaluation was planned
        raise UnfitNetwork(str(error)) from error
    dataset = images_of(target)
    if dataset.digest != target.data:
        raise BadInput(f"dataset {target.dataset} is not what it was when the evaluation began; start it again")
    network.check_fits(dataset)
    if network.digest != (target.contents or target.network):
        raise UnfitNetwork(f"{target.source}: {_changed(network, dataset, target.judging)}")
    if target.answers is not None and not target.answers.agree(answers_of(network, dataset, target)):
        raise UnfitNetwork(f"{target.source}: {_changed(network, dataset, target.judging)}")
    model = network.model()
    opening.forget_checkpoint()  # whose weights the model has now, too
    return LoadedTarget(model, dataset, target)


def answers_of(network: Network, dataset: Dataset, target: Target) -> Answers:
    """What a network answers to the first test images.

    Raises:
        UnfitNetwork: it has no answers; the message says why.
    """
    model = network.model()
    try:
        x, _ = dataset.test.batch(slice(0, FEW))
        x, model = x.to(target.device), model.to(target.device).float()
        logits = exact_logits(model, x)
        return Answers.of(torch.cat([logits, _between(model, x, logits)]))
    except FOREIGN as error:  # a foreign network may raise anything
        try:
            x = dataset.test.batch(slice(0, FEW))[0].to(target.device)
            check_model(model, x, dataset.num_classes, is_random=target.judging.is_random)
        except BadInput as found:
            raise UnfitNetwork(f"{target.source}: {found}") from error
        raise UnfitNetwork(f"{target.source}: the network fails on the first test images: {reason(error)}") from error


def _between(model: nn.Module, x: Tensor, logits: Tensor) -> Tensor:
    """What `model` answers where attacks lead, off the grey levels of pictures; NaN where it fails there."""
    try:
        return exact_logits(model, 0.75 * x + 0.25 * x.roll(1, 0))
    except FOREIGN:  # a foreign network may raise anything; the attacks will say so
        return torch.full_like(logits, torch.nan)


def last_layer_of(network: Network, dataset: Dataset, target: Target) -> str:
    """The layer at the network's end that attacks do without, see `attacks.last_layer`; "" for none."""
    return last_layer(network.model().to(target.device), dataset.test.batch(slice(0, FEW))[0].to(target.device))


def _changed(network: Network, dataset: Dataset, judging: Judging) -> str:
    """Why a network may not be what it was, unless something worse is wrong with it: then that."""
    try:
        x = dataset.test.batch(slice(0, FEW))[0]
        check_model(network.model(), x, dataset.num_classes, is_random=judging.is_random)
    except BadInput as error:
        return str(error)
    if isinstance(network.network if isinstance(network, Arranged) else network, Checkpoint):
        return "the file is not what it was when the evaluation began; start it again"
    return (
        "its weights or its code are not what they were when the evaluation began; if the factory draws weights "
        "at random, call torch.manual_seed(0) in it first, or save them once and load them there; if it keeps a time "
        "or a count, leave that out; else start again"
    )


def images_of(target: Target) -> Dataset:
    """The dataset that the target is tried on."""
    with trusting(target.trust_remote_code):
        return dataset_of(target.dataset, target.data_dir, images=target.images, classes=target.classes)


def forget() -> None:
    """Free what `loaded` and `dataset_of` keep in memory."""
    _LOADED.clear()
    opening.forget()
    free_cached()


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
