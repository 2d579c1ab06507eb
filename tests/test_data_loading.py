"""What is asked for as data and is none is refused in a sentence, whoever made it."""

from __future__ import annotations

import pytest

import benchmark
from benchmark.data import load
from benchmark.errors import BadInput


def broken(root, download):
    raise RuntimeError("the disk is elsewhere")


def refusing(root, download):
    raise BadInput("there are no labels")


def nothing(root, download):
    return None


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        (broken, "failed: RuntimeError: the disk is elsewhere"),
        (refusing, "there are no labels"),
        (nothing, "returned NoneType; it must return a benchmark.Dataset"),
    ],
)
def test_of_data_of_ones_own_it_is_said_whose_fault_it_is(thing, told):
    benchmark.register_dataset("mine", thing)
    with pytest.raises(BadInput, match="dataset mine") as error:
        load("mine")
    assert told in str(error.value)


def test_data_of_ones_own_has_the_name_that_it_was_asked_for_by():
    benchmark.register_dataset("mine", lambda root, download: load("digits"))
    found = load("mine")
    assert found.name == "mine"
    assert len(found.test) == len(load("digits").test)
    assert load(found) is found


@pytest.mark.parametrize(
    ("name", "told"), [(3, "a int is no data; give a name"), ("digits?resize=8", "has images of one size")]
)
def test_what_is_no_data_is_refused(name, told):
    with pytest.raises(BadInput, match=told):
        load(name)
