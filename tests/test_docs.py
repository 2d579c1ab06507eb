"""What is written down in docs/ is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_commands_in_the_docs_are_there() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    scripts = set(re.findall(r"python (perf/\w+\.py)", text))
    assert {"perf/attacks.py", "perf/strength.py", "perf/training.py", "perf/overhead.py"} <= scripts
    for script in scripts:
        source = (ROOT / script).read_text(encoding="utf-8")
        for line in re.findall(rf"python {script}(.*)", text):
            for option in re.findall(r"--[\w-]+", line.partition("#")[0]):
                assert f'"{option}"' in source, f"{script} has no {option}"
