"""Everything the site tells about one network, over all settings that it was evaluated in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from benchmark.analysis.attribution import Share, attribution
from benchmark.analysis.corruptions import Corruption, corruptions
from benchmark.analysis.curves import Curve, minimises, security_curve
from benchmark.labels import key
from benchmark.ledger import Evaluation
from benchmark.reporting import provenance, told
from benchmark.reporting.classes import ClassRow, class_chart, class_rows, confusion_table
from benchmark.reporting.curves import draw
from benchmark.reporting.entries import Entry
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.per_image import per_image_table
from benchmark.reporting.reproduce import curves_command, evaluation_command, training_command
from benchmark.reporting.text import count, duration, plural, setting
from benchmark.reporting.training_lines import Training, draw_training, training_lines
from benchmark.storage import safe_name


@dataclass(frozen=True)
class Result:
    """What a network did on one leaderboard.

    Attributes:
        board: the leaderboard.
        entry: the network's entry there.
        minimising: evaluations of the same network on the same images by attacks that minimise the distance alone.
    """

    board: Leaderboard
    entry: Entry
    minimising: tuple[Evaluation, ...] = ()

    @property
    def evaluation(self) -> Evaluation:
        """What is behind it."""
        return self.entry.evaluation

    @cached_property
    def curves(self) -> list[Curve]:
        """The security curves of the norms that have one."""
        found = [security_curve(self.evaluation, norm, self.minimising) for norm in self.evaluation.norms]
        return [curve for curve in found if curve is not None]

    @property
    def borrowed(self) -> list[str]:
        """The suites, with their presets, from whose attacks distances of the curves come, too."""
        suites = (other.suite for curve in self.curves for other in curve.borrowed)
        return list(dict.fromkeys(f"{suite['name']} ({suite['preset']})" for suite in suites))

    @property
    def curves_command(self) -> str | None:
        """What measures those curves that are upper bounds so far; None if there are none."""
        if self.borrowed or all(curve.is_measured for curve in self.curves):
            return None
        return curves_command(self.evaluation)

    @cached_property
    def shares(self) -> list[Share]:
        """Each attack's part in what was broken, in the order of the row's attacks."""
        return attribution(self.evaluation)

    @cached_property
    def corruptions(self) -> list[Corruption]:
        """Accuracy by corruption and severity; none if the suite has no corruptions."""
        return corruptions(self.evaluation)

    @cached_property
    def classes(self) -> list[ClassRow]:
        """The network's numbers by class; none in ledgers of older versions."""
        return list(class_rows(self.evaluation))

    @property
    def class_chart(self) -> Markup | None:
        """Accuracies by class as a drawing."""
        return class_chart(self.classes, f"Accuracy by class, {self.board.title}")

    @property
    def confusion(self) -> Markup | None:
        """What images are taken for in the worst case, as a table."""
        return confusion_table(self.evaluation, f"Confusion in the worst case, {self.board.title}")

    @property
    def lacks_classes(self) -> bool:
        """Whether records do not tell what adversarial images are taken for, as those of older versions."""
        return not all(outcome.knows_classes for outcome in self.evaluation.outcomes if outcome.complete)

    @property
    def image_table(self) -> str:
        """The place of the table of all images within the site."""
        return per_image_table(self.evaluation)

    @property
    def command(self) -> str:
        """What makes these results again."""
        return evaluation_command(self.evaluation)

    def charts(self) -> Iterator[Markup]:
        """The security curves as drawings."""
        yield from map(draw, self.curves)


