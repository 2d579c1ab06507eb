"""Fine-tuning: what a run begins with, what its last layer becomes, and what can't be begun with."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch
from fixed_networks import fixed
from synthetic_training import SHORT, run

import benchmark
from benchmark.data import Dataset, load
from benchmark.errors import BadInput, Notice
from benchmark.models import build, load_checkpoint, save_checkpoint
from benchmark.training.parallel import make_fabric
from benchmark.training.request import make_plan
from benchmark.training.standing import Taken
from benchmark.training.trainer import Trainer

DIGITS = load("digits")


def planned(method="at", settings=None, **options):
    usual = {"dataset": "digits", "arch": None, "recipe": "quick", "seed": 0, "name": None}
    options = {**usual, "device": "cpu", "precision": "fp32", **options}
    return make_plan(method, set={**SHORT, **(settings or {})}, **options)


def begun(method="at", settings=None, **options):
    """The networks of a run before its first step."""
    plan = planned(method, settings, **options)
    return Trainer(plan, make_fabric(plan.device, plan.precision)).members


def with_classes(network, count):
    """A checkpoint with so many of its classes."""
    state = {
        key: value[:count] if len(value.shape) and len(value) == 10 else value for key, value in network.state.items()
    }
    state = {key: value.contiguous() for key, value in state.items()}
    return replace(network, state=state, num_classes=count, classes=tuple(map(str, range(count))), dataset="other")


def few(count, seed=0, side=8, names=None, channels=1):
    """Random images of so many classes to train on."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((80, channels, side, side), generator=generator)
    y = torch.arange(80) % count
    test = torch.rand((10, channels, side, side), generator=generator), torch.arange(10) % count
    return Dataset.from_arrays(*test, name="few", classes=names or count, scale="digits", train=(x, y))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return {name: save_checkpoint(folder / f"{name}.pt", fixed(name)) for name in ("at", "natural")}


def test_a_run_begins_with_these_weights_and_their_normalisation(zoo):
    at = replace(load_checkpoint(zoo["at"]), mean=(0.25,), std=(0.5,))
    (network,) = begun(init=at)
    x, _ = DIGITS.test.batch(slice(0, 8))
    torch.testing.assert_close(network.eval()(x), at.model()(x))
    assert network[0].mean.item() == 0.25


def test_the_networks_of_a_cohort_begin_with_one_or_each_with_its_own(zoo):
    states = [load_checkpoint(path).state for path in zoo.values()]
    for init, expected in (([zoo["at"]], [0, 0]), (list(zoo.values()), [0, 1])):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            members = begun("mat", init=init)
        assert any("all 2 networks of mat begin with" in str(each.message) for each in said) is (len(init) == 1)
        for member, which in zip(members, expected, strict=True):
            assert all(torch.equal(value, states[which][key]) for key, value in member.state_dict().items())
    assert len(begun("ramp", init=[zoo["at"]])) == 2  # the scaffold is no network to be named
    with pytest.raises(BadInput, match="mat trains 2 networks, and 3 were given with --init; give one for all or 2"):
        planned("mat", init=[zoo["at"]] * 3)
    with pytest.raises(BadInput, match="at trains one network, and 2"):
        planned(init=list(zoo.values()))


def test_the_network_says_what_it_began_with_and_others_are_other_runs(zoo, tmp_path):
    (path,) = run("at", tmp_path, {"epochs": 1}, init=zoo["natural"])
    found = load_checkpoint(path)
    assert found.extra["init"] == {"source": "natural", "digest": load_checkpoint(zoo["natural"]).digest}
    assert found.mean == load_checkpoint(zoo["natural"]).mean
    assert run("at", tmp_path, {"epochs": 1}, init=load_checkpoint(zoo["natural"])) == [path]
    for init in ([zoo["at"]], []):
        with pytest.raises(Taken, match="other initial weights"):
            run("at", tmp_path, {"epochs": 1}, init=init)
    assert planned(init=zoo["natural"]).name.startswith("at-init-natural-")
    assert planned(init=zoo["natural"]).name != planned(init=zoo["at"]).name != planned().name


def test_an_unfinished_fine_tuning_is_no_unfinished_training(zoo, tmp_path, monkeypatch):
    from synthetic_training import begin_and_interrupt

    begin_and_interrupt(monkeypatch)("at", tmp_path, init=zoo["at"])
    with pytest.raises(Taken, match="another init: other initial weights"):
        run("at", tmp_path, resume=True)
    assert run("at", tmp_path, init=zoo["at"], resume=True)


