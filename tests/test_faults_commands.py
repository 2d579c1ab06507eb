"""One damaged file in a results folder: every command names it, shows the rest, and ends in no traceback."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from evaluation_toys import save, with_last_layer, write_suite

from benchmark import cli, evaluate, transfer
from benchmark.ledger import load_results

ATTACKS = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 3}}\n"
#: What a results folder consists of, by the commands that read it and so have to name it.
READ_BY = {
    "records": {"report", "verify", "compare"},
    "evaluations": {"report", "verify", "compare"},
    "transfers": {"report", "verify"},
    "images": {"report", "verify"},
    "adversarials": {"verify"},
    "answers": {"verify"},
    "format.json": {"report", "verify", "compare"},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks, and what was done to them."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    one, other = save(folder), save(folder, with_last_layer("other", 0.9, 1.1))
    suite = write_suite(folder, ATTACKS, images=12)
    options = {"results": folder / "results", "progress": False, "precision": "fp32", "save_adversarial": True}
    evaluate([one, other], suite=suite, **options)
    transfer(one, targets=other, suite=suite, **options)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def bench(*words: object) -> tuple[int, str]:
    """The exit code, and all that was said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as end:
        cli.main([*map(str, words)])
    return int(end.value.code or 0), said.getvalue()


def commands(folder: Path, path: Path) -> Iterator[tuple[str, int, str]]:
    """Each command that reads a results folder, with its exit code and what it said."""
    results, zoo = folder / "results", (folder / "toy.pt", folder / "other.pt")
    yield "report", *bench("report", "--results", results, "--out", folder / "reports")
    yield "verify", *bench("verify", results, *zoo)
    yield "compare", *bench("compare", *zoo, "--results", results)
    yield "show", *bench("show", path)
    yield "doctor", *bench("doctor", "--json", "--results", results, "--zoo", folder)


def damaged(content: bytes, kind: str, count: int | None) -> Iterator[bytes]:
    """The content cut off, and with one bit flipped: `count` of all bits, or any number."""
    yield content[:-5]
    bits = range(8 * len(content))
    for bit in random.Random(kind).sample(bits, 200 if count is None else count):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def file_of(kind: str, results: Path) -> Path:
    """A file of that kind that belongs to an evaluation, where there are others of images that were carried over."""
    evaluation = load_results(results)[0]
    known = {record for outcome in evaluation.outcomes for record in outcome.records}
    files = [results / kind, *sorted((results / kind).rglob("*.*"))]
    found = [path for path in files if path.is_file()]
    return next((path for path in found if path.stem in known), found[0])


@pytest.mark.parametrize("kind", READ_BY)
@pytest.mark.parametrize("count", [1, pytest.param(None, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_a_damaged_file_is_named_by_whoever_reads_it(folder: Path, kind: str, count: int | None) -> None:
    path = file_of(kind, folder / "results")
    content = path.read_bytes()
    for changed in damaged(content, kind, count):
        path.write_bytes(changed)
        ends = {command: (code, said) for command, code, said in commands(folder, path)}
        harmless = kind in ("adversarials", "answers", "images") and str(path) not in ends["doctor"][1]
        for command, (code, said) in ends.items():
            assert code in (0, 1, 2), (command, said)
            assert "Traceback" not in said
            assert code or command not in ("verify", "doctor") or harmless or kind == "answers", (command, said)
            assert path.name in said or harmless or command not in READ_BY[kind], (command, said)
        assert len(changed) == len(content) or not harmless, "a file that was cut off is never read as whole"
    path.write_bytes(content)
    assert [code for _, code, _ in commands(folder, folder / "toy.pt")] == [0, 0, 0, 0, 0]
