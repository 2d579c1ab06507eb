"""Words that version 0.1.0 wrote into evaluations, and today's for them."""

from __future__ import annotations

from typing import Any

#: By what they are said of: old word -> today's. Forms accept both, readers see today's alone.
OLD_WORDS = {
    "kind": {"budget": "fixed-budget", "minimal": "minimum-norm"},
    "mode": {"full": "complete"},
    "preset": {"full": "standard"},
}


def in_todays_words(manifest: dict[str, Any]) -> dict[str, Any]:
    """The evaluation that a file of any version tells of; its form has been checked."""
    suite = manifest["suite"]
    items = [{**item, "kind": _today("kind", item["kind"])} for item in suite["items"]]
    suite = {**suite, "preset": _today("preset", suite["preset"]), "items": items}
    return {**manifest, "mode": _today("mode", manifest["mode"]), "suite": suite}


def _today(of: str, word: str) -> str:
    return OLD_WORDS[of].get(word, word)
