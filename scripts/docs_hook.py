"""What MkDocs does beside: a link that leaves docs/ is shown as the path of a file of the repository."""

from __future__ import annotations

import re
from typing import Any

#: [words](../place), where the place is in the repository and not on the site.
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)#\s]+)(?:#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """`markdown` without links to files that the site does not have."""
    deep = page.file.src_uri.count("/")
    return markdown if deep else _OUTSIDE.sub(r"\1 (`\2`)", markdown)
