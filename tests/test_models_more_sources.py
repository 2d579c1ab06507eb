"""Networks of transformers, TorchScript, libraries with weights of one's own, and factories with arguments."""

from __future__ import annotations

import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch import nn

import benchmark
from benchmark.data import Dataset
from benchmark.errors import BadInput, UnfitNetwork
from benchmark.evaluation import opening
from benchmark.models import load_model
from benchmark.models.adapting import Adapted
from benchmark.models.queries import split_query
from benchmark.own.own_code import is_own

pytestmark = pytest.mark.usefixtures("one_thread")

FACTORY = """
import torch
from torch import nn

def make(width=1, bias=True, kind="linear"):
    torch.manual_seed(0)
    assert kind in ("linear", "a=b c")
    return nn.Sequential(nn.Flatten(), nn.Linear(12, width, bias=bias))
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(source: str, shape=(2, 3, 2, 2), **options) -> torch.Tensor:
    model = load_model(source, **options).model()
    torch.manual_seed(3)
    with torch.no_grad():
        return model(torch.rand(shape))


def test_factories_take_arguments(place):
    (place / "factory_with_arguments.py").write_text(FACTORY)
    source = "python:factory_with_arguments:make"
    assert asked(source, trust_remote_code=True).shape == (2, 1)
    assert asked(f"{source}?width=5&bias=false&kind=a%3Db%20c", trust_remote_code=True).shape == (2, 5)
    models = [load_model(f"{source}?width={width}", trust_remote_code=True) for width in (2, 2, 3)]
    assert models[0].digest == models[1].digest != models[2].digest
    with pytest.raises(UnfitNetwork, match="unexpected keyword argument 'widht'"):
        load_model(f"{source}?widht=2", trust_remote_code=True)
    for query in ("width", "=2", "1=2", "width=1&width=2"):
        with pytest.raises(BadInput, match=r"no argument|twice"):
            load_model(f"{source}?{query}", trust_remote_code=True)


def test_values_are_what_json_says_else_words():
    found = split_query("a:b?x=1&y=2.5&z=[1,2]&w=null&v=word&u=true")
    assert found == ("a:b", {"x": 1, "y": 2.5, "z": [1, 2], "w": None, "v": "word", "u": True})
    assert split_query("a?") == ("a", {})


def test_torchscript_needs_trust_and_answers_the_same(place):
    layer = nn.Sequential(nn.Flatten(), nn.Linear(12, 4)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(layer).save("a.pt")
    with pytest.raises(BadInput, match="--trust-remote-code"):
        load_model("torchscript:a.pt")
    with pytest.raises(BadInput, match=r"no file b\.pt"):
        load_model("torchscript:b.pt", trust_remote_code=True)
    torch.manual_seed(3)
    x = torch.rand(2, 3, 2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.testing.assert_close(asked("torchscript:a.pt", trust_remote_code=True), layer(x))
    Path("c.pt").write_bytes(b"junk")
    with pytest.raises(UnfitNetwork, match="can't be loaded"):
        load_model("torchscript:c.pt", trust_remote_code=True)


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_a_librarys_network_takes_weights_of_ones_own(library, place):
    name = "shufflenet_v2_x0_5" if library == "torchvision" else "resnet10t"
    if library == "torchvision":
        from torchvision.models import get_model as create
    else:
        create = pytest.importorskip("timm").create_model
    network = create(name, num_classes=7).eval()
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in network.state_dict().items()}, "epoch": 1}, "a.pth"
    )
    source = f"{library}:{name}?weights=a.pth"
    with pytest.raises(BadInput, match="normalization=none, normalization=usual"):
        load_model(source)
    found = load_model(f"{source}&normalization=none&size=64")
    assert (found.num_classes, found.shape) == (7, (3, 64, 64))
    torch.manual_seed(3)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(asked(f"{source}&normalization=none", x.shape), network(x))
        torch.testing.assert_close(
            asked(f"{source}&mean=[0.5]&std=[0.1,0.2,0.5]", x.shape),
            network((x - 0.5) / torch.tensor([0.1, 0.2, 0.5]).view(1, 3, 1, 1)),
        )
    for query, said in {
        "normalization=none&sise=3": "did you mean size",
        "mean=[0.5]": "together",
        "mean=[125]&std=[60]": "units of pixels in",
        "normalization=none&size=x": "side of images",
        "normalization=none&entry=net": "no weights with this network's names",
    }.items():
        with pytest.raises(BadInput, match=said):
            load_model(f"{source}&{query}")


class Processor:
    settings: ClassVar[dict] = {}

    @classmethod
    def from_pretrained(cls, place, **options):
        assert options["local_files_only"]
        assert options["trust_remote_code"] is False
        return cls()

    def to_dict(self):
        return self.settings


class Classifier(nn.Module):
    lacking: ClassVar[list] = []
    inputs: ClassVar[int] = 12

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(num_labels=4, num_channels=3)
        self.layer = nn.Linear(self.inputs, 4)

    @classmethod
    def from_pretrained(cls, place, output_loading_info, **options):
        torch.manual_seed(0)
        if not Path(place).is_dir():
            raise OSError("no such thing")
        return cls(), {"missing_keys": cls.lacking, "mismatched_keys": []}

    def forward(self, x):
        return SimpleNamespace(logits=self.layer(x.flatten(1)), loss=None)


@pytest.fixture
def transformers(monkeypatch) -> ModuleType:
    """What is asked of the library, as it answers in version 5."""
    library = ModuleType("transformers")
    library.AutoImageProcessor = type("AutoImageProcessor", (Processor,), {})
    library.AutoModelForImageClassification = Classifier
    monkeypatch.setitem(sys.modules, "transformers", library)
    return library


USUAL = {
    "do_normalize": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "image_mean": [0.5] * 3,
    "image_std": [0.25] * 3,
}


@pytest.mark.parametrize(
    ("settings", "mean", "std", "shape"),
    [
        ({**USUAL, "size": {"height": 2, "width": 2}}, 0.5, 0.25, (3, 2, 2)),
        (
            {**USUAL, "size": {"shortest_edge": 9}, "crop_size": {"height": 2, "width": 2}, "do_center_crop": True},
            0.5,
            0.25,
            (3, 2, 2),
        ),
        ({**USUAL, "do_normalize": False, "size": {"shortest_edge": 2}}, 0.0, 1.0, (3, 2, 2)),
        ({**USUAL, "do_rescale": False, "do_normalize": False, "size": 2}, 0.0, 1 / 255, (3, 2, 2)),
    ],
)
def test_the_processor_of_a_classifier_says_how_images_go_in(
    transformers, place, monkeypatch, settings, mean, std, shape
):
    monkeypatch.setattr(Processor, "settings", settings)
    (place / "folder").mkdir()
    found = load_model("hf:folder")
    assert (found.num_classes, found.shape) == (4, shape)
    x = torch.rand(2, 3, 2, 2)
    with torch.no_grad():
        torch.testing.assert_close(found.model()(x), found.network[1].layer(((x - mean) / std).flatten(1)))


@pytest.mark.parametrize(
    ("settings", "view"),
    [
        ({"size": {"shortest_edge": 7}, "crop_pct": 0.875, "resample": 3}, "resize=8&crop=7&interpolation=bicubic"),
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, "resize=384x384"),
        (
            {"size": {"height": 9, "width": 9}, "crop_size": {"height": 7, "width": 7}, "do_center_crop": True},
            "resize=9x9&crop=7",
        ),
        (
            {"size": {"shortest_edge": 9}, "crop_size": {"height": 7, "width": 7}, "do_center_crop": True},
            "resize=9&crop=7",
        ),
    ],
)
def test_the_processor_says_how_pictures_are_resized(transformers, place, monkeypatch, settings, view):
    """`crop_pct` is that of facebook/convnext-tiny-224 and microsoft/resnet-50, which have no `crop_size`."""
    monkeypatch.setattr(Processor, "settings", {**USUAL, "do_resize": True, **settings})
    (place / "folder").mkdir()
    assert load_model("hf:folder").view == view


def test_an_evaluation_loads_a_classifier_once(transformers, place, monkeypatch):
    """It is asked for when the evaluation is planned, when it is checked and when it is attacked."""
    monkeypatch.setattr(Processor, "settings", {**USUAL, "size": 8})
    for name in ("one", "two"):
        (place / name).mkdir()
    monkeypatch.setattr(Classifier, "inputs", 192)
    loaded = []
    monkeypatch.setattr(opening, "load_model", lambda name, **more: loaded.append(name) or load_model(name, **more))
    images = torch.rand(4, 3, 8, 8), torch.arange(4)
    data = Dataset.from_arrays(*images, name="few", classes=4, layout="NCHW", scale="digits")
    suite = {"name": "brief", "version": 1, "images": 4, "epsilons": {"digits": {"linf": 0.1}}}
    suite |= {"attacks": [{"attack": "fgsm", "norm": "linf"}]}
    asked = {"dataset": data, "suite": suite, "results": place / "results", "device": "cpu", "progress": False}
    benchmark.evaluate("hf:one", **asked)
    assert loaded == ["hf:one"]
    assert not opening._KEPT  # nothing stays in memory
    benchmark.evaluate(["hf:one", "hf:two"], **asked)
    assert loaded[1:] == ["hf:one", "hf:two"]


def test_the_library_is_nobodys_own_code(transformers):
    """Wherever it lies, in a folder of `pip install --target` perhaps, it is known by its version."""
    assert not is_own("transformers")


def test_a_classifier_without_its_head_is_refused(transformers, place, monkeypatch):
    monkeypatch.setattr(Processor, "settings", {**USUAL, "size": 2})
    monkeypatch.setattr(Classifier, "lacking", ["classifier.weight"])
    (place / "folder").mkdir()
    with pytest.raises(UnfitNetwork, match=r"lacks weights, such as classifier\.weight"):
        load_model("hf:folder")


def test_what_is_not_here_is_not_fetched(transformers):
    with pytest.raises(BadInput, match="pass --download"):
        load_model("hf:somebody/something")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(BadInput, match="pip install transformers"):
        load_model("hf:somebody/something")


def test_the_real_library_answers_alike(place):
    library = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = library.ViTConfig(**sizes, image_size=16, patch_size=8, num_labels=5)
    network = library.ViTForImageClassification(config).eval()
    network.save_pretrained("vit")
    library.ViTImageProcessor(
        size={"height": 16, "width": 16}, image_mean=[0.5] * 3, image_std=[0.25] * 3
    ).save_pretrained("vit")
    torch.manual_seed(3)
    x = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(asked("hf:vit", x.shape), network((x - 0.5) / 0.25).logits)


class Returns(nn.Module):
    def __init__(self, made) -> None:
        super().__init__()
        self.made = made

    def forward(self, x):
        return self.made(x.flatten(1)[:, :4])


@pytest.mark.parametrize(
    ("made", "taken"),
    [
        (lambda a: (a, a[:, :3]), "[0]"),
        (lambda a: (a[:, :3], a), "[1]"),
        (lambda a: {"out": a, "features": a.sum(1)}, "['out']"),
        (lambda a: OrderedDict(logits=a, other=a + 1), "['logits']"),
        (lambda a: SimpleNamespace(logits=a), ".logits"),
        (lambda a: [None, a, a.long()], "[1]"),
        (lambda a: a, ""),
    ],
)
def test_the_one_entry_that_is_logits_is_taken(made, taken):
    network = Adapted(Returns(made), 4)
    x = torch.rand(3, 3, 2, 2)
    assert torch.equal(network(x), x.flatten(1)[:, :4])
    assert network.taken == taken


@pytest.mark.parametrize("made", [lambda a: (a, a), lambda a: {"logits": a[:, :2]}, lambda a: (a[:2],)])
def test_where_it_can_not_be_told_nothing_is_taken(made):
    with pytest.raises(ValueError, match=r"can't be told|no entry"):
        Adapted(Returns(made), 4)(torch.rand(3, 3, 2, 2))


def test_the_entry_stays_the_same():
    answers = iter([lambda a: {"x": a, "y": a[:, 0]}, lambda a: {"y": a}])
    network = Adapted(Returns(lambda a: next(answers)(a)), 4)
    network(torch.rand(3, 3, 2, 2))
    with pytest.raises(ValueError, match=r"returned \['x'\] at first"):
        network(torch.rand(3, 3, 2, 2))
