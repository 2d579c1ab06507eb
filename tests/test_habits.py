"""Publishing, hooks before a commit, containers: each has what it needs, and no more."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_only_the_job_that_publishes_is_known_to_the_index() -> None:
    workflow = read(ROOT / ".github/workflows/release.yml")
    assert workflow["permissions"] == {"contents": "read"}
    trusted = [name for name, job in workflow["jobs"].items() if "id-token" in job.get("permissions", {})]
    assert trusted == ["publish"]
    publish = workflow["jobs"]["publish"]
    assert publish["environment"] == "pypi"
    assert set(publish["needs"]) == set(workflow["jobs"]) - {"publish"}
    assert not [step for step in publish["steps"] if "run" in step or "password" in step.get("with", {})]
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


def test_hooks_need_nothing_but_the_environment() -> None:
    """Each is a tool of `make setup`; what `make lint` asks for is asked for here, too."""
    repos = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = {hook["id"]: hook for repo in repos for hook in repo["hooks"]}
    assert hooks.keys() == {"ruff-check", "ruff-format", "typos", "mypy"}
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for hook in hooks.values():
        assert hook["language"] == "system"
        tool = Path(shlex.split(hook["entry"])[0])
        assert tool.parent == Path(".venv/bin")
        assert re.search(rf'^    "{tool.name}>=', pyproject, re.MULTILINE), tool
    assert '"pre-commit>=' in pyproject


def test_other_builds_of_torch_have_the_locked_version_and_other_digests() -> None:
    spec = importlib.util.spec_from_file_location("container_install", ROOT / "container/install.py")
    assert spec is not None
    assert spec.loader is not None
    install = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(install)
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = install.versions_of_torch(lock).splitlines()
    assert {line.partition("==")[0] for line in lines} == {"torch", "torchvision"}
    assert all(f"\n{line} \\\n" in lock for line in lines)
    assert "sha256" not in "".join(lines)


def test_containers_are_built_of_what_is_there() -> None:
    dockerfile = (ROOT / "container/Dockerfile").read_text(encoding="utf-8")
    arguments = set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE))
    told = (ROOT / "container/README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"--build-arg (\w+)=", told)) == arguments == {"BASE", "TORCH_INDEX"}
    assert "USER 0" not in dockerfile
    assert re.search(r"^USER \d+$", dockerfile, re.MULTILINE)
    assert (ROOT / "container/install.py").is_file()


def test_containers_get_all_that_git_has() -> None:
    """A tracked file that is left out is a change to git, and a release would not call itself by its version."""
    pathspec = pytest.importorskip("pathspec")  # mypy brings it
    lines = (ROOT / "container/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert ".venv" in patterns
    # As Docker reads them: from the root, unless they say otherwise.
    anchored = [re.sub(r"^(!?)(?!\*\*)", r"\1/", pattern) for pattern in patterns]
    ignored = pathspec.GitIgnoreSpec.from_lines(anchored)
    assert ignored.match_file(".venv/bin/python")
    assert ignored.match_file("reports/index.html")
    assert ignored.match_file("benchmark/__pycache__/x.pyc")
    assert not ignored.match_file(".git/HEAD")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("this is no clone")
    assert list(ignored.match_files(tracked.stdout.splitlines())) == []
