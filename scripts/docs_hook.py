"""What MkDocs does beside: scripts find each other, and what is not on the site is shown as a file of the repository.

Where the site is published, only the workflow that does it knows: `SITE_URL` says it, `EDIT_URI` where pages are
edited, and `SOURCE_URL` where the repository shows its files; without the last links to these become paths.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

#: [words](../place), with as many ../ as lead out of the site, or [words](place.py) beside a page.
_OUTSIDE = r"\[([^\]]+)\]\(({up}[^)#\s]+|[\w-]+\.py)(#[^)\s]*)?\)"

#: By this pages tell that they are made of the code: whoever wants another text changes that, not the page.
_MADE = "Written by `python scripts/"


def on_config(config: Any, **_: Any) -> Any:
    """Say where the site is, and let `docs_griffe.py`, which is loaded by its path, import package and scripts."""
    config["site_url"] = os.environ.get("SITE_URL", "")
    config["edit_uri"] = os.environ.get("EDIT_URI", "")
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parent), str(here)]
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """`markdown` without links to files that the site does not have."""
    if _MADE in markdown:
        page.edit_url = None
    up = "../" * (page.file.src_uri.count("/") + 1)

    def led_outside(link: re.Match[str]) -> str:
        words, place, anchor = link[1], link[2], link[3] or ""
        place = place.removeprefix(up) if place.startswith(up) else f"docs/{place}"
        source = os.environ.get("SOURCE_URL", "")
        return f"[{words}]({source}{place}{anchor})" if source else f"{words} (`{place}`)"

    return re.sub(_OUTSIDE.format(up=re.escape(up)), led_outside, markdown)
