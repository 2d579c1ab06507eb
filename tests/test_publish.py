"""A published site names no machine, and its feed tells what changed since the last time."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from command_line import bench
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.sharing.changes import MOST
from benchmark.sharing.private import machine_paths, without_places
from benchmark.storage import write_atomic

ATOM = "{http://www.w3.org/2005/Atom}"

#: All of these break more than the worked example does.
WEAK = tuple((label, norm, epsilon, kind, (0, *[0.01] * 5)) for label, norm, epsilon, kind, _ in WORKED_ATTACKS)


def published(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def titles(folder: Path) -> list[str]:
    feed = ElementTree.parse(folder / "feed.xml").getroot()
    return [entry.findtext(f"{ATOM}title") or "" for entry in feed.iter(f"{ATOM}entry")]


def publish(tmp_path: Path, **options) -> Path:
    return benchmark.publish(results=tmp_path / "results", out=tmp_path / "site", **options).parent


def test_the_site_is_whole_and_the_same_each_time(tmp_path, capsys):
    add_evaluation(tmp_path / "results", "at")
    site = tmp_path / "site"
    code, out, _ = bench(capsys, "report", "--results", tmp_path / "results", "--publish", site)
    assert code == 0
    assert f"Published: {site / 'index.html'}" in out
    first = published(site)
    assert {".nojekyll", "index.html", "feed.xml", "publication.json", "glossary.html"} <= first.keys()
    assert 'href="feed.xml"' in first["index.html"].decode()
    publish(tmp_path)
    assert published(site) == first


def test_pages_never_lie_among_records(tmp_path):
    """Neither in the results folder, nor below it, nor in another one."""
    results = add_and_list(tmp_path / "results")
    other = add_and_list(tmp_path / "other")
    (tmp_path / "link").symlink_to(tmp_path / "results")
    for out in (tmp_path / "results", tmp_path / "link", tmp_path / "results" / "site", tmp_path / "other"):
        with pytest.raises(BadInput, match="records only; name another one with --publish"):
            benchmark.publish(results=tmp_path / "results", out=out)
        for format in ("html", "csv"):
            with pytest.raises(BadInput, match="name another one with --out"):
                benchmark.report(results=tmp_path / "results", out=out, format=format)
    with pytest.raises(BadInput, match="is a results folder"):
        benchmark.report(results=tmp_path / "new", out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert (results, other) == (published(tmp_path / "results").keys(), published(tmp_path / "other").keys())


def add_and_list(folder: Path) -> set[str]:
    add_evaluation(folder, "at")
    return set(published(folder))


def test_every_link_leads_to_a_file_of_the_site(tmp_path):
    add_evaluation(tmp_path / "results", "at")
    site = publish(tmp_path)
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"#]+)', page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", link):
                assert not link.startswith("/")
                assert (page.parent / link).exists(), (page, link)


def test_the_feed_tells_new_networks_changed_ranks_and_what_is_gone(tmp_path):
    images = (False,) * 400
    good, bad = ((("pgd", "linf", 0.03, "fixed-budget", (share,) * 400),) for share in (0, 1))
    add_evaluation(tmp_path / "results", "first", bad, images)
    site = publish(tmp_path)
    assert titles(site) == ["New: first"]
    add_evaluation(tmp_path / "results", "second", good, images)
    publish(tmp_path)
    assert sorted(titles(site)[:2]) == ["New: second", "Rank of first: 2, was 1"]
    (path,) = (tmp_path / "results/evaluations").glob("second-*")
    path.unlink()
    publish(tmp_path)
    assert "Gone: second" in titles(site)[:2]
    assert "Rank of first: 1, was 2" in titles(site)[:2]
    assert titles(site)[-1] == "New: first"
    assert not any("second" in name for name in published(site)), "its pages are gone, too"


def test_the_feed_does_not_grow_for_ever(tmp_path):
    add_evaluation(tmp_path / "results", "first")
    site = publish(tmp_path)
    state = json.loads((site / "publication.json").read_text())
    state["changes"] *= 300
    (site / "publication.json").write_text(json.dumps(state))
    add_evaluation(tmp_path / "results", "second")
    publish(tmp_path)
    assert len(titles(site)) == MOST == 200
    assert "New: second" in titles(site)[:2], "the oldest ones go"


def test_the_feed_is_one_that_readers_take(tmp_path):
    name = "<b>&\x00\x1b'\""
    add_evaluation(tmp_path / "results", name, info={"date": "yesterday"})
    site = publish(tmp_path)
    root = ElementTree.parse(site / "feed.xml").getroot()
    assert root.tag == f"{ATOM}feed"
    ids = [element.text for element in root.iter(f"{ATOM}id")]
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", identifier or "") for identifier in ids)
    moments = [element.text for element in root.iter(f"{ATOM}updated")]
    assert set(moments) == {"1970-01-01T00:00:00Z"}, "no date is made up"
    (title,) = titles(site)
    assert title.startswith("New: <b>&\\x00\\x1b")
    assert "<b>" not in (site / "feed.xml").read_text()


@pytest.mark.parametrize(
    ("said", "public"),
    [
        ("npz:/data/me/my data/x.npz", "npz:x.npz"),
        ("folder:C:\\Users\\me\\pictures", "folder:pictures"),
        ("/data/me/zoo/at.pt", "at.pt"),
        ("~/zoo/at.pt", "at.pt"),
        ("../me/at.pt", "at.pt"),
        ("can't read /data/me/x.npz: gone", "can't read x.npz: gone"),
        ("file:///data/me/x.npz", "file://x.npz"),
        ("linf 4/255, 8/255", "linf 4/255, 8/255"),
        ("https://arxiv.org/abs/1706.06083", "https://arxiv.org/abs/1706.06083"),
        ("zoo/at.pt", "zoo/at.pt"),
        ("KL(h(x)/τ ‖ p) and/or x / y", "KL(h(x)/τ ‖ p) and/or x / y"),
    ],
)
def test_what_names_a_machine_is_cut_to_its_last_part(said, public):
    assert without_places({"a": [said]}) == {"a": [public]}
    assert bool(machine_paths([said])) is (said != public)


def test_no_file_names_a_place_of_this_machine(tmp_path):
    data = f"npz:{tmp_path}/secret user/x.npz"
    card = {"extra": {"teachers": [f"{tmp_path}/secret/t.pt"]}, "recipe": {"name": f"{tmp_path}/secret/r.yaml"}}
    add_evaluation(tmp_path / "results", "at", dataset=data, card=card, info={"warnings": [f"{tmp_path}/secret/w"]})
    bad = tmp_path / "results/evaluations/damaged.json"
    bad.write_text("{")
    with pytest.warns(match="excluded"):
        site = publish(tmp_path)
    for name, content in published(site).items():
        assert b"secret" not in content, name
        assert str(tmp_path).encode() not in content, name
    assert b"npz:x.npz" in published(site)["index.html"]


def test_pages_of_papers_are_published_without_the_folder(tmp_path, monkeypatch):
    add_evaluation(tmp_path / "results", "at")
    paper = tmp_path / "reports/digits/mat"
    paper.mkdir(parents=True)
    about = {"title": "T", "source": "S", "dataset": "digits", "images": 1, "claims": {}}
    (paper / "paper.json").write_text(json.dumps(about))
    place = str((tmp_path / "o'neil & co").resolve())
    monkeypatch.setenv("HOME", place)
    told = (place, html.escape(place), quote(place), json.dumps(place)[1:-1])
    (paper / "index.html").write_text(" ".join(f"from {each}/records" for each in told))
    (paper / "notes.txt").write_text("mine")
    site = publish(tmp_path, reports=tmp_path / "reports")
    assert (site / "digits/mat/index.html").read_text() == " ".join(["from records"] * 4)
    assert not (site / "digits/mat/notes.txt").exists()
    assert 'href="digits/mat/index.html"' in (site / "index.html").read_text()


def test_what_else_is_in_the_folder_stays(tmp_path):
    add_evaluation(tmp_path / "results", "at")
    site = tmp_path / "site"
    (site / ".git").mkdir(parents=True)
    for name in ("CNAME", ".git/HEAD"):
        (site / name).write_text("mine")
    publish(tmp_path)
    publish(tmp_path)
    assert [(site / name).read_text() for name in ("CNAME", ".git/HEAD")] == ["mine", "mine"]


@pytest.mark.parametrize("name", ["glossary.html", "feed.xml", "assets", "publication.json"])
def test_somebodys_file_is_not_written_over_nor_through_a_link(tmp_path, name):
    add_evaluation(tmp_path / "results", "at")
    site = tmp_path / "site"
    site.mkdir()
    if name != "publication.json":
        (site / name).write_text("mine")
        with pytest.raises(BadInput, match=f"{name}.* is nothing that --publish wrote"):
            publish(tmp_path)
        (site / name).unlink()
    (tmp_path / "elsewhere").mkdir()
    (site / name).symlink_to(tmp_path / "elsewhere" / ("" if name == "assets" else name))
    with pytest.raises(BadInput, match="leads out of"):
        publish(tmp_path)
    assert [path.name for path in site.iterdir()] == [name], "nothing was published"
    assert not any((tmp_path / "elsewhere").iterdir())


def test_an_interrupted_publication_is_taken_up_wherever_it_stopped(tmp_path, monkeypatch):
    add_evaluation(tmp_path / "results", "at")
    whole = published(publish(tmp_path))
    for stop in (1, 2, len(whole) - 1, len(whole)):
        shutil.rmtree(tmp_path / "site")
        written = iter(range(1, 1000))

        def interrupted(path, content, stop=stop, written=written):
            if next(written) > stop:
                raise KeyboardInterrupt
            return write_atomic(path, content)

        monkeypatch.setattr("benchmark.sharing.publish.write_atomic", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish(tmp_path)
        monkeypatch.setattr("benchmark.sharing.publish.write_atomic", write_atomic)
        assert published(publish(tmp_path)) == whole


def test_a_folder_with_another_site_or_a_damaged_state_is_refused(tmp_path):
    add_evaluation(tmp_path / "results", "at")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("mine")
    with pytest.raises(BadInput, match="a site that --publish did not write"):
        publish(tmp_path)
    (site / "publication.json").write_text("{")
    with pytest.raises(BadInput, match=r"publication\.json can't be read"):
        publish(tmp_path)
    assert (site / "index.html").read_text() == "mine"
    with pytest.raises(BadInput, match="there is no folder"):
        benchmark.publish(results=tmp_path / "none", out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_forged_state_deletes_nothing_outside(tmp_path):
    add_evaluation(tmp_path / "results", "at")
    site = publish(tmp_path)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    state = json.loads((site / "publication.json").read_text())
    state["files"] += ["../mine.txt", str(mine)]
    (site / "publication.json").write_text(json.dumps(state))
    with pytest.warns(match="no file of the site"):
        publish(tmp_path)
    assert mine.read_text() == "mine"


def test_publish_and_format_do_not_go_together(tmp_path, capsys):
    add_evaluation(tmp_path / "results", "at")
    words = ("report", "--results", tmp_path / "results", "--publish", tmp_path / "site", "--format", "csv")
    code, _, err = bench(capsys, *words)
    assert code == 2
    assert "leave out --format" in err
