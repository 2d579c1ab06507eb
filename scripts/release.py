"""What a release needs to have said, in one version: checks it, writes it, and states the repository's address.

    python scripts/release.py check v0.2.0           # before a tag is published: does everything say 0.2.0?
    python scripts/release.py prepare 0.2.0          # writes the version and today's date wherever they stand
    python scripts/release.py address https://...    # once: where the repository is, in the four files that say it

Needs Python alone. docs/releasing.md is the list of what to do around it.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: File -> where the version of the last release stands in it.
VERSION = {
    "benchmark/version.py": r'^RELEASED = "(.*)"$',
    "pyproject.toml": r'^fallback_version = "(.*?)"',
    "CITATION.cff": r"^version: (.*)$",
    "CHANGELOG.md": r"^## (\d\S*)",
}
#: The same of its date.
DATE = {
    "CITATION.cff": r'^date-released: "(.*)"$',
    "CHANGELOG.md": r"^## \d\S* - (\S*)$",
}
#: And of the repository's address, which nothing says before it is known.
ADDRESS = {
    "pyproject.toml": r'^Repository = "(.*)"$',
    "CITATION.cff": r'^repository-code: "(.*)"$',
    "README.md": r"^\$ git clone (<this repository>|\S+)",
    "docs/index.md": r"^\$ git clone (<this repository>|\S+)",
}
#: What stands in the documents until then.
UNKNOWN = "<this repository>"


def stated(patterns: dict[str, str], root: Path = ROOT) -> dict[str, str | None]:
    """File -> what it says at its place, the first of them; None where it says nothing."""
    found = {file: re.search(at, (root / file).read_text("utf-8"), re.MULTILINE) for file, at in patterns.items()}
    return {file: None if match is None else match[1] for file, match in found.items()}


def problems(root: Path = ROOT) -> list[str]:
    """What the files disagree about, each in a sentence."""
    told = []
    for what, patterns in (("version", VERSION), ("date", DATE)):
        found = stated(patterns, root)
        told += [f"{file} states no {what} of a release" for file, value in found.items() if value is None]
        if len(set(found.values()) - {None}) > 1:
            told.append(f"the files disagree about the {what}: " + _list(found))
    addresses = {file: None if value == UNKNOWN else value for file, value in stated(ADDRESS, root).items()}
    if len(set(addresses.values())) > 1:
        told.append("the files disagree about the repository's address: " + _list(addresses))
    if not re.search(r"^## Unreleased$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        told.append('CHANGELOG.md has no section "Unreleased"')
    return told


def problems_of_tag(tag: str, root: Path = ROOT) -> list[str]:
    """The same, and whether the version is that of `tag`, with nothing left over under "Unreleased"."""
    told = problems(root)
    version = stated(VERSION, root)["benchmark/version.py"]
    if tag != f"v{version}":
        told.append(f"the tag is {tag}, the files are of version {version}: python scripts/release.py prepare")
    changes = (root / "CHANGELOG.md").read_text("utf-8")
    if re.search(r"^## Unreleased\n+[^\n#]", changes, re.MULTILINE) or "## Unreleased\n\n###" in changes:
        told.append('CHANGELOG.md still has changes under "Unreleased"')
    return told


def prepare(version: str, date: str, root: Path = ROOT) -> None:
    """Write `version` and `date` wherever they stand; what was unreleased is from now on under that version."""
    before = stated(VERSION, root)["benchmark/version.py"]
    if _ordered(version) <= _ordered(before or ""):
        raise SystemExit(f"{version} does not come after {before}")
    heading = f"## Unreleased\n\n## {version} - {date}"
    _replace(root / "CHANGELOG.md", r"^## Unreleased$", heading)
    for file, at in VERSION.items():
        if file != "CHANGELOG.md":
            _put(root / file, at, version)
    _put(root / "CITATION.cff", DATE["CITATION.cff"], date)


def put_address(address: str, root: Path = ROOT) -> None:
    """State where the repository is, wherever that is said."""
    if not re.fullmatch(r"https://[\w.-]+(/[\w.-]+)+", address):
        raise SystemExit(f"{address} is no address of a repository, such as https://HOST/OWNER/NAME")
    found = stated(ADDRESS, root)
    if found["pyproject.toml"] is None:
        urls = f'[project.urls]\nRepository = "{address}"\nIssues = "{address}/issues"\n'
        urls += f'Changelog = "{address}/blob/main/CHANGELOG.md"\n\n[project.scripts]'
        _replace(root / "pyproject.toml", r"^\[project\.scripts\]$", urls)
    if found["CITATION.cff"] is None:
        _replace(root / "CITATION.cff", r"^license: ", f'repository-code: "{address}"\nlicense: ')
    for file, at in ADDRESS.items():
        _put(root / file, at, address)


def _ordered(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise SystemExit(f"{version or 'nothing'} is no version like 0.2.0")
    return tuple(int(part) for part in version.split("."))


def _put(path: Path, at: str, value: str) -> None:
    text = path.read_text("utf-8")
    found = re.search(at, text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"{path.name} does not say where to put {value}")
    path.write_text(text[: found.start(1)] + value + text[found.end(1) :], "utf-8")


def _replace(path: Path, at: str, words: str) -> None:
    text, count = re.subn(at, lambda _: words, path.read_text("utf-8"), count=1, flags=re.MULTILINE)
    if not count:
        raise SystemExit(f"{path.name} has no line like {at}")
    path.write_text(text, "utf-8")


def _list(found: dict[str, str | None]) -> str:
    return ", ".join(f"{file} {value or 'nothing'}" for file, value in found.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("check").add_argument("tag", nargs="?", help="default: only whether the files agree")
    one = verbs.add_parser("prepare")
    one.add_argument("version")
    one.add_argument("--date", default=datetime.date.today().isoformat(), type=_date, help="default: today")
    verbs.add_parser("address").add_argument("address")
    given = parser.parse_args()
    if given.verb == "prepare":
        prepare(given.version, given.date)
    elif given.verb == "address":
        put_address(given.address)
    told = problems_of_tag(given.tag) if given.verb == "check" and given.tag else problems()
    for line in told:
        print(line, file=sys.stderr)
    return 1 if told else 0


def _date(text: str) -> str:
    return datetime.date.fromisoformat(text).isoformat()


if __name__ == "__main__":
    sys.exit(main())
