"""The code that a network is made by is part of it: with another module, wherever imported, it is another network."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from benchmark import registry
from benchmark.models import Checkpoint, build, load_model

ROOT = Path(__file__).parent.parent


ENTRY = """
import torch
from torch import nn
{top}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {made}
        self.layer = nn.Linear(64, 10)
        with torch.no_grad():
            self.layer.weight.fill_(0.5), self.layer.bias.zero_()

    def forward(self, x):
        {run}
        return self.layer(shade(x).flatten(1))

make = Net
"""
HELPER = "def shade(x):\n    return x * {}\n"

#: How the entry comes by its helper: at the top, when the network is made, when it runs.
IMPORTS = {
    "at the top": {"top": "from helper import shade"},
    "of a package": {"top": "from parts.inner.helper import shade"},
    "by another module": {"top": "from between import shade"},
    "by its name": {"top": "import importlib\nshade = importlib.import_module('hel' + 'per').shade"},
    "when it is made": {"made": "from helper import shade; self.shade = shade", "run": "shade = self.shade"},
    "when it runs": {"run": "from helper import shade"},
    "when it runs, by its name": {"run": "import importlib; shade = importlib.import_module('helper').shade"},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        if name.partition(".")[0] in ("entry", "helper", "between", "parts", "other"):
            del sys.modules[name]


def write(folder: Path, factor: int, **imports: str) -> None:
    """The entry and all forms of the helper, of the same size and time of change whatever the factor."""
    parts = dict.fromkeys(("top", "made", "run"), "pass") | imports
    files = {
        "entry.py": ENTRY.format(**parts),
        "helper.py": HELPER.format(factor),
        "between.py": "from helper import shade\n",
        "parts/__init__.py": "",
        "parts/inner/__init__.py": "",
        "parts/inner/helper.py": "from ..base import shade\n",
        "parts/base.py": HELPER.format(factor),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1e9, 1e9))


def asked() -> tuple[str, float]:
    """The digest of the entry's network, and what it computes."""
    loaded = load_model("python:entry:make", trust_remote_code=True)
    with torch.no_grad():
        return loaded.digest, float(loaded.model()(torch.ones(1, 1, 8, 8))[0, 0])


@pytest.mark.parametrize("way", IMPORTS)
def test_an_edited_helper_is_another_network_in_the_same_process(folder, way):
    write(folder, 1, **IMPORTS[way])
    first, again = asked(), asked()
    write(folder, 3, **IMPORTS[way])
    edited = asked()
    write(folder, 1, **IMPORTS[way])
    back = asked()
    assert first == again == back
    assert (first[1], edited[1]) == (32, 96)
    assert edited[0] != first[0]


@pytest.mark.parametrize("way", IMPORTS)
def test_what_somebody_else_imported_before_is_read_as_it_is_now(folder, way):
    write(folder, 1, **IMPORTS[way])
    fresh = asked()
    for name in ("entry", "helper", "between", "parts", "parts.base", "parts.inner", "parts.inner.helper"):
        sys.modules.pop(name, None)
    write(folder, 3, **IMPORTS[way])
    for name in ("helper", "between", "parts.inner.helper", "entry"):
        importlib.import_module(name)
    write(folder, 1, **IMPORTS[way])
    assert asked() == fresh


def test_a_module_that_has_nothing_to_do_with_it_stays_as_it_is(folder):
    write(folder, 1, top="from helper import shade")
    (folder / "other.py").write_text("state = []\n")
    other = importlib.import_module("other")
    before = asked()
    (folder / "other.py").write_text("state = [1]\n")
    assert asked() == before
    assert sys.modules["other"] is other
    assert sys.modules[__name__].__file__ == __file__


def test_modules_of_one_name_in_two_folders_are_two(folder, monkeypatch):
    found = []
    for number in (1, 3):
        (folder / str(number)).mkdir()
        write(folder / str(number), number, top="from helper import shade")
        monkeypatch.chdir(folder / str(number))
        found.append(asked())
    assert [value for _, value in found] == [32, 96]


