"""What a sweep compares: methods and values, from a file that comes with the package or from the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from benchmark.documents import Schema, files_by_name, path_of, read_document
from benchmark.errors import BadInput
from benchmark.experiments.values import parse_values
from benchmark.methods.table import METHODS
from benchmark.moved import look_up
from benchmark.storage import canonical_json, safe_name

EXPERIMENTS = files_by_name("experiment", Path(__file__).parent)


class Experiment(Schema):
    """What is compared, written down.

    Attributes:
        name, title: of the experiment.
        source: who made it first, and where.
        method: the methods to train.
        inner, outer: as `benchmark.train` takes them, of all of these methods.
        set: settings by name; a list stands for several values, in which "..." stands for those in between.
    """

    name: str
    title: str
    source: str = ""
    method: list[str] = Field(min_length=1)
    inner: str | None = None
    outer: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)


def load_experiment(name: str | Path) -> Experiment:
    """The experiment called `name`, or the one in the YAML file of that path.

    Raises:
        BadInput: no such experiment, or its file does not fit: all misfits are listed, each with its line.
    """
    return read_document(path_of(name, EXPERIMENTS), Experiment).content


@dataclass(frozen=True)
class Comparison:
    """What is compared, with all values spelt out.

    Attributes:
        name: of the folder for the answer.
        title, source: of the page.
        methods: without repetitions.
        values: by setting, each with one value or several.
        inner, outer: whose attack and whose loss all methods have in place of their own, if any.
    """

    name: str
    title: str
    source: str
    methods: tuple[str, ...]
    values: dict[str, list[Any]]
    inner: str | None = None
    outer: str | None = None

    def words(self) -> list[str]:
        """The command line's words that ask for it."""
        settings = [f"{key}={','.join(map(_spelt, values))}" for key, values in self.values.items()]
        words = ["--method", *self.methods]
        words += ["--inner", self.inner] if self.inner else []
        words += ["--outer", self.outer] if self.outer else []
        return [*words, *(["--set", *settings] if settings else [])]

    @property
    def exchanged(self) -> str:
        """What the methods have from another one, in words; "" if nothing."""
        parts = [f"the attack of {self.inner}"] if self.inner else []
        parts += [f"the loss of {self.outer}"] if self.outer else []
        return " and ".join(parts)


def make_comparison(
    experiment: str | Path | None,
    methods: Sequence[str],
    set: Mapping[str, Any] | Sequence[str] | None,
    inner: str | None = None,
    outer: str | None = None,
) -> Comparison:
    """What `experiment` compares, or what the others name by themselves; all but `methods` may change an experiment.

    Raises:
        BadInput: neither or both, or names and values that mean nothing.
    """
    if experiment and methods:
        raise BadInput(f"the experiment {experiment} says which methods to train; leave out --method")
    values = parse_values(set)
    if experiment:
        found = load_experiment(experiment)
        values = {**parse_values(found.set), **values}
        name, title, source, methods = found.name, found.title, found.source, found.method
        inner, outer = inner or found.inner, outer or found.outer
    elif methods:
        several = [key for key in values if len(values[key]) > 1]
        parts = [f"{part}-{named}" for part, named in (("inner", inner), ("outer", outer)) if named]
        name = "-".join(dict.fromkeys([*methods, *parts, *several]))
        title, source = f"{', '.join(methods)} by {', '.join(several) or 'method'}", ""
    else:
        known = ", ".join(EXPERIMENTS.names())
        raise BadInput(f"name what to compare: methods with --method, or one of the experiments {known}")
    for method in methods:
        METHODS.get(method)
    return Comparison(safe_name(name), title, source, tuple(dict.fromkeys(methods)), values, inner, outer)


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
