"""Networks and images that are handed over as objects are evaluated like those that have a name."""

from __future__ import annotations

import copy

import pytest
import torch
from attack_toys import Net
from evaluation_toys import save, trained, write_suite
from torch import nn
from torch.utils import data as torch_data

import benchmark
from benchmark import training
from benchmark.data import Dataset, load
from benchmark.engines import Means
from benchmark.errors import BadInput, Notice, PartlyFailed
from benchmark.evaluation import objects
from benchmark.reporting.reproduce import evaluation_command

pytestmark = pytest.mark.usefixtures("one_thread")

ATTACKS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: l2, parameters: {steps: 2, relative_step_size: 0.5}}
"""


@pytest.fixture
def suite(tmp_path):
    return write_suite(tmp_path, ATTACKS, images=12)


def broken(evaluations):
    return [[outcome.broken.tolist() for outcome in each.outcomes] for each in evaluations]


def evaluate(networks, tmp_path, suite, **options):
    options = {"dataset": "digits", "results": tmp_path / "results"} | options
    return benchmark.evaluate(networks, suite=suite, progress=False, **options)


def test_a_module_has_the_results_of_its_checkpoint(tmp_path, suite):
    path, module = save(tmp_path), trained().model()
    mine, checkpoint, file = module.train(), trained(), path
    found = evaluate([mine, file], tmp_path, suite, name="mine")
    assert [each.name for each in found] == ["mine", "toy"]
    assert broken(found)[0] == broken(found)[1]
    assert found[0].model["digest"] != found[1].model["digest"]  # a module does not say that it is a small-cnn
    assert module.training
    assert evaluate(checkpoint, tmp_path, suite)[0].id == found[1].id
    assert evaluate(benchmark.load_model(path), tmp_path, suite)[0].id == found[1].id


def test_a_module_is_known_by_what_it_computes(tmp_path, suite):
    one, other = Net((1, 8, 8), 10), Net((1, 8, 8), 10, seed=1)
    first, second = evaluate([one, other], tmp_path, suite)
    assert first.name == second.name == "Net"
    assert first.model["digest"] != second.model["digest"]
    (again,) = evaluate(copy.deepcopy(one), tmp_path, suite, name="another name")
    assert again.model["digest"] == first.model["digest"]
    assert again.name == "another name"
    with torch.no_grad():
        one.head.bias[0] += 0.01
    assert evaluate(one, tmp_path, suite)[0].model["digest"] != first.model["digest"]


def test_a_worker_gets_the_very_same_module(tmp_path, suite):
    """A time limit asks for one, which loads in half the time of two."""
    net = Net((1, 8, 8), 10)
    data = Dataset.from_arrays(*load("digits").test.first(12).batch(slice(None)), name="twelve")
    alone = evaluate(net, tmp_path, suite, dataset=data, scale="digits", results=tmp_path / "alone")
    apart = evaluate(net, tmp_path, suite, dataset=data, scale="digits", results=tmp_path / "apart", time_limit=600)
    assert alone[0].id == apart[0].id
    assert broken(alone) == broken(apart)


class Cell(nn.Sequential):
    """As if it were defined in a notebook."""


Cell.__module__ = "__main__"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Cell(nn.Flatten(), nn.Linear(64, 10)), "script or notebook itself"),
        (lambda: nn.Sequential(Calling(lambda x: x.flatten(1)), nn.Linear(64, 10)), "can't be sent"),
    ],
    ids=["notebook", "lambda"],
)
def test_what_cannot_be_sent_stays_in_this_process_and_it_is_said(make, reason, tmp_path, suite, monkeypatch):
    monkeypatch.setattr("benchmark.engines.choice.Crew", None, raising=False)
    monkeypatch.setattr("benchmark.engines.choice.Processes", None, raising=False)
    with pytest.warns(Notice, match="everything runs in this process.*" + reason):
        (found,) = evaluate(make(), tmp_path, suite, workers=2)
    assert found.failures == ()
    with pytest.raises(BadInput, match=r"time limit takes worker processes"):
        evaluate(make(), tmp_path, suite, time_limit=60)


class Calling(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Forgetful(nn.Module):
    """Another network once it was pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)

    def __getstate__(self):
        return {**vars(self), "scale": 2.0}

    def forward(self, x):
        return self.linear(x.flatten(1)) * getattr(self, "scale", 1.0)


class Uncopied(nn.Module):
    def __deepcopy__(self, memo):
        raise RuntimeError("no copies")


