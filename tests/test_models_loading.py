"""Networks come from where their name says, and nothing is fetched or run unasked."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from benchmark.errors import BadInput
from benchmark.models import Checkpoint, ExternalModel, build, load_model, save_checkpoint
from benchmark.models.sources import SOURCES


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("went to the network"))
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))


def images(num_classes=10, shape=(1, 8, 8)) -> SimpleNamespace:
    return SimpleNamespace(name="pictures", num_classes=num_classes, shape=shape)


def test_a_path_is_a_checkpoint(tmp_path):
    facts = {"num_classes": 10, "shape": (1, 8, 8), "mean": (0.3,), "std": (0.4,)}
    texts = dict.fromkeys(("dataset", "scale", "method", "network"), "x")
    state = build("small-cnn", **facts).state_dict()
    checkpoint = Checkpoint(name="a", state=state, architecture="small-cnn", recipe={}, seed=0, **facts, **texts)
    for path in (tmp_path / "a.pt", tmp_path / "odd:name.pt"):
        assert load_model(save_checkpoint(path, checkpoint)).digest == checkpoint.digest


@pytest.mark.parametrize("source", ["robustbnch:X", "torchvison:resnet18"])
def test_unknown_schemes_get_the_nearest(source):
    with pytest.raises(BadInput, match=r"unknown model source .* did you mean (robustbench|torchvision)"):
        load_model(source)


def test_a_missing_path_is_no_scheme(tmp_path):
    with pytest.raises(BadInput, match="there is no checkpoint"):
        load_model(tmp_path / "a.pt")


CODE = """
from torch import nn
print("ran")
def make():
    return nn.DataParallel(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).half().train())
def number():
    return 3
def fail():
    raise KeyError("weights")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("my_networks", None)


@pytest.mark.usefixtures("module")
def test_python_code_runs_only_if_trusted(capsys):
    with pytest.raises(BadInput, match="runs code of the module my_networks; pass --trust-remote-code"):
        load_model("python:my_networks:make")
    assert "my_networks" not in sys.modules
    path = [*sys.path]
    loaded = load_model("python:my_networks:make", trust_remote_code=True)
    assert capsys.readouterr() == ("", "ran\n")  # an answer on stdout, such as that of --json, stays whole
    assert sys.path == path
    network = loaded.model()
    assert not isinstance(network, nn.DataParallel)
    assert not network.training
    assert network(torch.rand(2, 1, 8, 8)).dtype == torch.float32
    loaded.check_fits(images(5, (3, 9, 9)))  # its code doesn't say what it was made for


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_networks", "names no function"),
        ("my_networks:", "names no function"),
        ("my_networks:mak", "AttributeError"),
        ("my_networks:number", "returned int"),
        ("my_networks:fail", "KeyError: 'weights'"),
        ("no_such_module:make", "No module named 'no_such_module'"),
    ],
)
def test_python_code_that_fails_is_bad_input(name, message):
    with pytest.raises(BadInput, match=message):
        load_model(f"python:{name}", trust_remote_code=True)


def test_external_networks_are_known_by_their_weights():
    torch.manual_seed(0)
    network = nn.Linear(2, 2)
    before = ExternalModel("a", network).digest
    assert ExternalModel("a", network).digest == before != ExternalModel("b", network).digest
    with torch.no_grad():
        network.weight += 1
    assert ExternalModel("a", network).digest != before


def test_external_networks_refuse_images_they_were_not_made_for():
    model = ExternalModel("zoo:a", nn.Identity(), 10, (3, 32, 32))
    model.check_fits(images(10, (3, 32, 32)))
    with pytest.raises(BadInput, match="zoo:a was made for images 3×32×32, but pictures has images 1×8×8"):
        model.check_fits(images())
    with pytest.raises(BadInput, match="10 classes, but pictures has 7"):
        model.check_fits(images(7, (3, 32, 32)))


def save_torchvision_weights(tmp_path, content) -> None:
    from torchvision.models import SqueezeNet1_1_Weights

    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(content, folder / SqueezeNet1_1_Weights.DEFAULT.url.rsplit("/", 1)[1])


def test_torchvision_networks_are_normalised(tmp_path):
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    network = squeezenet1_1().eval()
    save_torchvision_weights(tmp_path, network.state_dict())
    loaded = load_model("torchvision:squeezenet1_1")
    assert (loaded.num_classes, loaded.shape, loaded.dataset) == (1000, (3, 224, 224), "imagenet")
    x = torch.rand(1, 3, 224, 224)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    torch.testing.assert_close(loaded.model()(x), network((x - mean) / std))


class Runs:
    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def test_weights_of_other_zoos_run_no_code(tmp_path):
    save_torchvision_weights(tmp_path, Runs(tmp_path / "mark"))
    with pytest.raises(BadInput, match="torchvision:squeezenet1_1 can't be loaded"):
        load_model("torchvision:squeezenet1_1")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("torchvision:squeezenet1_1", "pass --download"),
        ("torchvision:resnet81", "did you mean .*resnet18"),
        ("timm:resnet18", "pass --download"),
        ("timm:resnet81", "did you mean .*resnet18"),
        ("robustbench:Carmon2019Unlabeled", "Carmon2019Unlabeled.pt; pass --download"),
        ("robustbench:cifar100/Linf/Rebuffi2021Fixing_28_10_cutmix_ddpm", "pass --download"),
        ("robustbench:Carmon2019Unlabelled", "did you mean Carmon2019Unlabeled"),
        ("robustbench:cifar11/Linf/X", "unknown RobustBench leaderboard"),
    ],
)
def test_nothing_is_fetched_unasked(source, message):
    if not find_spec(source.partition(":")[0]):
        pytest.skip("not installed")
    with pytest.raises(BadInput, match=message):
        load_model(source)


@pytest.mark.skipif(not find_spec("robustbench"), reason="not installed")
def test_robustbench_networks_are_read_where_they_lie(tmp_path):
    with pytest.raises(BadInput, match="pass --download"):
        load_model("robustbench:Wong2020Fast")
    from robustbench.model_zoo import model_dicts
    from robustbench.model_zoo.enums import BenchmarkDataset, ThreatModel

    name = "Wong2020Fast"  # the smallest of the zoo: PreActResNet-18
    torch.manual_seed(0)
    network = model_dicts[BenchmarkDataset.cifar_10][ThreatModel.Linf][name]["model"]().eval()
    folder = tmp_path / "cache" / "robustbench" / "cifar10" / "Linf"
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / f"{name}.pt")
    loaded = load_model(f"robustbench:{name}")
    assert (loaded.num_classes, loaded.shape, loaded.scale) == (10, (3, 32, 32), "cifar10")
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(loaded.model()(x), network(x))


def test_timm_networks_are_normalised(tmp_path, monkeypatch):
    timm = pytest.importorskip("timm")
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = timm.create_model("resnet18", pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.setattr(
        "huggingface_hub.try_to_load_from_cache", lambda *_, **__: str(tmp_path / "model.safetensors")
    )
    loaded = load_model("timm:resnet18")
    assert (loaded.num_classes, loaded.shape) == (1000, (3, 224, 224))
    x = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(network.pretrained_cfg[key]).view(3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(loaded.model()(x), network((x - mean) / std))


def test_every_zoo_is_listed():
    assert SOURCES.names()[:4] == ["robustbench", "torchvision", "timm", "python"]
