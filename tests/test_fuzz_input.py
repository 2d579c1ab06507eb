"""Suites, recipes, settings and records, spoilt at random: a result, or one message that names the place."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml
from fuzzing import ODD_NUMBERS, ODD_WORDS, TEXT, VALUES, cases, spoilt, with_one_wrong
from hypothesis import strategies as st
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.documents import parse_yaml
from benchmark.errors import BadInput
from benchmark.evaluation import Suite, load_suite
from benchmark.ledger import Ledger
from benchmark.ledger.record import Damaged, Record, read_record, write_record
from benchmark.methods.table import METHODS
from benchmark.recipes.recipe import Recipe, load_recipe
from benchmark.reporting.interactive import PAGES
from benchmark.suites.files import SUITES
from benchmark.training import plan as training_plan
from benchmark.training.request import make_plan
from benchmark.training.settings import parse_settings

PACKAGE = Path(benchmark.__file__).parent
SUITE_FILES = tuple(yaml.safe_load(path.read_text()) for _, path in SUITES)
RECIPE_FILES = tuple(yaml.safe_load(path.read_text()) for path in sorted((PACKAGE / "recipes").glob("*.yaml")))


def is_one_clear_message(error: BadInput, *names: str) -> None:
    message = str(error)
    assert 5 < len(message) < 20_000
    assert any(name in message for name in names), message


@contextlib.contextmanager
def written(document: object, name: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        yield path


def scale_of(document: object, section: str) -> str:
    """A dataset scale that the document has numbers for, if it has any."""
    known = document.get(section) if isinstance(document, dict) else None
    scales = [key for key in known if isinstance(key, str)] if isinstance(known, dict) else []
    return next((scale for scale in ("digits", "mnist", "cifar10") if scale in scales), "digits")


def resolved(path: Path, scale: str, method: str | None = None) -> Recipe:
    file = load_recipe(str(path))
    method = method or next((name for name in ("mat", *METHODS.names()) if file.is_for(name)), "mat")
    recipe, _ = file.resolve(method, "small-cnn", scale, scale, {}, "recipe.yaml")
    return recipe


@cases(60, 3000, document=spoilt(SUITE_FILES), preset=st.sampled_from(["standard", "quick", "odd"]))
def test_suites(document, preset):
    with written(document, "suite.yaml") as path:
        try:
            assert isinstance(load_suite(path, preset, scale_of(document, "epsilons")), Suite)
        except BadInput as error:
            is_one_clear_message(error, "suite.yaml")


@cases(60, 3000, document=spoilt(RECIPE_FILES), method=st.sampled_from(["at", "mat", "trades", "mat-msd"]))
def test_recipes(document, method):
    with written(document, "recipe.yaml") as path:
        try:
            recipe = resolved(path, scale_of(document, "threats"), method)
            assert isinstance(recipe, Recipe)
            assert all(recipe.lr_at(t) >= 0 for t in (0.0, recipe.epochs / 2))
        except BadInput as error:
            is_one_clear_message(error, "recipe.yaml")


def names_the_place(error: BadInput, path: Path, place: tuple[object, ...]) -> None:
    """The message has the key, or the line of what stands around or inside the value."""
    message = str(error)
    lines = parse_yaml(path.read_text(encoding="utf-8"), path.name)[1]
    words = tuple(map(str, place))
    near = {
        line
        for where, line in lines.items()
        if where and (tuple(map(str, where)) == words[: len(where)] or tuple(map(str, where))[: len(words)] == words)
    }
    told = {int(number) for number in re.findall(rf"{re.escape(path.name)}:(\d+)", message)}
    key = next(str(word) for word in reversed(place) if isinstance(word, str))
    assert key in message or told & near, (place, message)


@cases(40, 2000, wrong=with_one_wrong(SUITE_FILES))
def test_one_wrong_value_of_a_suite_is_named(wrong):
    document, place = wrong
    with written(document, "suite.yaml") as path:
        try:
            load_suite(path, "standard", scale_of(document, "epsilons"))
        except BadInput as error:
            names_the_place(error, path, place)


@cases(40, 2000, wrong=with_one_wrong(RECIPE_FILES))
def test_one_wrong_value_of_a_recipe_is_named(wrong):
    document, place = wrong
    with written(document, "recipe.yaml") as path:
        try:
            resolved(path, scale_of(document, "threats"))
        except BadInput as error:
            if place != ("threats", scale_of(document, "threats")):  # then it is the keys inside that are wrong
                names_the_place(error, path, place)


KEYS = [
    *Recipe.model_fields,
    "threats.linf.epsilon",
    "threats.l9.steps",
    "schedule.name",
    "alpha",
    "beta",
    "networks",
    "x.y.z",
]
WORDS = (
    st.sampled_from(ODD_WORDS)
    | TEXT
    | st.sampled_from(ODD_NUMBERS).map(str)
    | VALUES.map(lambda v: yaml.safe_dump(v))
)


@cases(
    40,
    1500,
    method=st.sampled_from(["at", "natural", "mat", "trades", "at-max", "free-at"]),
    settings=st.lists(st.tuples(st.sampled_from(KEYS) | TEXT, WORDS), max_size=3),
)
def test_settings(method, settings):
    try:
        made = make_plan(
            method,
            **dict.fromkeys(("arch", "inner", "outer", "data_dir", "name")),
            dataset="digits",
            recipe="quick",
            teacher=(),
            seed=0,
            device="cpu",
            precision="fp32",
            download=False,
            set=[f"{key}={value}" for key, value in settings],
        )
        assert isinstance(made, training_plan.Plan)
        assert "/" not in made.name
    except BadInput as error:
        is_one_clear_message(error, "--set", "recipe quick", f"method {method}", method)


@cases(100, 500, text=st.text(max_size=60))
def test_any_setting_is_a_value(text):
    with contextlib.suppress(BadInput):
        assert isinstance(parse_settings([text]), dict)


# Records and manifests.

NUMBERS = dict.fromkeys(("seconds", "forwards", "backwards", "dead_gradients", "disagreements", "attacked"), 1)
KEY = {"network": "n" * 64, "data": {"digest": "d", "start": 0, "stop": 4}, "attack": {"name": "a"}, "seed": 0}
INFO = {
    **NUMBERS,
    "error": None,
    "faults": {"far": 1},
    "hardware": "h",
    "date": "2026",
    "warnings": ["w"],
    "label": "a",
}


def jsonable(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError):
        return False
    return True


@cases(
    150,
    2500,
    key=spoilt(KEY).filter(jsonable),
    info=spoilt(INFO).filter(jsonable),
    distance=st.lists(st.floats(width=32), min_size=4, max_size=4),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=2),
)
def test_records(key, info, distance, flips):
    """What was written wrongly, or rotted, is never read as something else."""
    flags = np.array([True, False, True, False])
    record = Record(key, flags, np.array(distance, np.float32), ~flags, flags, info)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{record.digest}.safetensors"
        try:
            write_record(path, record)
        except BadInput as error:
            assert "could not be read again" in str(error)  # noqa: PT017 (both ends are right)
            return
        content = bytearray(path.read_bytes())
        for position, change in flips:
            content[position % len(content)] ^= change
        path.write_bytes(content)
        try:
            found = read_record(path)
        except Damaged as error:
            assert str(path) in str(error)  # noqa: PT017 (both ends are right)
        else:
            assert (found.key, found.info) == (record.key, record.info)
            assert np.array_equal(found.distance, record.distance)
            assert found.key["data"]["stop"] - found.key["data"]["start"] == 4


@pytest.fixture(scope="module")
def good_manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    return folder, add_evaluation(folder, "at")


MANIFEST: dict = {}


@pytest.fixture(autouse=True, scope="module")
def _filed(good_manifest):
    MANIFEST["folder"], MANIFEST["content"] = good_manifest


@cases(25, 800, data=st.data())
def test_manifests_and_the_reports_made_of_them(data):
    """Whatever an evaluation says under a right checksum is shown or named, and nothing in it is taken for HTML."""
    content = data.draw(spoilt(MANIFEST["content"]).filter(jsonable))
    evil = "<img src=x onerror=alert(1)>"
    content = json.loads(json.dumps(content).replace('"small-cnn"', json.dumps(evil)))
    path = MANIFEST["folder"] / "evaluations" / "fuzzed.json"
    from benchmark.storage import digest

    path.write_text(json.dumps({"sha256": digest(content), **content} if isinstance(content, dict) else content))
    ledger = Ledger.open(MANIFEST["folder"])
    found = ledger.evaluations()
    assert len(found) == 2 or any(str(path) in problem for problem in ledger.problems)
    with tempfile.TemporaryDirectory() as out:
        benchmark.report(results=MANIFEST["folder"], out=out)
        for page in Path(out).rglob("*.html"):
            assert evil not in page.read_text(encoding="utf-8")
    path.unlink()


#: What ends a piece of text early where it is put into a page, a style, a script or an attribute without care.
ENDS = [
    '"',
    "'",
    ">",
    "-->",
    "]]>",
    "</title>",
    "</script>",
    "</style>",
    "</svg>",
    "</td>",
    "\\",
    "&quot;",
    "&lt;",
    "`",
    " ",
]
ELEMENTS = ["<img src=x onerror=evil()>", "<script>evil()</script>", "<svg onload=evil()>", "<!--", "onclick=evil() "]


class Reader(HTMLParser):
    """Takes a page apart as a browser would, and notes what would run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []
        self.words = ""
        self.scripts = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.runs += [f"{tag} {name}" for name, _ in attributes if name.startswith("on")]
        self.runs += [f"{tag} {value}" for _, value in attributes if (value or "").strip().startswith("javascript:")]
        if tag == "img":
            self.runs += [f"img {value}" for name, value in attributes if name == "src" and value == "x"]

    def handle_data(self, data: str) -> None:
        self.words += data