def test_a_module_that_arrives_as_another_one_is_not_sent(tmp_path):
    class Plain(Forgetful):
        __deepcopy__ = None

    with objects.held([Forgetful()]):
        # Copying goes by way of pickling, too: by now it is what it would be there.
        assert objects.means_for(Means(2), None) == Means(2)
    net = Forgetful()
    net.__dict__["__deepcopy__"] = lambda memo: net
    with objects.held([net]), pytest.warns(Notice, match="this process"):
        assert objects.means_for(Means(2), None) == Means(1)


def test_one_that_cannot_be_copied_does_not_stop_the_others(tmp_path, suite):
    with pytest.raises(PartlyFailed, match=r"Uncopied can't be copied.*no copies") as caught:
        evaluate([Uncopied(), Net((1, 8, 8), 10)], tmp_path, suite)
    assert [each.name for each in caught.value.done] == ["Net"]


@pytest.mark.parametrize(
    ("networks", "options", "message"),
    [
        ([3], {}, "a int is no network"),
        ({"mine": Net((1, 8, 8), 10)}, {}, "a dict is no network"),
        (lambda x: x, {}, "a function is no network"),
        (Net((1, 8, 8), 10), {"name": ["a", "b"]}, "2 names for 1 modules"),
        (Net((1, 8, 8), 10), {"name": "a\nb"}, "can't be seen"),
        (Net((1, 8, 8), 10), {"name": 3}, "name"),
        (trained(), {"name": "other"}, "0 modules"),
        (Net((1, 8, 8), 10), {"dataset": None}, "does not say what it was trained on"),
        (Net((3, 8, 8), 10), {}, "fails on"),
        (Net((1, 8, 8), 7), {}, "7"),
        ([], {}, "no network"),
    ],
)
def test_what_is_wrong_is_one_clear_error(networks, options, message, tmp_path, suite):
    with pytest.raises(BadInput, match=message):
        evaluate(networks, tmp_path, suite, **options)
    assert objects.network("Net") is None


def test_each_mistake_is_told_once(tmp_path, suite):
    """Not once more as what could not be read again of the evaluation that they would make."""
    with pytest.raises(BadInput) as told:
        evaluate(trained().model(), tmp_path, suite, mode="x", seed=2**70)
    assert [line.partition(",")[0].partition(";")[0] for line in str(told.value).splitlines()] == [
        "unknown mode 'x'",
        "seed must be a whole number from 0 to 2^63 - 1",
    ]


def test_images_are_handed_over_too(tmp_path, suite):
    test = load("digits").test
    net = trained().model()
    arrays = Dataset.from_arrays((test.images * 16).round().div(16), test.labels, name="mine", classes=10)
    (named,) = evaluate(net, tmp_path, suite, scale="digits")
    (mine,) = evaluate(net, tmp_path, suite, dataset=arrays, scale="digits", results=tmp_path / "mine")
    assert mine.dataset["name"] == "mine"
    assert broken([mine]) == broken([named])
    with pytest.raises(BadInput, match="whose published radii"):
        evaluate(net, tmp_path, "multi-perturbation", dataset=arrays)


class Counting(torch_data.Dataset):
    """Digits that count how often they are read."""

    def __init__(self) -> None:
        test = load("digits").test
        self.images, self.targets, self.read = test.images, test.labels.tolist(), 0

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, place):
        self.read += 1
        return self.images[place], self.targets[place]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_of_a_torch_dataset_only_the_images_in_use_are_read(workers, tmp_path, suite):
    data = Counting()
    (found,) = evaluate(trained().model(), tmp_path, suite, dataset=data, scale="digits", workers=workers, n=10)
    assert found.dataset["name"] == "Counting"
    assert data.read <= 2 * 10, "each once, and once more to see whether it stays the same; 450 there are"
    assert sorted(found.classes.labels.tolist()) == list(range(10))  # one of each class


def test_transfer_and_verify_take_objects(tmp_path, suite):
    one, other = trained().model(), Net((1, 8, 8), 10)
    data = Dataset.from_arrays(*load("digits").test.first(12).batch(slice(None)), name="twelve", classes=10)
    options = {"suite": suite, "dataset": data, "scale": "digits", "results": tmp_path, "progress": False}
    pairs = benchmark.transfer([one], [one, other], name=["one", "other"], save_adversarial=True, **options)
    assert [(pair.crafted_on["name"], pair.name) for pair in pairs] == [("one", "one"), ("one", "other")]
    (found,) = benchmark.evaluate(one, name="one", save_adversarial=True, **options)
    assert broken([found]) == broken([pairs[0]])
    for checked in benchmark.verify(tmp_path, [one, other], name=["one", "other"], dataset=data):
        assert not checked.problems
        assert checked.confirmed == checked.stored
    with pytest.raises(BadInput, match=r"twelve.*dataset=\.\.\."):
        benchmark.verify(tmp_path, one, name="one")


