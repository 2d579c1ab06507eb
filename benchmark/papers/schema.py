"""A paper as data: which networks it trains, which tables and figures it prints, what it claims.

    runs:                                  how each network comes about
      mat: {method: mat}
    exhibits:                              tables by their number, figures as "figure-2"
      "5":
        suite: multi-perturbation
        panels: ...                        which datasets and architectures the paper shows
        columns: ...                       which number of an evaluation
        rows: ...                          which network of which run
    method_tables:                         tables without numbers: what the registry says of methods
    variants:                              other readings of what the paper leaves open
    claims:                                what the text says the numbers show

The numbers that the paper prints stand beside it, in <name>.csv.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from benchmark.documents import Schema
from benchmark.moved import look_up
from benchmark.papers.claim import Claim

#: The scale whose settings hold for all datasets that have none of their own, such as folder:PATH.
OTHER = "other"

Metric = Literal["clean", "linf", "l2", "l1", "r_avg", "r_worst"]
Fact = Literal["networks", "teachers", "learns from", "attacked", "inner", "outer", "source"]


class Scale(Schema):
    """How large the paper is run on one dataset.

    Attributes:
        recipe: of all trainings.
        preset: of all suites.
        images: the first so many test images; None for the suite's number.
        architecture: of the only panel, where the paper has none on this dataset.
        faithful: whether this is the paper's own setting, so that its numbers may be compared with.
    """

    recipe: str
    preset: str = "standard"
    images: int | None = Field(default=None, ge=1)
    architecture: str = "resnet18"
    faithful: bool = False


class Run(Schema):
    """How networks come about: a training, or a published network.

    Attributes:
        method, settings, inner, outer: as `benchmark.train` takes them.
        scales: more settings, by scale.
        recipe, architecture: by scale, where they are not the scale's recipe and the panel's architecture.
        teachers: runs of the frozen teachers, "run" or "run/network", in the order of the method's roles.
        sources: by scale, a published network that takes the place of the training, e.g. "robustbench:NAME".
    """

    method: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    inner: str | None = None
    outer: str | None = None
    scales: dict[str, dict[str, Any]] = Field(default_factory=dict)
    recipe: dict[str, str] = Field(default_factory=dict)
    architecture: dict[str, str] = Field(default_factory=dict)
    teachers: list[str] = Field(default_factory=list)
    sources: dict[str, str] = Field(default_factory=dict)


class Reading(Schema):
    """Another reading of something that the paper leaves open, or another choice than the paper's.

    Attributes:
        about: what is done otherwise, as a phrase.
        runs: the runs that come about otherwise, each whole.
        chosen_by: a figure with a `choice`, whose value here `takes` take in place of their own.
        takes: these runs.
    """

    about: str
    runs: dict[str, Run] = Field(default_factory=dict)
    chosen_by: str | None = None
    takes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _does_something(self) -> Reading:
        if bool(self.chosen_by) != bool(self.takes):
            raise ValueError("what is chosen_by a figure says which runs it `takes`, and the other way round")
        if not (self.runs or self.takes):
            raise ValueError("name the runs that come about otherwise")
        return self


class NoteByReading(Schema):
    """A note that says something else by another reading of what it is about.

    Attributes:
        variant: of what.
        usual: what it says by the paper's own.
        readings: by other readings.
    """

    variant: str
    usual: str
    readings: dict[str, str] = Field(min_length=1)

    def by(self, asked: Mapping[str, str]) -> str:
        """What it says by the readings that were `asked` for, by what they are readings of."""
        return self.readings.get(asked.get(self.variant, ""), self.usual)

    def __str__(self) -> str:
        return self.usual


class PrintedAs(Schema):
    """Where a number stands in the CSV; what a row leaves out is the panel's, and at last its label."""

    dataset: str | None = None
    architecture: str | None = None
    method: str | None = None


class Panel(Schema):
    """One block of a table: its rows on one dataset with one architecture.

    Attributes:
        dataset, architecture: as they are called here; `published`, as the CSV calls them.
        rows: labels of the rows that this block has; None for all.
        images: how many test images the printed numbers are of.
    """

    dataset: str
    architecture: str
    published: PrintedAs = PrintedAs()
    rows: list[str] | None = None
    images: int = Field(default=10_000, ge=1)


class TableColumn(Schema):
    """One number of an evaluation: a metric, or the accuracy under one attack.

    Attributes:
        label: its heading.
        suite: where it is not the table's.
        metric, attack: one of them; an attack by its label in the suite.
        source: "run" or "run/network" on whose network the attack is crafted, if not on the row's own.
        published: what the CSV calls it; the label if left out.
    """

    label: str
    suite: str | None = None
    metric: Metric | None = None
    attack: str | None = None
    source: str | None = None
    published: str | None = None

    @model_validator(mode="after")
    def _one_number(self) -> TableColumn:
        if (self.metric is None) == (self.attack is None):
            raise ValueError("a column shows a metric or an attack: name one of them")
        if self.source is not None and self.attack is None:
            raise ValueError("only an attack can have a source")
        return self

    @property
    def printed_as(self) -> tuple[str, str]:
        """(attack, metric) in the CSV."""
        names = {"r_avg": "Ravg", "r_worst": "Rworst"}
        return self.published or self.label, names.get(self.metric or "", "accuracy")