def test_a_helper_that_fails_leaves_nothing_half_imported(folder):
    write(folder, 1, top="from helper import shade")
    whole = asked()
    (folder / "helper.py").write_text("shade = 1 / 0\n")
    for _ in range(2):
        with pytest.raises(Exception, match="python:entry:make failed: ZeroDivisionError"):
            asked()
    write(folder, 1, top="from helper import shade")
    assert asked() == whole


def test_what_a_module_computed_meanwhile_does_not_count(folder):
    """Two loads in one process give the network that a new process would load."""
    (folder / "entry.py").write_text(
        textwrap.dedent(
            """
            import torch
            from torch import nn
            MASKS = {}
            class Net(nn.Module):
                made = 0
                def __init__(self):
                    super().__init__()
                    Net.made += 1
                    self.number = Net.made
                def forward(self, x):
                    if x.shape not in MASKS:
                        MASKS[x.shape] = torch.ones_like(x)
                    self.last = x * MASKS[x.shape]
                    return self.last.flatten(1)[:, :10]
            NETWORK = Net()
            make = Net
            def one():
                return NETWORK
            """
        )
    )
    for source in ("python:entry:make", "python:entry:one"):
        first = load_model(source, trust_remote_code=True)
        first.model()(torch.rand(2, 1, 8, 8))
        assert load_model(source, trust_remote_code=True).digest == first.digest


def test_every_process_and_folder_finds_the_same(folder):
    """Names of folders, seeds of hashes and how the program was started have no part in it."""
    text = ENTRY.format(top="from helper import shade", made="self.names = {'a', 'b', 'c', 'd'}", run="pass")
    made = "load_model('python:entry:make', trust_remote_code=True)"
    ask = f"from benchmark.models import load_model\nprint({made}.digest)"
    found = set()
    for seed in ("1", "2"):
        place = folder / f"place-{seed}"
        write(place, 1)
        (place / "entry.py").write_text(text)
        (place / "ask.py").write_text(ask)
        words = ["-c", ask] if seed == "1" else [str(place / "ask.py")]
        env = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        run = subprocess.run([sys.executable, *words], cwd=place, env=env, capture_output=True, text=True, check=True)
        found.add(run.stdout)
    assert len(found) == 1


# Checkpoints of our own.


def checkpoint(architecture: str) -> Checkpoint:
    facts = {"num_classes": 10, "shape": (1, 8, 8), "mean": (0.25,), "std": (0.5,)}
    state = build(architecture, **facts).state_dict()
    numbers = itertools.count()
    for key, value in state.items():
        state[key] = torch.arange(value.numel()).reshape(value.shape).to(value.dtype) + next(numbers)
    texts = dict.fromkeys(("dataset", "scale", "method", "network"), "x")
    return Checkpoint(name="a", state=state, architecture=architecture, recipe={}, seed=0, **facts, **texts)


def test_checkpoints_keep_the_digest_that_their_results_are_filed_under():
    assert checkpoint("small-cnn").digest == KNOWN


KNOWN = "2be3299d1d5a7b375f0fced6cc726c1875af810ecc7925333dd9679d9fe50b49"


def test_the_code_of_another_packages_architecture_counts(folder, monkeypatch):
    entry = importlib.metadata.EntryPoint("theirs", "other:Net", "benchmark.architectures")
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == entry.group else [])
    text = """
        from torch import nn
        from helper import shade
        class Net(nn.Module):
            def __init__(self, num_classes, shape):
                super().__init__()
                self.layer = nn.Linear(64, num_classes)
            def forward(self, x):
                return shade(self.layer(x.flatten(1)))
        """
    (folder / "other.py").write_text(textwrap.dedent(text))
    found = []
    for factor in (1, 1, 3):
        write(folder, factor)
        made = checkpoint("theirs")
        with torch.no_grad():
            found.append((made.digest, float(made.model()(torch.ones(1, 1, 8, 8))[0, 0])))
    assert found[0] == found[1]
    assert found[2][0] != found[0][0]
    assert found[2][1] == 3 * found[0][1]
