"""What a file of another program holds: plain values and tensors; nothing in it is imported, called or fetched."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmark.damage import cause
from benchmark.errors import BadInput
from benchmark.limits import HEADER
from benchmark.models.archive import read_archive
from benchmark.models.files import FORMAT, look, safetensors_header_size
from benchmark.models.foreign.legacy import MAGIC, read_legacy
from benchmark.models.foreign.pickles import follow
from benchmark.models.foreign.states import State, find_states
from benchmark.models.unpickle import Refused


def read_foreign(path: Path) -> Any:
    """The plain values and tensors of a file of torch.save, old or new, or of safetensors.

    An `Opaque` stands for each thing that would have to be imported.

    Raises:
        BadInput: it is none of these, is damaged, or is a checkpoint of this benchmark.
    """
    size, start = look(path)
    try:
        with path.open("rb") as file:
            if start.startswith(b"PK\x03\x04"):
                found = read_archive(file, size, follow=follow)
            elif start.startswith(MAGIC):
                found = read_legacy(file, size)
            elif 8 < safetensors_header_size(start) + 8 <= size and start[8:9] == b"{":
                found = _read_safetensors(path, safetensors_header_size(start))
            else:
                raise Refused("is neither a file of torch.save nor of safetensors; save the network's state_dict")
    except Refused as problem:
        if _is_script(path):
            raise BadInput(
                f"{path} is TorchScript, a network with its code; if you trust where it is from: bench evaluate "
                f"torchscript:{path} --trust-remote-code"
            ) from problem
        raise BadInput(f"{path} {problem}") from problem
    except BadInput:
        raise
    except Exception as error:  # the libraries raise all kinds of errors for what a damaged file may hold
        raise BadInput(f"{path} is damaged and can't be read; copy or download it again ({cause(error)})") from error
    if isinstance(found, dict) and found.get("format") == FORMAT:
        raise BadInput(f"{path} is a checkpoint of this benchmark already; use it as it is: bench evaluate {path}")
    return found


def read_states(path: Path) -> dict[str, State]:
    """The groups of named tensors in another program's file, by where they are in it.

    Raises:
        BadInput: as `read_foreign`, or there are none.
    """
    found = find_states(read_foreign(path))
    if not found:
        raise BadInput(
            f"{path} holds no named tensors; save the network's state_dict: torch.save(net.state_dict(), ...)"
        )
    return found


def _is_script(path: Path) -> bool:
    with suppress(Exception), zipfile.ZipFile(path) as archive:  # whatever a damaged file may hold
        return any("/code/" in name or name.endswith("/constants.pkl") for name in archive.namelist())
    return False


def _read_safetensors(path: Path, header_size: int) -> dict[str, Any]:
    from safetensors import safe_open

    if header_size > HEADER:
        raise Refused(f"has a header of more than {HEADER:,} bytes; it was not loaded")
    with safe_open(path, "pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") == FORMAT:
            return {"format": FORMAT}
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
