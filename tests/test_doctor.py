"""The doctor finds what is damaged, says what to do, and moves aside only what can be made again."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
import torch
from evaluation_toys import save
from synthetic import add_evaluation

import benchmark
from benchmark import cli
from benchmark.checkup import Finding
from benchmark.damage import naming
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.training.state import save_state


@pytest.fixture
def folders(tmp_path: Path, monkeypatch) -> dict[str, Path]:
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "data"))
    found = {"results": tmp_path / "results", "zoo": tmp_path / "zoo"}
    for folder in found.values():
        folder.mkdir()
    return found


@pytest.fixture
def record(folders) -> Path:
    add_evaluation(folders["results"], "at")
    return sorted((folders["results"] / "records").rglob("*.safetensors"))[0]


def told(findings: list[Finding], path: Path) -> Finding:
    (finding,) = [finding for finding in findings if finding.place == str(path)]
    return finding


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def age(path: Path, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    os.utime(path, (time.time() - seconds,) * 2)
    return path


@pytest.mark.usefixtures("record")
def test_whole_folders_are_well(folders):
    save(folders["zoo"])
    assert benchmark.doctor(**folders) == []


def test_folders_that_are_named_are_there(folders, tmp_path):
    (tmp_path / "file").touch()
    (finding,) = benchmark.doctor(**{**folders, "zoo": tmp_path / "zooo"})
    assert (finding.place, finding.problem) == (str(tmp_path / "zooo"), "there is no such folder")
    (finding,) = benchmark.doctor(**{**folders, "results": tmp_path / "file"}, mend=True)
    assert finding.problem == "it is a file, not a folder"
    (finding,) = benchmark.doctor(results=tmp_path / "nope", zoo=tmp_path / "nope", mend=True)
    assert finding.problem == "there is no such folder"


@pytest.mark.usefixtures("record")
def test_what_was_looked_at_is_said(folders, tmp_path, monkeypatch, capsys):
    """Else "no problems found" may be said of nothing."""
    save(folders["zoo"])
    monkeypatch.chdir(tmp_path)
    assert re.search(r"; \d+ records? and 1 evaluation in results; 1 checkpoint in zoo$", all_is_well(capsys))
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path / "new")
    assert all_is_well(capsys).endswith("the environment; no folder results yet; no folder zoo yet")


def all_is_well(capsys) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor"])
    printed = capsys.readouterr().out.strip()
    assert not end.value.code
    assert printed.startswith("no problems found: ")
    return str(printed)


def test_a_damaged_record_is_named_moved_aside_and_missed(folders, record):
    spoil(record)
    found = benchmark.doctor(**folders)
    assert "checksum" in told(found, record).problem
    assert record.exists()
    mended = told(benchmark.doctor(**folders, mend=True), record)
    assert mended.mended
    assert not record.exists()
    kept = folders["results"] / "damaged" / record.relative_to(folders["results"])
    assert kept.exists()
    assert str(kept) in mended.remedy
    (left,) = benchmark.doctor(**folders)
    assert "absent or damaged; evaluate again" in left.problem


@pytest.mark.usefixtures("record")
def test_a_damaged_manifest_is_moved_aside(folders):
    (manifest,) = (folders["results"] / "evaluations").iterdir()
    manifest.write_text(manifest.read_text().replace('"at"', '"ta"'))
    assert "checksum" in told(benchmark.doctor(**folders, mend=True), manifest).problem
    assert not manifest.exists()
    assert benchmark.doctor(**folders) == []


def test_a_record_in_the_folder_of_another_network(folders, record):
    other = record.parent.with_name("0" * 16) / record.name
    other.parent.mkdir()
    record.rename(other)
    assert "another network" in told(benchmark.doctor(**folders), other).problem


def test_damaged_adversarial_images(folders, record):
    path = folders["results"] / "adversarials" / record.parent.name / "x.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\x03\x04junk")
    assert "can't be read" in told(benchmark.doctor(**folders), path).problem


def test_what_vanishes_while_it_is_looked_at_is_no_finding(folders, record, monkeypatch):
    """As where another evaluation, or the doctor's own twin, is at work in the same folder."""
    from benchmark.ledger import record as records
    from benchmark.ledger import stored_adversarials as keepsakes

    images = folders["results"] / "adversarials" / record.parent.name / "x.npz"
    images.parent.mkdir(parents=True)
    images.write_bytes(b"PK\x03\x04junk")
    abandoned = age(folders["zoo"] / ".at.pt.abc.part", 7200)
    real, gone = Path.stat, []

    def vanishing(module, name):
        read = getattr(module, name)

        def reading(path):
            path.unlink()
            gone.append(path)
            return read(path)

        monkeypatch.setattr(module, name, reading)

    def stat(path, **options):
        if path == abandoned:
            gone.append(path)
            raise FileNotFoundError(path)
        return real(path, **options)

    vanishing(records, "read_record")
    vanishing(keepsakes, "read_stored_adversarials")
    monkeypatch.setattr(Path, "stat", stat)
    places = {finding.place for finding in benchmark.doctor(**folders)}
    assert {record, images, abandoned} <= set(gone)
    assert not places & set(map(str, gone))