def test_compare_takes_networks_and_evaluations_and_pages_say_how_to_repeat_it(tmp_path, suite):
    one, other = trained().model(), Net((1, 8, 8), 10)
    first, second = evaluate([one, other], tmp_path, suite, name=["one", "other"])
    for pair in ([one, other], [first, second], ["one", other], [str(first.model["digest"]), second]):
        (contest,) = benchmark.compare(pair, results=tmp_path / "results")
        assert {contest.pairs[0].first, contest.pairs[0].second} == {"one", "other"}
    with pytest.raises(BadInput, match="the Net is named twice"):
        benchmark.compare([other, other], results=tmp_path / "results")
    with pytest.raises(BadInput, match="the Net has no such results"):
        benchmark.compare([one, Net((1, 8, 8), 10, seed=2)], results=tmp_path / "results")
    command = evaluation_command(first)
    words = command.removeprefix("benchmark.evaluate(model, ").removesuffix(")")
    options = eval(f"dict({words})") | {"results": tmp_path / "results", "suite": suite, "progress": False}
    assert benchmark.evaluate(one, **options)[0].id == first.id


SUITE = {
    "images": 12,
    "attacks": [
        {"attack": "fgsm", "norm": "linf", "epsilon": "25/255"},
        {"attack": "pgd", "norm": "l2", "epsilon": 0.5, "parameters": {"steps": 2, "relative_step_size": 0.5}},
    ],
}


def test_a_suite_may_be_a_dict(tmp_path):
    (found,) = evaluate(trained(), tmp_path, SUITE)
    (again,) = evaluate(trained(), tmp_path, copy.deepcopy(SUITE) | {"name": "mine"})
    assert found.suite["name"].startswith("own-")
    assert again.id == found.id  # what it is called decides nothing
    assert [outcome.label for outcome in found.outcomes] == ["fgsm-linf", "pgd-l2"]


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        (SUITE | {"atacks": []}, "unknown key 'atacks'; did you mean attacks"),
        ({"images": 3}, "the key 'attacks' is missing"),
        (SUITE | {"images": 0}, "images"),
        (SUITE | {"attacks": [{"attack": "pgdd", "norm": "linf"}]}, "did you mean pgd"),
        (SUITE | {"images": object()}, "no plain value"),
        (SUITE | {"images": torch.ones(2)}, "images: input should be a valid integer"),
        (SUITE | {"name": {1, 2}}, "no plain value|name"),
        (3, "a int is no suite"),
        (None, "a NoneType is no suite"),
    ],
)
def test_a_dict_that_is_no_suite(suite, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        evaluate(trained(), tmp_path, suite)


def test_a_recipe_may_be_a_dict(tmp_path):
    radius = {"epsilon": "25/255", "step_size": 0.05, "steps": 1}
    recipe = {"lr": 0.1, "epochs": 1, "batch_size": 64, "threats": {"digits": {"linf": radius}}}
    plan = make_plan_of(recipe, tmp_path)
    assert plan.recipe_name.startswith("own-")
    assert (plan.recipe.epochs, plan.recipe.threats["linf"].epsilon) == (1, 25 / 255)
    assert make_plan_of(copy.deepcopy(recipe), tmp_path).name == plan.name
    assert make_plan_of(recipe | {"lr": 0.2}, tmp_path).name != plan.name
    with pytest.raises(BadInput, match="did you mean epochs"):
        make_plan_of(recipe | {"epoch": 2}, tmp_path)


def make_plan_of(recipe, tmp_path):
    """What `train` would run."""
    plans = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "is_finished", lambda plan, folder: plans.append(plan) or True)
        benchmark.train("at", recipe=recipe, out=tmp_path)
    return plans[0]


def test_a_pair_of_arrays_is_data_and_classes_that_lack_are_said(tmp_path, suite):
    test = load("digits").test
    few = (test.labels < 2).nonzero().squeeze(1)[:12]
    pair = (test.images[few].numpy(), test.labels[few].numpy())
    (found,) = evaluate(trained().model(), tmp_path, suite, dataset=pair, scale="digits")
    assert found.dataset["name"] == "arrays"
    assert len(found.classes.names) == 10  # as many as the network has
    assert any("of only 2 of the 10 classes" in warning for warning in found.warnings)
    loader = torch_data.DataLoader(torch_data.TensorDataset(test.images, test.labels))
    with pytest.raises(BadInput, match=r"a DataLoader is no data.*give its \.dataset"):
        evaluate(trained().model(), tmp_path, suite, dataset=loader)
