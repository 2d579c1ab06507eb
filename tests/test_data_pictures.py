"""Pictures are read as they are meant, or the file is named: alpha, orientation, frames, depth, colours, grey."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.data import folder, load
from benchmark.data.decoding import read_picture
from benchmark.errors import BadInput, Notice
from benchmark.models import build
from benchmark.training.decision import usual_architecture

SIZE = (9, 8)
INK = np.random.default_rng(0).integers(0, 256, (8, 9, 4), dtype=np.uint8)


def picture(mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A picture of noise, 9×8 pixels; opaque."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    found = Image.fromarray(pixels)
    return found.quantize(16) if mode == "P" else found.convert(mode)


def write_tree(root: Path, mode: str = "RGB") -> Path:
    for number, (part, name) in enumerate((part, name) for part in ("train", "test") for name in ("a", "b")):
        for position in range(3):
            path = root / part / name / f"{position}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(mode, 10 * number + position).save(path)
    return root


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """Two classes of three training and three test pictures in colour, no two alike."""
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    return write_tree(tmp_path / "tree")


def said(name: str) -> tuple[torch.Tensor, list[str]]:
    """All images of a dataset, and the notices that came with it; its notes are the same."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = load(name)
    notices = [str(warning.message) for warning in caught if warning.category is Notice]
    assert tuple(notices) == dataset.notes
    return torch.cat([split.images for split in (dataset.train, dataset.validation, dataset.test)]), notices


def saved(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, depth: int, kind: int, channels: int, extra: bytes = b"") -> Path:
    """A PNG that Pillow does not write by itself."""
    row = b"\0" + bytes(SIZE[0] * channels * depth // 8)
    header = struct.pack(">IIBBBBB", *SIZE, depth, kind, 0, 0, 0)
    content = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(row * SIZE[1])) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


# What is not opaque.


def with_alpha(mode: str) -> Image.Image:
    image = Image.fromarray(INK, "RGBA")
    return image.convert(mode) if mode != "PA" else clear_palette()


def clear_palette() -> Image.Image:
    grey = picture("P").convert("PA")
    grey.putalpha(Image.fromarray(INK[..., 3]))
    return grey


@pytest.mark.parametrize(
    ("image", "options", "suffix"),
    [
        (with_alpha("RGBA"), {}, "png"),
        (with_alpha("LA"), {}, "png"),
        (with_alpha("RGBA"), {}, "tif"),
        (with_alpha("PA"), {}, "tif"),
        (with_alpha("RGBA"), {"lossless": True}, "webp"),
        (picture("P"), {"transparency": 3}, "png"),
        (picture("P"), {"transparency": bytes(range(16))}, "png"),
        (Image.new("L", SIZE, 7), {"transparency": 7}, "png"),
        (Image.new("RGB", SIZE, (1, 2, 3)), {"transparency": (1, 2, 3)}, "png"),
        (Image.new("1", SIZE, 0), {"transparency": 0}, "png"),
    ],
)
def test_what_is_not_opaque_is_refused_or_put_on_the_ground_that_is_named(tree, image, options, suffix):
    path = saved(tree / "train" / "a" / f"clear.{suffix}", image, **options)
    with pytest.raises(BadInput) as caught:
        load(f"folder:{tree}")
    assert all(word in str(caught.value) for word in (str(path), "not opaque", "folder-on-white:PATH", "alpha"))
    levels = np.asarray(Image.open(path).convert("RGBA")).astype(float)
    for ground, background in (("white", 255), ("black", 0)):
        images, _ = said(f"folder-on-{ground}:{tree}")
        alpha = levels[..., 3:] / 255
        expected = (levels[..., :3] * alpha + background * (1 - alpha)).transpose(2, 0, 1)
        nearest = (images.double() - torch.from_numpy(expected)).abs().amax((1, 2, 3)).min()
        assert nearest <= 0.5 + 1e-9  # rounded to the nearest level


def test_alpha_that_hides_nothing_is_let_through(tree):
    plain, _ = said(f"folder:{tree}")
    for path in tree.rglob("*.png"):
        Image.open(path).convert("RGBA").save(path)
    clear, notes = said(f"folder:{tree}")
    assert torch.equal(plain, clear)
    assert notes == []
    unused = saved(tree / "train" / "a" / "0.png", Image.new("RGB", SIZE), transparency=(1, 2, 3))
    assert not read_picture(unused).pixels.any()


def test_each_ground_is_another_dataset(tree):
    with_alpha("RGBA").save(tree / "test" / "a" / "0.png")
    white, black = load(f"folder-on-white:{tree}"), load(f"folder-on-black:{tree}")
    assert white.name == f"folder-on-white:{tree}"
    assert white.digest != black.digest
    assert load(f"folder-on-white:{tree}").digest == white.digest  # from the cache, which keeps them apart


def test_a_drawing_in_the_alpha_channel_alone_is_not_lost(tree):
    ink = np.zeros((8, 9, 4), np.uint8)
    ink[:, :4, 3] = 255
    Image.fromarray(ink, "RGBA").save(tree / "train" / "a" / "0.png")
    found = read_picture(tree / "train" / "a" / "0.png", background=255).pixels
    assert (found[:, :4] == 0).all()
    assert (found[:, 4:] == 255).all()


# Which way up.


