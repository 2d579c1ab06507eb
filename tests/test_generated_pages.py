"""Pages that scripts write from the code are what the code says now, and none of them leaves a name unexplained."""

from __future__ import annotations

import formats
import pytest
import suites_page

from benchmark.catalogue import show
from benchmark.suites.files import norms_without_radius


@pytest.mark.parametrize("script", [suites_page, formats], ids=lambda script: script.__name__)
def test_the_page_is_what_its_script_writes(script):
    assert script.PLACE.read_text(encoding="utf-8") == script.page(), f"run python scripts/{script.__name__}.py"


def test_no_place_of_the_formats_page_is_left_empty():
    page = formats.page()
    assert "<!--" not in page
    assert not [line for line in page.splitlines() if line.startswith("| ") and line.endswith("|  |")]


def test_a_suite_is_shown_also_where_a_row_lacks_radii():
    """As of strengths of fog, which nobody has published for larger images."""
    assert norms_without_radius("white-box-linf", "imagenet") == ["fog", "gabor", "elastic"]
    assert norms_without_radius("white-box-linf", "digits") == norms_without_radius("unforeseen", "imagenet") == []
    radii = {each["scale"]: each["threats"] for each in show("white-box-linf", kind="suites")["radii"]}
    assert radii["imagenet"] == "linf 4/255; fog, gabor, elastic by --epsilon"
    assert radii["digits"].startswith("linf 0.15, fog ")
