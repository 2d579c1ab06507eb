"""Places of one machine in what results say: others are to learn no folder and no user's name."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from benchmark.ledger import Evaluation, Ledger, Outcome
from benchmark.ledger.sample_images import SampleImages

Value = TypeVar("Value")

#: An absolute path of two parts or more somewhere in a text; the two slashes of a web address begin none.
_WITHIN = re.compile(
    r"""(?:(?<=file://)|(?<![\w./~\\-]))(?:~\w*|[A-Za-z]:)?[/\\](?![/\\])[^\s"'<>|*?;,/\\]+(?:[/\\][^\s"'<>|*?;,/\\]*)+"""
)

#: A text that is a path as a whole, with a scheme such as `npz:` or without: here blanks belong to it.
_WHOLE = re.compile(r"((?:[a-z][\w-]+:)?)(?!//)((?:~\w*[/\\]|[A-Za-z]:[/\\]|[/\\]|\.\.[/\\])[^\n]*)")


def without_places(value: Value) -> Value:
    """Plain values with each path that leads somewhere on this machine cut down to its last part."""
    found: Any = value
    if isinstance(value, str):
        found = _shortened(value)
    elif isinstance(value, Mapping):
        found = {without_places(key): without_places(own) for key, own in value.items()}
    elif isinstance(value, list | tuple):
        found = type(value)(map(without_places, value))
    return found


def machine_paths(value: Any) -> set[str]:
    """The texts among plain values that name a place of this machine."""
    return {text for text in _texts(value) if _shortened(text) != text}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, own in value.items():
            yield from _texts(key)
            yield from _texts(own)
    elif isinstance(value, list | tuple):
        for own in value:
            yield from _texts(own)


def _shortened(text: str) -> str:
    if whole := _WHOLE.fullmatch(text):
        return whole[1] + _last(whole[2])
    return _WITHIN.sub(lambda found: _last(found[0]), text)


def _last(path: str) -> str:
    """The last part of a path, behind which a question or a name may stand: `/a/b.npz?holdout=0.2`, `/a/b.py:f`."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def public(evaluation: Evaluation) -> Evaluation:
    """The same evaluation, of the same digest, without places of this machine."""
    told = {name: without_places(getattr(evaluation, name)) for name in ("model", "suite", "dataset", "crafted_on")}
    words = {name: without_places(getattr(evaluation, name)) for name in ("warnings", "failures")}
    return dataclasses.replace(evaluation, **told, **words, outcomes=tuple(map(_public, evaluation.outcomes)))


def _public(outcome: Outcome) -> Outcome:
    names = ("definition", "warnings", "errors")
    return dataclasses.replace(outcome, **{name: without_places(getattr(outcome, name)) for name in names})


class PublicLedger(Ledger):
    """A ledger as strangers may see it."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(Path(ledger.folder.name or "results"))
        self._ledger = ledger

    def evaluations(self) -> list[Evaluation]:
        return [*map(public, self._ledger.evaluations()), *self._noted()]

    def transfers(self) -> list[Evaluation]:
        return [*map(public, self._ledger.transfers()), *self._noted()]

    def samples(self) -> list[Evaluation]:
        return [*map(public, self._ledger.samples()), *self._noted()]

    def pictured(self, network: str) -> set[str]:
        return self._ledger.pictured(network)

    def sample_images(self, network: str, record: str) -> SampleImages | None:
        found = self._ledger.sample_images(network, record)
        self._noted()
        return found

    def _noted(self) -> tuple[()]:
        """Note what was damaged, without the folder."""
        self.problems = [problem.replace(f"{self._ledger.folder}/", "") for problem in self._ledger.problems]
        return ()
