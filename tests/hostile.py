"""Files that a stranger might hand over: each makes itself below a folder, and is opened through one of our doors.

Run as a program with a folder of such files, this opens them all, watched: it prints per file what came of it, the
seconds and the memory it took, and everything that was run, connected to or written meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

#: What may be allocated beyond what the program had before it opened the file, in bytes.
BOUND = 256 * 2**20

#: File name → what makes it; the folder says through which door it is opened.
CORPUS: dict[str, Callable[[Path], object]] = {}


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def hostile(*names: str):
    """Registers what makes the files of these names, "door/file"."""

    def register(make: Callable[[Path], object]):
        for name in names:
            CORPUS[name] = make
        return make

    return register


def mark(path: Path) -> Path:
    """The folder that code would make if it ran."""
    return path.parents[1] / "mark" / path.name


def torch_zip(pickled: bytes, *more: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (("a/data.pkl", pickled), ("a/version", b"3\n"), *more):
            archive.writestr(name, content)
    return buffer.getvalue()


def header(**changes) -> dict:
    texts = dict.fromkeys(("name", "dataset", "scale", "method", "network"), "digits")
    facts = {"architecture": "small-cnn", "num_classes": 10, "shape": [1, 8, 8], "mean": [0.3], "std": [0.4]}
    return {**texts, **facts, "recipe": {}, "seed": 0, **changes}


def state() -> dict[str, torch.Tensor]:
    from benchmark.models import build

    return build("small-cnn", num_classes=10, shape=(1, 8, 8), mean=(0.3,), std=(0.4,)).state_dict()


def checkpoint(path: Path, weights: object = None, **changes) -> None:
    from benchmark.models.files import FORMAT

    weights = state() if weights is None else weights
    torch.save({"format": FORMAT, "version": 1, "header": json.dumps(header(**changes)), "state": weights}, path)


def laughs(depth: int = 60) -> list:
    """A list of lists of lists ... that is small to write down and endless to print."""
    inner: list = ["ha"]
    for _ in range(depth):
        inner = [inner] * 10
    return inner


# Pickles that run code, in disguises.

for protocol in range(6):
    CORPUS[f"checkpoint/bare-pickle-{protocol}.pt"] = lambda path, protocol=protocol: path.write_bytes(
        pickle.dumps(Runs(mark(path)), protocol)
    )
    CORPUS[f"checkpoint/zipped-pickle-{protocol}.pt"] = lambda path, protocol=protocol: path.write_bytes(
        torch_zip(pickle.dumps({"state": Runs(mark(path))}, protocol))
    )


@hostile("checkpoint/as-safetensors.safetensors")
def _(path):
    path.write_bytes(torch_zip(pickle.dumps(Runs(mark(path)))))


@hostile("checkpoint/inst.pt")
def _(path):
    path.write_bytes(torch_zip(b"(S'" + str(mark(path)).encode() + b"'\nios\nmkdir\n."))


@hostile("checkpoint/legacy.pt")
def _(path):
    torch.save({"state": Runs(mark(path))}, path, _use_new_zipfile_serialization=False)


@hostile("checkpoint/inside-the-state.pt")
def _(path):
    checkpoint(path, {**state(), "extra": Runs(mark(path))})


@hostile("checkpoint/second-pickle.pt")
def _(path):
    checkpoint(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Runs(mark(path))))


@hostile("checkpoint/large-allocation.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR."))


@hostile("checkpoint/whole-module.pt")
def _(path):
    torch.save(torch.nn.Linear(2, 2), path)


@hostile("checkpoint/torchscript.pt")
def _(path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)


# Archives that unpack to more than they are, or elsewhere.


@hostile("checkpoint/bomb.pt")
def _(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * 2**27)


@hostile("checkpoint/false-sizes.pt")
def _(path):
    checkpoint(path)
    whole = bytearray(path.read_bytes())
    struct.pack_into("<II", whole, whole.rfind(b"PK\x01\x02") + 20, 2**31 - 1, 2**31 - 1)
    path.write_bytes(whole)


@hostile("checkpoint/climbing-entries.pt")
def _(path):
    up = "../" * 9
    path.write_bytes(torch_zip(b"\x80\x02}.", (f"{up}{mark(path)}", b"x"), (f"a/{up}tmp/evil", b"x")))


@hostile("checkpoint/many-entries.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02}.", *((f"a/data/{n}", b"") for n in range(20_000))))


@hostile("checkpoint/endless-version.pt")
def _(path):
    from benchmark.models.files import FORMAT

    torch.save({"format": FORMAT, "version": laughs(), "header": "{}", "state": {}}, path)


@hostile("checkpoint/endless-state.pt")
def _(path):
    checkpoint(path, {"network.0.weight": laughs()})


@hostile("checkpoint/endless-format.pt")
def _(path):
    torch.save({"format": laughs(), "version": 1, "header": "{}", "state": {}}, path)


@hostile("checkpoint/nested-header.pt")
def _(path):
    from benchmark.models.files import FORMAT

    torch.save({"format": FORMAT, "version": 1, "header": "[" * 10**6, "state": {}}, path)


# Claims and weights that don't fit.


@hostile("checkpoint/a-billion-classes.pt")
def _(path):
    checkpoint(path, num_classes=10**9)


@hostile("checkpoint/images-of-a-terabyte.pt")
def _(path):
    checkpoint(path, shape=[16, 10**6, 10**5])


@hostile("checkpoint/most-classes.pt")
def _(path):
    checkpoint(path, architecture="wrn-70-16", num_classes=100_000, shape=[1, 1024, 1024])


@hostile("checkpoint/a-view-of-a-trillion.pt")
def _(path):
    checkpoint(path, {**state(), "network.0.weight": torch.zeros(1).expand(10**12)})


@hostile("checkpoint/not-numbers.pt")
def _(path):
    checkpoint(path, {key: value * float("nan") if value.dim() else value for key, value in state().items()})


@hostile("checkpoint/half.pt")
def _(path):
    checkpoint(path, {key: value.half() for key, value in state().items()})


@hostile("checkpoint/whole-numbers.pt")
def _(path):
    checkpoint(path, {key: value.long() for key, value in state().items()})


@hostile("checkpoint/complex.pt")
def _(path):
    checkpoint(path, {key: value * 1j if value.dim() else value for key, value in state().items()})


@hostile("checkpoint/not-numbers.safetensors")
def _(path):
    from benchmark.models.files import write_file

    write_file(
        path, header(), {key: value * float("nan") if value.dim() else value for key, value in state().items()}
    )


@hostile("checkpoint/climbing-names.safetensors")
def _(path):
    from benchmark.models.files import write_file

    write_file(path, header(), {f"../../..{mark(path)}/{key}": value for key, value in state().items()})


@hostile("checkpoint/no-pickle.pt")
def _(path):
    path.write_bytes(torch_zip(b"").replace(b"data.pkl", b"data.txt"))


@hostile("checkpoint/long-pickle.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02." + bytes(5 * 2**20)))


@hostile("checkpoint/much-junk.pt")
def _(path):
    path.write_bytes(b"junk" * 2**21)


@hostile("checkpoint/surrogates-in-its-name.pt")
def _(path):
    checkpoint(path, name="\ud800")


@hostile("checkpoint/endless-name.pt")
def _(path):
    checkpoint(path, name="x" * 10**6)


@hostile("checkpoint/truncated.pt")
def _(path):
    checkpoint(path)
    path.write_bytes(path.read_bytes()[:-1000])


# Files that are none.


@hostile(
    "checkpoint/pipe.pt", "records/pipe.safetensors", "manifest/pipe.json", "suite/pipe.yaml", "recipe/pipe.yaml"
)
def _(path):
    os.mkfifo(path)


@hostile("checkpoint/endless.pt", "suite/endless.yaml", "recipe/endless.yaml", "manifest/endless.json")
def _(path):
    path.symlink_to("/dev/zero")


@hostile("checkpoint/loop.pt", "suite/loop.yaml", "records/loop.safetensors")
def _(path):
    path.symlink_to(path)


@hostile(
    "checkpoint/folder.pt",
    "suite/folder.yaml",
    "records/folder.safetensors",
    "keepsake/folder.npz",
    "recipe/folder.yaml",
)
def _(path):
    path.mkdir()


@hostile("checkpoint/empty.pt", "records/empty.safetensors", "keepsake/empty.npz", "suite/empty.yaml")
def _(path):
    path.touch()


@hostile("checkpoint/sparse.pt", "manifest/sparse.json", "suite/sparse.yaml", "recipe/sparse.yaml")
def _(path):
    with path.open("wb") as file:
        file.truncate(2**40)


# safetensors.


def safetensors(path: Path, text: str | bytes, size: int | None = None, body: bytes = b"") -> None:
    text = text.encode() if isinstance(text, str) else text
    path.write_bytes(struct.pack("<Q", len(text) if size is None else size) + text + body)


@hostile("checkpoint/long-header.safetensors", "records/long-header.safetensors")
def _(path):
    safetensors(path, "{", 2**40)


@hostile("checkpoint/header-of-spaces.safetensors")
def _(path):
    safetensors(path, "{" + " " * 5 * 2**20 + "}")


@hostile("checkpoint/overflow.safetensors", "records/overflow.safetensors")
def _(path):
    tensor = {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 8]}
    safetensors(path, json.dumps({"broken": tensor, "network.0.weight": tensor}), body=bytes(8))


@hostile("checkpoint/overlap.safetensors", "records/overlap.safetensors")
def _(path):
    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    safetensors(path, json.dumps({"broken": tensor, "distance": tensor}), body=bytes(8))


@hostile("checkpoint/nested.safetensors", "records/nested.safetensors")
def _(path):
    safetensors(path, '{"a":' * 10**5)


# Records and manifests whose checksums are right and whose content is not.


INFO = dict.fromkeys(("seconds", "forwards", "backwards", "dead_gradients", "disagreements", "attacked"), 0)
INFO |= {"error": None, "faults": {}, "hardware": "", "date": ""}


def record(path: Path, arrays: dict | None = None, key: object = None, info: object = None, text: str = "") -> None:
    from safetensors.numpy import save

    from benchmark.evaluation.record import _checksum
    from benchmark.storage import canonical_json, digest

    flags = np.zeros(3, bool)
    arrays = {"broken": flags, "clean_errors": flags, "evaluated": flags, "distance": np.ones(3, np.float32)} | (
        arrays or {}
    )
    key = {"network": "n", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}} if key is None else key
    info = INFO if info is None else info
    text = text or canonical_json({"format": 1, "key": key, "info": info})
    content = save(arrays, {"record": text, "sha256": _checksum(text, arrays)})
    path.write_bytes(content)
    # Under the name that it asks for, so that nothing but its sense is wrong.
    path.rename(path.with_name(f"{digest(key)}.safetensors"))


@hostile("records/wrong-length.safetensors")
def _(path):
    record(path, key={"network": "n", "data": {"digest": "d", "start": 0, "stop": 10**12}, "attack": {}})


@hostile("records/backwards.safetensors")
def _(path):
    record(path, key={"network": "n", "data": {"digest": "d", "start": 3, "stop": 0}, "attack": {}})


@hostile("records/key-is-a-list.safetensors")
def _(path):
    record(path, key=[1, 2])


@hostile("records/no-info.safetensors")
def _(path):
    record(path, key={"network": "no-info", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}}, info={})


@hostile("records/words-for-numbers.safetensors")
def _(path):
    record(
        path,
        key={"network": "words", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}},
        info={**INFO, "seconds": "many"},
    )


@hostile("records/not-a-number.safetensors")
def _(path):
    arrays = {"distance": np.full(3, np.nan, np.float32)}
    record(path, arrays, key={"network": "nan", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}})


@hostile("records/other-types.safetensors")
def _(path):
    arrays = {"broken": np.zeros(3, np.float64)}
    record(path, arrays, key={"network": "types", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}})


@hostile("records/not-a-number-in-words.safetensors")
def _(path):
    record(path, text='{"format": 1, "key": {"n": NaN}, "info": {}}')


@hostile("records/of-another-version.safetensors")
def _(path):
    from benchmark.storage import canonical_json

    key = {"network": "version", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}}
    record(path, key=key, text=canonical_json({"format": 99, "key": key, "info": INFO}))


@hostile("records/nested-json.safetensors")
def _(path):
    record(path, text='{"a":' * 10**5)


def manifest(path: Path, **changes) -> None:
    from benchmark.storage import digest

    card = dict.fromkeys(("name", "method", "network", "architecture", "dataset", "digest"), "n")
    item = {"label": "a", "attack": {"name": "a"}, "norm": "linf", "epsilon": 0.1, "restarts": 1, "kind": "budget"}
    item |= {"source": "own", "paper": ""}
    content = {
        "id": "0" * 64,
        "model": card,
        "suite": {"name": "s", "preset": "full", "digest": "d", "items": [item]},
        "dataset": {"name": "d", "digest": "d", "images": 3},
        "mode": "full",
        "seed": 0,
        "precision": "fp32",
        "notes": [],
        "records": {"a": []},
        **changes,
    }
    path.write_text(json.dumps({**content, "sha256": digest(content)}))


@hostile("manifest/a-trillion-images.json")
def _(path):
    manifest(path, dataset={"name": "d", "digest": "d", "images": 10**12})


@hostile("manifest/climbing-records.json")
def _(path):
    manifest(path, records={"a": ["../" * 20 + "etc/passwd"]})


@hostile("manifest/records-of-others.json")
def _(path):
    manifest(path, records={"b": []})


@hostile("manifest/words-for-numbers.json")
def _(path):
    manifest(path, dataset={"name": "d", "digest": "d", "images": "three"})


@hostile("manifest/a-list-as-name.json")
def _(path):
    manifest(path, model={"name": ["x"]})


@hostile("manifest/nested.json")
def _(path):
    path.write_text("[" * 10**6)


@hostile("manifest/not-a-number.json")
def _(path):
    path.write_text('{"sha256": NaN, "id": Infinity}')


# Stored images.


@hostile("keepsake/bomb.npz")
def _(path):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f4", "fortran_order": False, "shape": (2**31,)})
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w", force_zip64=True) as file,
    ):
        file.write(content.getvalue())
        for _ in range(16 * 17):
            file.write(bytes(2**22))


@hostile("keepsake/false-shape.npz")
def _(path):
    content = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)}
    np.lib.format.write_array_header_1_0(content, shape)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.npy", content.getvalue())
        archive.writestr("images.npy", content.getvalue())


@hostile("keepsake/objects.npz")
def _(path):
    np.savez(path, rows=np.array([Runs(mark(path))], dtype=object), images=np.zeros(1))


@hostile("keepsake/other-numbers.npz")
def _(path):
    np.savez(path, rows=np.zeros((2, 2)), images=np.zeros(2))


# Suites, recipes and papers.

YAML = ("suite", "recipe", "paper")


@hostile(*(f"{door}/code.yaml" for door in YAML))
def _(path):
    path.write_text(f"name: !!python/object/apply:os.mkdir ['{mark(path)}']\n")


@hostile(*(f"{door}/laughs.yaml" for door in YAML))
def _(path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path.write_text("\n".join(lines))


@hostile(*(f"{door}/itself.yaml" for door in YAML))
def _(path):
    path.write_text("name: &a [*a]\n")


@hostile(*(f"{door}/deep.yaml" for door in YAML))
def _(path):
    path.write_text("name: " + "[" * 10**5)


@hostile("suite/many.yaml")
def _(path):
    path.write_text("name: [" + "1," * 130_000 + "]")


@hostile(*(f"{door}/digits.yaml" for door in YAML))
def _(path):
    path.write_text("name: " + "9" * 250_000)


@hostile("suite/sexagesimal.yaml")
def _(path):
    path.write_text("name: 1" + ":59" * 80_000)


@hostile(*(f"{door}/bytes.yaml" for door in YAML))
def _(path):
    path.write_bytes(bytes(range(256)) * 100)


def suite(path: Path, attack: str) -> None:
    path.write_text(
        "name: s\nversion: 1\nimages: 5\nepsilons: {digits: {linf: 0.1}}\n"
        f"attacks:\n  - {{{attack}, norm: linf}}\n"
    )


@hostile("suite/imports.yaml")
def _(path):
    suite(path, "attack: 'os:system'")


@hostile("suite/imports-of-a-library.yaml")
def _(path):
    suite(path, "attack: 'foolbox.attacks.base:subprocess'")


@hostile("suite/logs-elsewhere.yaml")
def _(path):
    suite(path, f"attack: 'foolbox.attacks:BoundaryAttack', parameters: {{tensorboard: '{mark(path)}'}}")


@hostile("suite/endless-name.yaml")
def _(path):
    suite(path, f"attack: {'x' * 200_000}")


# Pictures.


def pictures(path: Path, first: bytes) -> None:
    from PIL import Image

    path.mkdir()
    for part in ("train", "test"):
        for name in ("a", "b"):
            (path / part / name).mkdir(parents=True)
            for number in (1, 2):
                Image.new("RGB", (8, 8)).save(path / part / name / f"{number}.png")
    (path / "train" / "a" / "0.png").write_bytes(first)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = zlib.compress(bytes(10**6))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@hostile("pictures/enormous")
def _(path):
    pictures(path, png(10**5, 10**5))


@hostile("pictures/truncated")
def _(path):
    pictures(path, png(8, 8)[:45])


@hostile("pictures/one-enormous-among-others")
def _(path):
    pictures(path, b"")
    (path / "train" / "a" / "0.png").unlink()
    (path / "train" / "a" / "3.png").write_bytes(png(30_000, 30_000))


@hostile("pictures/pipe")
def _(path):
    pictures(path, b"")
    (path / "train" / "a" / "0.png").unlink()
    (path / "train" / "b" / "1.png").unlink()
    (path / "train" / "b" / "2.png").unlink()
    os.mkfifo(path / "train" / "b" / "1.png")


@hostile("pictures/loop")
def _(path):
    pictures(path, b"")
    (path / "train" / "a" / "0.png").unlink()
    for number in (1, 2):
        (path / "train" / "b" / f"{number}.png").unlink()
    (path / "train" / "b" / "round").symlink_to(path / "train")


def make(folder: Path) -> None:
    """All files of the corpus, below `folder`."""
    for name, builder in CORPUS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        builder(path)
    (folder / "mark").mkdir()


# Opening them.


def doors() -> dict[str, Callable[[Path], object]]:
    """How a file of each folder is opened; what is refused raises."""
    from benchmark.data import load
    from benchmark.evaluation import Ledger, load_suite, read_record
    from benchmark.evaluation.keepsakes import read_keepsake
    from benchmark.models import load_checkpoint
    from benchmark.papers.files import load_paper
    from benchmark.training.recipe import load_recipe

    def manifest(path: Path) -> None:
        ledger = Ledger(path.parent)
        if ledger._load(path) is None:
            raise LookupError(*ledger.problems)

    return {
        "checkpoint": lambda path: load_checkpoint(path).model(),
        "records": read_record,
        "manifest": manifest,
        "keepsake": read_keepsake,
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

    seen = watch(cache)
    for path in sorted(path for door in open_by for path in (folder / door).iterdir()):
        Path("/proc/self/clear_refs").write_text("5")  # resets the largest resident size
        size, before = memory()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2 * BOUND, -1))
        seen.clear()
        began = time.monotonic()
        try:
            open_by[path.parent.name](path)
            outcome = "taken"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        spent = {"seconds": time.monotonic() - began, "bytes": memory()[1] - before}
        print(json.dumps({"file": f"{path.parent.name}/{path.name}", "outcome": outcome, **spent, "seen": seen}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
