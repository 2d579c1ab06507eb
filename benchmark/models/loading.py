"""Networks from anywhere: a checkpoint's path, or `SCHEME:NAME` for another zoo or your own code."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path

from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput, UnfitNetwork, unknown
from benchmark.models.checkpoint import Checkpoint, load_checkpoint
from benchmark.models.external import ExternalModel
from benchmark.models.objects import Given, network_of
from benchmark.models.sources import SOURCES
from benchmark.own.trust import trusts
from benchmark.settings import kept_settings


@trusts
@checked_arguments
def load_model(
    source: Given, *, download: bool = False, trust_remote_code: bool = False
) -> Checkpoint | ExternalModel:
    """The network that `source` names, or is; its `.model()` is in eval mode, in float32 on the CPU.

    Args:
        source: the path of a checkpoint, or "robustbench:NAME", "torchvision:NAME", "timm:NAME",
            "python:MODULE:CALLABLE", or a scheme that another package adds (entry points `benchmark.sources`); or a
            network itself, such as a `torch.nn.Module`, of which a copy is taken.
        download: whether weights may be fetched from the internet.
        trust_remote_code: whether `python:` may run the code it names, and a checkpoint the file of its architecture.

    Returns:
        Something with a `name`, a `digest` (SHA-256 of what decides its answers), a `card()` of plain values and
        `model()`: images N×C×H×W in [0, 1] → N×K logits.

    Raises:
        BadInput: there is no such network, or what it takes to load it; the message says what to do.
        UnfitNetwork: it is there and can't be loaded; the message says why.
    """
    if not isinstance(source, str | Path):
        return network_of(source)
    scheme, colon, name = str(source).partition(":")
    if colon and scheme in SOURCES:
        # What its code prints would stand in the midst of an answer.
        with kept_settings(), contextlib.redirect_stdout(sys.stderr):
            return SOURCES.get(scheme)(name, download, trust_remote_code)
    # Two letters or more, for a drive is one.
    if colon and re.fullmatch(r"\w{2,}", scheme) and not Path(source).exists():
        raise unknown("model source", scheme, SOURCES.names(), str(source))
    if not Path(source).is_file():
        return load_checkpoint(source)  # which says that there is none
    try:
        return load_checkpoint(source)
    except BadInput as error:  # what was typed is right
        raise UnfitNetwork(str(error)) from error
