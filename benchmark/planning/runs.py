"""Whether a network is the one that is asked for: made by that very run, whatever it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint, load_model
from benchmark.planning.networks import PlannedNetwork, TrainingRun
from benchmark.planning.setting import Setting
from benchmark.run_names import file_stem, name_beside
from benchmark.scales import own_scale
from benchmark.storage import digest
from benchmark.training.decision import decide, registered_name
from benchmark.training.identity import card_facts, differences, facts, images_digest, in_words, make_identity
from benchmark.training.request import with_extra_share

#: What a checkpoint or an evaluation says about a network.
Card = Mapping[str, Any]


class Images(NamedTuple):
    """What a card tells of the images that its network was trained on; `scale` is one that they have of their own."""

    name: str
    scale: str
    shape: tuple[int, int, int]


class Runs:
    """The runs of a setting, and which networks came out of them.

    Args:
        setting: where they are trained.
        cards: of networks that are known, so that a teacher can be looked up by its digest.
    """

    def __init__(self, setting: Setting, cards: Iterable[Card] = ()) -> None:
        self.setting = setting
        self.cards = {str(card["digest"]): card for card in cards}
        self._expected: dict[tuple[Any, ...], tuple[dict[str, Any], str] | None] = {}
        self._contents: dict[str, str | None] = {}

    def made(self, network: PlannedNetwork, card: Card) -> bool:
        """Whether `card` is that of `network`: of a training, by the digest of the run that is asked for.

        The precision may be any where the machine chooses it, and a teacher's weights any that its own run led to.
        Where the training images are not here, everything but them is compared.
        """
        training = network.training
        if network.digest:
            return bool(card["digest"] == network.digest)
        if training is None:
            return bool(card["name"] == network.name) and self._is_as_it_is_now(network.name, card)
        if card.get("network") != network.member or card.get("selection", "best") != "best":
            return False
        taught = _extra(card).get("lineage") or []
        pairs = zip(training.teachers, taught, strict=False)
        if len(taught) != len(training.teachers) or not all(self._taught(teacher, said) for teacher, said in pairs):
            return False
        found = self._asked(training, card)
        run = _extra(card).get("run")
        if found is None or run is None:
            return False
        return bool(run == found[1]) if self._images else not differences(card_facts(card), facts(found[0]))

    def told(self, network: PlannedNetwork, card: Card) -> str:
        """What the run that made `card` did otherwise, in words."""
        found = network.training and self._asked(network.training, card)
        return in_words(differences(card_facts(card), facts(found[0])) if found else [])

    def _asked(self, training: TrainingRun, card: Card) -> tuple[dict[str, Any], str] | None:
        """The identity of the run that is asked for, with what `card` may choose, and its digest; None for no run."""
        teachers = tuple(str(said.get("digest")) for said in _extra(card).get("lineage") or ())
        images = Images(
            training.dataset,
            own_scale(str(card.get("scale")), _extra(card).get("radii")),
            tuple(card.get("shape") or (3, 32, 32)),
        )
        key = training, str(_extra(card).get("precision")), teachers, images
        if key not in self._expected:
            self._expected[key] = self._identity(*key)
        return self._expected[key]

    def _identity(
        self, training: TrainingRun, precision: str, teachers: tuple[str, ...], images: Images
    ) -> tuple[dict[str, Any], str] | None:
        asked = training.method, self._data or images, training.architecture, training.recipe, training.settings
        try:
            recipe, bound = decide(*asked, training.inner, training.outer, self.setting.radii)
            recipe = with_extra_share(recipe, training.extra_data is not None)
        except BadInput:
            return None
        wanted = self.setting.precision if self.setting.precision != "auto" else recipe.precision
        identity = make_identity(
            registered_name(training.method),
            bound,
            recipe,
            training.architecture,
            data=self._images,
            teachers=teachers,
            seed=training.seed,
            precision=precision if wanted == "auto" else wanted,
            inner=training.inner,
            outer=training.outer,
            init=[network.digest for network in training.inits],
            extra_data=training.extra_data.digest if training.extra_data else None,
        )
        return {**identity, "dataset": training.dataset, "inner": training.inner}, digest(identity)

    @cached_property
    def _data(self) -> Dataset | None:
        try:
            return load(self.setting.dataset, data_dir=self.setting.data_dir)
        except BadInput:
            return None

    @cached_property
    def _images(self) -> str:
        return images_digest(self._data) if self._data else ""

    def _taught(self, teacher: PlannedNetwork, said: Card) -> bool:
        """Whether what a checkpoint says of its teacher is true of `teacher`; where it is gone, its name must do."""
        card = self.cards.get(str(said.get("digest")))
        if teacher.digest:
            return str(said.get("digest")) == teacher.digest
        named = str(said.get("source"))
        return named == teacher.name or fnmatch(named, beside(teacher)) if card is None else self.made(teacher, card)

    def _is_as_it_is_now(self, source: str, card: Card) -> bool:
        """Whether one's own code still makes the network that `card` is of, as far as it may be run."""
        if source not in self._contents:
            self._contents[source] = None
            if source.startswith("python:") and self.setting.trust_remote_code:
                with suppress(BadInput):  # which is told when it is evaluated
                    self._contents[source] = load_model(source, trust_remote_code=True).digest
        return self._contents[source] in (None, card.get("contents", card["digest"]))


class Zoo:
    """A folder of checkpoints, in which a network is found by its run.

    Args:
        folder: the zoo.
        runs: what tells whether a checkpoint is of a run.
        note: told about checkpoints that have a network's name and are not it.
    """

    def __init__(self, folder: Path, runs: Runs, note: Callable[[str], None] = lambda message: None) -> None:
        self.folder, self.runs, self.note = folder, runs, note

    def find(self, network: PlannedNetwork) -> Path | None:
        """The checkpoint of `network`; None if it is still to be trained."""
        if network.training is None:
            return None
        for teacher in network.training.teachers:
            self.find(teacher)
        notes = []
        former = self.folder / f"{file_stem(network.former)}.pt"
        beside_it = sorted(self.folder.glob(f"{beside(network)}.pt"))
        for path in dict.fromkeys([self._usual(network), former, *beside_it]):
            if not path.exists():
                continue
            try:
                found = load_checkpoint(path)
            except BadInput as error:
                notes.append(str(error))
                continue
            card = {**vars(found), "digest": found.digest}
            if self.runs.made(network, card):
                self.runs.cards[found.digest] = card
                return path
            told = self.runs.told(network, card)
            notes.append(f"{path} was trained otherwise than is asked for here ({told}); it stays as it is")
        for message in notes:
            self.note(message)
        return None

    def source(self, network: PlannedNetwork) -> str:
        """What `evaluate` and `train` are given for `network`: a file of the zoo, or the name of a published network.

        Raises:
            BadInput: another run's checkpoint has its name, and its own is not there.
        """
        if network.training is None:
            return network.source or network.name
        found, usual = self.find(network), self._usual(network)
        if found is None and usual.exists():
            raise BadInput(f"{usual} is of another run, and {network.name} as it is asked for could not be trained")
        return str(found or usual)

    def _usual(self, network: PlannedNetwork) -> Path:
        return self.folder / f"{file_stem(network.name)}.pt"


def beside(network: PlannedNetwork) -> str:
    """The pattern of what a trained network is called where another run's has its name."""
    if not network.training:
        return network.name
    member = f"-{network.member}" if network.member else ""
    return name_beside(network.training.name, "?" * 8).replace("?", "[0-9a-f]") + member  # not "natural-loss-bce"


def _extra(card: Card) -> Mapping[str, Any]:
    return card.get("extra") or {}
