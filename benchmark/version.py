"""Which version of the program runs.

A release is called what its tag in git says: the build writes it into the metadata of the wheel. Sources may change
after they were installed, or never are installed; they are called after the last release, with "+source".
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

#: The distribution that this package is part of.
NAME = "robustness-benchmark"

#: The last release. `python scripts/release.py prepare` writes it, here and wherever else it stands.
RELEASED = "0.1.0"


def version_of(file: Path) -> str:
    """The version of the program that `file`, this module, belongs to."""
    try:
        installed = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        return f"{RELEASED}+source"
    # An installation that points to a folder, or is of another copy, says nothing of what runs here.
    place = Path(str(installed.locate_file("benchmark/version.py")))
    built = any(each.name == "WHEEL" for each in installed.files or ())
    of_this_copy = built and place.is_file() and place.samefile(file)
    return installed.version if of_this_copy else f"{RELEASED}+source"


VERSION = version_of(Path(__file__))
