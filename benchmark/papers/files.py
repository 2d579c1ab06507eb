"""The papers that come with the package, and the check that every name in a paper's file means something."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from pathlib import Path

from benchmark.documents import Document, files_by_name, path_of, read_document
from benchmark.errors import BadInput, several, unknown
from benchmark.methods.table import METHODS
from benchmark.papers.schema import OTHER, NoteByReading, Paper, Run, TableOrFigure, split_run

PAPERS = files_by_name("paper", Path(__file__).parent)


def load_paper(paper: str | Path) -> Paper:
    """The paper called `paper`, or the one in the YAML file of that path.

    Raises:
        BadInput: no such paper, or its file does not fit: all misfits are listed, each with its line.
    """
    document = read_document(path_of(paper, PAPERS), Paper)
    problems = _Check(document).problems
    if problems:
        raise BadInput(several(problems))
    return document.content


class _Check:
    """Looks every name up; `problems` are those that nothing in the file is called, each with its line."""

    def __init__(self, document: Document[Paper]) -> None:
        self.document, self.paper = document, document.content
        self.problems: list[str] = []
        if OTHER not in self.paper.scales:
            self._say(f"the scale {OTHER!r} is missing; it holds for all other datasets", "scales")
        for key, run in self.paper.runs.items():
            self._made(run, "runs", key)
        for what, readings in self.paper.variants.items():
            for reading, variant in readings.items():
                for key, run in variant.runs.items():
                    here = ("variants", what, reading, "runs", key)
                    self._known("run", key, self.paper.runs, *here)
                    self._made(run, *here)
                for key in variant.takes:
                    self._known("run", key, self.paper.runs, "variants", what, reading, "takes")
                chooses = [key for key, table in self.paper.exhibits.items() if table.choice]
                if variant.chosen_by is not None:
                    self._known("choice", variant.chosen_by, chooses, "variants", what, reading, "chosen_by")
                    self._chosen_before(variant.chosen_by, variant.takes, "variants", what, reading, "takes")
        for key, method_table in self.paper.method_tables.items():
            for position, row in enumerate(method_table.rows):
                self._known("method", row.method, METHODS.names(), "method_tables", key, "rows", position, "method")
        for key, table in self.paper.exhibits.items():
            self._table(table, "exhibits", key)
        ids = [claim.id for claim in self.paper.claims]
        for position, called in enumerate(ids):
            self._claim(position)
            if called in ids[:position]:
                self._say(f"the id {called!r} is another claim's, too; give each its own", "claims", position)

    def _made(self, run: Run, *here: Hashable) -> None:
        if not (run.method or run.sources):
            self._say("give the run a method or sources", *here)
        for teacher in run.teachers:
            self._run(teacher, *here, "teachers")

    def _chosen_before(self, exhibit: str, takes: Collection[str], *here: Hashable) -> None:
        """A run whose numbers a figure chooses by can't wait for what it chooses, nor can its teachers."""
        table = self.paper.exhibits.get(exhibit)
        waiting = [split_run(row.run)[0] for row in table.rows if row.run] if table else []
        needed: set[str] = set()
        while waiting:
            run = waiting.pop()
            if run not in needed and run in self.paper.runs:
                needed.add(run)
                waiting += [split_run(teacher)[0] for teacher in self.paper.runs[run].teachers]
        for run in takes:
            if run in needed:
                self._say(f"{run!r} takes what {exhibit} chooses, which is chosen by it or what it teaches", *here)

    def _table(self, table: TableOrFigure, *here: Hashable) -> None:
        labels = [row.label for row in table.rows]
        for names in (labels, [column.label for column in table.columns]):
            for label in sorted({label for label in names if names.count(label) > 1}):
                self._say(f"the label {label!r} occurs twice", *here)
        if table.choice is not None:
            columns = [column.label for column in table.columns]
            self._known("column", table.choice.column, columns, *here, "choice", "column")
            for row in table.rows:
                run = self.paper.runs.get(split_run(row.run or "")[0])
                if table.choice.setting not in (run.settings if run else ()):
                    self._say(f"the run of {row.label!r} does not set {table.choice.setting}, which is chosen", *here)
        if table.overlap is not None:
            self._known("column", table.overlap, [column.label for column in table.columns], *here, "overlap")
        if table.confusion is not None:
            self._known("column", table.confusion, [column.label for column in table.columns], *here, "confusion")
            if any(column.label == table.confusion and column.metric == "r_avg" for column in table.columns):
                self._say(
                    "a mean over norms takes an image for no class; name the column of one norm", *here, "confusion"
                )
        if table.chart and table.chart.kind == "scatter" and len(table.columns) < 2:
            self._say("points need two columns", *here, "chart")
        for position, row in enumerate(table.rows):
            if row.run is not None:
                self._run(row.run, *here, "rows", position, "run")
            for label in (*row.mean_of, *([row.gains_over] if row.gains_over else [])):
                self._known("row", label, labels, *here, "rows", position)
        for position, column in enumerate(table.columns):
            if column.source is not None:
                self._run(column.source, *here, "columns", position, "source")
        for position, panel in enumerate(table.panels):
            for label in panel.rows or ():
                self._known("row", label, labels, *here, "panels", position, "rows")
        for position, note in enumerate(table.notes):
            if isinstance(note, NoteByReading):
                self._known("variant", note.variant, self.paper.variants, *here, "notes", position, "variant")
                for reading in note.readings if note.variant in self.paper.variants else ():
                    known = self.paper.variants[note.variant]
                    self._known(f"reading of {note.variant}", reading, known, *here, "notes", position, "readings")
        for scale in table.scales or ():
            self._known("scale", scale, self.paper.scales, *here, "scales")

    def _claim(self, position: int) -> None:
        claim, here = self.paper.claims[position], ("claims", position)
        for exhibit in filter(None, (claim.exhibit, claim.right_exhibit)):
            self._known("exhibit", exhibit, self.paper.exhibits, *here, "exhibit")
        shown = self.paper.exhibits.get(claim.exhibit)
        is_elsewhere = shown is not None and (claim.column != [shown.confusion] or claim.right_exhibit is not None)
        if claim.relation == "disagrees" and is_elsewhere:
            self._say(
                "two rows disagree in the column that their exhibit names as `confusion`, and in no other", *here
            )
        for kind, label, exhibit in claim.named():
            if table := self.paper.exhibits.get(exhibit):
                lines = table.columns if kind == "column" else table.rows
                known = [each.series for each in table.rows] if kind == "series" else [each.label for each in lines]
                self._known(kind, label, known, *here)

    def _run(self, reference: str, *path: Hashable) -> None:
        self._known("run", split_run(reference)[0], self.paper.runs, *path)

    def _known(self, kind: str, name: str, known: Collection[str], *path: Hashable) -> None:
        if name not in known:
            self.problems.append(str(unknown(kind, name, known, self.document.where(*path))))

    def _say(self, problem: str, *path: Hashable) -> None:
        self.problems.append(f"{self.document.where(*path)}: {problem}")
