"""What to type for a file of weights that another program saved."""

from __future__ import annotations

import shlex
from pathlib import Path

from benchmark.models.foreign.match import candidates, fits
from benchmark.models.foreign.names import KEYS
from benchmark.models.foreign.reading import read_states
from benchmark.problems import likely


def import_command(path: Path) -> str:
    """The `bench import` for the file, with all that can be told by itself, as a clause; "" if nothing here fits it.

    Raises:
        BadInput: it can't be read.
    """
    found = [fit for fit in fits(read_states(path), candidates()) if fit.is_whole]
    if not found:
        return ""
    best = found[0]
    words = ["bench", "import", str(path)]
    if len({fit.architecture for fit in found}) == 1:
        words += ["--arch", best.architecture]
    names = likely(best.num_classes, best.channels)
    words += ["--dataset", names[0] if names else "DATASET"]
    unsure = f" (or {' or '.join(names[1:])}, if it was made for that)" if names[1:] else ""
    return (
        f"it holds the weights of a {best.architecture}, named as in {KEYS[best.keys]}; to make a checkpoint of "
        f"them: {shlex.join(words)}{unsure}"
    )
