"""Under what conditions a paper is reproduced: on which data, how long, and with which of its panels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from benchmark.cache import at_home
from benchmark.data import DATASETS
from benchmark.data.loading import is_own
from benchmark.errors import BadInput
from benchmark.held_out_names import images_of, with_holdout
from benchmark.moved import look_up
from benchmark.papers.own_networks import OwnNetworks
from benchmark.papers.schema import OTHER, Panel, Paper, PrintedAs, TableOrFigure
from benchmark.planning.setting import Setting
from benchmark.scales import UNSAID, Radii


@dataclass(frozen=True)
class ChosenValue:
    """A setting of a run that a figure chooses here.

    Attributes:
        run: whose.
        setting, symbol: what is chosen, as `benchmark.train` takes it and in words.
        value: None where the figure chooses none, as it is not measured whole, so that the run has to wait.
        by: the figure.
    """

    run: str
    setting: str
    symbol: str
    value: Any
    by: str

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.symbol} is chosen by {self.by}, which chooses none yet"
        return f"{self.symbol} = {self.value}, chosen by {self.by}"


@dataclass(frozen=True, kw_only=True)
class PaperSetting(Setting):
    """One scale of a paper, with what the caller changed.

    Attributes:
        scale: its name in the paper; "other" for a dataset that the paper does not know.
        architecture: of the only panel, where the paper has none on this dataset.
        changed: how this differs from the paper's own setting; empty if it does not.
        given_recipe: of all trainings, where the caller named one.
        given_images: how many test images the caller asked for.
        own_networks: of the caller's, in place of trainings: "run" or "run/network", and the network.
        published: what the data is called without the part that stands in place of its test images.
        chosen: settings of runs that figures choose here, in place of the paper's.
    """

    scale: str
    architecture: str
    changed: tuple[str, ...] = ()
    given_recipe: str | None = None
    given_images: int | None = None
    own_networks: OwnNetworks = ()
    published: str = ""
    chosen: tuple[ChosenValue, ...] = ()

    def chosen_for(self, run: str) -> list[ChosenValue]:
        """What is chosen of the run called `run`."""
        return [each for each in self.chosen if each.run == run]

    def of(self, table: TableOrFigure) -> PaperSetting:
        """The setting of `table`: with part of the training images in place of the test images, where it says so."""
        if table.holdout is None:
            return self
        name = with_holdout(self.dataset, table.holdout)
        return replace(self, dataset=name, published=self.dataset, images=self.given_images)

    def panels(self, table: TableOrFigure) -> list[Panel]:
        """The panels of `table` to measure here: the paper's, or one of our own where it has none."""
        if table.scales is not None and self.scale not in table.scales:
            return []
        own = [panel for panel in table.panels if panel.dataset == (self.published or self.dataset)]
        return own or [Panel(dataset=self.dataset, architecture=self.architecture, published=PrintedAs())]

    def deviations(self, panel: Panel, images: int | None) -> list[str]:
        """Why numbers from `panel`, measured on `images`, don't compare with printed ones; empty if they do."""
        if not panel.published.dataset:
            return [f"measured on {self.dataset} with {panel.architecture}, for which the paper has no numbers"]
        fewer = images is not None and images < panel.images
        return [
            *self.changed,
            *([f"the first {images} {images_of(self.dataset)} instead of {panel.images}"] if fewer else []),
        ]


def make_setting(
    paper: Paper,
    scale: str,
    recipe: str | None = None,
    preset: str | None = None,
    images: int | None = None,
    seeds: tuple[int, ...] = (0,),
    radii: Radii = UNSAID,
    told: Iterable[str] = (),
) -> PaperSetting:
    """The setting of `paper` on the dataset `scale`; what is None is as the paper's file says.

    What is `told` is a difference to the paper's own setting, too, such as another reading of it.

    Raises:
        BadInput: there is no such dataset, `folder:` without a path, or no seed.
    """
    kind, _, path = (scale, "", "") if is_own(scale) else scale.partition(":")
    DATASETS.get(kind if path or is_own(scale) else kind.partition("?")[0])
    if kind.startswith("folder") and not path:
        raise BadInput(f"the scale {kind} needs a path: {kind}:PATH")
    if not seeds:
        raise BadInput("name at least one seed")
    if path:
        scale = f"{kind}:{at_home(path)}"
    name = scale if scale in paper.scales else OTHER
    usual = paper.scales[name]
    changed = [] if usual.faithful else [f"the recipe {usual.recipe} is not that of the authors on {scale}"]
    for what, given, expected in (("recipe", recipe, usual.recipe), ("preset", preset, usual.preset)):
        if given is not None and given != expected:
            changed.append(f"the {what} {given} instead of {expected}")
    changed += [f"the radii are {words}"] if (words := radii.told()) else []
    changed += told
    return PaperSetting(
        scale=name,
        dataset=scale,
        recipe=recipe or usual.recipe,
        preset=preset or usual.preset,
        images=images or usual.images,
        architecture=usual.architecture,
        seeds=tuple(dict.fromkeys(seeds)),
        changed=tuple(changed),
        given_recipe=recipe if recipe != usual.recipe else None,
        given_images=images,
        radii=radii,
    )


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
