"""Command lines made of odd words: a result or exit code 2 with one message, never a traceback."""

from __future__ import annotations

import contextlib
import importlib
import io

import pytest
from evaluation_toys import save
from fuzzing import ODD_WORDS, cases
from hypothesis import strategies as st

from benchmark import cli

OPTIONS = {
    "train": "--method --dataset --arch --recipe --set --teacher --inner --outer --seed --out --name --device "
    "--precision --data-dir",
    "evaluate": "--suite --preset --n --mode --seed --device --precision --workers --time-limit --dataset --data-dir",
    "report": "--out --format",
    "list": "--json",
    "show": "--json --trust-remote-code --download",
    "doctor": "--mend --json --zoo",
}
GOOD_WORDS = [
    "at",
    "digits",
    "small-cnn",
    "quick",
    "smoke",
    "cpu",
    "fp32",
    "worst-case",
    "0",
    "3",
    "attacks",
    "epochs=2",
]
CLI_WORDS = (
    st.sampled_from([word for word in ODD_WORDS if "\0" not in word])
    | st.sampled_from(GOOD_WORDS)
    | st.binary(min_size=1, max_size=6)
    .filter(lambda raw: 0 not in raw)
    .map(lambda raw: raw.decode(errors="surrogateescape"))
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
)


#: Every message of ours names one of these fields, and every one of the parser's says one of these things.
SAYS = [
    *(
        "method",
        "dataset",
        "architecture",
        "recipe",
        "--set",
        "teacher",
        "inner",
        "outer",
        "seed",
        "device",
        "format",
    ),
    *(
        "suite",
        "preset",
        "n must",
        "mode",
        "precision",
        "workers",
        "time_limit",
        "kind",
        "checkpoint",
        "folder",
        "write",
    ),
    *("data_dir", "name", "format", "folder", "write", "read", "takes one value", "is empty"),
]
COMPLAINTS = [
    *("Missing argument", "Missing option", "No such option", "Invalid value for", "unexpected extra argument"),
    *("requires an argument", "does not take a value"),
]


class Reached(Exception):
    """All was well, and computing would begin now."""


@pytest.fixture(autouse=True)
def nothing_is_computed(monkeypatch, tmp_path):
    def stop(*_, **__):
        raise Reached

    monkeypatch.setattr(importlib.import_module("benchmark.training"), "make_fabric", stop)
    monkeypatch.setattr(importlib.import_module("benchmark.evaluation.evaluate"), "run_and_file", stop)
    monkeypatch.setattr("socket.socket.connect", stop)
    monkeypatch.chdir(tmp_path)
    save(tmp_path)


@st.composite
def command_lines(draw):
    verb = draw(st.sampled_from(sorted(OPTIONS)))
    words = [verb]
    if draw(st.booleans()):
        words += {"train": ["--method", "at"], "evaluate": ["toy.pt"], "show": ["toy.pt"], "list": ["attacks"]}.get(
            verb, []
        )
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.integers(0, 9)):
            words.append(draw(st.sampled_from(OPTIONS[verb].split())))
        words.append(draw(CLI_WORDS))
    return words


@cases(60, 2500, words=command_lines())
def test_command_lines(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(words)
        except Reached:
            return
        except SystemExit as end:
            code = end.code or 0
    said = err.getvalue()
    assert code in ((0, 1, 2) if words[0] == "doctor" else (0, 2)), words  # 1: the doctor found something
    assert "Traceback" not in said
    if code == 2:
        fields, flat = SAYS if said.startswith("bench: ") else COMPLAINTS, " ".join(said.split())
        assert said.startswith(("bench: ", "Usage: bench ")), words
        assert said.count("bench: ") <= 1, words
        assert any(field in flat for field in fields), (words, said)
