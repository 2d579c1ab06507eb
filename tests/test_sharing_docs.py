"""docs/sharing.md and the templates for GitHub: each command there runs, or exists."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from command_line import Calls, bench
from evaluation_toys import evaluated, save, trained
from synthetic import add_evaluation

import benchmark
from benchmark import cli

ROOT = Path(__file__).parent.parent
DOC = (ROOT / "docs/sharing.md").read_text(encoding="utf-8")
TEMPLATES = sorted((ROOT / ".github/workflow-templates").glob("*.yml"))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")
def test_the_commands_run_as_they_stand_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    checkpoint = save(tmp_path / "zoo", replace(trained(), name="at"))
    lines = "  - {attack: fgsm, norm: linf}\n"
    evaluated(tmp_path, lines, str(checkpoint), images=20, save_adversarial=True)
    add_evaluation(tmp_path / "others", "natural")
    benchmark.bundle("others", "natural", out="natural.zip")
    commands = re.findall(r"^\$ bench (.*)", DOC, re.MULTILINE)
    assert {words.split()[0] for words in commands} >= {"bundle", "verify", "merge", "report"}
    for words in commands:
        if "--log" not in words:
            code, _, err = bench(capsys, *shlex.split(words))
            assert code == 0, (words, err)
    assert Path("site/feed.xml").is_file()


def steps(path: Path) -> list[dict]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_run_what_is_there_and_never_a_strangers_words(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert not [step for step in steps(path) if "${{" in step.get("run", "")]
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action) for action in used)
    scripts = "\n".join(step.get("run", "") for step in steps(path))
    verbs = {command.name: command for command in cli.app.registered_commands}
    for verb, words in re.findall(r"bench (\w+)([^;>\n]*)", scripts):
        known = {f"--{name.replace('_', '-')}" for name in verbs[verb].callback.__annotations__}  # type: ignore[union-attr]
        assert set(re.findall(r"--[\w-]+", words)) <= known, (verb, words)


def test_who_looks_at_a_strangers_file_may_only_read() -> None:
    (path,) = (path for path in TEMPLATES if path.stem == "submit-result")
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    (script,) = (step["run"] for step in steps(path) if "curl" in step.get("run", ""))
    (pattern,) = re.findall(r"grep -oE '([^']+)'", script)
    good = (
        "see [a.zip](https://github.com/user-attachments/files/123/a.zip) and https://github.com/o/r/files/1/b-2.zip"
    )
    assert len(re.findall(pattern, good)) == 2
    for bad in ("https://evil.org/files/1/a.zip", "https://github.com.evil.org/o/r/files/1/a.zip", "a.zip; rm -rf /"):
        assert not re.findall(pattern, bad)


def test_the_form_asks_for_what_the_job_looks_for() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/submit-result.yml").read_text())
    assert form["labels"] == ["result"]
    (path,) = (path for path in TEMPLATES if path.stem == "submit-result")
    (job,) = yaml.safe_load(path.read_text())["jobs"].values()
    assert "'result'" in job["if"]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")
def test_what_is_said_of_trackers_is_so(monkeypatch, capsys):
    """The commands' options are taken; what trackers do with them, tests/test_trackers.py tries."""
    calls = {verb: Calls([]) for verb in ("train", "evaluate")}
    for verb, call in calls.items():
        monkeypatch.setattr(benchmark, verb, call)
    for words in re.findall(r"^\$ bench (.*--log.*)", DOC, re.MULTILINE):
        assert bench(capsys, *shlex.split(words))[0] == 0
    (trained_with,), (evaluated_with,) = calls["train"].made, calls["evaluate"].made
    assert trained_with[1]["log"] == ["mlflow"]
    assert evaluated_with[1]["log"] == ["tensorboard", "wandb"]
