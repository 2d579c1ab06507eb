"""Writes docs/licences.md: under which terms everything in requirements.lock may be used, as its own metadata says.

.venv/bin/python scripts/licences.py > docs/licences.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"

#: What metadata leaves out, found in the packages' own licence files or those of what they belong to.
SAID_ELSEWHERE = {
    "axe-playwright-python": "MIT; the axe-core inside it MPL-2.0",
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",
    "scipy": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",
    "httpx2-jsfetch": "not looked up: only browsers need it",
}

#: Locked for other Pythons and systems than the page is made on, as their metadata says.
OTHER_SYSTEMS = {
    "async-timeout": "Apache-2.0",
    "cffi": "MIT-0",
    "exceptiongroup": "MIT",
    "pycparser": "BSD-3-Clause",
    "pytz": "MIT",
    "six": "MIT",
    "tomli": "MIT",
    "types-pytz": "Apache-2.0",
    "nvidia-curand": "LicenseRef-NVIDIA-Proprietary",
}

#: What older metadata writes → the identifier (https://spdx.org/licenses).
SPDX = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": "LicenseRef-NVIDIA-Proprietary",
}

HEAD = """\
# Licences

The benchmark itself is under the [MIT licence](../LICENSE). It ships one file of others, the charting
library below, in the package and in the sites it makes, whose pages, styles, other scripts and drawings are its own
(no fonts, nothing fetched). `pip` installs what it needs beside it, each package under its own terms.

What deserves a word:

* **Apache ECharts 6.1.0** (Apache-2.0, with parts of d3 and ZRender under BSD-3-Clause) draws the interactive
  figures. `echarts.min.js` is `dist/echarts.min.js` of npm's package `echarts`, unchanged, SHA-256
  `b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0`. Its licence and notice, `echarts.LICENSE.txt`,
  lie beside it in the package and in `assets/` of every site.
* **AutoAttack** runs through `pyautoattack` (MIT), a port of the authors' code, which carries the same licence.
* **Foolbox** (MIT) is needed; cite it where you use one of its attacks, as `bench list attacks` says.
* **RobustBench** (Apache-2.0) is optional (`[robustbench]`), with timm (Apache-2.0). *The networks in its zoo, in
  timm's and in torchvision's, are their authors'*: their terms stand with each network, some exclude commercial use,
  and this project passes none of them on.
* **torchattacks** (MIT) and **adv-lib** (BSD-3-Clause) are only compared with, by the scripts in `perf/` and by
  suites that name one of their attacks. Neither is installed unless you do it.
* **axe-core** (MPL-2.0) tests the pages for accessibility during development and is never part of them.
* **NVIDIA's libraries**, which PyTorch's wheels for Linux bring along, are not free software; PyTorch's CPU wheels do
  without them.
* **certifi, pathspec, hypothesis and tqdm** are (partly) under MPL-2.0, which asks for the source of changes to
  *their* files only.
* **Data sets** have terms of their own. The digits are Alpaydin and Kaynak's, as distributed with scikit-learn; all
  others are fetched from their publishers, by you and only if asked.

Made by `scripts/licences.py` from the packages' own metadata; `tests/test_licences.py` holds it together with
`requirements.lock`. *needed* comes with `pip install .`, *robustbench* and *ray* with the extras of these names,
*dev* with the tools; *elsewhere* are those that other systems or versions of Python need.

| Package | Version | Licence | Comes as |
|---|---|---|---|
"""


def locked() -> dict[str, list[str]]:
    """The versions of each package in requirements.lock."""
    versions: dict[str, list[str]] = {}
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([\w.-]+)(?:\[[^]]*])?==([^\s;]+)", line)
        if match:
            versions.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return versions


def find(name: str) -> Distribution | None:
    """The installed package called `name`, if there is one."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def licence(package: Distribution) -> str:
    """The licence that `package` names, as an SPDX expression where it can be told; "" where it names none."""
    facts = package.metadata
    if canonicalize_name(facts["Name"]) in SAID_ELSEWHERE:
        return SAID_ELSEWHERE[canonicalize_name(facts["Name"])]
    expression = facts.get("License-Expression", "")
    short = (facts.get("License", "") or "").strip()
    kinds = [value.split(" :: ")[-1] for value in facts.get_all("Classifier") or () if value.startswith("License ::")]
    named = expression or (short if short and "\n" not in short and len(short) < 60 else next(iter(kinds), ""))
    return SPDX.get(named, named)


def needed_by(extra: str) -> set[str]:
    """The installed packages that `robustness-benchmark[extra]` brings along, directly or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = [*project["dependencies"], *project["optional-dependencies"].get(extra, ())]
    found: set[str] = set()
    waiting = [("robustness-benchmark", frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        package = find(name)
        for line in own if name == "robustness-benchmark" else (package.requires if package else None) or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": wanted}) for wanted in (*extras, "")):
                other = canonicalize_name(requirement.name)
                if other not in found:
                    found.add(other)
                    waiting.append((other, frozenset(requirement.extras)))
    return found


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Name, version, licence and the way it comes, of every package in the lock."""
    extras = {extra: needed_by(extra) for extra in ("robustbench", "ray")}
    runtime = needed_by("")
    for name, versions in sorted(locked().items()):
        package = find(name)
        if package is None:
            yield name, versions[-1], OTHER_SYSTEMS.get(name) or SAID_ELSEWHERE.get(name, ""), "elsewhere"
        else:
            way = "needed" if name in runtime else next((extra for extra in extras if name in extras[extra]), "dev")
            yield name, package.version, licence(package), way


def page() -> str:
    """The whole of docs/licences.md."""
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())


if __name__ == "__main__":
    print(page(), end="")
