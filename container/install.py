"""Installs the program and what it needs, in the locked versions, into a new environment.

    python3 container/install.py FOLDER [INDEX]

INDEX has other builds of torch than the package index, such as those that compute on the CPU alone. Of these the lock
knows the versions and no digests; of everything else both are checked. Extras are left out.
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
sys.path.insert(0, str(ROOT / "scripts"))

import set_up  # noqa: E402  the folder is known from here on


def versions_of_torch(lock: str) -> str:
    """The lines of `lock` that pin torch and torchvision, without digests: other builds have others."""
    return "".join(f"{line}\n" for line in re.findall(r"^(torch(?:vision)?==.*?) *\\$", lock, flags=re.MULTILINE))


def main(folder: Path, index: str | None) -> None:
    venv.create(folder, with_pip=True)
    python = set_up.python_of(folder)
    lock = set_up.LOCK.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        pinned, torch = Path(scratch, "uv.lock"), Path(scratch, "torch.lock")
        pinned.write_text(set_up.pin_of("uv", lock), encoding="utf-8")
        torch.write_text(versions_of_torch(lock), encoding="utf-8")
        pip = [str(python), "-m", "pip"]
        _run(*pip, *set_up.PIP_INSTALL, "--require-hashes", "--only-binary", ":all:", "-r", str(pinned))
        configured = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=True).stdout
        environment = set_up.uv_environment(configured, os.environ)
        install = [str(python.with_name("uv")), *set_up.UV_INSTALL, "--no-cache", "--python", str(python)]
        if index:
            _run(*install, "--index-url", index, "-r", str(torch), environment=environment)
        locked = ["--constraint", str(set_up.LOCK), "--build-constraint", str(set_up.LOCK)]
        _run(*install, *locked, str(ROOT), environment=environment)
    _run(*pip, "uninstall", "--quiet", "--yes", "uv", "pip")  # nothing is installed later


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    if code := subprocess.run(command, env=environment).returncode:
        raise SystemExit(code)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("name the folder of the environment, and the index of torch's builds if it is another")
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 and sys.argv[2] else None)
