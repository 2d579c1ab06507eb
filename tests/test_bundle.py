"""One file from which others check a claimed row: what it holds, what is found out, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import bench
from evaluation_toys import evaluated, save, trained, with_last_layer
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.ledger.bundle_file import CLAIM, write_bundle
from benchmark.ledger.manifests import filed, read_manifest
from benchmark.ledger.stored_adversarials import (
    StoredAdversarials,
    read_stored_adversarials,
    write_stored_adversarials,
)

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")]

LINES = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 2}}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a checkpoint, its results with stored images, and bundles of them."""
    folder = tmp_path_factory.mktemp("made")
    evaluated(folder, LINES, images=30, save_adversarial=True)
    benchmark.bundle(folder / "results", "toy", out=folder / "plain.zip")
    benchmark.bundle(folder / "results", "toy", out=folder / "images.zip", images=True)
    return folder


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def kinds(path: Path) -> set[str]:
    return {name.partition("/")[0] for name in content(path)}


def bundled(path: Path, files: dict[str, bytes], **claim: object) -> Path:
    """A bundle of these files, with sizes and digests that are right whatever they hold."""
    contents = json.loads(files[CLAIM]) | claim
    others = {name: each for name, each in files.items() if name != CLAIM}
    return write_bundle(path, {"network": contents["network"], "rows": contents["rows"]}, others)


def test_it_holds_what_takes_to_check_a_row_and_no_pixel_or_weight_unless_asked(made, tmp_path):
    assert kinds(made / "plain.zip") == {CLAIM, "README.txt", "format.json", "evaluations", "records", "answers"}
    assert kinds(made / "images.zip") - kinds(made / "plain.zip") == {"adversarials", "specimens"}
    benchmark.bundle(made / "results", "toy", out=tmp_path / "w.zip", weights=made / "toy.pt")
    assert content(tmp_path / "w.zip")["weights/toy.pt"] == (made / "toy.pt").read_bytes()
    (row,) = json.loads(content(made / "plain.zip")[CLAIM])["rows"]
    assert row["images"] == 30
    assert set(row["under"]) == {"linf", "l2"}
    assert row["commands"][-1].startswith("bench evaluate zoo/toy.pt --suite")
    assert row["hardware"]
    assert row["versions"]


