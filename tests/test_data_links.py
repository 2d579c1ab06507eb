"""No picture vanishes without a word: links are followed as by ImageFolder, what is left out is counted and said."""

from __future__ import annotations

import dataclasses
import os
import shutil
import warnings
from pathlib import Path

import pytest
from evaluation_toys import save, write_suite
from picture_trees import write_tree

from benchmark import cli
from benchmark.data import load, pictures, walk
from benchmark.errors import BadInput, Notice, notice
from benchmark.evaluation import evaluate, opening
from benchmark.evaluation import target as targets


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """Two classes of twelve training and four test images."""
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    return write_tree(tmp_path / "tree")


def lead_away(path: Path) -> Path:
    """Move what is at `path` elsewhere and leave a link to it; where it is now."""
    elsewhere = path.parents[3] / f"{path.name} elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    return elsewhere


def said(tree: Path) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = load(f"folder:{tree}")
    notices = [str(warning.message) for warning in caught if warning.category is Notice]
    assert tuple(notices) == dataset.notes
    return notices


def test_nothing_is_said_where_nothing_is_left_out(tree):
    assert said(tree) == []


def test_links_to_files_folders_and_classes_are_followed(tree):
    """As by ImageFolder: also where two lead to one folder."""
    from torchvision.datasets import ImageFolder

    lead_away(tree / "test" / "class-0" / "1.jpg")
    inner = tree / "test" / "class-0" / "inner"
    inner.mkdir()
    shutil.copy(tree / "test" / "class-0" / "0.jpg", inner)
    folder = lead_away(inner)
    (tree / "test" / "class-0" / "again").symlink_to(folder)
    lead_away(tree / "test" / "class-1")
    found = pictures.scan(tree / "test")
    assert [(str(path), label) for path, label in zip(found.files, found.labels, strict=True)] == ImageFolder(
        str(tree / "test")
    ).samples
    assert len(found.files) == 10
    assert [note for note in said(tree) if "left out" in note] == []


def test_pictures_that_are_not_there_are_counted(tree):
    for number in (1, 2):
        lead_away(tree / "test" / "class-0" / f"{number}.jpg").unlink()
    (note,) = said(tree)
    assert note == (
        f"{tree / 'test'}: 6 pictures are used; left out: 2 broken links "
        f"({Path('class-0', note.split('class-0/')[1][:5])} and others)"
    )


def test_all_else_that_is_left_out_is_counted(tree):
    folder = tree / "train" / "class-1"
    (folder / "itself.png").symlink_to("itself.png")
    (folder / "back").symlink_to("..")
    (folder / "more").mkdir()
    for path in ("0.gif", "more/1.GIF", "._0.jpg", "../loose.jpg"):
        (folder / path).write_bytes(b"x")
    os.mkfifo(folder / "pipe.png")
    (note,) = said(tree)
    assert note.startswith(f"{tree / 'train'}: 24 pictures are used; left out: ")
    for words in (
        "1 broken link (class-1/itself.png)",
        "1 link back to a folder that it is in (class-1/back)",
        "2 files with .gif (class-1/0.gif and others)",
        "1 hidden file (class-1/._0.jpg)",
        "1 thing that is no file (class-1/pipe.png)",
        "1 picture in no folder of a class (loose.jpg)",
    ):
        assert words in note
    assert (tree / "train" / "class-1" / "back").exists()


def test_a_class_that_is_not_there_is_refused(tree):
    """It would be missing among the labels."""
    for part in ("train", "test"):
        (tree / part / "class-2").symlink_to("unmounted")
    with pytest.raises(BadInput, match=r"class-2 is a broken link; mount what it leads to"):
        load(f"folder:{tree}")


def test_a_class_without_any_picture_left_says_why(tree):
    for path in sorted((tree / "test" / "class-1").iterdir()):
        path.unlink()
        path.symlink_to("unmounted")
    with pytest.raises(BadInput, match=r"class-1 has no images .*; left out: 4 broken links \(class-1/"):
        load(f"folder:{tree}")


def test_a_folder_that_can_not_be_read_is_refused(tree, monkeypatch):
    (tree / "train" / "class-0" / "closed").mkdir()
    real = os.scandir

    def scandir(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(walk.os, "scandir", scandir)
    with pytest.raises(BadInput, match=r"can't read the folder .*closed: Permission denied"):
        load(f"folder:{tree}")


def test_links_that_make_endless_paths_are_refused(tree, monkeypatch):
    """Of n folders that are each linked from all others there are more than n! paths."""
    monkeypatch.setattr(walk, "MOST_FOLDERS", 1000)
    folder = tree / "train" / "class-0"
    for name in "abcdefghi":
        (folder / name).mkdir()
        for other in "abcdefghi":
            (folder / name / f"to-{other}").symlink_to(folder / other)
    with pytest.raises(BadInput, match=r"more than 1,000 folders in it; does a link in it lead astray\?"):
        load(f"folder:{tree}")


def test_the_evaluation_says_so_to_whoever_reads_its_page(tmp_path, monkeypatch):
    digits = dataclasses.replace(load("digits"), notes=("7 broken links",))
    monkeypatch.setattr(opening, "load", lambda *_, **__: digits)
    targets.forget()
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    (found,) = evaluate(save(tmp_path), suite=suite, results=tmp_path / "results", progress=False)
    assert "7 broken links" in found.warnings


def test_on_the_command_line_it_is_a_line_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr("benchmark.doctor", lambda **_: notice("left out: \x1b7 links"))
    with pytest.raises(TypeError), pytest.raises(SystemExit):
        cli.main(["doctor"])
    assert capsys.readouterr().err == "bench: left out: \\x1b7 links\n"
