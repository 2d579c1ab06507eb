"""What GitHub is told to do is what people do by hand, with no more rights than it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]


def steps(path: Path) -> list[dict]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read_and_pin_what_they_use(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", action) for action in used)
    # What a stranger may write, such as a branch's name, never becomes part of a script.
    assert not [step for step in steps(path) if "${{" in step.get("run", "")]


def test_the_tests_run_as_by_hand_on_all_that_is_supported() -> None:
    (path,) = (path for path in WORKFLOWS if path.stem == "test")
    jobs = yaml.safe_load(path.read_text())["jobs"]
    job = jobs["test"]
    assert job["steps"][-1]["run"] == 'make "$TARGET" PYTHON=python'
    assert job["steps"][-1]["env"] == {"TARGET": "${{ matrix.target }}"}
    matrix = job["strategy"]["matrix"]
    assert matrix["system"] == ["ubuntu-latest", "macos-latest"]
    assert matrix["target"] == ["test"]
    assert [more["target"] for more in matrix["include"]] == ["test", "test", "test-lowest"]
    by_hand = jobs["capability"]["steps"][-1]["run"]
    assert 'make test-capability PYTHON=python ATEN="$ATEN" ONEDNN="$ONEDNN"' in by_hand
    instructions = jobs["capability"]["strategy"]["matrix"]
    for aten, onednn in (("default", "SSE41"), ("avx2", "AVX2")):  # the two of make test-capabilities
        assert aten in instructions["aten"]
        assert onednn in instructions["onednn"]
    versions = matrix["python"]
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest is not None
    assert versions[0] == oldest[1]
    assert versions == [f"3.{minor}" for minor in range(10, 10 + len(versions))]


def test_the_audit_is_the_one_by_hand_and_fails_where_it_could_not_look() -> None:
    """Without --strict, pip-audit finds no weakness in what it could not look up, and ends well."""
    (command,) = (step["run"] for path in WORKFLOWS if path.stem == "audit" for step in steps(path) if "run" in step)
    assert f"`{command}`" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "--strict" in command.split()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_are_what_github_takes(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= form.keys()
    kinds = {item["type"] for item in form["body"]}
    assert kinds <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert kinds - {"markdown"}
    names = [item["id"] for item in form["body"] if item["type"] != "markdown"]
    assert len(set(names)) == len(names)
    assert all("label" in item["attributes"] for item in form["body"] if item["type"] != "markdown")
    assert all("value" in item["attributes"] for item in form["body"] if item["type"] == "markdown")


def test_there_is_a_form_for_each_kind_of_issue() -> None:
    assert [path.stem for path in FORMS] == ["bug", "new-attack", "new-method", "submit-result", "wrong-number"]


def test_the_site_is_built_for_every_change_and_published_from_main_alone() -> None:
    """No address is written down: each repository publishes to its own."""
    (path,) = (path for path in WORKFLOWS if path.stem == "docs")
    workflow = yaml.safe_load(path.read_text())
    assert "pull_request" in workflow[True]  # YAML reads "on" as a truth value
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    (made,) = (step for step in build["steps"] if "run" in step)
    assert made["run"] == "make docs PYTHON=python"
    assert all("${{ github." in value for value in made["env"].values())
    assert "permissions" not in build
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert "github.ref == 'refs/heads/main'" in publish["if"]
