"""YAML documents: what is wrong is said with its line, whatever the file holds."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.documents import Schema, parse_document, parse_yaml, read_document
from benchmark.errors import BadInput


class Leaf(Schema):
    size: float
    names: list[str] = []  # noqa: RUF012


class Tree(Schema):
    title: str
    leaves: dict[str, Leaf] = {}  # noqa: RUF012
    first: Leaf | None = None


GOOD = """\
title: a tree
leaves:
  one: {size: 1}
  two:
    size: 2.5
    names: [a, b]
"""


def test_values_and_their_lines():
    document = parse_document(GOOD, Tree, "tree.yaml")
    assert document.content.leaves["two"].names == ["a", "b"]
    assert document.where("leaves", "two", "size") == "tree.yaml:5"
    assert document.where("leaves", "two", "names", 1) == "tree.yaml:6"
    assert document.where("leaves", "three") == "tree.yaml:2"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("title: a\ntitel: b\n", ["t:2", "'titel'", "did you mean title"]),
        ("leaves: {}\n", ["t:1", "'title' is missing"]),
        ("title: a\nleaves:\n  one: {size: big}\n  two: {siz: 1}\n", ["t:3", "'big'", "t:4", "did you mean size"]),
        ("title: a\nfirst: {zzz: 1, size: 1}\n", ["t:2", "'zzz'", "known: names, size"]),
        ("title: 5\n", ["t:1", "title", "5"]),
        ("title: a\ntitle: b\n", ["t:2", "occurs twice"]),
        ("title: [a\n", ["t:2", "not valid YAML"]),
        ("- a\n", ["t:1", "a mapping"]),
        ("", ["t:1", "a mapping"]),
        ("? [a]\n: b\n", ["t:1", "plain word"]),
        ("title: &a [*a]\n", ["t:1", "refers to itself"]),
        ("title: !!python/object/apply:os.system [ls]\n", ["t", "not valid YAML"]),
        ("title: 2001-99-99\n", ["t"]),
        ("a: " + "[" * 5000 + "\n", ["t"]),
    ],
)
def test_what_is_wrong_is_said(text, messages):
    with pytest.raises(BadInput) as caught:
        parse_document(text, Tree, "t")
    for message in messages:
        assert message in str(caught.value)


def test_a_bomb_of_aliases_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(BadInput, match=r"100,000"):
        parse_document("\n".join(lines), Tree, "t")


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_document(tmp_path / "a.yaml", Tree)
    with pytest.raises(BadInput, match="can't read"):
        read_document(tmp_path, Tree)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.text("ab:{}[]&*!- \n\t'\"?|>#,", max_size=60))
def test_any_text_is_a_document_or_bad_input(text):
    with contextlib.suppress(BadInput):
        assert isinstance(parse_document(text, Tree, "t").content, Tree)


def test_a_text_is_parsed_once_and_everybody_has_values_of_their_own(monkeypatch):
    parse_yaml(GOOD, "once.yaml")
    monkeypatch.setattr(yaml, "SafeLoader", None)
    first, lines = parse_yaml(GOOD, "once.yaml")
    first["leaves"]["two"]["names"].append("c")
    lines.clear()
    again, lines = parse_yaml(GOOD, "once.yaml")
    assert again["leaves"]["two"]["names"] == ["a", "b"]
    assert lines["leaves", "two", "names", 1] == 6


def test_the_name_of_a_file_is_told_whatever_was_parsed_under_another():
    for name in ("one.yaml", "two.yaml"):
        with pytest.raises(BadInput, match=f"^{name}:4: the key 'a' occurs twice"):
            parse_yaml("x: 1\ny: 2\na: 3\na: 4\n", name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: 010", "x.yaml:1: '010' begins with 0 and is read in eights, as 8; leave the 0 out"),
        ("steps: -0_17", "read in eights, as 15"),
        ("a: 1\nb: [2, 1:30]", "x.yaml:2: '1:30' is read in sixties"),
        ("{time: 1:30.5}", "read in sixties"),
        ("010: a", "read in eights"),
        ("steps: 08", "'08' begins with 0 and is read as a text; leave the 0 out"),
    ],
)
def test_numbers_that_yaml_reads_for_others_are_refused(text, message):
    with pytest.raises(BadInput) as caught:
        parse_yaml(text, "x.yaml")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("0.5", 0.5),
        ("'08'", "08"),
        ("'010'", "010"),
        ("'1:30'", "1:30"),
        ("0x10", 16),
        ("1_000", 1000),
        ("8/255", "8/255"),
        ("a:1:2", "a:1:2"),
    ],
)
def test_numbers_that_are_what_they_seem_stay(text, value):
    assert parse_yaml(text, "x.yaml")[0] == value
