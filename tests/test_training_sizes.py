"""Images of 8×8 to 224×224 are trained on alike, grey or in colour, square or not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmark.models import load_checkpoint
from benchmark.training import train

ONE_STEP = {
    "epochs": 1,
    "batch_size": 64,
    "augmentation": "reflect-crop-flip",
    "validation.steps": 1,
    "threats.linf.steps": 1,
    "threats.l2.steps": 1,
    "threats.l1.steps": 1,
}


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "cache"))

    def make(height, width):
        random = np.random.default_rng(0)
        for part, count in (("train", 6), ("test", 2)):
            for brightness, name in ((60, "dark"), (200, "light")):
                folder = tmp_path / "pictures" / part / name
                folder.mkdir(parents=True)
                for n in range(count):
                    noise = random.integers(-50, 50, (height, width, 3))
                    Image.fromarray((noise + brightness).astype(np.uint8)).save(folder / f"{n}.png")
        return f"folder:{tmp_path / 'pictures'}"

    return make


@pytest.mark.parametrize(
    ("height", "width", "arch"),
    [(8, 8, "small-cnn"), (8, 8, "resnet18"), (28, 20, "small-cnn"), (64, 64, "small-cnn"), (224, 224, "small-cnn")],
)
def test_one_step_on_images_of_any_size(height, width, arch, pictures, tmp_path):
    (path,) = train(
        "at-max",
        dataset=pictures(height, width),
        scale="cifar10",
        arch=arch,
        set=ONE_STEP,
        out=tmp_path / "zoo",
        device="cpu",
        precision="fp32",
        progress=False,
    )
    checkpoint = load_checkpoint(path)
    assert checkpoint.shape == (3, height, width)
    assert checkpoint.num_classes == 2
    assert 0 < checkpoint.history[0]["loss"] < 10
