"""The site in a folder that any static host can serve, with a feed of its changes: `bench report --publish`."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from benchmark.analysis.labels import labels_of
from benchmark.arguments import checked_arguments
from benchmark.card import Form, Name, Several, Text, misfit
from benchmark.damage import parse_json
from benchmark.errors import BadInput, notice
from benchmark.ledger import Ledger
from benchmark.ledger.marker import check_apart
from benchmark.limits import MANIFEST
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.reporting.paper_pages import paper_pages
from benchmark.reporting.site import write_site
from benchmark.sharing.changes import MOST, changes, standing
from benchmark.sharing.feed import atom
from benchmark.sharing.private import PublicLedger
from benchmark.storage import check_writable, read_text, write_atomic

#: What tells a published folder from any other, and says what was published last.
STATE = "publication.json"

_CONTENT, _VERSION = "robustness benchmark publication", 1

#: Kinds of files that belong to pages of papers.
_OF_PAPERS = {".html", ".csv", ".tex", ".json", ".svg", ".png", ".pdf"}


class _Network(Form):
    name: Text
    rank: Text


class _Board(Form):
    networks: dict[Name, _Network]


class _Change(Form):
    id: Text
    title: Text
    summary: Text
    link: Text
    updated: Text


class _State(Form):
    content: Name
    version: int
    feed: Name
    files: Several[Text]
    boards: dict[Name, _Board]
    changes: Several[_Change]


@checked_arguments
def publish(
    *,
    results: str | Path = "results",
    out: str | Path,
    reports: str | Path = "reports",
    rank_masked: bool = False,
    tell: Callable[[list[Leaderboard]], object] = lambda boards: None,
) -> Path:
    """Write the site to a folder for GitHub Pages or any static host, and what changed to its feed.

    The same results give the same files. No page names a folder of this machine. Files of an earlier publication that
    are no longer part of it are deleted, all others in the folder stay.

    Args:
        results: the folder of the ledger.
        out: the folder to publish, new, empty, with files that are none of the site's, or published before.
        reports: where `bench paper` wrote pages, which are published, too.
        rank_masked: as for `benchmark.report`.
        tell: gets the leaderboards when they are written.

    Returns:
        The path of the first page.

    Raises:
        BadInput: there are no results; the folder holds records or another site, or can't be written; a page names a
            place of this machine. Nothing was published then.
    """
    ledger, target = Ledger.open(results), Path(out)
    if not ledger.folder.is_dir():
        raise BadInput(f"there is no folder {ledger.folder}; name the results folder to publish with --results")
    check_apart(target, ledger.folder, "--publish")
    before = _read_state(target)
    shown = PublicLedger(ledger)
    evaluations = shown.evaluations()
    boards = leaderboards(evaluations, rank_masked, labels_of([*evaluations, *shown.transfers()]))
    if not boards:
        raise BadInput(f"there are no results in {ledger.folder} to publish; bench evaluate makes some")
    with tempfile.TemporaryDirectory(prefix="bench-site.") as place:
        stage = Path(place)
        _add_papers(Path(reports), stage, [ledger.folder, Path(reports)])
        write_site(boards, shown, stage)
        now = standing(boards)
        found = [*before["changes"], *changes(before["boards"], now)][-MOST:]
        identifier = before["feed"] or found[0]["id"]
        (stage / "feed.xml").write_text(atom(found, identifier, "Robustness leaderboard: changes"), encoding="utf-8")
        _link_feed(stage / "index.html")
        (stage / ".nojekyll").touch()
        files = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
        _check_private(stage, files, [ledger.folder])
        _check_free(stage, check_writable(target), files, before["files"])
        state = {"content": _CONTENT, "version": _VERSION, "feed": identifier}
        # Whoever interrupts this, and calls it again, finds what is written by then to be the site's.
        all_of_both = sorted({*files, *before["files"]})
        _write_state(target, state | {name: before[name] for name in ("boards", "changes")} | {"files": all_of_both})
        _replace(stage, target, files, before["files"])
        _write_state(target, state | {"boards": now, "changes": found, "files": files})
    tell(boards)
    ledger.tell()
    return target / "index.html"


def _link_feed(page: Path) -> None:
    """Let the first page lead to the feed, for readers and for their programs."""
    text = page.read_text(encoding="utf-8")
    link = '<link rel="alternate" type="application/atom+xml" title="Changes" href="feed.xml">'
    text = text.replace("</title>", f"</title>\n{link}", 1)
    text = text.replace("</footer>", '<p class="quiet"><a href="feed.xml">Changes</a> (Atom feed)</p>\n</footer>', 1)
    page.write_text(text, encoding="utf-8")


def _read_state(target: Path) -> dict[str, Any]:
    """What was published there before."""
    nothing = {"feed": "", "files": [], "boards": {}, "changes": []}
    if os.path.lexists(target) and not target.is_dir():
        raise BadInput(f"{target} is no folder; choose another one with --publish")
    try:
        state = parse_json(read_text(target / STATE, MANIFEST), MANIFEST)
        problem = misfit(_State, state) if isinstance(state, dict) else "it is no mapping"
    except FileNotFoundError:
        if (target / "index.html").exists():
            raise BadInput(
                f"{target} holds a site that --publish did not write: it has index.html and no {STATE}; choose "
                "another folder"
            ) from None
        return nothing
    except (ValueError, RecursionError) as error:
        problem = str(error)
    if not problem and (state["content"], state["version"]) != (_CONTENT, _VERSION):
        problem = "another version wrote it"
    if problem:
        raise BadInput(
            f"{target / STATE} can't be read ({problem[:200]}); restore it, or delete it with index.html to publish "
            "anew with an empty feed"
        )
    return dict(state)


def _add_papers(reports: Path, stage: Path, places: Iterable[Path]) -> None:
    """Copy the pages that `bench paper` wrote, without places of this machine."""
    pattern = _places([*places, Path.cwd(), Path.home()])
    for page in paper_pages(reports):
        folder = Path(unquote(page.link)).parent
        for path in sorted((reports / folder).iterdir()):
            if path.suffix not in _OF_PAPERS or path.is_symlink() or not path.is_file():
                continue
            (stage / folder).mkdir(parents=True, exist_ok=True)
            if path.suffix in (".png", ".pdf"):
                shutil.copyfile(path, stage / folder / path.name)
            else:
                text = read_text(path, 2**28)
                (stage / folder / path.name).write_text(pattern.sub("", text), encoding="utf-8")


def _places(folders: Iterable[Path]) -> re.Pattern[str]:
    """Finds where a text names one of these folders, or one within."""
    whole = {form for folder in folders for form in _forms(str(folder.resolve()))}
    names = sorted((name for name in whole if len(name) > 2), key=len, reverse=True)
    return re.compile("(?<![\\w.+=/\\\\-])(?:" + "|".join(map(re.escape, names)) + ")[/\\\\]" if names else "(?!)")


def _forms(text: str) -> set[str]:
    """As a text stands in pages, links, scripts and data."""
    escaped = {
        html.escape(text),
        html.escape(text, quote=False),
        html.escape(text, quote=False).replace("'", "&#39;"),
    }
    return {text, quote(text), json.dumps(text)[1:-1], *escaped}


def _check_private(stage: Path, files: Iterable[str], places: Iterable[Path]) -> None:
    """Raise BadInput if a file names the user's folder, the working folder or that of the results."""
    pattern = _places([*places, Path.cwd(), Path.home()])
    for name in files:
        if Path(name).suffix in (".png", ".pdf"):
            continue
        if found := pattern.search((stage / name).read_text(encoding="utf-8", errors="replace")):
            raise BadInput(
                f"{name} would name a place of this machine ({found[0]}), so that nothing was published; a column, a "
                "name or a paper's page says it"
            )


