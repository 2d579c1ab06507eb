"""The ledger: whole or absent, damaged bytes are found, other versions are refused."""

from __future__ import annotations

import contextlib
import json
import os
import random
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.ledger import Ledger, Record, load_results, read_record
from benchmark.ledger.merge import merge
from benchmark.ledger.record import Damaged, write_record
from benchmark.storage import write_atomic


def make_record(start: int = 0, network: str = "a" * 64) -> Record:
    data = {"digest": "d", "start": start, "stop": start + 5}
    key = {"network": network, "data": data, "attack": {"name": "a"}, "seed": 0}
    return Record(
        key=key,
        broken=np.array([1, 0, 1, 0, 0], bool),
        distance=np.array([0, np.inf, 0.1, 0.7, np.inf], np.float32),
        evaluated=np.array([1, 1, 1, 1, 0], bool),
        clean_errors=np.array([1, 0, 0, 0, 0], bool),
        info={
            **dict.fromkeys(("forwards", "backwards", "dead_gradients", "disagreements", "attacked"), 3),
            "error": None,
            "seconds": 1.5,
            "faults": {},
            "hardware": "a machine",
            "date": "2026-01-02",
            "words": 'ä\n"{}',
        },
    )


def same(one: Record, other: Record) -> bool:
    arrays = ("broken", "distance", "evaluated", "clean_errors")
    return (one.key, one.info) == (other.key, other.info) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def test_what_is_written_is_read(tmp_path):
    ledger = Ledger.open(tmp_path, create=True)
    record = make_record()
    ledger.write(record)
    again = ledger.read(record.key["network"], record.digest)
    assert again is not None
    assert same(record, again)
    assert again.distance.dtype == np.float32
    assert ledger.read(record.key["network"], make_record(5).digest) is None
    assert not ledger.problems


def test_every_changed_or_missing_byte_is_found(tmp_path):
    record = make_record()
    path = tmp_path / f"{record.digest}.safetensors"
    write_record(path, record)
    whole = path.read_bytes()
    draw = random.Random(0)
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        with contextlib.suppress(Damaged):
            assert same(read_record(path), record)  # padding may change without harm
    for length in (0, 1, 8, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            read_record(path)


def test_a_flip_in_the_numbers_is_never_read(tmp_path):
    record = make_record()
    path = tmp_path / f"{record.digest}.safetensors"
    write_record(path, record)
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(Damaged, match="checksum"):
        read_record(path)


def test_a_record_under_another_name_is_not_believed(tmp_path):
    path = tmp_path / f"{make_record(5).digest}.safetensors"
    write_record(path, make_record(0))
    with pytest.raises(Damaged, match="another job"):
        read_record(path)


def test_a_damaged_record_counts_as_absent_and_is_named(tmp_path):
    ledger = Ledger.open(tmp_path, create=True)
    record = make_record()
    ledger.write(record)
    path = ledger.path(record.key["network"], record.digest)
    path.write_bytes(path.read_bytes()[:-3])
    assert ledger.read(record.key["network"], record.digest) is None
    assert len(ledger.problems) == 1
    assert str(path) in ledger.problems[0]


def test_folders_of_other_versions_and_of_other_things_are_refused(tmp_path):
    Ledger.open(tmp_path / "ours", create=True)
    marker = tmp_path / "ours" / "format.json"
    for content in (json.dumps({**json.loads(marker.read_text()), "version": 99}), "{", "[]"):
        marker.write_text(content)
        with pytest.raises(BadInput, match="another version"):
            load_results(tmp_path / "ours")
    (tmp_path / "bare" / "records").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"no format\.json"):
        load_results(tmp_path / "bare")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        load_results(tmp_path / "file")


def test_no_folder_is_no_results(tmp_path):
    assert load_results(tmp_path / "nothing") == []
    assert not (tmp_path / "nothing").exists()


def test_many_writers_of_one_record_leave_one_whole_record(tmp_path):
    ledger = Ledger.open(tmp_path, create=True)
    record = make_record()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Ledger.open(tmp_path, create=True).write(record), range(40)))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "format.json"]
    assert files == [ledger.path(record.key["network"], record.digest)]
    assert same(read_record(files[0]), record)


@pytest.mark.skipif(os.name != "posix", reason="asks for the permissions of POSIX")
@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_who_may_read_a_file_the_umask_says(tmp_path, mask, file, folder):
    before = os.umask(mask)
    try:
        Ledger.open(tmp_path / "one", create=True).write(make_record())
        merge([tmp_path / "one"], tmp_path / "both")

        def anew(path):
            path.unlink()
            path.write_text("made by a function")

        write_atomic(tmp_path / "both" / "more", anew)
    finally:
        os.umask(before)
    for path in [tmp_path / "both", *(tmp_path / "both").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (folder if path.is_dir() else file), path


def test_a_file_that_was_being_written_when_all_stopped_is_not_seen(tmp_path):
    ledger = Ledger.open(tmp_path, create=True)
    record = make_record()
    ledger.write(record)
    path = ledger.path(record.key["network"], record.digest)
    (tmp_path / "evaluations").mkdir()
    path.rename(path.with_name(f".{path.name}.x.part"))
    (tmp_path / "evaluations" / ".toy.json.y.part").write_text("{")
    assert ledger.read(record.key["network"], record.digest) is None
    assert ledger.evaluations() == []
    assert not ledger.problems
