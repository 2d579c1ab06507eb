"""Other places that networks come from: RobustBench, torchvision, timm, Hugging Face, and your own code.

Nothing is fetched unless `download` says so, and whatever their weights' files contain, they are read without running
code; only `python:` and `torchscript:` run any, and only if you `trust_remote_code` them.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

from torch import hub, nn

from benchmark.cache import cache_root
from benchmark.errors import BadInput, UnfitNetwork, first_line, reason, unknown
from benchmark.models.external import ExternalModel
from benchmark.models.fetching import needs, not_here, weights_only
from benchmark.models.hugging_face import from_hugging_face
from benchmark.models.local_weights import with_own_weights
from benchmark.models.normalize import Normalize
from benchmark.models.queries import split_query
from benchmark.models.scripts import from_torchscript
from benchmark.own import fresh_import
from benchmark.registry import Registry
from benchmark.storage import digest


class Source(Protocol):
    """Opens the network called `name`; may fetch files if `download`, may run its code if `trust_remote_code`."""

    def __call__(self, name: str, download: bool, trust_remote_code: bool) -> ExternalModel: ...


SOURCES: Registry[Source] = Registry(
    "source", load=fresh_import.load_entry, fault=lambda thing: "" if callable(thing) else "is not a function"
)


def robustbench_zoo() -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """(dataset, threat) -> name -> what RobustBench knows of the network: "model" makes it, without weights.

    Raises:
        BadInput: the library is not installed.
    """
    with needs("robustbench", "pip install robustbench 'setuptools<81'"), _stand_ins():
        from robustbench.model_zoo import model_dicts
    return {(d.value, t.value): models for d, threats in model_dicts.items() for t, models in threats.items()}


@SOURCES.register("robustbench")
def from_robustbench(name: str, download: bool, trust_remote_code: bool) -> ExternalModel:
    """A network of RobustBench's zoo: NAME (CIFAR-10, linf) or DATASET/THREAT/NAME, e.g. cifar100/Linf/NAME."""
    zoo = robustbench_zoo()
    with _stand_ins():
        from robustbench.utils import DATASET_CLASSES, load_model
    *place, short = name.split("/")
    dataset, threat = place if len(place) == 2 else ("cifar10", "Linf")
    if (dataset, threat) not in zoo:
        raise unknown("RobustBench leaderboard", f"{dataset}/{threat}", ["/".join(key) for key in zoo])
    if short not in zoo[dataset, threat]:
        raise unknown("RobustBench network", short, zoo[dataset, threat])
    folder = cache_root() / "robustbench"
    files = zoo[dataset, threat][short].get("gdrive_id")
    members = (
        [f"{short}_m{number}.pt" for number in range(len(files))] if isinstance(files, list) else [f"{short}.pt"]
    )
    missing = [
        folder / dataset / threat / file for file in members if not (folder / dataset / threat / file).exists()
    ]
    if missing and not download:
        raise not_here(f"robustbench:{name}", missing[0])
    with weights_only(f"robustbench:{name}"):
        network = load_model(short, model_dir=folder, dataset=dataset, threat_model=threat)
    classes = next(count for key, count in DATASET_CLASSES.items() if key.value == dataset)
    shape = (3, 224, 224) if dataset == "imagenet" else (3, 32, 32)
    scale = "imagenet" if dataset == "imagenet" else "cifar10"
    return ExternalModel(f"robustbench:{name}", network, classes, shape, dataset, scale)


