"""Makes .venv with exactly what requirements.lock names, by uv, which takes a third of pip's time.

    python scripts/set_up.py .venv

Runs on the Python that .venv is to have, 3.10 or newer, with nothing installed but itself. uv comes from the lock,
too, so that all that is installed has a digest that was checked. What pip is configured with (an index of one's own,
a folder of wheels) holds for uv. Where uv can't be had or fails, pip does the same work.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"

#: What uv calls what pip is configured with; pip separates several by spaces, uv's folders by commas.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
#: The best version of all indexes, as pip does it: a digest decides, not where a file comes from.
UV_INSTALL = ["pip", "install", "--quiet", "--index-strategy", "unsafe-best-match"]
PIP_INSTALL = ["install", "--quiet", "--disable-pip-version-check"]


def main(folder: Path) -> int:
    python = python_of(folder)
    pip = [str(python), "-m", "pip"]
    if not _printed(*pip, "--version"):
        if folder.exists() and not _may_be_cleared(folder):
            raise SystemExit(f"{folder} holds no environment, and would be cleared; name another folder")
        print(f"Making {folder} ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
    with tempfile.TemporaryDirectory() as scratch:
        pinned = Path(scratch) / "uv.lock"
        pinned.write_text(pin_of("uv", LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        if _run(*pip, *PIP_INSTALL, "--require-hashes", "--only-binary", ":all:", "-r", str(pinned)) == 0:
            install = [str(python.with_name("uv")), *UV_INSTALL, "--python", str(python)]
            if installed(install, uv_environment(_printed(*pip, "config", "list"), os.environ)):
                return 0
            print("uv did not get it done; pip tries.", file=sys.stderr, flush=True)
    return 0 if installed([*pip, *PIP_INSTALL], os.environ) else 1


def installed(install: list[str], environment: os._Environ[str] | dict[str, str]) -> bool:
    """Whether `install` put what the lock names into .venv, and then the project itself as it lies here."""
    for what in (["--require-hashes", "-r", str(LOCK)], ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]):
        if _run(*install, *what, environment=environment):
            return False
    return True


def pin_of(package: str, lock: str) -> str:
    """The lines of `lock` that pin `package` with its digests.

    Raises:
        SystemExit: it is not in there.
    """
    found = re.search(rf"^{re.escape(package)}==.*(?:\n    .*)*", lock, flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"requirements.lock does not name {package}; take the file of the last commit")
    return found.group() + "\n"


def uv_environment(configured: str, environment: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """`environment` with what `pip config list` printed in uv's names; what uv is told already stays.

    pip names its settings by where they are from (`global.`, `install.`, `:env:.`) and prints later ones last, which
    hold.
    """
    ours = {}
    for key, value in re.findall(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$", configured, flags=re.MULTILINE):
        if key in UV_NAMES:
            several = "," if key == "find-links" else " "
            ours[UV_NAMES[key]] = several.join(re.split(r"\s+|\\n", value.strip()))
    return {**ours, **environment}


def python_of(folder: Path) -> Path:
    """The Python of the environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _may_be_cleared(folder: Path) -> bool:
    """Whether it is a broken environment, or nothing at all."""
    return folder.is_dir() and ((folder / "pyvenv.cfg").is_file() or not any(folder.iterdir()))


def _printed(*command: str) -> str:
    """What `command` prints; nothing where it can't be started or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _run(*command: str, environment: os._Environ[str] | dict[str, str] | None = None) -> int:
    return subprocess.run(command, env=None if environment is None else dict(environment)).returncode


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name the folder of the environment: python scripts/set_up.py .venv")
    sys.exit(main(Path(sys.argv[1])))
