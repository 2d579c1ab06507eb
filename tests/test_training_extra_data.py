"""Training with more images than the data set has: what is in a batch, what an epoch is, what is refused."""

from __future__ import annotations

import pickle
import resource

import numpy as np
import pytest
import torch
from synthetic_training import run
from test_training_init import few, planned

from benchmark.data import extra as extra_module
from benchmark.data import load
from benchmark.data.extra import load_extra
from benchmark.errors import BadInput, Notice
from benchmark.models import load_checkpoint
from benchmark.training.augmentation import batches, mixed_batches, number_of_extra
from benchmark.training.report import Reporter
from benchmark.training.standing import Taken

DIGITS = load("digits")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (300, 8, 8, 1), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 300)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "more.npz", image=PIXELS, label=LABELS)
    return tmp_path / "more.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["bytes last", "bytes first", "grey", "floats", "doubles", "big-endian"])
def test_images_are_read_as_they_lie_in_any_layout(tmp_path, save, kind):
    arrays = {
        "bytes last": PIXELS,
        "bytes first": PIXELS.transpose(0, 3, 1, 2),
        "grey": PIXELS[..., 0],
        "floats": (PIXELS / np.float32(255)).astype(np.float32),
        "doubles": PIXELS / 255,
        "big-endian": (PIXELS / 255).astype(">f4"),
    }
    save(tmp_path / "more.npz", image=np.ascontiguousarray(arrays[kind]), label=LABELS.astype(np.uint8))
    found = load_extra(f"npz:{tmp_path}/more.npz", DIGITS)
    index = torch.tensor([299, 0, 7, 7])
    x, y = found.batch(index)
    expected = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).float()[index] / 255
    torch.testing.assert_close(x, expected)
    assert x.dtype == torch.float32
    assert torch.equal(y, torch.from_numpy(LABELS)[index])
    assert len(pickle.dumps(found)) < 10_000 + 8 * len(LABELS)  # another process opens the file itself


def test_an_epoch_has_as_many_batches_as_without_and_each_its_share(file):
    found, split = load_extra(f"npz:{file}", DIGITS), DIGITS.train
    generator = torch.Generator().manual_seed(1)
    steps = list(mixed_batches(split, found, 100, 0.29, "none", generator))
    assert len(steps) == len(list(batches(split, 100, "none", generator)))
    own = {image.numpy().tobytes() for image in split.batch(slice(None))[0]}
    mine = [[image.numpy().tobytes() in own for image in x] for x, _ in steps]
    assert all(sum(each) == 71 and len(each) == 100 for each in mine)
    drawn = [image.numpy().tobytes() for x, _ in steps for image in x[:71]]
    assert len(set(drawn)) == len(drawn)  # none comes twice before all have come once
    others = {image.numpy().tobytes() for x, _ in steps for image in x[71:]}
    assert len(others) > 100  # of 300, not the same 29 in each batch
    again = list(mixed_batches(split, found, 100, 0.29, "none", torch.Generator().manual_seed(1)))
    assert all(torch.equal(one[0], other[0]) for one, other in zip(steps, again, strict=True))


def test_a_small_share_goes_through_the_split_again():
    assert [number_of_extra(100, share) for share in (0.29, 0.7, 0.999)] == [29, 70, 99]

    class Nothing:
        def __len__(self):
            return 5

        def batch(self, index):
            return torch.full((len(index), 1, 8, 8), 2.0), torch.zeros(len(index), dtype=torch.int64)

    split = few(10).train.first(10)
    steps = list(mixed_batches(split, Nothing(), 8, 0.2, "none", torch.Generator().manual_seed(0)))
    assert [(len(x), int((x == 2).all((1, 2, 3)).sum())) for x, _ in steps] == [(8, 1), (8, 1)]


def test_a_run_says_what_it_was_trained_with_and_goes_on_bit_by_bit(file, tmp_path, monkeypatch):
    data = {"extra_data": f"npz:{file}"}
    settings = {"epochs": 2, "batch_size": 512, "ema": 0.9, "validation.images": 20}
    (whole,) = run("at", tmp_path / "whole", settings, **data)
    found = load_checkpoint(whole)
    told = found.extra["extra_data"]
    assert (told["name"], told["images"], told["share"], told["test_images"]) == (f"npz:{file}", 300, 0.7, 0)
    assert found.recipe["extra_share"] == 0.7
    assert found.mean == DIGITS.mean
    made = []

    def die(self):
        made.append(1)
        if len(made) > 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "step", die)
        with pytest.raises(KeyboardInterrupt):
            run("at", tmp_path / "part", settings, **data)
    (part,) = run("at", tmp_path / "part", settings, resume=True, **data)
    assert load_checkpoint(part).digest == found.digest
    assert run("at", tmp_path / "whole", {**settings, "extra_share": 0.7}, **data) == [whole]
    with pytest.raises(Taken, match=r"other extra data|extra_share 0\.7"):
        run("at", tmp_path / "whole", settings)
    np.savez(file, image=PIXELS[::-1], label=LABELS)
    with pytest.raises(Taken, match="other extra data"):
        run("at", tmp_path / "whole", settings, **data)