def test_leftovers_are_deleted_when_nobody_can_be_using_them(folders):
    old = age(folders["zoo"] / "last" / ".at.pt.abc.part", 7200)
    new = age(folders["zoo"] / ".at.pt.abc.part", 10)
    future = age(folders["zoo"] / ".mat.pt.abc.part", -(10**6))
    found = benchmark.doctor(**folders, mend=True)
    assert [finding.place for finding in found] == [str(old)]
    assert not old.exists()
    assert new.exists()
    assert future.exists()


def test_checkpoints_and_unfinished_runs(folders):
    whole, broken = save(folders["zoo"]), folders["zoo"] / "broken.pt"
    broken.write_bytes(whole.read_bytes()[:-100])
    state, torn = folders["zoo"] / ".state" / "at.pt", age(folders["zoo"] / ".state" / "mat.pt", 0)
    save_state(state, {"seed": 0}, {"epoch": 1})
    found = benchmark.doctor(**folders, mend=True)
    assert "is damaged" in told(found, broken).problem
    assert not broken.exists()
    assert whole.exists()
    assert "--resume" in told(found, state).remedy
    assert state.exists()
    assert told(found, torn).mended
    assert not torn.exists()


def test_a_network_whose_code_is_in_a_file_is_whole(folders):
    """The doctor runs no code of anybody's, and takes no checkpoint away because of that."""
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    code = folders["zoo"].parent / "mine.py"
    code.write_text(
        "from torch import nn\n\ndef tiny(num_classes, shape):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    path = folders["zoo"] / "mine.pt"
    benchmark.save(
        module, path, dataset="digits", arch=f"{code}:tiny", method="mine", mean=0, std=1, trust_remote_code=True
    )
    assert benchmark.doctor(**folders, mend=True) == []
    code.unlink()
    assert benchmark.doctor(**folders, mend=True) == []
    spoil(path)
    assert "is damaged" in told(benchmark.doctor(**folders, mend=True), path).problem
    assert not path.exists()


def test_what_may_be_whole_is_not_moved(folders, record, monkeypatch):
    """Memory that runs out, or a file of another user's, is no damage."""
    from benchmark.ledger import record as records

    def deny(error: Exception) -> None:
        def read(path):
            with naming(path):
                raise error

        monkeypatch.setattr(records, "read_record", read)

    for passing in (MemoryError(), PermissionError(13, "Permission denied")):
        deny(passing)
        finding = told(benchmark.doctor(**folders, mend=True), record)
        assert not finding.mended
        assert "change its permissions" in finding.remedy
        assert record.exists()
    deny(OSError(40, "Too many levels of symbolic links"))
    assert told(benchmark.doctor(**folders, mend=True), record).mended


@pytest.mark.usefixtures("record")
def test_links_that_lead_nowhere_are_named(folders):
    places = ["records/0/a.safetensors", "adversarials/0/a.npz", "evaluations/a.json", "transfers/a.json"]
    links = [folders["results"] / place for place in places]
    for link in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("nowhere")
    found = benchmark.doctor(**folders, mend=True)
    assert all("broken link" in told(found, link).problem and told(found, link).mended for link in links)
    assert not any(link.is_symlink() for link in links)
    assert benchmark.doctor(**folders) == []


@pytest.mark.parametrize("content", ["", "{", '{"content": "robustness bench', '{"version": 1}', None])
def test_a_damaged_marker_is_written_anew_where_the_records_are_of_this_version(folders, record, content):
    marker = folders["results"] / "format.json"
    marker.unlink() if content is None else marker.write_text(content)
    with pytest.raises(BadInput, match=r"bench doctor --mend"):
        Ledger.open(folders["results"])
    assert not told(benchmark.doctor(**folders), marker).mended
    assert told(benchmark.doctor(**folders, mend=True), marker).mended
    assert benchmark.doctor(**folders) == []
    assert len(Ledger.open(folders["results"]).evaluations()) == 1
    spoil(record)
    for path in (folders["results"] / "records").rglob("*.safetensors"):
        path.write_bytes(b"another program's")
    marker.write_text("{")
    (finding,) = benchmark.doctor(**folders, mend=True)
    assert not finding.mended
    assert marker.read_text() == "{"


def test_a_folder_of_another_version_is_left_alone(folders, record):
    (folders["results"] / "format.json").write_text('{"content": "robustness benchmark results", "version": 99}')
    (finding,) = benchmark.doctor(**folders, mend=True)
    assert "another version" in finding.problem
    assert not finding.mended
    assert record.exists()


def test_a_missing_or_old_package_and_a_full_disk_are_said(folders, monkeypatch):
    needed = ["numpy>=999.0", "no-such-package>=1", "a[b]>=2"]
    monkeypatch.setattr("benchmark.environment.importlib.metadata.requires", lambda _: needed)
    monkeypatch.setattr("benchmark.findings.LITTLE_SPACE", 2**80)
    monkeypatch.setattr("benchmark.findings.os.access", lambda *_: False)
    problems = " | ".join(finding.problem for finding in benchmark.doctor(**folders))
    for words in ("older than 999.0", "no-such-package is not installed", "MiB are free", "is not writable"):
        assert words in problems


def test_what_can_not_be_mended_is_bad_input(folders, record, monkeypatch):
    spoil(record)

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("benchmark.checkup.os.replace", refuse)
    with pytest.raises(BadInput, match=r"can't repair .*Read-only file system"):
        benchmark.doctor(**folders, mend=True)


def test_nothing_is_moved_that_a_link_leads_to(folders, record, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "weights.safetensors").write_bytes(b"not a record")
    (folders["results"] / "records" / "link").symlink_to(mine)
    found = told(
        benchmark.doctor(**folders, mend=True), folders["results"] / "records" / "link" / "weights.safetensors"
    )
    assert not found.mended
    assert "a link leads there" in found.remedy
    assert (mine / "weights.safetensors").exists()
    assert record.exists()


def test_the_verb(folders, record, capsys):
    words = ["doctor", "--results", str(folders["results"]), "--zoo", str(folders["zoo"])]
    for code, spoilt in ((0, False), (1, True)):
        if spoilt:
            spoil(record)
        with pytest.raises(SystemExit) as end:
            cli.main([*words, "--json"] if spoilt else words)
        assert end.value.code in ((None, 0) if not code else (code,))
        out = capsys.readouterr().out
        assert (str(record) in out) == spoilt
        assert ("no problems found" in out) != spoilt
