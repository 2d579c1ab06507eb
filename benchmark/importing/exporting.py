"""`bench export`: a checkpoint's weights under the names that another program gives them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput, unknown
from benchmark.models import load_checkpoint
from benchmark.models.foreign import KEYS, keys_of, names_in
from benchmark.own.trust import trusts
from benchmark.storage import write_atomic


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the file, a state_dict as torch.save writes it, or safetensors.
        said: what has to be known to use it, a sentence each.
    """

    path: Path
    said: tuple[str, ...]


@trusts
@checked_arguments
def export_checkpoint(
    checkpoint: str | Path, *, keys: str, out: str | Path | None = None, trust_remote_code: bool = False
) -> Exported:
    """Write a checkpoint's weights as the `state_dict` of another program's network.

    Args:
        checkpoint: a file of this benchmark.
        keys: whose names: "kuangliu", "trades", "torchvision", ...; see `benchmark.models.foreign.KEYS`.
        out: the file; by default beside the checkpoint, NAME-KEYS.pth. As safetensors if it ends so.
        trust_remote_code: whether the code of an architecture of one's own, FILE.py:NAME, may be run.

    Returns:
        The path of the file, and what was said.

    Raises:
        BadInput: nobody there has such a network, or the file is there already with other content.
    """
    found = load_checkpoint(checkpoint)
    if keys not in KEYS:
        raise unknown("keys", keys, KEYS)
    if keys not in keys_of(found.architecture):
        choices = ", ".join(keys_of(found.architecture))
        raise BadInput(f"{KEYS[keys]} has no {found.architecture}; names that it has elsewhere: --keys {choices}")
    names = names_in(found.architecture, keys)
    state = {names[key.removeprefix("network.")]: tensor for key, tensor in found.state.items()}
    source = Path(checkpoint)
    path = Path(out) if out is not None else source.with_name(f"{source.stem}-{keys}.pth")
    content = _content(state, path)
    if path.exists() and (path.resolve() == source.resolve() or path.read_bytes() != content):
        raise BadInput(f"{path} is there already and is something else; choose another name by --out")
    mean, std = (", ".join(f"{number:.7g}" for number in numbers) for numbers in (found.mean, found.std))
    return Exported(
        write_atomic(path, content),
        (
            f"{len(state)} tensors of a {found.architecture}, named as in {KEYS[keys]}",
            f"normalisation is not among them: the network takes (x - mean) / std of images x in [0, 1], with mean "
            f"({mean}) and std ({std})",
        ),
    )


def _content(state: dict[str, Tensor], path: Path) -> bytes:
    if path.suffix == ".safetensors":
        from safetensors.torch import save

        return save(state)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()