def test_other_classes_need_a_new_last_layer(zoo):
    at = load_checkpoint(zoo["at"])
    with pytest.raises(BadInput, match=r"at has 10 classes, and few has 3; .*--set init_head=new"):
        planned(dataset=few(3), init=at)
    members = [begun(dataset=few(3), settings={"init_head": "new"}, init=at, seed=seed)[0] for seed in (0, 0, 1)]
    head = {"network.14.bias", "network.14.weight"}
    for key, value in members[0].state_dict().items():
        if key in head:
            assert len(value) == 3
            assert torch.equal(value, members[1].state_dict()[key])
            assert not torch.equal(value, members[2].state_dict()[key])
        else:
            assert torch.equal(value, at.state[key])
    with pytest.raises(BadInput, match="init_head=new is the last layer of a network that --init names"):
        planned(settings={"init_head": "new"})


def test_as_many_classes_of_other_names_are_other_classes_and_another_order_is_put_right(zoo):
    three = replace(with_classes(load_checkpoint(zoo["at"]), 3), classes=("cat", "dog", "owl"))
    x = few(3).test.images
    (network,) = begun(dataset=few(3, names=["owl", "cat", "dog"]), init=three)
    torch.testing.assert_close(network.eval()(x), three.model()(x)[:, [2, 0, 1]])
    with pytest.raises(BadInput, match=r"trained on the classes cat, dog, owl, but few has .*init_head=new"):
        planned(dataset=few(3, names=["cat", "dog", "bat"]), init=three)
    begun(dataset=few(3, names=["cat", "dog", "bat"]), init=three, settings={"init_head": "new"})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"arch": "resnet18"}, "init at is a small-cnn, not a resnet18"),
        ({"dataset": few(10, channels=3)}, "takes images with 1 channels, and few has 3"),
    ],
)
def test_what_does_not_fit_is_refused(zoo, options, told):
    with pytest.raises(BadInput, match=told):
        planned(init=zoo["at"], **options)


def test_a_size_that_the_weights_do_not_depend_on_is_taken_and_said(zoo):
    with pytest.warns(Notice, match="was made for images 1×8×8, and goes on with 1×12×12"):
        begun(dataset=few(10, side=12), init=with_classes(load_checkpoint(zoo["at"]), 10))


def test_test_images_do_not_matter(zoo, tmp_path):
    one, other = few(10), few(10)
    other = replace(other, test=few(10, seed=5).test)
    digests = [
        load_checkpoint(
            run("at", tmp_path / str(n), {"epochs": 1}, dataset=data, init=with_classes(fixed("at"), 10))[0]
        ).digest
        for n, data in enumerate((one, other))
    ]
    assert digests[0] == digests[1]


# From elsewhere.


def test_a_module_is_taken_if_an_architecture_of_ours_answers_as_it_does(zoo):
    at = load_checkpoint(zoo["at"])
    (network,) = begun(init=at.model())
    assert all(torch.equal(value, at.state[key]) for key, value in network.state_dict().items())
    bare = torch.nn.Sequential(torch.nn.Identity(), at.model()[1])  # takes images as they are
    (network,) = begun(init=bare)
    assert network[0].mean.item() == 0.0
    assert network[0].std.item() == 1.0


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)),
        torch.nn.Sequential(fixed("at").model(), torch.nn.Softmax(1)),
    ],
)
def test_any_other_module_can_be_evaluated_and_not_trained(module):
    """The second has our names, and is another function."""
    with pytest.raises(
        BadInput, match=r"can be evaluated, but not trained here: .*bench import FILE .*--init zoo/NAME"
    ):
        planned(init=module)


def test_a_file_of_weights_is_imported_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network = build("small-cnn", num_classes=10, shape=(1, 8, 8), mean=[0.0], std=[1.0])
    torch.save(network.state_dict(), "mine.pth")
    with pytest.raises(BadInput, match=r"init: .*bench import mine\.pth"):
        planned(init="mine.pth")
    with pytest.raises(BadInput, match=r"init: .*nowhere\.pt"):
        planned(init="nowhere.pt")


def test_in_python_the_verb_takes_a_module(zoo, tmp_path):
    (path,) = benchmark.train(
        "at",
        init=load_checkpoint(zoo["at"]).model(),
        out=tmp_path,
        set={**SHORT, "epochs": 1},
        device="cpu",
        precision="fp32",
        progress=False,
    )
    found = load_checkpoint(path)
    assert found.extra["init"]["source"] == "Sequential"
    assert "init-Sequential" in path.name