def test_the_same_results_give_the_same_bytes(made, tmp_path):
    for name in ("once", "again"):
        benchmark.bundle(made / "results", made / "toy.pt", out=tmp_path / f"{name}.zip")
    assert (tmp_path / "once.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    assert (tmp_path / "once.zip").read_bytes() == (made / "plain.zip").read_bytes()


def test_verify_says_what_was_checked_and_what_was_not(made, capsys):
    code, out, err = bench(capsys, "verify", made / "plain.zip")
    assert (code, err) == (0, "")
    assert "checked: 1 claimed row, over 30 images: computed anew from the records" in out
    assert "not checked: whether 'toy' answers on any image as the records say: name its checkpoint" in out
    assert "no adversarial images are in the bundle" in out
    code, out, _ = bench(capsys, "verify", made / "images.zip")
    assert code == 0
    assert "fool the network and lie within the radius: name its checkpoint" in out


@pytest.mark.parametrize("way", [(), ("--checkpoint",)])
def test_with_the_checkpoint_the_images_are_run_through_the_network(made, capsys, way):
    code, out, err = bench(capsys, "verify", made / "images.zip", *way, made / "toy.pt")
    assert (code, err) == (0, "")
    assert "adversarial images of" in out
    assert "were run through the network in float32" in out
    assert "fool the network" not in out


def test_weights_in_a_bundle_are_taken_where_no_checkpoint_is_named(made, tmp_path):
    path = benchmark.bundle(made / "results", "toy", out=tmp_path / "w.zip", weights=made / "toy.pt", images=True)
    found = benchmark.verify_bundle(path)
    assert found.rechecks
    assert not found.problems


def test_what_is_no_adversarial_image_is_found_with_the_network(made, tmp_path):
    """Stored images that fool nobody, under right checksums."""
    files = content(made / "images.zip")
    name = next(name for name in sorted(files) if name.startswith("adversarials/"))
    path = tmp_path / "x.npz"
    path.write_bytes(files[name])
    kept = read_stored_adversarials(path)
    write_stored_adversarials(path, StoredAdversarials(kept.rows, np.zeros_like(kept.images)))
    forged = bundled(tmp_path / "forged.zip", {**files, name: path.read_bytes()})
    assert not benchmark.verify_bundle(forged).problems, "their values lie in [0, 1]: only the network tells"
    found = benchmark.verify_bundle(forged, made / "toy.pt")
    assert any("not adversarial at the recorded distance" in problem for problem in found.problems)
    write_stored_adversarials(path, StoredAdversarials(kept.rows, kept.images + 2))
    forged = bundled(tmp_path / "outside.zip", {**files, name: path.read_bytes()})
    assert any("outside of [0, 1]" in problem for problem in benchmark.verify_bundle(forged).problems)


def test_another_network_is_told_from_the_one_that_was_attacked(made, tmp_path):
    other = save(tmp_path, with_last_layer("other", 2.0, 1.0))
    with pytest.raises(BadInput, match=r"images\.zip has no evaluation of"):
        benchmark.verify_bundle(made / "images.zip", other)


def test_a_row_that_the_records_do_not_come_to(made, tmp_path, capsys):
    files = content(made / "plain.zip")
    rows = json.loads(files[CLAIM])["rows"]
    rows[0]["rworst"]["value"] += 0.1
    forged = bundled(tmp_path / "better.zip", files, rows=rows)
    code, out, err = bench(capsys, "verify", forged)
    assert code == 1
    assert "rworst value is claimed to be" in err
    assert "the records come to" in err
    assert "contradictions were found" in out
    rows[0]["rworst"] = None
    assert benchmark.verify_bundle(bundled(tmp_path / "none.zip", files, rows=rows)).problems
    assert benchmark.verify_bundle(bundled(tmp_path / "no-row.zip", files, rows=[])).problems


def test_what_is_said_in_words_contradicts_nothing_and_is_told(made, tmp_path):
    files = content(made / "plain.zip")
    rows = json.loads(files[CLAIM])["rows"]
    rows[0]["commands"] = ["rm -rf ~"]
    rows[0]["notes"] = ["another version's words"]
    found = benchmark.verify_bundle(bundled(tmp_path / "words.zip", files, rows=rows))
    assert not found.problems
    assert any("the commands in bundle.json" in sentence for sentence in found.unchecked)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"name": "better"}, "calls the network otherwise"), ({"digest": "0" * 64}, "has results of 'toy'")],
)
def test_a_network_under_another_name(made, tmp_path, change, said):
    files = content(made / "plain.zip")
    network = json.loads(files[CLAIM])["network"] | change
    found = benchmark.verify_bundle(bundled(tmp_path / "x.zip", files, network=network))
    assert any(said in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda record: {"broken": np.zeros_like(record.broken) | record.clean_errors}, "broken within the radius"),
        (lambda record: {"evaluated": record.clean_errors}, "robust that were not attacked"),
    ],
)
def test_records_at_odds_with_themselves(made, tmp_path, forge: Callable, said: str):
    from dataclasses import replace

    shutil.copytree(made / "results", tmp_path / "results")
    ledger = Ledger.open(tmp_path / "results")
    (evaluation,) = ledger.evaluations()
    record = ledger.read(evaluation.model["digest"], evaluation.outcomes[0].records[0])
    assert record is not None
    ledger.write(replace(record, **forge(record)))
    found = benchmark.verify_bundle(benchmark.bundle(tmp_path / "results", "toy", out=tmp_path / "x.zip"))
    assert any(said in problem for problem in found.problems), found.problems


def test_records_of_another_network_or_of_no_evaluation(made, tmp_path):
    add_evaluation(tmp_path / "other", "at")
    benchmark.bundle(tmp_path / "other", "at", out=tmp_path / "other.zip")
    files = content(made / "plain.zip")
    theirs = {name: each for name, each in content(tmp_path / "other.zip").items() if name.startswith("records/")}
    found = benchmark.verify_bundle(bundled(tmp_path / "mixed.zip", {**files, **theirs}))
    assert sum("belongs to another network" in problem for problem in found.problems) == len(theirs)
    lacking = next(name for name in files if name.startswith("records/"))
    found = benchmark.verify_bundle(bundled(tmp_path / "less.zip", {k: v for k, v in files.items() if k != lacking}))
    assert found.problems


