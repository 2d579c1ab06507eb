"""Setting up: uv itself has a digest, and what pip is configured with holds for it; nothing is fetched here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lowest
import pytest
import set_up

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_uv_is_taken_from_the_lock_with_its_digests():
    pinned = set_up.pin_of("uv", LOCK)
    assert pinned.startswith("uv==")
    assert len(re.findall("--hash=sha256:", pinned)) > 10  # a file for each system
    assert all(line.startswith("    --hash") for line in pinned.splitlines()[1:])


def test_a_lock_without_it_says_so():
    with pytest.raises(SystemExit, match="does not name uv"):
        set_up.pin_of("uv", "uvicorn==1.0 \\\n    --hash=sha256:00\n")


def test_what_pip_is_configured_with_holds_for_uv():
    configured = (
        ":env:.disable-pip-version-check='1'\n"
        "global.index-url='https://first.example/simple'\n"
        "install.index-url='https://mine.example/simple'\n"
        "global.extra-index-url='https://a.example/simple https://b.example/simple'\n"
        "global.find-links='/wheels\\n/more'\n"
        "global.cert='/company.pem'\n"
    )
    assert set_up.uv_environment(configured, {"SSL_CERT_FILE": "/own.pem"}) == {
        "UV_DEFAULT_INDEX": "https://mine.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/own.pem",
    }
    assert set_up.uv_environment("", {"A": "b"}) == {"A": "b"}


_OFFLINE = ["--no-index", "--find-links", "."]
INSTALLERS = {
    "pip": [sys.executable, "-m", "pip", *set_up.PIP_INSTALL, "--isolated", *_OFFLINE],
    "uv": [str(Path(sys.executable).with_name("uv")), *set_up.UV_INSTALL, "--no-config", *_OFFLINE, "--dry-run"],
}


@pytest.mark.parametrize("installer", list(INSTALLERS))
@pytest.mark.parametrize(("hashes", "told"), [("", "hash"), (f" --hash=sha256:{'0' * 64}", "mismatch|DO NOT MATCH")])
def test_what_has_no_digest_or_another_one_is_refused(installer, hashes, told, tmp_path, monkeypatch, capfd):
    """Nor is any code of it run before."""
    command = INSTALLERS[installer]
    if not Path(command[0]).exists():
        pytest.skip(f"{installer} is not installed")
    (tmp_path / "toy-1.0").mkdir()
    (tmp_path / "toy-1.0" / "setup.py").write_text("open('was run', 'w')\nraise SystemExit('was run')")
    subprocess.run(["tar", "czf", "toy-1.0.tar.gz", "toy-1.0"], cwd=tmp_path, check=True)
    (tmp_path / "lock").write_text(f"toy==1.0{hashes}\n")
    monkeypatch.setattr(set_up, "LOCK", tmp_path / "lock")
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    environment["VIRTUAL_ENV"] = sys.prefix
    assert not set_up.installed(command, environment)
    assert re.search(told, capfd.readouterr().err, re.IGNORECASE)
    assert not [*tmp_path.rglob("was run")]


def test_pip_does_it_where_uv_fails(tmp_path, monkeypatch, capfd):
    called = []
    monkeypatch.setattr(set_up, "_printed", lambda *_: "pip 23")
    monkeypatch.setattr(
        set_up, "_run", lambda *words, environment=None: called.append(words) or words[0].endswith("uv")
    )
    assert set_up.main(tmp_path) == 0
    assert [Path(words[0]).name for words in called] == ["python", "uv", "python", "python"]
    assert "pip tries" in capfd.readouterr().err
    assert all("--require-hashes" in words for words in called[:3])


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path):
    """It would be cleared: somebody's folder, or the clone itself."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match="holds no environment"):
        set_up.main(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_oldest_versions_are_those_of_the_project_itself_alone(tmp_path):
    made, resolved, *installed = lowest.commands("uv", tmp_path, tmp_path / "wanted.txt", "3.10")
    assert made[-3:] == ["--python", "3.10", str(tmp_path)]
    assert "lowest-direct" in resolved  # the lowest of all others, too, are versions that nobody has had for years
    assert {word for word in resolved if word in ("dev", "ray", "robustbench", "figures")} == {*lowest.EXTRAS}
    assert [command[-2:] for command in installed] == [
        ["--requirement", str(tmp_path / "wanted.txt")],
        ["--editable", str(lowest.ROOT)],
    ]


def test_what_fails_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lowest, "commands", lambda *_: [[sys.executable, "-c", "raise SystemExit(3)"], ["nowhere"]])
    assert lowest.main(tmp_path, "3.10") == 1


def test_python_keeps_what_it_compiled_though_it_was_asked_not_to():
    """Nothing is compiled when it is installed: each process of the tests compiled torch anew."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    ask = ["make", "--no-print-directory", "--file", str(ROOT / "Makefile"), "--eval", "asked:; @env", "asked"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "KEPT": "1"}
    told = subprocess.run(ask, env=env, capture_output=True, text=True, check=True).stdout
    assert "KEPT=1" in told.splitlines()
    assert "PYTHONDONTWRITEBYTECODE" not in told
