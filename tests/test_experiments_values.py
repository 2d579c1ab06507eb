"""What is compared in a sweep: what the values mean, and what is refused before anything is trained."""

from __future__ import annotations

import pytest

from benchmark import cli
from benchmark.errors import BadInput
from benchmark.experiments import sweep
from benchmark.experiments.experiment import EXPERIMENTS, load_experiment, make_comparison
from benchmark.experiments.values import parse_values
from benchmark.methods.table import METHODS


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1,0.2,...,0.9", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("0.1, 0.2, ..., 0.5", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("5,10,...,30", [5, 10, 15, 20, 25, 30]),
        ("1,0.5,...,-1", [1, 0.5, 0.0, -0.5, -1]),
        ("1,2,...,4,10,20,...,40", [1, 2, 3, 4, 10, 20, 30, 40]),
        ("1e-3,2e-3,...,4e-3", [0.001, 0.002, 0.003, 0.004]),
        ("0.1,0.2,...,0.3", [0.1, 0.2, 0.3]),
        ("2/255,4/255,...,8/255", [2 / 255, 4 / 255, 6 / 255, 8 / 255]),
        ("8/255,0.03,1e-3", [8 / 255, 0.03, 0.001]),
        ("bce,ce", ["bce", "ce"]),
        ("[linf,l2],[linf]", [["linf", "l2"], ["linf"]]),
        ("0.5,0.5", [0.5]),
        ("{name: cosine}", [{"name": "cosine"}]),
    ],
)
def test_values(text, values):
    found = parse_values([f"key={text}"])["key"]
    assert found == values
    assert [str(value) for value in found if isinstance(value, int)] == [
        str(value) for value in values if isinstance(value, int)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "0.1,...,0.9",
        "...,0.9",
        "0.1,0.2,...",
        "...",
        "a,b,...,c",
        "0.1,0.2,...,...,0.5",
        ".nan,1,...,3",
        "1,2,...,.inf",
        "1,2,...,1e99999999",
        "1,1e-99999999,...,3",
        "1/0,2,...,3",
    ],
)
def test_dots_without_neighbours_are_refused(text):
    with pytest.raises(BadInput, match=r"key: dots stand between numbers.*0\.1,0\.2,\.\.\.,0\.9"):
        parse_values([f"key={text}"])


@pytest.mark.parametrize("text", ["0.1,0.2,...,0.95", "0.2,0.1,...,0.9", "0.1,0.1,...,0.9", "0.1,0.3,...,0.2"])
def test_steps_that_do_not_reach_the_end_are_refused(text):
    with pytest.raises(BadInput, match=r"key: from .* on, steps of .* don't end at"):
        parse_values([f"key={text}"])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (["alpha"], "key=value"),
        (["=3"], "key=value"),
        (["alpha="], "no value"),
        (["alpha=[1"], "can't read"),
        (["alpha=1", "alpha=2"], "twice"),
        (["alpha=0,1,...,99999999"], "1,000 are the most"),
    ],
)
def test_words_that_are_no_values_are_refused(items, words):
    with pytest.raises(BadInput, match=words):
        parse_values(items)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"set": {"alpah": [0.1, 0.2]}}, "unknown setting 'alpah'; did you mean alpha"),
        ({"set": {"alpha": [0.5, 1.5, 2.5]}}, r"alpha=1\.5[\s\S]*alpha=2\.5"),
        ({"set": {"alpha": 0.5}}, "nothing to compare"),
        ({"set": {"alpha": [0.5, 0.5]}}, "nothing to compare"),
        ({"method": ["mat", "mat"]}, "nothing to compare"),
        ({"method": ["mat", "mta"]}, "unknown method 'mta'; did you mean"),
        ({"method": []}, "name what to compare: .*scenarios"),
        ({"set": {"alpha": [0.1, 0.2], "lr": [-1.0]}}, "lr: .*greater than 0"),
        ({"set": {"alpha": [n / 100 for n in range(50)], "lr": [n / 100 for n in range(1, 50)]}}, "2,450 runs"),
        ({"set": {"alpha": [0.1, 0.2]}, "select": "tset"}, "did you mean test"),
        ({"set": {"alpha": [0.1, 0.2]}, "select": "test", "suite": "pdg-linf"}, "did you mean pgd-linf"),
        ({"set": {"alpha": [0.1, 0.2]}, "select": "test", "n": 10**6}, "450"),
        ({"set": {"alpha": [0.1, 0.2]}, "seeds": []}, "at least one seed"),
        ({"set": {"alpha": [0.1, 0.2]}, "device": "abacus"}, "abacus"),
        ({"method": ["ard", "iad-2"], "teacher": ["a.pt"]}, r"iad-2 asks for 2 teachers \(.*\), but 1 was given"),
        ({"method": ["at", "mat"], "inner": "mmard"}, r"method at: .* frozen teacher[\s\S]*method mat: .* frozen"),
        ({"method": ["ard", "rslad"], "outer": "rsald"}, "did you mean rslad"),
        ({"set": {"alpha": [0.1, 0.2]}, "seeds": [0, -1]}, "seed must be a whole number from 0 to 2.63 - 1, not -1"),
        ({"set": {"alpha": [0.1, 0.2]}, "devices": 0}, "--devices must be 1 or more, not 0"),
    ],
)
def test_what_can_be_known_to_be_wrong_is_refused_before_training(tmp_path, options, words):
    with pytest.raises(BadInput, match=words):
        sweep(**{"method": "mat", "zoo": tmp_path / "zoo", "out": tmp_path / "out", **options})
    assert not list(tmp_path.rglob("*.pt"))


def test_an_experiment_says_its_methods_itself():
    with pytest.raises(BadInput, match="leave out --method"):
        make_comparison("scenarios", ["mat"], None)
    with pytest.raises(BadInput, match="did you mean scenarios"):
        make_comparison("scenarois", [], None)
    assert make_comparison("alpha", [], ["alpha=0.5,0.6"]).values == {"alpha": [0.5, 0.6]}


@pytest.mark.parametrize("name", EXPERIMENTS.names())
def test_shipped_experiments_fit(name):
    experiment = load_experiment(name)
    assert experiment.name == name
    assert all(method in METHODS for method in experiment.method)
    values = make_comparison(name, [], None).values
    assert len(experiment.method) * max((len(each) for each in values.values()), default=1) > 1
    if name == "alpha":
        assert values == {"alpha": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}


def test_an_experiment_may_say_whose_attack_and_loss(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ntitle: mine\nmethod: [ard, rslad]\ninner: mmard\nouter: kl\n")
    question = make_comparison(str(file), [], None)
    assert (question.inner, question.outer) == ("mmard", "kl")
    assert make_comparison(str(file), [], None, "ce").inner == "ce"
    assert make_comparison(None, ["ard", "rslad"], None, "ce").name == "ard-rslad-inner-ce"


def test_the_command_line_refuses_in_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["sweep", "--method", "mat", "--set", "alpha=0.1,0.2,...,0.95"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "bench: --set alpha: from 0.2 on, steps of 0.1 don't end at 0.95\n"