def test_an_evaluation_that_names_other_attacks_than_its_records(made, tmp_path):
    files = content(made / "plain.zip")
    name = next(name for name in files if name.startswith("evaluations/"))
    (tmp_path / "x.json").write_bytes(files[name])
    manifest = read_manifest(tmp_path / "x.json")
    manifest["seed"] += 1
    found = benchmark.verify_bundle(bundled(tmp_path / "x.zip", {**files, name: filed(manifest).encode()}))
    assert any("was made with another seed" in problem for problem in found.problems)


# Files that are none that bench bundle wrote.


def archive(path: Path, entries: list[tuple[zipfile.ZipInfo | str, bytes]], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as made:
        for entry, each in entries:
            made.writestr(entry, each)
    return path


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


def many(path: Path) -> Path:
    """An archive whose end announces more files than any bundle has."""
    archive(path, [("README.txt", b"")])
    whole = bytearray(path.read_bytes())
    end = whole.rindex(b"PK\x05\x06")
    whole[end + 8 : end + 16] = struct.pack("<HHI", 65_535, 65_535, 2**31)
    path.write_bytes(whole)
    return path


def overlapping(path: Path) -> Path:
    """Two names for the same bytes: what bombs without compression are made of."""
    archive(path, [("README.txt", b"a" * 50), ("format.json", b"a" * 50)])
    whole = bytearray(path.read_bytes())
    second = whole.rindex(b"PK\x01\x02")
    whole[second + 42 : second + 46] = bytes(4)
    path.write_bytes(whole)
    return path


NAN = b'{"content": "robustness benchmark bundle", "version": NaN, "network": {}, "rows": [], "files": {}}'
DEEP = b"[" * 200_000 + b"]" * 200_000
MARKUP = "<script>alert(1)</script>.html"

HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no-zip": (lambda path: path.write_bytes(b"x" * 100) and path, "is no zip archive"),
    "empty": (lambda path: path.write_bytes(b"") or path, "is too small"),
    "slip": (lambda path: archive(path, [("../../evil.txt", b"x")]), "which no bundle has"),
    "absolute": (lambda path: archive(path, [("/etc/passwd", b"x")]), "which no bundle has"),
    "backslash": (lambda path: archive(path, [("records\\x.safetensors", b"x")]), "which no bundle has"),
    "markup": (lambda path: archive(path, [(MARKUP, b"x")]), "which no bundle has"),
    "escape": (lambda path: archive(path, [("\x1b[2J.json", b"x")]), "which no bundle has"),
    "link": (lambda path: archive(path, [(link("README.txt"), b"/etc/passwd")]), "no regular file but a link"),
    "bomb": (lambda path: archive(path, [("README.txt", bytes(10**7))], zipfile.ZIP_DEFLATED), "compressed"),
    "many": (many, "are the most"),
    "overlapping": (overlapping, "where another file lies"),
    "trailing": (
        lambda path: archive(path, [("README.txt", b"x")]) and path.write_bytes(path.read_bytes() + b"x") and path,
        "end",
    ),
    "no-claim": (lambda path: archive(path, [("README.txt", b"x")]), "has no bundle.json"),
    "nan": (lambda path: archive(path, [(CLAIM, NAN)]), 'can\'t be read ("NaN is not allowed here")'),
    "deep": (lambda path: archive(path, [(CLAIM, DEEP)]), "can't be read"),
    "list": (lambda path: archive(path, [(CLAIM, b"[]")]), "no mapping"),
    "no-text": (lambda path: archive(path, [(CLAIM, b"\xff\xfe")]), "can't be read"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence_and_write_nothing(name, tmp_path, capsys):
    make, said = HOSTILE[name]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in" / "x.zip")
    before = sorted(tmp_path.rglob("*"))
    for words in (("verify", path), ("merge", path, "--into", tmp_path / "all")):
        code, out, err = bench(capsys, *words)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert said in err or said.replace('"', "'") in err
        assert "Traceback" not in err
        assert "\x1b" not in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: [*files.items(), ("README.txt", b"other")], "holds README.txt twice"),
        (
            lambda files: [*files.items(), ("weights/x.pt", b"x")],
            "weights/x.pt, which bundle.json does not list",
        ),
        (lambda files: [(k, v) for k, v in files.items() if k != "README.txt"], "lacks 'README.txt'"),
        (lambda files: [*{**files, "README.txt": b"x"}.items()], "in another size"),
        (
            lambda files: [*{**files, "README.txt": bytes(len(files["README.txt"]))}.items()],
            "another SHA-256",
        ),
    ],
)
def test_what_is_not_as_listed_is_refused(made, tmp_path, change, said):
    path = archive(tmp_path / "x.zip", change(content(made / "plain.zip")))
    with pytest.raises(BadInput) as refused:
        benchmark.verify_bundle(path)
    assert said in str(refused.value)


