"""Scripts of the pages, run by Node.js without any page."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from benchmark.reporting.interactive import palette_script
from benchmark.reporting.pages import ASSETS

NODE = shutil.which("node")


def run_scripts(names: list[str], expression: str, *arguments: Any, before: str = "") -> Any:
    """What `expression` comes to after these scripts; `given` are the arguments, through JSON.

    Args:
        names: of files in assets/, in their order.
        expression: of JavaScript.
        arguments: what it works on.
        before: a script that runs first, such as one with data.
    """
    if NODE is None:
        pytest.skip("needs Node.js (node), to run the pages' scripts without a browser")
    scripts = [palette_script() if name == "palette.js" else (ASSETS / name).read_text("utf-8") for name in names]
    given = f"const given = JSON.parse({json.dumps(json.dumps(arguments))});"
    program = "\n".join([before, *scripts, given, f"console.log(JSON.stringify({expression}));"])
    done = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