@cases(
    15,
    500,
    evil=st.lists(st.sampled_from(ENDS) | st.sampled_from(ELEMENTS) | TEXT, min_size=1, max_size=5).map("".join),
)
def test_whatever_is_said_stays_text(evil):
    """Said in every place at once: names, labels, errors, warnings, hardware, versions."""
    evil = "".join(character for character in evil if character.isprintable()).strip() or "evil"
    kinds = [(f"{evil} {number}", *rest) for number, (_, *rest) in enumerate(WORKED_ATTACKS)]
    card = dict.fromkeys(("method", "architecture", "network", "dataset"), evil)
    info = {"hardware": evil, "warnings": [evil], "versions": {"torch": evil}}
    with tempfile.TemporaryDirectory() as name:
        results, out = Path(name) / "results", Path(name) / "reports"
        for number in range(2):
            said = dict.fromkeys(("dataset", "suite", "preset"), evil)
            error = evil if number else None
            add_evaluation(results, f"{number} {evil}", kinds, card=card, info=info, error=error, **said)
        benchmark.report(results=results, out=out)
        pages = list(out.rglob("*.html"))
        assert len(pages) >= 4
        for path in pages:
            page = Reader()
            page.feed(path.read_text(encoding="utf-8"))
            page.close()
            assert page.runs == [], path
            kind = {"models": "network", "images": "images"}.get(path.parent.name, path.stem)
            assert page.scripts == {"index": 1, "images": 2}.get(kind, len(PAGES.get(kind, ()))), path
            said = " ".join(page.words.split())
            assert path.parent.name != "models" or " ".join(evil.split()) in said, path