def test_names_of_runs_tell_extra_data_apart(file):
    names = {planned(settings=own, extra_data=f"npz:{file}").name for own in ({}, {"extra_share": 0.5})}
    assert len(names | {planned().name}) == 3
    assert all("extra-more" in name for name in names)


def test_test_images_among_them_are_counted_and_said(tmp_path):
    x = torch.cat([DIGITS.test.images[:3], DIGITS.validation.images[:2], torch.rand(5, 1, 8, 8)])
    np.savez(tmp_path / "more.npz", image=x.numpy(), label=np.zeros(10, dtype=np.int64))
    with pytest.warns(Notice) as said:
        found = load_extra(f"npz:{tmp_path}/more.npz", DIGITS)
    assert (found.test_images, found.validation_images) == (3, 2)
    assert any("3 of 10 extra images are test images of digits" in str(each.message) for each in said)


def test_memory_stays_flat(tmp_path, monkeypatch):
    """A quarter of a gigabyte, of which a few hundred images are drawn."""
    path = tmp_path / "more.npz"
    count = 1_000_000
    zeros = np.lib.format.open_memmap(tmp_path / "image.npy", mode="w+", dtype=np.uint8, shape=(count, 8, 8, 4))
    del zeros
    import zipfile

    np.save(tmp_path / "label.npy", np.zeros(count, dtype=np.uint8))
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("image.npy", "label.npy"):
            archive.write(tmp_path / name, name)
    monkeypatch.setattr(extra_module, "marks", lambda images: ())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = load_extra(f"npz:{path}", few(10, channels=4))
    for _ in range(5):
        found.batch(torch.randint(count, (500,)))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 100e6 < path.stat().st_size


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"image": PIXELS}, "has 'image'; extra data are arrays image and label, the latter pseudo-labels"),
        ({"x_test": PIXELS, "y_test": LABELS}, "has 'x_test, y_test'; extra data are"),
        ({"image": PIXELS, "label": LABELS[:-1]}, r"has [\d,]+ images but label.npy [\d,]+ labels"),
        ({"image": PIXELS[:0], "label": LABELS[:0]}, "holds no images"),
        ({"image": PIXELS.astype(np.int64), "label": LABELS}, "images are int64"),
        ({"image": PIXELS.astype(np.float32), "label": LABELS}, "divide them by 255"),
        ({"image": PIXELS / 100 - 1, "label": LABELS}, "undo their normalisation"),
        ({"image": np.zeros((300, 32, 32, 3), np.uint8), "label": LABELS}, "images are 32×32×3, and those .* 1×8×8"),
        ({"image": PIXELS, "label": LABELS + 1}, "labels run up to 10, .*0 to 9"),
        ({"image": PIXELS, "label": LABELS - 1}, "negative"),
        ({"image": PIXELS, "label": np.eye(10)[LABELS]}, "argmax"),
        ({"image": PIXELS, "label": LABELS / 1.0}, "labels are whole numbers"),
        ({"image": PIXELS, "label": LABELS, "classes": np.array(list("abcdefghij"))}, "its classes are 'a, b"),
        ({"image": np.asfortranarray(PIXELS), "label": LABELS}, "Fortran"),
        ({"image": np.array([{}]), "label": LABELS}, "Python objects"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, arrays, told):
    np.savez(tmp_path / "more.npz", **arrays)
    with pytest.raises(BadInput, match=told):
        planned(extra_data=f"npz:{tmp_path}/more.npz")


def test_what_is_no_such_file_is_refused(tmp_path, file):
    (tmp_path / "broken.npz").write_bytes(file.read_bytes()[:-400])
    for name, told in (
        ("folder:pictures", "only npz:FILE"),
        (str(file), "only npz:FILE"),
        ("npz:", "only npz:FILE"),
        ("npz:nowhere.npz", "there is no file nowhere.npz"),
        (f"npz:{tmp_path}/broken.npz", "can't be read"),
    ):
        with pytest.raises(BadInput, match=told):
            planned(extra_data=name)
    with pytest.raises(BadInput, match=r"extra_share=0\.5 is the share of extra data .*and there are none"):
        planned(settings={"extra_share": 0.5})
    with pytest.raises(BadInput, match="less than one image"):
        planned(settings={"extra_share": 0.001}, extra_data=f"npz:{file}")
    with pytest.raises(BadInput, match="extra_share"):
        planned(settings={"extra_share": 1}, extra_data=f"npz:{file}")