@dataclass(frozen=True)
class NetworkPage:
    """All that the page about one network says.

    Attributes:
        name, digest: who it is.
        label: what it is called beside others, see `analysis.labels`.
        stem: of the files about it.
        card: what it says about itself.
        results: one for each leaderboard that it is on, at least one.
    """

    name: str
    digest: str
    label: str
    stem: str
    card: Mapping[str, Any]
    results: tuple[Result, ...]

    @property
    def title(self) -> str:
        """The full name of the method that trained it, or what its card calls it."""
        return told.title(self.card)

    @property
    def paper(self) -> str:
        """Where the method comes from; "" for an unknown method."""
        return told.paper(self.card)

    @property
    def facts(self) -> dict[str, str]:
        """What a card says at a glance; what it does not know is left out or empty."""
        extra = self.card.get("extra", {})
        found = {name: str(self.card.get(name) or "") for name in ("network", "architecture")}
        found["parameters"] = count(self.card["numbers"]) if "numbers" in self.card else ""
        found["trained on"] = str(self.card.get("dataset") or "")
        found["extra data"] = provenance.extra_data(self.card)
        found["initialised from"] = provenance.begun_from(self.card)
        found["training seed"] = "" if self.card.get("seed") is None else str(self.card["seed"])
        found["training time"] = duration(float(extra["seconds"])) if "seconds" in extra else ""
        found["training hardware"] = plural(str(extra.get("hardware", "")))
        # The data's names, as some of a checkpoint's own may be others.
        found["class order"] = ", ".join(self.card.get("stands_for", ()))
        found["final layer omitted in attacks"] = self.card.get("last_layer", "")
        if isinstance(extra.get("imported"), dict):
            found["imported from"] = str(extra["imported"].get("file", ""))
        elif "selection" in self.card:
            found["selected weights"] = str(self.card["selection"])
            if (epoch := self.card.get("selected_epoch")) is not None:
                found["selected weights"] += f", epoch {epoch}"
            if (which := provenance.weights(self.card)).startswith("averaged"):
                found["selected weights"] += f", {which}"
        return found

    @cached_property
    def formulas(self) -> dict[str, str]:
        """What training maximised over perturbations and minimised over weights, as the method defines it."""
        return told.formulas(self.card)

    @property
    def recipe(self) -> dict[str, str]:
        """How it was trained, inner values by dotted names."""
        settings = self.card.get("extra", {}).get("settings", {})
        return dict(_flat({**self.card.get("recipe", {}), **settings}))

    @property
    def command(self) -> str | None:
        """What trains it again, if it was trained here."""
        return training_command(self.card)

    @cached_property
    def training(self) -> Training:
        """How training went, epoch by epoch."""
        return training_lines(self.card.get("history", []))

    def charts(self) -> Iterator[Markup]:
        """How training went: accuracies on the validation split, and losses."""
        yield from draw_training(self.training, self.card.get("selected_epoch"))


def network_pages(boards: Iterable[Leaderboard]) -> list[NetworkPage]:
    """The networks of all leaderboards by name, each with file names of its own, whatever letters its name has."""
    boards = list(boards)
    minimising: dict[tuple[str, str, int], list[Evaluation]] = {}
    for evaluation in (evaluation for board in boards for evaluation in board.evaluations if minimises(evaluation)):
        minimising.setdefault(_asked(evaluation), []).append(evaluation)
    found: dict[tuple[str, str], list[Result]] = {}
    for board in boards:
        for entry in board.entries:
            others = tuple(other for other in minimising.get(_asked(entry.evaluation), ()) if other.id != entry.id)
            found.setdefault(key(entry.card), []).append(Result(board, entry, others))
    stems: dict[str, int] = {}
    for name, _ in found:
        # Some file systems keep no two names apart that differ by capitals only.
        stems[safe_name(name).casefold()] = stems.get(safe_name(name).casefold(), 0) + 1
    pages = []
    for (name, digest), results in sorted(found.items()):
        is_alone = stems[safe_name(name).casefold()] == 1
        stem = safe_name(name) if is_alone else f"{safe_name(name, 60)}-{digest[:12]}"
        first = results[0].entry
        pages.append(NetworkPage(name, digest, first.label, stem, first.card, tuple(results)))
    return pages


def _asked(evaluation: Evaluation) -> tuple[str, str, int]:
    """Which network, and which images."""
    return evaluation.model["digest"], evaluation.dataset["digest"], evaluation.dataset["images"]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting(value)
