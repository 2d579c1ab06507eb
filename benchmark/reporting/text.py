"""Numbers as people read them, on pages and in terminals alike; what was not measured is a dash."""

from __future__ import annotations

import re
from collections.abc import Mapping

from benchmark.radii import format_radius

MISSING = "–"


def percent(fraction: float | None) -> str:
    """0.5 → "50.0"."""
    return MISSING if fraction is None else f"{100 * fraction:.1f}"


def signed(number: float, decimals: int = 1) -> str:
    """1.25 → "+1.2", −1.25 → "-1.2"; what is rounded to nothing has no sign, −0.04 → "0.0"."""
    shown = f"{number:+.{decimals}f}"
    return shown if re.search("[1-9]", shown) else shown[1:]


def points(share: float) -> str:
    """A difference of shares in percentage points: 0.0125 → "+1.2"."""
    return signed(100 * share)


def in_points(size: float) -> str:
    """A number of percentage points in words: 1.0 → "1 point", 0.5 → "0.5 points"."""
    shown = f"{size:.3g}"
    return f"{shown} point" if shown == "1" else f"{shown} points"


def count(number: float) -> str:
    """1234567 → "1.2 M"."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """0.25 → "0.2 s", 75 → "1 min 15 s", 3700 → "1 h 1 min"."""
    if round(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def distance(value: float | None) -> str:
    """A norm to three digits; "∞" where most images have no adversarial."""
    if value is None:
        return MISSING
    return "∞" if value == float("inf") else f"{value:.3g}"


def threat(norm: str, epsilon: float) -> str:
    """("linf", 0.0313725) → "linf ≤ 8/255"."""
    return f"{norm} ≤ {format_radius(norm, epsilon)}"


def arxiv(words: str) -> str | None:
    """ "Madry et al. 2018, arXiv:1706.06083" → the address of that paper; None where no number of arXiv is named."""
    found = re.search(r"\barXiv:((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?)(?![\w/])", words)
    return f"https://arxiv.org/abs/{found[1]}" if found else None


def setting(value: object) -> str:
    """A parameter's value: 0.08333333333333333 → "0.08333", None → "none", True → "yes", [1, 4] → "[1, 4]"."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {setting(each)}' for name, each in value.items())}}}"
    return str(value)


def plural(words: str) -> str:
    """ "AMD EPYC, 1 threads", as earlier versions wrote down, → "AMD EPYC, 1 thread"."""
    return re.sub(r"(?<!\d)1 threads\b", "1 thread", words)