def _write_state(target: Path, state: dict[str, Any]) -> None:
    write_atomic(target / STATE, json.dumps(state, indent=1, ensure_ascii=True) + "\n")


def _check_free(stage: Path, target: Path, files: Iterable[str], old: Iterable[str]) -> None:
    """Raise BadInput if a file of the site would lie behind a link, or take the place of somebody else's."""
    ours = {STATE, *old}
    for name in (*files, STATE):
        place = target / name
        if not place.parent.resolve().is_relative_to(target.resolve()) or place.is_symlink():
            raise BadInput(f"{place} leads out of {target} by a link; choose another folder")
        if place.parent.exists() and not place.parent.is_dir():
            place, is_same = place.parent, False
        else:
            is_same = place.is_file() and (name in ours or place.read_bytes() == (stage / name).read_bytes())
        if place.exists() and not is_same:
            raise BadInput(f"{place} is nothing that --publish wrote, and the site needs its name; move it away")


def _replace(stage: Path, target: Path, files: Iterable[str], old: Iterable[str]) -> None:
    """Bring what was staged to its place, the first page last; delete what was published before and is no more."""
    for name in sorted(files, key=lambda name: (name == "index.html", name)):
        content = (stage / name).read_bytes()
        place = target / name
        if not place.is_file() or place.read_bytes() != content:
            write_atomic(place, content)
    for name in set(old) - set(files):
        place = target / name
        within = not Path(name).is_absolute() and ".." not in Path(name).parts
        if within and place.is_file() and place.resolve().is_relative_to(target.resolve()):
            place.unlink()
        elif not within:
            notice(f"{STATE} lists {name[:100]!r}, which is no file of the site; it was left alone")
