"""The names an error offers are those the user may have meant, and its reason is short."""

from __future__ import annotations

import re

import pytest

from benchmark.errors import MOST, BadInput, first_line, nearest, reason, unknown

SUITES = ["autoattack", "kd-defences", "multi-norm-aa", "multi-perturbation", "smoke", "unforeseen"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("mulit", "multi-norm-aa"),
        ("multi-pertubation", "multi-perturbation"),
        ("Smoke", "smoke"),
        ("auto", "autoattack"),
    ],
)
def test_the_nearest_name_comes_first(typed, first):
    assert nearest(typed, SUITES)[0] == first


def test_nothing_near_means_all_are_listed():
    assert nearest("xyzzy", SUITES) == []
    assert "known: autoattack, kd-defences" in str(unknown("suite", "xyzzy", SUITES))


def test_a_name_that_is_known_in_several_places_is_offered_once():
    assert str(unknown("row", "3/AT", ["AT", "TRADES", "AT", "AT"])).endswith("did you mean AT?")


def test_what_is_far_too_long_is_near_to_nothing():
    assert nearest("smoke" * 1000, SUITES) == []


def test_the_place_stands_in_front():
    assert str(unknown("suite", "smok", SUITES, where="file.yaml:3")).startswith(
        "file.yaml:3: unknown suite 'smok'; did"
    )


@pytest.mark.parametrize("said", ["", " \n ", "out of\nmemory"])
def test_a_reason_is_one_line_whatever_was_said(said):
    assert first_line(RuntimeError(said)) == ("out of" if said.strip() else "RuntimeError")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("\nfirst\nsecond"), "ValueError: first"),
        (AssertionError(), r"AssertionError at test_errors.py:\d+: raise error"),
    ],
)
def test_a_reason_is_one_line_that_says_something(error, told):
    with pytest.raises(type(error)) as caught:
        raise error
    assert re.fullmatch(told, reason(caught.value))
    assert reason(KeyError()) == "KeyError"


def test_of_a_thousand_names_a_message_lists_some_and_says_how_many_more():
    message = str(unknown("model", "zzz", [f"a{number:04}" for number in range(1000)]))
    assert message.startswith("unknown model 'zzz'; known: a0000, a0001, ")
    assert message.endswith(f"a{MOST - 1:04} and {1000 - MOST} more")
    assert "more" not in str(unknown("model", "zzz", ["b", "c"]))


def test_a_sentence_for_people_stands_without_the_class_of_its_error():
    assert reason(BadInput("epsilon of a corruption is a severity from 1 to 5, not 0.05")).startswith("epsilon of")
    assert reason(ValueError("what it says")) == "ValueError: what it says"
    assert reason(BadInput("")).startswith("BadInput")
