"""CITATION.cff is what GitHub and reference managers can read (Citation File Format 1.2.0); Zenodo has its own."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import yaml

from benchmark.version import RELEASED

ROOT = Path(__file__).parent.parent
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PREFERRED = CITATION["preferred-citation"]


def words(text: str) -> set[str]:
    return set(re.findall(r"\S+", text))


#: The keys that the format knows at its top, https://github.com/citation-file-format/citation-file-format.
KNOWN = words(
    "abstract authors cff-version commit contact date-released doi identifiers keywords license license-url message "
    "preferred-citation references repository repository-artifact repository-code title type url version"
)
#: Types of references, as far as they are used here.
TYPES = {"article", "conference-paper", "software", "dataset", "thesis", "report"}


def test_required_and_known_keys() -> None:
    assert {"authors", "cff-version", "message", "title"} <= CITATION.keys() <= KNOWN
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] in ("software", "dataset")
    assert all(isinstance(CITATION[key], str) and CITATION[key] for key in ("message", "title", "abstract"))


def test_authors_are_persons_or_entities() -> None:
    for work in (CITATION, PREFERRED, *CITATION["references"]):
        assert work["authors"]
        for author in work["authors"]:
            person = words("affiliation alias email family-names given-names name-particle name-suffix orcid")
            entity = words("address alias city country date-start email location name orcid website")
            assert author.keys() <= person or ("name" in author and author.keys() <= entity), author
            assert all(isinstance(value, str) and value for value in author.values())


def test_references_say_what_and_when() -> None:
    for work in (PREFERRED, *CITATION["references"]):
        assert {"type", "title", "authors"} <= work.keys()
        assert work["type"] in TYPES
        assert 1950 <= work["year"] <= 2100


def test_version_date_and_licence_are_those_of_the_package() -> None:
    assert str(CITATION["version"]) == RELEASED
    assert datetime.date.fromisoformat(str(CITATION["date-released"]))
    licence = re.search(r'^license = "([\w.-]+) AND', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert licence is not None
    assert CITATION["license"] == licence[1]  # the others are of what the wheel carries beside the program
    assert len(CITATION["keywords"]) == len(set(CITATION["keywords"]))


def test_the_preferred_citation_is_of_this_program() -> None:
    assert {key: PREFERRED[key] for key in ("type", "title", "authors", "license")} == {
        key: CITATION[key] for key in ("type", "title", "authors", "license")
    }
    assert str(PREFERRED["year"]) == str(CITATION["date-released"])[:4]


def test_zenodo_is_told_the_same() -> None:
    """It reads its own file where there is one; the version and the date it takes from the release."""
    told = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert told["upload_type"] == CITATION["type"] == "software"
    assert told["creators"] == CITATION["authors"]
    for theirs, ours in (("title", "title"), ("description", "abstract"), ("license", "license"), ("keywords",) * 2):
        assert told[theirs] == CITATION[ours]
    assert not {"version", "publication_date", "doi"} & told.keys()