def test_names_with_markup_stay_text(tmp_path, capsys):
    name = "<script>alert(1)</script>\x1b[2J"
    add_evaluation(tmp_path / "results", name)
    path = benchmark.bundle(tmp_path / "results", name, out=tmp_path / "x.zip")
    _, out, err = bench(capsys, "verify", path)
    assert "\x1b" not in out + err
    benchmark.merge(path, into=tmp_path / "all")
    page = benchmark.report(results=tmp_path / "all", out=tmp_path / "reports").read_text()
    assert "<script>alert(1)" not in page


def test_bundles_of_many_people_make_a_leaderboard(made, tmp_path, capsys):
    for name in ("at", "mat"):
        add_evaluation(tmp_path / name, name)
        assert bench(capsys, "bundle", tmp_path / name, name, "--out", tmp_path / f"{name}.zip")[0] == 0
    bundles = [tmp_path / "at.zip", tmp_path / "mat.zip"]
    code, out, _ = bench(capsys, "merge", *bundles, "--into", tmp_path / "all")
    assert code == 0
    assert f"{2 * len(WORKED_ATTACKS)} records, 2 evaluations" in out
    benchmark.merge([made / "images.zip", tmp_path / "all"], into=tmp_path / "more")
    assert {each.name for each in Ledger.open(tmp_path / "more").evaluations()} == {"at", "mat", "toy"}
    stored = {path.name for path in (tmp_path / "more/adversarials").rglob("*.npz")}
    assert stored == {path.name for path in (made / "results/adversarials").rglob("*.npz")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bundle", "nowhere", "at", "--out", "x.zip"), "there is no folder nowhere"),
        (("bundle", "RESULTS", "toi", "--out", "x.zip"), "did you mean toy?"),
        (
            ("bundle", "RESULTS", "toy", "--out", "x.zip", "--suite", "other"),
            "no results of toy under",
        ),
        (("bundle", "RESULTS", "toy", "--out", "."), "is a folder"),
        (("bundle", "RESULTS", "toy", "--out", "x.zip", "--weights", "no.pt"), "there is no file no.pt"),
        (("verify", "no.zip"), "there is no file no.zip"),
        (("verify", "RESULTS"), "name the networks that were attacked"),
        (("verify", "BUNDLE", "--reattack", "5"), "name its checkpoint"),
        (("merge", "no.zip", "--into", "all"), "there is no file no.zip"),
    ],
)
def test_mistakes_are_one_clear_error(made, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    places = {"RESULTS": made / "results", "BUNDLE": made / "plain.zip"}
    code, _, err = bench(capsys, *(places.get(word, word) for word in words))
    assert code == 2
    assert said in err
    assert not any(tmp_path.iterdir())


def test_images_are_not_promised_where_none_are_stored(tmp_path):
    add_evaluation(tmp_path / "results", "at")
    with pytest.raises(BadInput, match="stores no adversarial images"):
        benchmark.bundle(tmp_path / "results", "at", out=tmp_path / "x.zip", images=True)


def test_weights_of_another_network_do_not_go_in(made, tmp_path):
    other = save(tmp_path, with_last_layer("other", 2.0, 1.0))
    with pytest.raises(BadInput, match="is not the network that was evaluated"):
        benchmark.bundle(made / "results", "toy", out=tmp_path / "x.zip", weights=other)
    assert trained().name == "toy"


def test_packed_records_go_in_one_by_one(tmp_path, monkeypatch):
    from benchmark.ledger import packing

    monkeypatch.setattr(packing, "LEAST", 1)
    (evaluation,) = evaluated(tmp_path, LINES, images=20)
    assert not any((tmp_path / "results/records").rglob("*.safetensors"))
    path = benchmark.bundle(tmp_path / "results", "toy", out=tmp_path / "x.zip")
    found = benchmark.verify_bundle(path)
    assert not found.problems
    assert found.rows[0]["evaluation"] == evaluation.id


def test_the_end_of_an_archive_is_looked_at_before_its_list():
    """What `zipfile` writes is what the reader expects, whatever its version."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("README.txt", b"x")
    assert file.getvalue()[-22:-18] == b"PK\x05\x06"
