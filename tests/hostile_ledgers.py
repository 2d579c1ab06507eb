"""Records, manifests and stored images whose checksums are right and whose content is not."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
from hostile_making import Runs, hostile, mark

# Records and manifests.

INFO = dict.fromkeys(("seconds", "forwards", "backwards", "dead_gradients", "disagreements", "attacked"), 0)
INFO |= {"error": None, "faults": {}, "hardware": "", "date": ""}


def record(path: Path, arrays: dict | None = None, key: object = None, info: object = None, text: str = "") -> None:
    from safetensors.numpy import save

    from benchmark.ledger.record import _checksum
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
    named = path.with_name(f"{digest(key)}.safetensors")
    assert not named.exists(), "another record of the corpus asks for this name"
    path.rename(named)


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


@hostile("records/numbers-for-warnings.safetensors")
def _(path):
    key = {"network": "warned", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}}
    record(path, key=key, info={**INFO, "warnings": [0] * 1_500_000})


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
    record(path, key={"n": "NaN"}, text='{"format": 1, "key": {"n": NaN}, "info": {}}')


@hostile("records/of-another-version.safetensors")
def _(path):
    from benchmark.storage import canonical_json

    key = {"network": "version", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}}
    record(path, key=key, text=canonical_json({"format": 99, "key": key, "info": INFO}))


@hostile("records/longer-than-any.safetensors")
def _(path):
    record(
        path, key={"network": "long", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {"x": "y" * 2**24}}
    )


@hostile("records/much-of-an-error.safetensors")
def _(path):
    key = {"network": "error", "data": {"digest": "d", "start": 0, "stop": 3}, "attack": {}}
    record(path, key=key, info={**INFO, "error": "x" * 10**6})


@hostile("records/nested-json.safetensors")
def _(path):
    record(path, text='{"a":' * 10**5)


def manifest(path: Path, suite: dict | None = None, card_of: dict | None = None, **changes) -> None:
    from benchmark.ledger.schema import suite_digest
    from benchmark.storage import digest

    card = dict.fromkeys(("name", "method", "network", "architecture", "dataset", "digest"), "n")
    item = {
        "label": "a",
        "attack": {"name": "a"},
        "norm": "linf",
        "epsilon": 0.1,
        "restarts": 1,
        "kind": "fixed-budget",
    }
    item |= {"source": "own", "paper": ""}
    content = {
        "id": "0" * 64,
        "model": card,
        "suite": {"name": "s", "preset": "standard", "items": [item]},
        "dataset": {"name": "d", "digest": "d", "images": 3},
        "mode": "complete",
        "seed": 0,
        "precision": "fp32",
        "notes": [],
        "records": {"a": []},
        **changes,
    }
    content["suite"]["digest"] = suite_digest(content["suite"], content["dataset"]["images"])
    content["suite"] |= suite or {}
    content["model"] |= card_of or {}
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


@hostile("manifest/under-the-digest-of-another-suite.json")
def _(path):
    manifest(path, suite={"digest": "5" * 64})


@hostile("manifest/a-radius-beyond-all-bounds.json")
def _(path):
    item = {"label": "a", "attack": {}, "norm": "linf", "epsilon": 1e308, "restarts": 1, "kind": "fixed-budget"}
    manifest(path, suite={"items": [item | {"source": "own", "paper": ""}]})


@hostile("manifest/seconds-in-words.json")
def _(path):
    manifest(path, card_of={"extra": {"seconds": "x"}})


@hostile("manifest/a-size-of-400-digits.json")
def _(path):
    manifest(path, card_of={"numbers": 10**400})


@hostile("manifest/versions-that-are-a-list.json")
def _(path):
    manifest(path, card_of={"versions": [1]})


@hostile("manifest/deep-settings.json")
def _(path):
    inner: list = []
    for _ in range(300):
        inner = [inner]
    manifest(path, card_of={"anything": inner})


@hostile("manifest/a-million-empty-lists.json")
def _(path):
    path.write_text("[" + ",".join(["{}"] * 3_000_000) + "]")


@hostile("manifest/numbers-for-notes.json")
def _(path):
    manifest(path, notes=[0] * 1_000_000)


@hostile("manifest/numbers-for-records.json")
def _(path):
    manifest(path, records={str(number): 0 for number in range(100_000)})


@hostile("manifest/one-record-twice.json")
def _(path):
    """What it found would count twice, and so would what of it is confirmed."""
    manifest(path, records={"a": ["0" * 64, "1" * 64, "0" * 64]})


@hostile("manifest/a-link-to-nothing.json")
def _(path):
    path.symlink_to(path.with_name("nothing"))


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
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
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


def npy(numbers: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, numbers, version)
    return content.getvalue()


@hostile("keepsake/one-image-twice.npz")
def _(path):
    np.savez(path, rows=np.array([1, 1]), images=np.zeros((2, 1, 8, 8), np.float32))


@hostile("keepsake/of-another-layout.npz")
def _(path):
    """Its headers are of numpy's second version, which readers of the first take for something else."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.npy", npy(np.arange(2), (2, 0)))
        archive.writestr("images.npy", npy(np.zeros((2, 1, 8, 8), np.float32), (2, 0)))


@hostile("keepsake/longer-than-it-says.npz")
def _(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.npy", npy(np.arange(2)) + bytes(10**6))
        archive.writestr("images.npy", npy(np.zeros((2, 1, 8, 8), np.float32)))


@hostile("keepsake/encrypted.npz")
def _(path):
    np.savez(path, rows=np.arange(2), images=np.zeros((2, 1, 8, 8), np.float32))
    whole = bytearray(path.read_bytes())
    for mark_of, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = whole.find(mark_of)
        while at >= 0:
            whole[at + flags] |= 1
            at = whole.find(mark_of, at + 1)
    path.write_bytes(whole)


@hostile("keepsake/packed-as-nobody-does.npz")
def _(path):
    np.savez(path, rows=np.arange(2), images=np.zeros((2, 1, 8, 8), np.float32))
    whole = bytearray(path.read_bytes())
    struct.pack_into("<H", whole, whole.find(b"PK\x01\x02") + 10, 99)
    path.write_bytes(whole)


@hostile("keepsake/other-numbers.npz")
def _(path):
    np.savez(path, rows=np.zeros((2, 2)), images=np.zeros(2))
