"""Files that a stranger might hand over: they are made below a folder, and opened through one of our doors.

Run as a program with a folder of such files, this opens them all, watched: it prints per file what came of it, the
seconds of processor time and the memory it took, and everything that was run, connected to or written meanwhile.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import hostile_archives
import hostile_arrays
import hostile_cards
import hostile_checkpoints
import hostile_documents
import hostile_ledgers
import hostile_tensors
import torch
import torchvision  # noqa: F401 (its libraries are loaded here, not when a file asks for an architecture)
from hostile_making import CORPUS, checkpoint

#: Each registers its files in the corpus.
MAKERS = (
    hostile_archives,
    hostile_arrays,
    hostile_cards,
    hostile_checkpoints,
    hostile_documents,
    hostile_ledgers,
    hostile_tensors,
)

#: What may be allocated beyond what the program had before it opened the file, in bytes.
BOUND = 256 * 2**20


def make(folder: Path) -> None:
    """All files of the corpus, below `folder`."""
    for name, builder in CORPUS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        builder(path)
    (folder / "mark").mkdir()


def doors() -> dict[str, Callable[[Path], object]]:
    """How a file of each folder is opened; what is refused raises."""
    from benchmark import import_checkpoint
    from benchmark.data import load
    from benchmark.data.extra import load_extra
    from benchmark.evaluation import load_suite
    from benchmark.ledger import Ledger, read_record
    from benchmark.ledger.stored_adversarials import read_stored_adversarials
    from benchmark.models import load_checkpoint
    from benchmark.papers.files import load_paper
    from benchmark.recipes.recipe import load_recipe
    from benchmark.training.initial import load_initial

    digits = load("digits")

    def manifest(path: Path) -> None:
        ledger = Ledger(path.parent)
        if ledger._load(path) is None:
            raise LookupError(*ledger.problems)

    return {
        "checkpoint": lambda path: load_checkpoint(path).model(),
        "import": lambda path: import_checkpoint(
            path, dataset="digits", normalization="none", zoo=path.parent / "zoo"
        ),
        "init": lambda path: load_initial(path, digits, None),
        "npz": lambda path: load(f"npz:{path}"),
        "extra": lambda path: load_extra(f"npz:{path}", digits),
        "records": read_record,
        "manifest": manifest,
        "keepsake": read_stored_adversarials,
        "suite": lambda path: load_suite(path, scale="digits"),
        "recipe": lambda path: load_recipe(str(path)),
        "paper": load_paper,
        "pictures": lambda path: load(f"folder:{path}"),
    }


#: What no file may bring about: running programs, connecting, and (outside the cache) changing files.
WATCHED = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect", "os.mkdir")
WATCHED += ("os.remove", "os.rename", "os.symlink", "os.link", "os.chmod", "shutil.rmtree", "ctypes.dlopen")


def watch(allowed: Path) -> list[str]:
    """From now on the returned list grows by everything suspicious that this program does."""
    seen: list[str] = []

    def hook(event: str, arguments: tuple) -> None:
        if event in WATCHED and not any(str(argument).startswith(str(allowed)) for argument in arguments):
            seen.append(f"{event} {arguments}")
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if writes and not str(arguments[0]).startswith(str(allowed)):
            seen.append(f"{event} {arguments}")

    sys.addaudithook(hook)
    return seen


def memory() -> tuple[int, int]:
    """Size of the address space, and the largest resident size so far, in bytes."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(status[name].split()[0]) * 1024 for name in ("VmSize", "VmHWM"))  # type: ignore[return-value]


#: Doors through which the files of another one's folder are opened, too.
BESIDE = {"import": "checkpoint", "init": "checkpoint", "extra": "npz"}

#: Doors that lead through another one first, which opens all files itself: only each so-manieth.
EVERY = {"init": 8}

#: Seconds each, in a reader that all doors to checkpoints share; they are opened through their own door alone.
LONG = {"many-small-things.pt", "colliding-keys.pt"}


def files(folder: Path, doors: Iterable[str]) -> list[tuple[str, Path]]:
    """Each file with the door that it is opened through."""
    found = []
    for door in sorted(doors):
        paths = sorted((folder / BESIDE.get(door, door)).iterdir())
        opened = [path for path in paths if door not in BESIDE or path.name not in LONG]
        found += [(door, path) for path in opened[:: EVERY.get(door, 1)]]
    return found


def main(folder: Path, cache: Path) -> None:
    import resource

    open_by = doors()
    # What is imported on first use is no part of the bill.
    import foolbox.attacks  # noqa: F401

    from benchmark.models import ARCHITECTURES

    checkpoint(cache / "warm.pt")
    open_by["checkpoint"](cache / "warm.pt")
    with torch.device("meta"):
        ARCHITECTURES.get("wrn-28-10")(num_classes=10, shape=(3, 32, 32))

    sys.dont_write_bytecode = True  # Python would rename what it keeps compiled, which counts
    seen = watch(cache)
    for door, path in files(folder, open_by):
        Path("/proc/self/clear_refs").write_text("5")  # resets the largest resident size
        size, before = memory()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2 * BOUND, -1))
        seen.clear()
        began = time.process_time()
        try:
            open_by[door](path)
            outcome = "taken"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        spent = {"seconds": time.process_time() - began, "bytes": memory()[1] - before}
        print(json.dumps({"file": f"{door}/{path.name}", "outcome": outcome, **spent, "seen": seen}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
