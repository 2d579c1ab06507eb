"""What is said before attacks run: of several networks once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rich.progress import Progress

from benchmark.evaluation.progress import Display


def plan(name: str, *notes: str):
    return SimpleNamespace(card={"name": name, "digest": name * 16}, notes=notes, classes=None)


def announced(plans, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with Display(1) as display:
        display.announce(plans)
    return capsys.readouterr().err.splitlines()


def test_what_is_so_of_several_networks_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    data, order = "data: a fifth stands in place of the test images", "its classes are in another order"
    plans = [plan("a", data, order), plan("b", data), plan("c", data, order)]
    assert announced(plans, capsys) == [f"all 3 networks: {data}", f"a, c: {order}"]


def test_a_single_network_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert announced([plan("a", "it is old")], capsys) == ["a: it is old"]
    assert announced([], capsys) == []


def test_a_bar_that_is_not_shown_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """rich 13 prints an empty line at its end, even to a stream that is closed."""
    monkeypatch.setattr(Progress, "stop", lambda self: pytest.fail("a bar was ended"))
    with Display(1, show=False) as display:
        display.announce([])
