"""Changes one thing at a time in the code that decides numbers, and counts the changes that no test notices.

    python scripts/mutants.py .mutants [--survivors] [GROUP ...]

mutmut does the work, in an environment of its own in the folder, beside the locked one, and in a copy of the last
commit for each group of files, since it writes into what it mutates. What is interrupted is taken up again as long
as neither the code nor the tests have changed since; otherwise the group begins anew. The table of all groups, and
what every surviving mutant changes, are left in the folder. docs/mutation.md says what came of it.

With `--survivors` only those that survived are tried again, with the tests of the last commit: after a test was
written for them. The code has to be what it was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from set_up import ROOT, UV_INSTALL, _printed, python_of, uv_environment

MUTMUT = "mutmut==3.8.1"
#: What a copy holds; it has to be the same for a run to be taken up.
PARTS = ("benchmark", "tests", "pyproject.toml", "perf", "scripts", "requirements.lock")


@dataclass(frozen=True)
class Group:
    """Files that are mutated together, and the quick tests that reach them; others are not asked."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


def _within(package: str, *names: str) -> tuple[str, ...]:
    return tuple(f"benchmark/{package}/{name}.py" for name in names)


def _tests(package: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/test_{package}_{name}.py" for name in names)


#: What matters most comes first.
GROUPS = {
    "threats": Group(
        ("benchmark/threats.py", "benchmark/projections.py"),
        ("tests/test_threats*.py", "tests/test_projections*.py"),
    ),
    "judge": Group(
        ("benchmark/evaluation/judge.py", "benchmark/evaluation/votes.py"),
        ("tests/test_evaluation_verify.py", "tests/test_evaluation_votes.py"),
    ),
    "aggregates": Group(
        _within("analysis", "aggregate", "paired", "ranks"),
        _tests("analysis", "aggregate", "statistics", "lines"),
    ),
    "intervals": Group(
        _within("statistics", "wilson", "score", "mcnemar", "holm", "power", "verdicts", "all_pairs", "rank_sets")
        + _within("statistics", "ravg_interval"),
        _tests("statistics", "score", "all_pairs", "ravg") + _tests("analysis", "statistics", "lines", "aggregate"),
    ),
    "curves": Group(
        _within("analysis", "curves", "distances", "corruptions"),
        _tests("analysis", "curves", "corruptions", "insight", "evidence"),
    ),
    "signs": Group(
        _within("analysis", "signs", "masking", "attribution", "transfer", "frames"),
        _tests("analysis", "evidence", "masking", "insight", "dead_gradients"),
    ),
    "methods": Group(
        _within("statistics", "seeds", "pigeonhole", "selection") + _within("analysis", "methods"),
        _tests("statistics", "seeds", "selection") + _tests("analysis", "methods"),
    ),
    "classes": Group(
        _within("analysis", "balance", "confusion"),
        ("tests/test_analysis_confusion.py", "tests/test_reporting_classes.py"),
    ),
    "sequential": Group(
        _within("statistics", "betting", "pair_tests", "tournament", "hypergeometric", "two_phase"),
        _tests("statistics", "betting", "tournament", "two_phase"),
    ),
}

#: What a mutant's tests ended with (an exit status of pytest, or a signal): the first means that none failed, the
#: second that there is none, the third that the time limit did it, the fourth that somebody stopped the run.
SURVIVED, UNTESTED, ENDLESS, STOPPED = {0}, {5, 33}, {36, 24, 152, 255, -24, -9}, {2, -2, -15}

#: Run by mutmut's own Python in a copy.
SHOW = """
import sys
from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant
for name in sys.argv[1:]:
    print("#", name, get_diff_for_mutant(name, path=find_mutant(name).path), sep="\\n")
"""


@dataclass
class Count:
    """How the mutants of a file fared."""

    killed: int = 0
    endless: int = 0
    survived: int = 0
    untested: int = 0
    untried: int = 0

    @property
    def mutants(self) -> int:
        return self.killed + self.endless + self.survived + self.untested + self.untried

    def __add__(self, other: Count) -> Count:
        return Count(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def main(folder: Path, names: Iterable[str], survivors: bool) -> int:
    install(folder / "env")
    copies = {name: folder / name for name in names}
    status = 0
    for name, copy in copies.items():
        print(f"{name}:", flush=True)
        again = prepare(copy, GROUPS[name], survivors)
        if survivors and not again:
            continue
        status = run(folder / "env", copy, again) or status
        told = show(folder / "env", copy)
        (folder / f"{name}.diff").write_text(told, encoding="utf-8")
        told = table({name: folder / name for name in GROUPS if (folder / name / "mutants").is_dir()})
        (folder / "table.md").write_text(told, encoding="utf-8")
        print(told)
    return status


def install(env: Path) -> None:
    """mutmut in an environment of its own, which sees the locked packages, and in their versions."""
    uv = str(Path(sys.executable).with_name("uv"))
    environment = uv_environment(_printed(sys.executable, "-m", "pip", "config", "list"), os.environ)
    lock = ["--constraint", str(ROOT / "requirements.lock")]
    for command in (
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(env)],
        [uv, *UV_INSTALL, "--python", str(python_of(env)), *lock, MUTMUT],
    ):
        if subprocess.run(command, env=environment).returncode:
            raise SystemExit(f"{MUTMUT} could not be installed")
    own = _printed(str(python_of(env)), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(own) / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")


def prepare(copy: Path, group: Group, survivors: bool) -> list[str]:
    """Makes or brings up to date a copy of the last commit.

    Returns:
        Which mutants are to be tried, of a run that is over; all that have not been tried where there is none.
    """
    held = _marks(copy / "commit.json")
    now = {part: _git("rev-parse", f"HEAD:{part}").strip() for part in PARTS}
    if survivors:
        if held.get("benchmark") != now["benchmark"]:
            raise SystemExit(f"{copy.name} was not run with this code; leave --survivors out")
        _extract(copy, ("tests",))
        settings = copy / "pyproject.toml"
        whole = settings.read_text(encoding="utf-8").partition("\n[tool.mutmut]")[0]
        settings.write_text(whole + configuration(copy, group), encoding="utf-8")
        # Which tests reach what is asked anew: mutmut asks it of new ones only, and old ones may reach more now.
        (copy / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
        return [name for name, code in _results(copy) if code in SURVIVED | UNTESTED]
    if held != {**now, "group": repr(group)}:
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        _extract(copy, PARTS)
        with (copy / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(configuration(copy, group))
        (copy / "commit.json").write_text(json.dumps({**now, "group": repr(group)}), encoding="utf-8")
    for path in (copy / "mutants").rglob("*.meta"):
        _forget_stopped(path)
    return []


def configuration(copy: Path, group: Group) -> str:
    """What mutmut is told, for the end of pyproject.toml."""
    tests = sorted(str(path.relative_to(copy)) for pattern in group.tests for path in copy.glob(pattern))
    return "\n".join(
        [
            "\n[tool.mutmut]",
            'source_paths = ["benchmark"]',
            f"only_mutate = {json.dumps(group.files)}",
            'also_copy = ["perf", "scripts", "requirements.lock"]',
            f"pytest_add_cli_args_test_selection = {json.dumps(tests)}",
            'pytest_add_cli_args = ["-x", "-p", "no:xdist", "-p", "no:cacheprovider"]',
            "use_git_change_detection = false",
            "",
        ]
    )


def run(env: Path, copy: Path, names: list[str]) -> int:
    """Tries the mutants one after the other: several at once may run into time limits that one would not."""
    program = str(python_of(env).with_name("mutmut"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([program, "run", "--max-children", "1", *names], cwd=copy, env=environment).returncode


def show(env: Path, copy: Path) -> str:
    """What every survivor changes."""
    names = [name for name, code in _results(copy) if code in SURVIVED | UNTESTED]
    command = [str(python_of(env)), "-c", SHOW, *names]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True).stdout


def table(copies: dict[str, Path]) -> str:
    """The counts of each file, as Markdown."""
    counts = {f"`{path}`": count for copy in copies.values() for path, count in _counts(copy)}
    counts["together"] = sum(counts.values(), Count())
    lines = [
        "| | mutants | killed | by the time limit | surviving | that no test calls | not tried |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, count in counts.items():
        cells = (count.mutants, count.killed, count.endless, count.survived, count.untested, count.untried)
        lines.append(" | ".join([f"| {name}", *(f"{cell:,}" for cell in cells)]) + " |")
    return "\n".join(lines) + "\n"


def _counts(copy: Path) -> Iterator[tuple[str, Count]]:
    for path in _metas(copy):
        codes = _codes(path).values()
        if codes:
            name = str(path.relative_to(copy / "mutants" / "benchmark").with_suffix(""))
            yield name, sum(map(_count, codes), Count())


def _count(code: int | None) -> Count:
    if code is None or code in STOPPED:
        return Count(untried=1)
    for name, codes in (("survived", SURVIVED), ("untested", UNTESTED), ("endless", ENDLESS)):
        if code in codes:
            return Count(**{name: 1})
    return Count(killed=1)


def _results(copy: Path) -> Iterator[tuple[str, int | None]]:
    for path in _metas(copy):
        yield from _codes(path).items()


def _metas(copy: Path) -> list[Path]:
    return sorted((copy / "mutants" / "benchmark").rglob("*.py.meta"))


def _codes(path: Path) -> dict[str, int | None]:
    codes: dict[str, int | None] = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def _forget_stopped(path: Path) -> None:
    """mutmut keeps how the tests of a mutant ended, also where Ctrl-C ended them."""
    told = json.loads(path.read_text(encoding="utf-8"))
    told["exit_code_by_key"] = {
        name: None if code in STOPPED else code for name, code in told["exit_code_by_key"].items()
    }
    path.write_text(json.dumps(told, indent=4), encoding="utf-8")


def _marks(path: Path) -> dict[str, str]:
    marks: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return marks


def _extract(copy: Path, parts: Iterable[str]) -> None:
    """What the last commit has of these."""
    archive = subprocess.run(["git", "archive", "HEAD", *parts], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "x", "-C", str(copy)], input=archive, check=True)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; all if none is named")
    parser.add_argument("--survivors", action="store_true", help="try only those again that survived")
    asked = parser.parse_intermixed_args()  # so that ONLY="--survivors judge" is taken in any order
    if unknown := set(asked.groups) - GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    sys.exit(main(asked.folder.resolve(), asked.groups or GROUPS, asked.survivors))
