"""The pictures on a network's page show what the attack did, and say what they show."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from synthetic import add_evaluation

import benchmark
from benchmark.ledger import Ledger
from benchmark.ledger.sample_images import SampleImages


def pixels(address: str) -> np.ndarray:
    kind, _, content = address.partition(",")
    assert kind == "data:image/png;base64"
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    return image[None] if image.ndim == 2 else image.transpose(2, 0, 1)


def page_with(tmp_path: Path, pictures: SampleImages) -> str:
    manifest = add_evaluation(tmp_path / "results")
    (record,) = manifest["records"]["pgd"]
    ledger = Ledger.open(tmp_path / "results")
    ledger.write_sample_images(manifest["model"]["digest"], record, pictures)
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    return (tmp_path / "reports" / "models" / "at.html").read_text(encoding="utf-8")


def pictures(channels: int = 1, **change) -> SampleImages:
    clean = np.zeros((1, channels, 8, 10), np.uint8)
    clean[0, :, 0, 0] = 51
    delta = np.zeros((1, channels, 8, 10), np.float16)
    delta[0, :, 0, 0], delta[0, :, 7, 9] = 0.25, -0.125
    values = {"positions": np.array([1]), "labels": np.array(["<b>"]), "predictions": np.array(["cat"])}
    return SampleImages(**{**values, "clean": clean, "change": delta, **change})


def test_image_change_and_adversarial(tmp_path: Path) -> None:
    for channels in (1, 3):
        page = page_with(tmp_path / str(channels), pictures(channels))
        clean, change, adversarial = map(pixels, re.findall(r'<img src="([^"]*)"', page))
        assert clean.shape == change.shape == adversarial.shape == (channels, 8, 10)
        assert (clean[0, 0, 0], change[0, 0, 0], adversarial[0, 0, 0]) == (51, 255, round(255 * 0.45))
        assert (clean[0, 7, 9], change[0, 7, 9], adversarial[0, 7, 9]) == (0, 64, 0)
        assert change[0, 3, 3] == 128
        assert "<b>&lt;b&gt; → cat</b>" in page
        assert "perturbation × 2<" in page
        assert page.count('width="60" height="48"') == 3
        assert "1 success<" in page  # the worked example has two, of which one was wrong from the start


def test_odd_ones_are_shown_as_far_as_they_can_be(tmp_path: Path) -> None:
    """Two channels are shown grey, no change at all stays grey, a position outside the test set is left out."""
    page = page_with(tmp_path / "two", pictures(2, change=np.zeros((1, 2, 8, 10), np.float16)))
    assert [pixels(address).shape for address in re.findall(r'<img src="([^"]*)"', page)] == [(1, 8, 10)] * 3
    assert "<img" not in page_with(tmp_path / "far", pictures(positions=np.array([1000])))


def test_no_pictures_no_heading(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results")
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    assert "Successful adversarial examples" not in (tmp_path / "reports" / "models" / "at.html").read_text(
        encoding="utf-8"
    )
