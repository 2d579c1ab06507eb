"""What may be set, for training and attacks alike: read by types, refused in words, told in words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from pydantic import Field

from benchmark.attacks import ATTACKS, make_attack
from benchmark.errors import BadInput
from benchmark.methods.table import METHODS
from benchmark.parameters import (
    Count,
    Fraction,
    NotNegative,
    Positive,
    _adapter,
    allowed,
    bind,
    one_of,
    parameters,
    read,
)


@dataclass
class Thing:
    steps: Count = 3
    size: Positive = 0.5
    share: Fraction = 0.1
    slack: NotNegative = 0.0
    start: Literal["zero", "random"] = "zero"
    which: Annotated[str, one_of({"ce": 1, "margin": 2})] = "ce"
    span: tuple[Count, Count] = (1, 2)
    few: Annotated[int, Field(ge=2, lt=9)] = 2
    tries: Count | None = None
    early: bool = True


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("steps", 7, 7),
        ("size", "8/255", 8 / 255),
        ("size", 1, 1),
        ("span", [5, 20], (5, 20)),
        ("tries", None, None),
        ("which", "margin", "margin"),
        ("early", False, False),
    ],
)
def test_a_value_that_fits_is_taken(name, value, found):
    problems: list[str] = []
    taken = read(Thing, {name: value}, problems)[name]
    assert not problems
    assert taken == found
    assert type(taken) is type(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", True),
        ("steps", 2.0),
        ("steps", "3"),
        ("size", 0),
        ("size", float("nan")),
        ("size", float("inf")),
        ("size", "8/0"),
        ("share", 1.5),
        ("slack", -0.1),
        ("start", "zreo"),
        ("which", "mragin"),
        ("span", 5),
        ("span", [1, 2, 3]),
        ("few", 9),
        ("tries", 0),
        ("early", 1),
        ("early", "yes"),
    ],
)
def test_what_does_not_fit_is_said_with_its_name_and_value(name, value):
    problems: list[str] = []
    assert read(Thing, {name: value}, problems) == {}
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}=")


def test_all_that_is_wrong_is_said_at_once():
    problems: list[str] = []
    bind(Thing, {"steps": 0, "size": -1, "unknown": 3}, problems)
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("steps", "1 or more"),
        ("size", "more than 0"),
        ("share", "0 to 1"),
        ("start", "zero or random"),
        ("which", "ce or margin"),
        ("span", "2 values, each 1 or more"),
        ("few", "2 or more, less than 9"),
        ("tries", "1 or more or nothing"),
        ("early", "true or false"),
    ],
)
def test_what_is_allowed_is_told_in_words(name, words):
    assert allowed(Thing, name) == words


@pytest.mark.parametrize(("name", "attack"), list(ATTACKS))
def test_every_parameter_of_every_attack_says_what_is_allowed(name, attack):
    """A bare number would take -1 steps; an attack that says no range checks nothing."""
    for field in dataclasses.fields(attack):
        assert allowed(attack, field.name) not in ("", "a number", "a whole number"), f"{name}: {field.name}"
        if "1 or more" in allowed(attack, field.name):
            with pytest.raises(BadInput, match=field.name):
                make_attack(name, {field.name: 0})


@pytest.mark.parametrize(("name", "method"), list(METHODS))
def test_every_parameter_of_every_method_says_what_is_allowed(name, method):
    bound = method.bind({}, name)
    for part in (method.cohort, method.inner, method.outer, method.awp, bound.inner.objective, method.merge):
        for key in parameters(part).keys() - {"objective"} if part else ():
            assert allowed(part, key), f"{name}: {key}"


def test_types_are_evaluated_once():
    """Each attack that was made evaluated them anew, and pydantic compiled and kept what it was given, for ever."""
    make_attack("pgd", {"loss": "margin"})
    kept = _adapter.cache_info().currsize
    for _ in range(3):
        make_attack("pgd", {"loss": "margin"})
    assert _adapter.cache_info().currsize == kept


def test_names_that_can_be_gone_through_once_are_kept():
    def loss_of(which="ce"):
        return which

    loss_of.__annotations__["which"] = Annotated[str, one_of(name for name in ("ce", "mine"))]
    for _ in range(2):
        assert read(loss_of, {"which": "mine"}, []) == {"which": "mine"}


def test_what_is_added_to_a_table_may_be_chosen():
    table = {"ce": 1}

    def loss_of(which="ce"):
        return which

    problems: list[str] = []
    loss_of.__annotations__["which"] = Annotated[str, one_of(table)]
    assert read(loss_of, {"which": "mine"}, problems) == {}
    assert problems == ["which='mine': input should be ce"]
    table["mine"] = 2
    assert read(loss_of, {"which": "mine"}, []) == {"which": "mine"}
    assert allowed(loss_of, "which") == "ce or mine"
