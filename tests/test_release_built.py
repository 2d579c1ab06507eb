"""What is built of a clone: its version, and that archive and wheel carry what they should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from benchmark.version import NAME, RELEASED

ROOT = Path(__file__).parent.parent
BUILD = "import setuptools.build_meta as b; print(b.build_{}('dist'))"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository, not only its files"),
]


def run(*command: str, cwd: Path) -> str:
    # Nobody's settings of git, and no version said from outside.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "SETUPTOOLS_SCM"))}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


def clone(folder: Path, *options: str) -> Path:
    run("git", "clone", "--quiet", "--no-tags", *options, ROOT.as_uri(), str(folder), cwd=ROOT)
    return folder


def built(what: str, folder: Path) -> Path:
    return folder / "dist" / run(sys.executable, "-c", BUILD.format(what), cwd=folder).splitlines()[-1]


def version_of(archive: Path) -> str:
    return archive.name.removeprefix(NAME.replace("-", "_") + "-").removesuffix(".tar.gz").partition("-py3")[0]


@pytest.mark.parametrize("options", [(), ("--depth", "1")], ids=["without tags", "shallow"])
def test_a_clone_in_which_no_tag_is_seen_comes_after_the_last_release(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    version = version_of(built("sdist", clone(tmp_path / "clone", *options)))
    major, minor, patch = RELEASED.split(".")
    assert version.startswith(f"{major}.{minor}.{int(patch) + 1}.dev")


def test_files_without_git_are_called_as_the_last_release(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    run("git", "archive", "--output", str(tmp_path / "files.tar"), "HEAD", cwd=clone(tmp_path / "clone"))
    with tarfile.open(tmp_path / "files.tar") as archive:
        archive.extractall(tmp_path / "files", filter="data")
    assert version_of(built("sdist", tmp_path / "files")) == RELEASED


def test_a_tag_names_archive_and_wheel_and_the_program_that_runs(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone")
    tracked = set(run("git", "ls-files", cwd=folder).splitlines())
    run("git", "tag", "v77.1.2", cwd=folder)
    run("git", "tag", "not-a-version-99", cwd=folder)
    archive = built("sdist", folder)
    assert version_of(archive) == "77.1.2"
    with tarfile.open(archive) as files:
        inside = {name.partition("/")[2] for name in files.getnames() if files.getmember(name).isfile()}
        files.extractall(tmp_path, filter="data")
    assert not tracked - inside  # the tests, and all that these need
    assert all(
        name.startswith(("PKG-INFO", "setup.cfg", "robustness_benchmark.egg-info/")) for name in inside - tracked
    )

    wheel = built("wheel", tmp_path / archive.name.removesuffix(".tar.gz"))
    assert version_of(wheel) == "77.1.2"
    with zipfile.ZipFile(wheel) as files:
        names = {name for name in files.namelist() if ".dist-info/" not in name}
        files.extractall(tmp_path / "site")
    assert names == {name for name in tracked if name.startswith("benchmark/")}  # py.typed and templates among them
    said = run(sys.executable, "-c", "import benchmark; print(benchmark.__version__)", cwd=tmp_path / "site")
    assert said == "77.1.2\n"


@pytest.mark.timeout(1200)
def test_a_users_script_is_checked_with_the_types_of_the_wheel(tmp_path: Path) -> None:
    """As in an environment of theirs, far from the sources; `tests/users_script.py` says what is found."""
    venv.create(tmp_path / "env")
    python = tmp_path / "env/bin/python"
    site = Path(
        run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    )
    with zipfile.ZipFile(built("wheel", clone(tmp_path / "clone"))) as files:
        files.extractall(site)
    (site / "zz-needed.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    shutil.copy(ROOT / "tests/users_script.py", tmp_path)
    flags = ["--warn-unused-ignores", "--cache-dir", str(tmp_path / "cache"), "--config-file", os.devnull]
    command = [sys.executable, "-m", "mypy", "--python-executable", str(python), *flags, "users_script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "Success: no issues found in 1 source file\n", done.stdout + done.stderr
