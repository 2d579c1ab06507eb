"""What is written down in docs/ is what the code says."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import typer.main

from benchmark.cli.app import app
from benchmark.threats import LARGEST_SLACK, ROUNDING

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:console|bash|text)$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_commands_in_the_docs_are_there() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    scripts = set(re.findall(r"python (perf/\w+\.py)", text))
    assert {"perf/attacks.py", "perf/strength.py", "perf/training.py", "perf/overhead.py"} <= scripts
    for script in scripts:
        source = (ROOT / script).read_text(encoding="utf-8")
        for line in re.findall(rf"python {script}(.*)", text):
            for option in re.findall(r"--[\w-]+", line.partition("#")[0]):
                assert f'"{option}"' in source, f"{script} has no {option}"


def commands(page: str) -> list[str]:
    """What a page says to type: lines of its blocks, and what stands between backticks, that begin with bench."""
    lines = re.findall(r"^(?:\$ )?(?:until )?(bench [a-z].*)$", "\n".join(BLOCK.findall(page)), re.MULTILINE)
    spans = re.findall(r"`(bench [a-z][^`]*)`", ANY_BLOCK.sub("", page))
    return [line.partition("  #")[0].partition(";")[0] for line in lines + spans]


def misses(page: str) -> list[str]:
    """Commands of a page whose verb, or one of whose options, is not there."""
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {
        verb: {name for option in made.params for name in (*option.opts, *option.secondary_opts, "--help")}
        for verb, made in verbs.items()
    }
    missed = []
    for command in commands(page):
        verb, options = command.split()[1], re.findall(r"(?<= )--[a-z][\w-]*", command)
        if not {*options} <= known.get(verb, set()) or verb not in known:
            missed.append(command)
    return missed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_on_a_page_has_its_verb_and_options(page: Path) -> None:
    assert not misses(page.read_text(encoding="utf-8"))


def test_the_known_limit_of_small_balls_is_where_their_slack_is_cut_off():
    """docs/reliability.md names the radii below which rounding may come to more than a hundredth of ε."""
    page = " ".join(
        (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").partition("## Known limits")[2].split()
    )
    told = re.search(
        r"l1 below ([\d.]+) at (\S+) and below ([\d.]+) at (\S+); l2 below ([\d.]+) and ([\d.]+)\)", page
    )
    l1, size, other_l1, other_size, l2, other_l2 = told.groups()
    values = [math.prod(map(int, each.split("×"))) for each in (size, other_size)]
    for norm, radii in (("l1", (l1, other_l1)), ("l2", (l2, other_l2))):
        for radius, count in zip(map(float, radii), values, strict=True):
            rounding = ROUNDING * (count if norm == "l1" else count**0.5)
            assert rounding / LARGEST_SLACK == pytest.approx(radius, rel=0.12), norm


def test_a_command_that_is_not_there_is_missed() -> None:
    page = "```console\n$ bench train --method at --part 1/2  # half\n$ bench report\n```\n`bench rank`, `bench list`"
    assert misses(page) == ["bench train --method at --part 1/2", "bench rank"]
    assert len([command for page in PAGES for command in commands(page.read_text(encoding="utf-8"))]) > 200
