"""Outputs are matched with the data's classes by name; a network in another order is noticed by what it answers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluation_toys import trained
from scipy.optimize import linear_sum_assignment
from torch import nn

from benchmark import data
from benchmark.errors import BadInput, UnfitNetwork
from benchmark.models import (
    Arranged,
    ExternalModel,
    arranged,
    build,
    load_checkpoint,
    order_doubts,
    outputs_for,
    read_classes,
    save_checkpoint,
    storable,
)
from benchmark.models.class_order import listed
from benchmark.models.order_doubts import best_order

ANIMALS = ("ape", "bee", "cat")


def answers(labels: np.ndarray, classes: int) -> torch.Tensor:
    """Logits whose largest is at these labels."""
    return torch.nn.functional.one_hot(torch.from_numpy(labels), classes).float()


def names(classes: int) -> tuple[str, ...]:
    return tuple(sorted(map(str, range(classes))))


# Doubts.


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("right", [0.2, 0.5, 0.9, 1.0])
def test_the_best_order_is_the_best_assignment(classes, right):
    """With and without the library that finds it, which is asked only where an answer speaks for another order."""
    random, asked = np.random.default_rng(classes), 0
    for _ in range(30):
        y = random.integers(classes, size=40)
        said = np.where(random.random(40) < right, y, random.integers(classes, size=40))
        gains = np.zeros((classes, classes))
        np.add.at(gains, (said, y), 1)
        gains += 0.5 / classes * np.eye(classes)
        asked += (gains.argmax(1) != np.arange(classes)).any()
        assert best_order(said, y, classes).tolist() == linear_sum_assignment(gains, maximize=True)[1].tolist()
    assert right != 1 or not asked
    assert right != 0.2 or asked


@pytest.mark.parametrize("classes", [2, 3, 5, 10, 12, 40, 100])
@pytest.mark.parametrize("right", [0.95, 1.0])
def test_a_good_network_in_another_order_is_told(classes, right):
    random = np.random.default_rng(classes)
    y = random.permutation(np.arange(250) % classes)
    order = np.roll(np.arange(classes), 1)
    said = np.where(random.random(250) < right, order[y], random.integers(0, classes, 250))
    (doubt,) = order_doubts(answers(said, classes), torch.from_numpy(y), names(classes))
    assert "another order of the classes would give" in doubt
    assert "--classes FILE" in doubt


def test_the_order_in_use_and_the_likely_one_are_named():
    y = np.arange(240) % 12
    numeric = tuple(map(str, range(12)))
    in_use = tuple(sorted(numeric))
    labels = np.asarray([in_use.index(numeric[label]) for label in y])  # output k is the folder named k
    (doubt,) = order_doubts(answers(y, 12), torch.from_numpy(labels), in_use)
    assert "16.7% of the first 240 images" in doubt
    assert "would give 100.0%" in doubt
    assert "are taken for 0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9, in this order" in doubt
    assert "seem to stand for 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;" in doubt


def test_the_order_is_told_by_the_networks_own_outputs_as_the_file_asks_for_it():
    """Somebody gave an order, and the network's outputs stand in the data's: whoever does what is said is right."""
    y = np.arange(240) % 3
    given = (2, 0, 1)  # for each class, the output that was said to stand for it
    raw = answers(y, 3)
    (doubt,) = order_doubts(raw[:, list(given)], torch.from_numpy(y), ANIMALS, given)
    assert "taken for bee, cat, ape, in this order, and seem to stand for ape, bee, cat; say so by --classes" in doubt
    said = outputs_for(foreign(), ANIMALS, "zoo", ("ape", "bee", "cat"))
    assert not order_doubts(raw[:, list(said)], torch.from_numpy(y), ANIMALS, said)


def test_nobody_is_sent_to_an_option_that_does_not_count():
    y = np.arange(240) % 3
    (doubt,) = order_doubts(answers((y + 1) % 3, 3), torch.from_numpy(y), ANIMALS, settled=True)
    assert "--classes does not change that" in doubt
    assert "say so by" not in doubt


def test_two_classes_of_ten_that_are_exchanged_are_enough():
    y = np.arange(250) % 10
    said = np.where(y < 2, 1 - y, y)
    (doubt,) = order_doubts(answers(said, 10), torch.from_numpy(y), names(10))
    assert "seem to stand for 1, 0, 2," in doubt


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_a_few_images_prove_nothing(classes):
    y = np.arange(8) % classes
    assert order_doubts(answers((y + 1) % classes, classes), torch.from_numpy(y), names(classes)) == []


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
@pytest.mark.parametrize("used", [1, 2, 3])
def test_a_collapsed_network_is_left_alone_whatever_is_the_commonest_class(classes, used):
    """Calling the commonest class by the name of the one that it always answers is no better order."""
    random = np.random.default_rng(classes)
    y = np.where(random.random(250) < 0.8, 0, random.integers(0, classes, 250))
    said = (classes - 1 - random.integers(0, min(used, classes), 250)) % classes
    assert order_doubts(answers(said, classes), torch.from_numpy(y), names(classes)) == []


def test_a_network_without_answers_is_left_alone():
    y = torch.arange(250) % 10
    assert order_doubts(torch.full((250, 10), torch.nan), y, names(10)) == []


def images(classes: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """250 images: digits of some classes, or noise around as many patterns as there are classes."""
    random = np.random.default_rng(seed)
    if classes <= 10:
        x, y = data.load("digits").test.batch(slice(0, None))
        chosen = np.sort(random.permutation(10)[:classes])
        rows = np.isin(y.numpy(), chosen)
        return x[torch.from_numpy(rows)][:250], np.searchsorted(chosen, y.numpy()[rows])[:250]
    y = random.permutation(np.arange(250) % classes)
    noisy = random.random((classes, 1, 8, 8))[y] + random.normal(0, 0.15, (250, 1, 8, 8))
    return torch.from_numpy(noisy.clip(0, 1)).float(), y


def untrained(classes: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    if seed % 3 == 0:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    if seed % 3 == 1:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, classes))
    return build("small-cnn", num_classes=classes, shape=(1, 8, 8), mean=(0.3,), std=(0.3,)).eval()


@pytest.mark.parametrize(
    ("classes", "most"), [(2, 3), (3, 1), (4, 1), (5, 1), (7, 0), (10, 0), (20, 0), (50, 0), (100, 0)]
)
def test_networks_that_were_never_trained_raise_hardly_any_doubt(classes, most):
    """Of two digits such a network may well have the one for the other: of 1000, 1% are told, of 60 at most 5%."""
    told = 0
    for seed in range(60):
        x, y = images(classes, seed)
        with torch.no_grad():
            logits = untrained(classes, seed)(x)
        # Half of them without what they answer to everything, so that they use all of their outputs.
        told += bool(order_doubts(logits - logits.mean(0) * (seed % 2), torch.from_numpy(y), names(classes)))
    assert told <= most


@pytest.mark.parametrize("share", [0.15, 0.4, 0.7])
def test_a_weak_network_in_the_right_order_is_left_alone(share):
    random = np.random.default_rng(0)
    y = np.arange(250) % 10
    wrong = (y + random.integers(1, 10, 250)) % 10
    said = np.where(random.random(250) < share, y, wrong)
    assert order_doubts(answers(said, 10), torch.from_numpy(y), names(10)) == []


# Names.


@pytest.mark.parametrize(
    "content",
    [
        '["bee", "ape", "cat"]',
        "bee\nape\ncat\n",
        "\n bee \nape\r\n\ncat",
        ' ["bee",\n"ape", "cat"]\n',
        "\ufeffbee\r\nape\r\ncat\r\n",
        '\ufeff["bee", "ape", "cat"]',
    ],
)
def test_a_file_names_a_class_for_each_output(tmp_path, content):
    (tmp_path / "classes").write_text(content)
    assert read_classes(tmp_path / "classes") == ("bee", "ape", "cat")
    assert read_classes(str(tmp_path / "classes")) == ("bee", "ape", "cat")
    assert read_classes(["bee", "ape", "cat"]) == ("bee", "ape", "cat")


def test_numbers_in_json_are_the_names_of_folders(tmp_path):
    (tmp_path / "a.json").write_text("[0, 1, 10, 2]")
    assert read_classes(tmp_path / "a.json") == ("0", "1", "10", "2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "names 0 classes; give a name for each output"),
        ("ape\n", "names 1 classes"),
        ("ape\nbee\nape", "'ape' is there twice"),
        ('["ape", "ape"]', "'ape' is there twice"),
        ('["ape", 1.5]', "1.5 is no name"),
        ('["ape", ["bee"]]', "is no name"),
        ('["ape", true]', "True is no name"),
        ('["ape", ""]', "'' is no name"),
        ('{"ape": 0, "bee": 1}', "holds a JSON dict; give a list of names"),
        ('["ape", "bee"', "can't be read as JSON"),
        ("[" * 100_000, "can't be read as JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_bad_file_gets_one_clear_error(tmp_path, content, message):
    path = tmp_path / "classes"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=message) as caught:
        read_classes(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("classes", [{"ape", "bee"}, {"ape": 0, "bee": 1}, b"ape", 5, None])
def test_what_has_no_order_or_no_names_is_refused(classes):
    with pytest.raises(BadInput, match="is no list; give a list of names, one per output, in the network's order"):
        read_classes(classes)


def test_names_that_look_alike_are_the_same_unless_the_data_tells_them_apart():
    composed, apart = "caf\u00e9", "cafe\u0301"
    assert outputs_for(foreign(), ("ape", composed, " cat"), "zoo", ("cat", apart, "ape")) == (2, 1, 0)
    assert outputs_for(foreign(), (apart, "ape", composed), "zoo", (composed, "ape", apart)) == (2, 1, 0)
    trained_there = replace(trained(), classes=(*"012345678", apart))
    assert outputs_for(trained_there, (*"012345678", composed), "folder:x") == tuple(range(10))
    with pytest.raises(BadInput, match="3 names for the 3 classes of zoo; add bee"):
        outputs_for(foreign(), ANIMALS, "zoo", ("ape", "ape ", "cat"))


def test_names_are_listed_so_that_their_ends_are_seen():
    assert listed(["ape", " bee", "c,d"]) == "ape, ' bee', 'c,d'"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"there is no file .*nowhere"):
        read_classes(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("bee", "ape", "cats"), "has no class 'cats'; did you mean cat"),
        (("bee", "ape", "xyz"), "has no class 'xyz'; it has ape, bee, cat"),
        (("bee", "ape"), "2 names for the 3 classes of zoo; add cat"),
    ],
)
def test_names_must_be_those_of_the_data(given, message):
    with pytest.raises(BadInput, match=message) as caught:
        outputs_for(foreign(), ANIMALS, "zoo", given)
    assert not isinstance(caught.value, UnfitNetwork)  # somebody mistyped, which stops everything


def foreign() -> ExternalModel:
    torch.manual_seed(0)
    return ExternalModel("foreign", nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))


def test_what_is_given_counts_for_networks_that_do_not_say():
    assert outputs_for(foreign(), ANIMALS, "zoo") == ()
    assert outputs_for(foreign(), ANIMALS, "zoo", ("bee", "cat", "ape")) == (2, 0, 1)


def test_what_a_checkpoint_says_counts_first():
    digits = tuple("0123456789")
    backwards = replace(trained(), classes=digits[::-1])
    assert outputs_for(backwards, digits, "digits") == tuple(range(9, -1, -1))
    assert outputs_for(backwards, digits, "digits", digits) == tuple(range(9, -1, -1))
    older = trained()
    assert outputs_for(older, digits, "other digits") == ()
    assert outputs_for(older, digits, "other digits", digits[::-1]) == tuple(range(9, -1, -1))
    assert outputs_for(older, digits, "digits", digits[::-1]) == tuple(range(10))  # it was trained on them


def test_other_classes_than_the_data_has_are_refused_unless_somebody_says_what_they_are():
    digits, words = tuple("0123456789"), tuple("abcdefghij")
    checkpoint = replace(trained(), classes=words)
    with pytest.raises(UnfitNetwork, match=r"trained on the classes a, b, .* but digits has 0, 1, .*--classes FILE"):
        outputs_for(checkpoint, digits, "digits")
    assert outputs_for(checkpoint, digits, "digits", digits[::-1]) == tuple(range(9, -1, -1))


def test_a_checkpoint_keeps_its_classes(tmp_path):
    named = replace(trained(), classes=tuple("0123456789"))
    for file in ("a.pt", "a.safetensors"):
        assert load_checkpoint(save_checkpoint(tmp_path / file, named)).classes == named.classes
    assert named.digest == trained().digest  # they decide no logit
    for wrong in (tuple("012345678"), ("0", *"012345678")):
        with pytest.raises(BadInput, match="classes must be 10 different names"):
            save_checkpoint(tmp_path / "b.pt", replace(trained(), classes=wrong))
    assert not (tmp_path / "b.pt").exists()


def test_stray_bytes_in_the_name_of_a_folder_do_not_end_a_training(tmp_path):
    stray = storable([*"012345678", b"caf\xe9".decode(errors="surrogateescape")])
    path = save_checkpoint(tmp_path / "a.pt", replace(trained(), classes=stray))
    assert load_checkpoint(path).classes == stray
    folders = (*"012345678", b"caf\xe9".decode(errors="surrogateescape"))
    assert outputs_for(load_checkpoint(path), folders, "folder:x") == tuple(range(10))


def test_outputs_are_put_in_order():
    network = foreign()
    moved = arranged(network, (2, 0, 1))
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(moved.model()(x), network.model()(x)[:, [2, 0, 1]])
    assert moved.name == network.name
    assert arranged(network, (0, 1, 2)) is network
    assert arranged(network, ()) is network
    others = {arranged(network, order).digest for order in ((2, 0, 1), (0, 2, 1), (0, 1, 2))}
    assert len(others) == 3


@pytest.mark.parametrize("outputs", [(0, 0, 1), (1, 2, 3), (-1, 0, 1), ("a", "b")])
def test_what_is_no_order_is_refused(outputs):
    with pytest.raises(BadInput):
        Arranged(foreign(), outputs)


def test_json_of_torchvision_is_told_the_way(tmp_path):
    """`class_to_idx` of an ImageFolder, written down, is not the list that is asked for; the message says what is."""
    (tmp_path / "a.json").write_text(json.dumps({"ape": 0, "bee": 1}))
    with pytest.raises(BadInput, match="give a list of names, one per output"):
        read_classes(tmp_path / "a.json")
