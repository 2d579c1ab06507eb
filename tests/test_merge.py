"""Parts that were made in several places become one results folder, or nothing does."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import bench
from evaluation_toys import evaluated

import benchmark
from benchmark.errors import BadInput, Notice
from benchmark.evaluation import plan
from benchmark.ledger import Ledger, read_record
from benchmark.ledger import parts as parts_module
from benchmark.ledger.manifests import filed, read_manifest
from benchmark.ledger.record import write_record
from benchmark.parts import Part, read_part

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")]

LINES = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 1}}\n"


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 10)
    monkeypatch.setattr(parts_module, "SHARD", 10)


def made(folder: Path, **options):
    folder.mkdir(exist_ok=True)
    return evaluated(folder, LINES, images=30, **options)


@pytest.fixture
def parts(tmp_path) -> list[Path]:
    """Two parts of an evaluation, in two folders."""
    for number in (1, 2):
        with pytest.warns(Notice, match=r"toy: this part is done; it lacks"):
            assert made(tmp_path / str(number), part=f"{number}/2") == []
    return [tmp_path / "1/results", tmp_path / "2/results"]


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "records").rglob("*.safetensors")}


def content(folder: Path) -> dict[str, bytes]:
    found = (read_record(path) for path in (folder / "records").rglob("*.safetensors"))
    return {record.digest: record.broken.tobytes() + record.distance.tobytes() for record in found}


def snapshot(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_parts_have_nothing_in_common_and_merge_to_the_whole(tmp_path, parts):
    (whole,) = made(tmp_path / "whole")
    first, second = map(names, parts)
    assert first
    assert second
    assert not first & second
    before = snapshot(*parts)
    merged = benchmark.merge(parts, into=tmp_path / "all")
    assert (merged.records, merged.evaluations, merged.unfinished) == (6, 1, [])
    assert content(tmp_path / "all") == content(tmp_path / "whole/results")
    (found,) = Ledger.open(tmp_path / "all").evaluations()
    assert found.id == whole.id
    assert [outcome.broken.tolist() for outcome in found.outcomes] == [
        each.broken.tolist() for each in whole.outcomes
    ]
    assert snapshot(*parts) == before
    assert benchmark.merge([tmp_path / "all", *parts], into=tmp_path / "all").evaluations == 1
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_parts_in_one_folder_make_the_whole_with_the_last_of_them(tmp_path):
    assert made(tmp_path, part="2/2") == []
    (found,) = made(tmp_path, part="1/2")
    assert found.outcome("pgd-l2").complete
    assert [each.id for each in made(tmp_path)] == [found.id]


def test_what_is_lacking_is_said(tmp_path, parts):
    merged = benchmark.merge(parts[:1], into=tmp_path / "all")
    assert merged.evaluations == 0
    assert merged.unfinished[0].startswith("toy lacks ")


def test_a_part_is_the_same_whatever_is_done_already():
    for of in (1, 2, 3, 7):
        for place in range(20):
            assert sum(Part(number, of).has("family", place) for number in range(1, of + 1)) == 1
    for number in (1, 2):  # dealt out in turn
        assert sum(Part(number, 2).has("another", place) for place in range(20)) == 10


def test_images_of_a_last_shard_that_is_not_full_are_counted_as_they_are(tmp_path):
    assert evaluated(tmp_path, LINES, images=21, part="1/7") == []
    (part,) = parts_module.parts_of(Ledger.open(tmp_path / "results"))
    nothing = parts_module.DonePart(part.manifest, {}, part.part)
    assert parts_module.lacking([nothing]) == ["fgsm-linf on 21 images", "pgd-l2 on 21 images"]


def test_what_is_wrong_with_a_part_is_said():
    for text, why in (("3/2", "numbered from 1 to 2"), ("0/2", "from 1 to 2"), ("1/200000", "1 to 100,000 parts")):
        with pytest.raises(BadInput, match=why):
            read_part(text)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2", "1/999999999", "", "1.5/2"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(BadInput, match="--part takes which of how many, such as 2/8"):
        read_part(text)


def _rot(folder: Path) -> None:
    path = next((folder / "records").rglob("*.safetensors"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def _link(folder: Path) -> None:
    os.symlink("/etc/passwd", folder / "records" / "link")


def _linked_top(folder: Path) -> None:
    (folder / "images").exists() and shutil.rmtree(folder / "specimens")
    os.symlink("/etc", folder / "images")


def _moved(folder: Path) -> None:
    path = next((folder / "records").rglob("*.safetensors"))
    (folder / "records" / "0123456789abcdef").mkdir()
    path.rename(folder / "records" / "0123456789abcdef" / path.name)


def _no_marker(folder: Path) -> None:
    (folder / "format.json").unlink()


def _forged_part(folder: Path) -> None:
    path = next((folder / "parts").glob("*.json"))
    found = json.loads(path.read_text())
    found["done"] = {}
    path.write_text(json.dumps(found))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_rot, "checksum"),
        (_link, "is a link"),
        (_linked_top, "is a link"),
        (_moved, "belongs to another"),
        (_no_marker, "no results folder"),
        (_forged_part, "checksum"),
    ],
)
def test_a_hostile_folder_is_refused_and_nothing_is_written(tmp_path, parts, harm, told):
    harm(parts[1])
    with pytest.raises(BadInput, match=told):
        benchmark.merge(parts, into=tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_records_that_contradict_each_other_are_refused(tmp_path):
    made(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    path = next((tmp_path / "b/results/records").rglob("*.safetensors"))
    record = read_record(path)
    write_record(path, replace(record, broken=~record.broken, clean_errors=record.clean_errors & False))
    folders = [tmp_path / "a/results", tmp_path / "b/results"]
    with pytest.raises(BadInput, match="say different things of one attack: broken"):
        benchmark.merge(folders, into=tmp_path / "all")
    before = snapshot(folders[0])
    with pytest.raises(BadInput, match="say different things"):
        benchmark.merge(folders[1:], into=folders[0])
    assert snapshot(folders[0]) == before


def test_another_suite_of_the_same_name_is_refused(tmp_path):
    made(tmp_path / "a")
    (tmp_path / "b").mkdir()
    evaluated(tmp_path / "b", LINES.replace("norm: l2", "norm: l1"), images=30)
    with pytest.raises(BadInput, match="have a different suite under the name toy"):
        benchmark.merge([tmp_path / "a/results", tmp_path / "b/results"], into=tmp_path / "all")


def test_a_single_folder_may_be_named_and_none_is_written_into(tmp_path, parts):
    before = snapshot(*parts)
    for inside in (parts[0] / "records/all", parts[1] / "all"):
        with pytest.raises(BadInput, match="lies inside of"):
            benchmark.merge(parts, into=inside)
    assert snapshot(*parts) == before
    assert benchmark.merge(str(parts[0]), into=tmp_path / "all").records == len(names(parts[0]))


def test_what_is_no_results_folder_is_not_added_to(tmp_path, parts):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="holds something else than results"):
        benchmark.merge(parts, into=tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]
    with pytest.raises(BadInput, match="is no folder"):
        benchmark.merge(parts, into=tmp_path / "other/thesis.txt")


def test_an_attack_that_failed_in_one_place_gives_way_to_what_it_found_in_another(tmp_path):
    made(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    path = next((tmp_path / "b/results/records").rglob("*.safetensors"))
    record = read_record(path)
    failed = replace(record, broken=record.broken & False, no_answer=record.no_answer & False)
    write_record(path, replace(failed, info={**record.info, "error": "out of memory"}))
    folders = [tmp_path / "a/results", tmp_path / "b/results"]
    for number, order in enumerate((folders, folders[::-1])):
        benchmark.merge(order, into=tmp_path / str(number))
        assert content(tmp_path / str(number)) == content(folders[0])


def test_parts_that_contradict_each_other_are_refused(tmp_path, parts):
    (part,) = parts_module.parts_of(Ledger.open(parts[0]))
    other = replace(part, done={label: dict.fromkeys(own, "0" * 64) for label, own in part.done.items()})
    shutil.copytree(parts[0], tmp_path / "3")
    ledger = Ledger.open(tmp_path / "3")
    path = parts_module.write_part(ledger, other)
    with pytest.raises(BadInput, match="are one part with different records"):
        benchmark.merge([parts[0], tmp_path / "3"], into=tmp_path / "all")
    path.unlink()
    parts_module.write_part(ledger, replace(other, part="1/3"))
    with pytest.raises(BadInput, match="parts of toy have different records of"):
        benchmark.merge([parts[0], tmp_path / "3"], into=tmp_path / "all")


def forged(folder: Path, change) -> Path:
    """The evaluation of a results folder, with something else told."""
    (path,) = (folder / "evaluations").glob("*.json")
    manifest = read_manifest(path)
    change(manifest)
    path.write_text(filed(manifest))
    return path


def test_what_two_folders_tell_otherwise_of_a_network_is_said(tmp_path, capsys):
    made(tmp_path / "1")
    shutil.copytree(tmp_path / "1", tmp_path / "2")
    other = forged(tmp_path / "2/results", lambda told: told["model"].update(method="trades"))
    code, out, err = bench(
        capsys, "merge", tmp_path / "1/results", tmp_path / "2/results", "--into", tmp_path / "all"
    )
    assert (code, "1 evaluation" in out) == (0, True)
    assert f"differing: {other} tells other things of the network 'toy' than {tmp_path}" in err
    assert "method 'natural' there, 'trades' here" in err
    (kept,) = Ledger.open(tmp_path / "all").evaluations()
    assert kept.model["method"] == "natural"
    assert benchmark.merge([tmp_path / "1/results"], tmp_path / "again").differing == []


def test_labels_that_contradict_each_other_are_refused(tmp_path):
    made(tmp_path / "1")
    shutil.copytree(tmp_path / "1", tmp_path / "2")
    forged(tmp_path / "2/results", lambda told: told["classes"].update(labels=told["classes"]["labels"][:-1] + "1"))
    with pytest.raises(BadInput, match="are one evaluation with different labels"):
        benchmark.merge([tmp_path / "1/results", tmp_path / "2/results"], tmp_path / "all")
    assert not (tmp_path / "all").exists()
