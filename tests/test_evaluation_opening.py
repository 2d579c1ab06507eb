"""A network is read as seldom as it may be: once for an evaluation, and again wherever it may have become another."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_toys import evaluated, save, trained, with_last_layer

import benchmark
from benchmark.evaluation import opening
from benchmark.models import ARCHITECTURES, load_model


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read from its file so far; nothing stays in memory before and after."""
    found: list[str] = []
    monkeypatch.setattr(opening, "load_model", lambda name, **more: found.append(name) or load_model(name, **more))
    opening.forget()
    return found


def test_an_evaluation_reads_a_checkpoint_once(tmp_path: Path, read: list[str]) -> None:
    path = save(tmp_path)
    evaluated(tmp_path, networks=path)
    assert read == [str(path)]
    assert not opening._KEPT


@pytest.mark.parametrize("way", ["replaced", "written to", "written to in secret", "removed"])
def test_a_file_that_is_another_is_read_again(tmp_path: Path, read: list[str], way: str) -> None:
    path, other = save(tmp_path), save(tmp_path, with_last_layer("other", 0.5, 1.0))
    first = opening.open_network(str(path))
    assert opening.open_network(str(path)) is first
    assert len(read) == 1
    before = path.stat()
    if way == "replaced":
        other.replace(path)
    elif way == "removed":
        path.unlink()
        with pytest.raises(benchmark.BadInput, match="there is no checkpoint"):
            opening.open_network(str(path))
        return
    else:
        path.write_bytes(other.read_bytes())
    if way == "written to in secret":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert opening.open_network(str(path)).digest == with_last_layer("other", 0.5, 1.0).digest != first.digest
    assert len(read) == 2


def test_what_another_package_defines_is_made_anew_each_time(tmp_path: Path, read: list[str]) -> None:
    """Its code may have changed under its name, which is found out by making it."""

    def theirs(num_classes, shape):
        return ARCHITECTURES.get("small-cnn")(num_classes=num_classes, shape=shape)

    benchmark.register_architecture("theirs", theirs)
    path = save(tmp_path, replace(trained(), architecture="theirs"))
    assert opening.open_network(str(path)) is not opening.open_network(str(path))
    assert len(read) == 2