@SOURCES.register("torchvision")
def from_torchvision(name: str, download: bool, trust_remote_code: bool) -> ExternalModel:
    """An ImageNet classifier of torchvision with its default weights, or with those of a file: NAME?weights=FILE."""
    from torchvision import models

    asked = f"torchvision:{name}"
    name, given = split_query(name)
    names = models.list_models(module=models)
    if name not in names:
        raise unknown("torchvision classifier", name, names)
    weights = models.get_model_weights(name).DEFAULT
    if given:
        view = weights.transforms()
        usual = tuple(view.mean), tuple(view.std)
        shape = (3, view.crop_size[0], view.crop_size[0])

        def make(classes: int) -> nn.Module:
            network: nn.Module = models.get_model(name, weights=None, num_classes=classes)
            return network

        return with_own_weights(asked, given, make, usual, shape)
    file = Path(hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not file.exists() and not download:
        raise not_here(f"torchvision:{name}", file)
    with weights_only(f"torchvision:{name}"):
        network = models.get_model(name, weights=weights)
    view = weights.transforms()
    side = view.crop_size[0]
    return ExternalModel(
        f"torchvision:{name}",
        nn.Sequential(Normalize(view.mean, view.std), network),
        len(weights.meta["categories"]),
        (3, side, side),
        "imagenet",
        "imagenet",
        view=_view(view.resize_size[0], side, view.interpolation.value),
    )


@SOURCES.register("timm")
def from_timm(name: str, download: bool, trust_remote_code: bool) -> ExternalModel:
    """A classifier of timm with its pretrained weights, MODEL or MODEL.TAG, or a file's: MODEL?weights=FILE."""
    asked = f"timm:{name}"
    name, given = split_query(name)
    with needs("timm", "pip install timm"):
        import timm
        from huggingface_hub import try_to_load_from_cache
    if not timm.is_model(name):
        raise unknown("timm model", name, timm.list_models())
    settings = timm.get_pretrained_cfg(name)
    if given:
        known = timm.create_model(name).pretrained_cfg

        def make(classes: int) -> nn.Module:
            network: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes)
            return network

        usual = tuple(known["mean"]), tuple(known["std"])
        return with_own_weights(asked, given, make, usual, tuple(known["input_size"]))
    overlay = None
    if not download:
        file = try_to_load_from_cache(settings.hf_hub_id or "", "model.safetensors") if settings else None
        if not isinstance(file, str):
            raise not_here(f"timm:{name}", Path("the Hugging Face cache"))
        overlay = {"file": file}
    with weights_only(f"timm:{name}"):
        network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay)
    known = network.pretrained_cfg
    imagenet = "imagenet" if known["num_classes"] == 1000 else ""
    return ExternalModel(
        f"timm:{name}",
        nn.Sequential(Normalize(known["mean"], known["std"]), network),
        known["num_classes"],
        tuple(known["input_size"]),
        imagenet,
        imagenet,
        view=_timm_view(known),
    )


def _timm_view(known: dict[str, Any]) -> str:
    """How timm resizes the pictures of a network; "" where it does more than to cut out the middle."""
    side, share = known["input_size"][-1], known.get("crop_pct", 0.875)
    mode, resized = known.get("crop_mode", "center"), math.floor(side / share)
    if mode not in ("center", "squash") or known["input_size"][-2] != side:
        return ""
    both = f"{resized}x{resized}" if mode == "squash" else resized
    return _view(both, side, known.get("interpolation", "bilinear"))


def _view(resize: int | str, crop: int, interpolation: str) -> str:
    told = "" if interpolation == "bilinear" else f"&interpolation={interpolation}"
    return f"resize={resize}&crop={crop}{told}"


@SOURCES.register("python")
def from_python(name: str, download: bool, trust_remote_code: bool) -> ExternalModel:
    """MODULE:CALLABLE, your own function that returns a torch.nn.Module; its arguments as MODULE:CALLABLE?width=2."""
    called, given = split_query(name)
    module, _, function = called.partition(":")
    if not (module and function):
        raise BadInput(f"python:{name} names no function; write python:MODULE:CALLABLE")
    if not trust_remote_code:
        raise BadInput(f"python:{name} runs code of the module {module}; pass --trust-remote-code if you trust it")
    found = _made(name, module, function, given)
    # Made by modules that are in use already, it may hold what they computed meanwhile.
    if _FIRST.setdefault((name, found.code), found.digest) != found.digest:
        found = _made(name, module, function, given, anew=True)
    return found


#: The digests of networks of one's own code when they were made for the first time, by name and code.
_FIRST: dict[tuple[str, str], str] = {}


def _made(asked: str, module: str, function: str, given: dict[str, Any], anew: bool = False) -> ExternalModel:
    name = f"python:{asked}"
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        network = fresh_import.use(module, lambda imported: _function(imported, function)(**given), anew)
    except _NoSuchFunction as error:
        raise BadInput(f"{name} failed: AttributeError: {first_line(error)}; name a function of it") from error
    except (Exception, SystemExit) as error:  # it is the user's code: it may raise anything, or read options
        typed = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
        kind = BadInput if typed else UnfitNetwork
        raise kind(f"{name} failed: {reason(error)}") from error
    finally:
        with suppress(ValueError):  # the code may have taken it out
            sys.path.remove(here)
    if not isinstance(network, nn.Module):
        raise UnfitNetwork(f"{name} returned {type(network).__name__}; it must return a torch.nn.Module")
    return ExternalModel(name, network, code=digest(fresh_import.sources(module)))


SOURCES.add("hf", from_hugging_face)
SOURCES.add("torchscript", from_torchscript)


class _NoSuchFunction(AttributeError):
    """A module has no function of that name."""


def _function(module: ModuleType, name: str) -> Callable[..., object]:
    try:
        found: Callable[..., object] = getattr(module, name)
    except AttributeError as error:
        raise _NoSuchFunction(str(error)) from error
    return found


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Within this context RobustBench can be imported without AutoAttack's git version.

    The package imports two names from it for an evaluation that is not used here, but the registry has
    AutoAttack only under another module name.
    """
    names = [] if find_spec("autoattack") else ["autoattack", "autoattack.state"]
    for name in names:
        sys.modules[name] = SimpleNamespace(AutoAttack=None, EvaluationState=None)  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name in names:
            del sys.modules[name]
