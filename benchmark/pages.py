"""Pages from templates: every name is escaped, and one that nobody gave is an error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import benchmark
from benchmark.palette import stylesheet

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(*folders: Path) -> Environment:
    """Renders the templates in `folders`, the first that has one; they know the `version` and the `palette`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["version"] = benchmark.__version__
    made.globals["palette"] = Markup(stylesheet())
    return made
