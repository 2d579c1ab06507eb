"""Makes an environment with the oldest version of everything that pyproject.toml allows, for `make test-lowest`.

    python scripts/lowest.py .venv-lowest [3.10]

Of what the project asks for itself it takes the oldest version, of what these ask for in turn the newest that fits,
as pip would install on the day. Run by the Python of .venv, whose uv it uses; the oldest Python is looked for on this
machine, and fetched by uv where there is none. The documentation's tools are left out: no test needs them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from set_up import ROOT, UV_INSTALL, _printed, python_of, uv_environment

EXTRAS = ("dev", "figures", "ray", "robustbench")


def main(folder: Path, python: str) -> int:
    uv = str(Path(sys.executable).with_name("uv"))
    pip = [sys.executable, "-m", "pip"]
    environment = uv_environment(_printed(*pip, "config", "list"), os.environ)
    wanted = folder / "requirements.txt"
    for command in commands(uv, folder, wanted, python):
        if subprocess.run(command, env=environment).returncode:
            return 1
    return 0


def commands(uv: str, folder: Path, wanted: Path, python: str) -> list[list[str]]:
    """What uv is to do, in this order."""
    into = ["--python", str(python_of(folder))]
    resolve = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--resolution",
        "lowest-direct",
        "--index-strategy",
        "unsafe-best-match",
    ]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    return [
        [uv, "venv", "--quiet", "--seed", "--allow-existing", "--python", python, str(folder)],
        [*resolve, *into, *extras, str(ROOT / "pyproject.toml"), "--output-file", str(wanted)],
        [uv, *UV_INSTALL, *into, "--requirement", str(wanted)],
        [uv, *UV_INSTALL, *into, "--no-deps", "--editable", str(ROOT)],
    ]


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("name the folder of the environment: python scripts/lowest.py .venv-lowest")
    sys.exit(main(Path(sys.argv[1]), *(sys.argv[2:] or ["3.10"])))
