"""What a ledger says of each single image, a piece at a time: a large one has more rows than fit into memory."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.analysis.frames import per_example
from benchmark.errors import BadInput
from benchmark.labels import Key, key, labels
from benchmark.storage import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.ledger.evaluation import Evaluation

#: The columns that are no words.
_KINDS = {
    "epsilon": "float64",
    "index": "int64",
    "clean_error": "bool_",
    "evaluated": "bool_",
    "broken": "bool_",
    "distance": "float32",
    "wrong_share": "float32",
}


class Examples:
    """One row per model, attack and test image, as frames of one attack each; see `frames.per_example` for columns.

    >>> for frame in benchmark.results.load("results").examples():
    ...     print(frame["broken"].mean())

    Args:
        evaluations: gives them anew at each call, so that not all need to be in memory at once.
        named: what their networks are called beside each other.
    """

    def __init__(self, evaluations: Callable[[], Iterable[Evaluation]], named: Mapping[Key, str]) -> None:
        self._evaluations = evaluations
        self._named = named

    def __iter__(self) -> Iterator[pd.DataFrame]:
        named = dict(self._named)
        for evaluation in self._evaluations():
            network = key(evaluation.model)
            if network not in named:  # another process has filed it meanwhile
                named[network] = labels([*named, network])[network]
            for outcome in evaluation.outcomes:
                yield per_example([evaluation], named, [outcome])

    def to_parquet(self, path: str | Path) -> Path:
        """Write all rows to one parquet file, whole or not at all.

        Returns:
            Where it is.

        Raises:
            BadInput: pyarrow is not installed, the folder can't be written or the disk is full.
        """
        check_parquet()
        return write_atomic(path, self._write)

    def _write(self, path: Path) -> None:
        import pyarrow as pa

        try:
            self._write_with(path, "int64")
        except (OverflowError, pa.ArrowInvalid):  # a seed takes 64 bits
            self._write_with(path, "uint64")

    def _write_with(self, path: Path, seed: str) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        kinds = _KINDS | {"seed": seed}
        schema = pa.schema([(name, getattr(pa, kinds.get(name, "string"))()) for name in per_example([]).columns])
        with parquet.ParquetWriter(path, schema) as file:
            for frame in self:
                file.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))


def check_parquet() -> None:
    """Raise `BadInput` if pyarrow is absent."""
    if importlib.util.find_spec("pyarrow") is None:
        raise BadInput("parquet files are written by pyarrow, which is not installed: pip install pyarrow")