def oriented(path: Path, image: Image.Image, orientation: int, **options) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(path, image, exif=exif, **options)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(tmp_path, suffix, orientation):
    """Orientation tells where the first row and column of what is stored belong: EXIF 2.3, tag 0x0112."""
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8], upright[:8, 16:], upright[8:, :8] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    options = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}.get(suffix, {})
    path = oriented(tmp_path / f"x.{suffix}", Image.fromarray(np.ascontiguousarray(stored)), orientation, **options)
    found = read_picture(path).pixels.astype(int)
    assert found.shape == upright.shape
    assert np.abs(found - upright).max() <= (8 if suffix == "jpg" else 0)


def test_sizes_are_compared_when_pictures_stand_upright(tree):
    lying = picture().rotate(90, expand=True)
    assert lying.size == SIZE[::-1]
    oriented(tree / "train" / "a" / "0.png", lying, 6)
    images, _ = said(f"folder:{tree}")
    assert any(np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(picture())) for image in images)
    oriented(tree / "train" / "b" / "0.png", picture(), 6)
    with pytest.raises(BadInput, match=r"b/0\.png has 8×9 pixels but .*a/0\.png has 9×8; resize"):
        load(f"folder:{tree}")


# What can't be had without loss.


def animated(path: Path) -> Path:
    return saved(path, picture(), save_all=True, append_images=[picture(seed=1)])


def spoilt_exif(path: Path) -> Path:
    content = io.BytesIO()
    picture().save(content, "PNG")
    head, rest = content.getvalue()[:33], content.getvalue()[33:]
    path.write_bytes(head + chunk(b"eXIf", b"no TIFF at all") + rest)
    return path


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (animated, "x.png", "has 2 frames; save the one that is meant"),
        (animated, "x.webp", "has 2 frames"),
        (animated, "x.tif", "has 2 frames"),
        (lambda path: png(path, 16, 2, 3), "x.png", "more than 8 bits per channel"),
        (lambda path: png(path, 16, 6, 4), "x.png", "more than 8 bits per channel"),
        (lambda path: png(path, 16, 4, 2), "x.png", "more than 8 bits per channel"),
        (lambda path: png(path, 16, 0, 1), "x.png", "more than 8 bits per channel"),
        (lambda path: saved(path, Image.new("I;16", SIZE)), "x.tif", "more than 8 bits per channel"),
        (lambda path: saved(path, Image.new("F", SIZE)), "x.tif", "more than 8 bits per channel"),
        (lambda path: path.write_bytes(b"P6 9 8 65535\n" + bytes(432)), "x.ppm", "more than 8 bits per channel"),
        (lambda path: saved(path, Image.new("LAB", SIZE)), "x.tif", "colours of the kind LAB; convert it to RGB"),
        (spoilt_exif, "x.png", "which way up it is can't be read from its EXIF data"),
    ],
)
def test_what_would_be_lost_is_refused_with_the_file_named(tree, make, name, message):
    path = tree / "train" / "a" / name
    make(path)
    with pytest.raises(BadInput) as caught:
        load(f"folder:{tree}")
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert not list((tree.parent / "kept").rglob("*.safetensors"))


def test_what_is_made_for_print_is_converted_and_said(tree):
    saved(tree / "train" / "a" / "x.jpg", picture().convert("CMYK"))
    for _ in range(2):  # the second time from the cache
        images, notes = said(f"folder:{tree}")
        assert len(images) == 13
        assert notes == [
            f"{tree}: 1 of 13 pictures are made for print (CMYK); "
            "their colours were turned to RGB without a colour profile"
        ]


# Grey.


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_stays_one_channel(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    tree = write_tree(tmp_path / "tree", mode)
    for _ in range(2):
        images, notes = said(f"folder:{tree}")
        assert images.shape == (12, 1, 8, 9)
        assert notes == []
    levels = np.asarray(Image.open(tree / "test" / "b" / "2.png").convert("L"))
    assert any(np.array_equal(image[0].numpy(), levels) for image in images)


def test_a_grey_palette_is_grey_and_a_coloured_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    tree = write_tree(tmp_path / "tree", "L")
    for path in tree.rglob("*.png"):
        Image.open(path).convert("P").save(path)
    assert load(f"folder:{tree}").shape == (1, 8, 9)
    coloured = picture().quantize(16)
    coloured.save(tree / "train" / "a" / "0.png")
    images, notes = said(f"folder:{tree}")
    assert images.shape[1] == 3
    assert notes == [
        f"{tree}: 11 of 12 pictures are grey and the others are in colour; "
        "the grey ones were given three equal channels"
    ]


def test_grey_networks_take_one_channel(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    data = load(f"folder:{write_tree(tmp_path / 'tree', 'L')}")
    assert usual_architecture(data) == "small-cnn"
    facts = {"num_classes": data.num_classes, "shape": data.shape, "mean": data.mean, "std": data.std}
    assert build("small-cnn", **facts)(data.test.batch([0])[0]).shape == (1, 2)


# The cache.


def test_what_an_older_version_decoded_is_decoded_again(tree, monkeypatch):
    with_alpha("RGBA").save(tree / "train" / "a" / "0.png")
    assert folder.DECODER_VERSION == 2
    monkeypatch.setattr(folder, "DECODER_VERSION", 1)
    load(f"folder-on-white:{tree}")
    monkeypatch.undo()
    monkeypatch.setenv("BENCHMARK_DATA", str(tree.parent / "kept"))
    with pytest.raises(BadInput, match="not opaque"):
        load(f"folder:{tree}")
