"""What all sources of networks share: libraries that may be missing, weights that are not here, pickles that run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import BadInput, UnfitNetwork


@contextmanager
def needs(package: str, command: str) -> Iterator[None]:
    """Within this context a library is imported that may be missing; the `command` installs it.

    Raises:
        BadInput: it is.
    """
    try:
        yield
    except ImportError as error:
        raise BadInput(f"{package} can't be imported ({error}); {command}") from error


@contextmanager
def weights_only(source: str) -> Iterator[None]:
    """Within this context torch.load never runs a pickle's code, whatever a library asks it to do.

    Raises:
        UnfitNetwork: whatever the library raises.
    """
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        yield
    except BadInput:
        raise
    except Exception as error:  # a library's own errors, of many types
        raise UnfitNetwork(f"{source} can't be loaded: {error}") from error
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before


def not_here(source: str, place: Path | str) -> BadInput:
    """The error for weights that would have to be fetched."""
    return BadInput(f"the weights of {source} are not in {place}; pass --download to fetch them")
