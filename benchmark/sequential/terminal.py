"""Decisions and estimates as a terminal shows them."""

from __future__ import annotations

from benchmark.errors import printable
from benchmark.reporting import print_rows
from benchmark.reporting.terminal import console
from benchmark.reporting.text import count, percent, points
from benchmark.sequential.result import Decision, Estimate


def print_decision(decision: Decision) -> None:
    """The answer, the pairs it rests on, the networks, and what it took."""
    asked = f"{decision.metric_name} under {decision.suite} ({decision.preset})"
    pairs = [
        {
            "first": pair.first,
            "second": pair.second,
            "difference": points(pair.looks[-1].value),
            "interval": f"{points(pair.looks[-1].low)} to {points(pair.looks[-1].high)}",
            "images": pair.looks[-1].images,
            "result": pair.sentence,
        }
        for pair in decision.pairs
    ]
    print_rows(pairs, f"{asked} on {decision.images} test images of {decision.dataset}")
    networks = [
        {
            "network": line.network,
            decision.metric_name: percent(line.value),
            "interval": f"{percent(line.low)}–{percent(line.high)}",
            "images": line.images,
            "passes": count(line.passes),
            "standing": line.standing,
        }
        for line in decision.networks
    ]
    print_rows(networks)
    _print_lines(decision.summary)


def print_estimate(estimate: Estimate) -> None:
    """The interval, and what it took."""
    _print_lines(estimate.summary)


def _print_lines(lines: list[str]) -> None:
    screen = console()
    for line in lines:
        screen.print(printable(line))