class TableRow(Schema):
    """One network of a table.

    Attributes:
        label: its name in the table.
        run, network: which network of which run; a row without a run shows printed numbers only.
        mean_of: labels of the rows that this row averages, instead of a run.
        published: where the CSV has it under another name, dataset or architecture.
        gains_over: label of the row that the numbers in brackets compare with.
        group: a heading above the row; `rule`, a line above it.
        ours: whether the paper's table marks it as its own method, "(Ours)".
        series, x: the line and the position in a figure.
        note: what the reader should know.
    """

    label: str
    run: str | None = None
    network: str = ""
    mean_of: list[str] = Field(default_factory=list)
    published: PrintedAs = PrintedAs()
    gains_over: str | None = None
    group: str | None = None
    rule: bool = False
    ours: bool = False
    series: str = ""
    x: float | None = None
    note: str = ""


class Chart(Schema):
    """How a figure draws its rows: bars, lines over `x`, or points at their first two columns."""

    kind: Literal["bars", "lines", "scatter"]
    x: str = ""


class Choice(Schema):
    """What a figure is there to choose: the value at which its rows are best.

    Attributes:
        setting: as `benchmark.train` takes it; each row's run has it among its settings.
        symbol: what it is called in words.
        column: by which column; of rows of one value, such as the two networks of a training, the mean counts.
    """

    setting: str
    symbol: str
    column: str


class TableOrFigure(Schema):
    """A table or a figure.

    Attributes:
        title: what it shows.
        suite: of all columns that name none.
        scales: at which it is measured; elsewhere it only shows the printed numbers. None for everywhere.
        mode: of the evaluations; "worst-case" is enough, and cheaper, where no column is a single attack.
        decimals: of all accuracies, in percent.
        holdout: the share of the training images that stands in place of the test images, in the trainings of its
            rows, too: for what is chosen by its numbers.
        choice: what is chosen by its numbers.
        overlap: label of the column of which it also shows which images only some of its rows get right.
        confusion: label of the column of which it also shows what each two of its rows predict where they differ.
        epochs: whether it also shows how the validation accuracy of its rows went, epoch by epoch.
        marks: whether the best of a column is bold and the second best underlined, with a star where that stands.
        notes: what the reader should know, e.g. contradictions of the source; plain text once the readings are known.
    """

    title: str
    suite: str
    scales: list[str] | None = None
    mode: Literal["complete", "worst-case"] = "complete"
    decimals: int = Field(default=1, ge=0, le=3)
    holdout: float | None = Field(default=None, gt=0, lt=1)
    choice: Choice | None = None
    overlap: str | None = None
    confusion: str | None = None
    epochs: bool = False
    marks: bool = True
    panels: list[Panel] = Field(default_factory=list)
    columns: list[TableColumn] = Field(min_length=1)
    rows: list[TableRow] = Field(min_length=1)
    chart: Chart | None = None
    notes: list[str | NoteByReading] = Field(default_factory=list)

    @model_validator(mode="after")
    def _chooses_apart(self) -> TableOrFigure:
        if self.choice and self.holdout is None:
            raise ValueError("what is chosen on test images makes them look better than they are: give a holdout")
        return self

    def row(self, label: str) -> TableRow:
        """The row called `label`."""
        return next(row for row in self.rows if row.label == label)

    def column(self, label: str) -> TableColumn:
        """The column called `label`."""
        return next(column for column in self.columns if column.label == label)


class MethodRow(Schema):
    """A method of a table without numbers, as the registry calls it, and what the paper calls it."""

    method: str
    label: str = ""
    inner: str | None = None
    outer: str | None = None


class MethodTable(Schema):
    """A table without numbers: what the registry of methods says of some of them.

    Attributes:
        title: what it shows.
        columns: which facts, see `benchmark.papers.method_tables`.
        rows: which methods.
        notes: what the reader should know.
    """

    title: str
    columns: list[Fact] = Field(min_length=1)
    rows: list[MethodRow] = Field(min_length=1)
    notes: list[str] = Field(default_factory=list)


class Paper(Schema):
    """A paper. See the module's text for the shape of its file."""

    name: str
    title: str
    source: str
    scales: dict[str, Scale]
    runs: dict[str, Run]
    exhibits: dict[str, TableOrFigure] = Field(min_length=1)
    method_tables: dict[str, MethodTable] = Field(default_factory=dict)
    variants: dict[str, dict[str, Reading]] = Field(default_factory=dict)
    claims: list[Claim] = Field(default_factory=list)


def split_run(text: str) -> tuple[str, str]:
    """ "mat/h1" -> ("mat", "h1"), "at" -> ("at", "")."""
    run, _, network = text.partition("/")
    return run, network


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
