"""One file from which others check a claimed row: what it holds, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bundle_toys import LINES, content, with_bundles
from command_line import bench
from evaluation_toys import evaluated, save, trained, with_last_layer
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.ledger.bundle_file import CLAIM

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return with_bundles(tmp_path_factory.mktemp("made"))


def kinds(path: Path) -> set[str]:
    return {name.partition("/")[0] for name in content(path)}


def test_it_holds_what_takes_to_check_a_row_and_no_pixel_or_weight_unless_asked(made, tmp_path):
    assert kinds(made / "plain.zip") == {CLAIM, "README.txt", "format.json", "evaluations", "records", "answers"}
    assert kinds(made / "images.zip") - kinds(made / "plain.zip") == {"adversarials", "images"}
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


def test_a_file_of_another_kind_is_not_replaced(made, tmp_path, monkeypatch, capsys):
    """A checkpoint is a zip archive, too, and the next word that a shell completes."""
    monkeypatch.chdir(tmp_path)
    checkpoint = (made / "toy.pt").read_bytes()
    Path("at.pt").write_bytes(checkpoint)
    code, _, err = bench(capsys, "bundle", made / "results", "toy", "--out", "at.pt")
    assert code == 2
    assert err == "bench: at.pt is there already and is no bundle; it is not replaced: choose another name\n"
    assert Path("at.pt").read_bytes() == checkpoint
    for earlier in (b"", (made / "images.zip").read_bytes()):
        Path("x.zip").write_bytes(earlier)
        assert bench(capsys, "bundle", made / "results", "toy", "--out", "x.zip")[0] == 0
        assert content(Path("x.zip")) == content(made / "plain.zip")


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
