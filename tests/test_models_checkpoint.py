"""Checkpoints come back as they were saved; what is broken, false or hostile is refused by name."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import zipfile

import pytest
import torch

from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.models import Checkpoint, build, load_checkpoint, save_checkpoint

FORMATS = (".pt", ".safetensors")


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    facts = {"num_classes": 10, "shape": (1, 8, 8), "mean": (0.3,), "std": (0.4,)}
    network = build("small-cnn", **facts)
    network(torch.rand(8, 1, 8, 8))  # fills the running statistics
    return Checkpoint(
        name="mat-h1",
        state=network.state_dict(),
        architecture="small-cnn",
        dataset="digits",
        scale="digits",
        method="mat",
        network="h1",
        recipe={"epochs": 3, "lr": 0.1, "drops": [1, 2], "norms": {"linf": None}},
        seed=7,
        history=[{"epoch": 1, "loss": 1.5, "robust": float("nan"), "note": "first"}],
        versions={"torch": torch.__version__},
        selection="best",
        selected_epoch=3,
        extra={"alpha": 0.6, "flag": True},
        **facts,
    )


@pytest.fixture
def saved(checkpoint, tmp_path):
    return save_checkpoint(tmp_path / "mat-h1.pt", checkpoint)


def change(path, **parts):
    """Rewrite the .pt at `path` with other parts; header fields are given as `header={...}`."""
    payload = torch.load(path, weights_only=True)
    header = json.loads(payload["header"]) | parts.pop("header", {})
    torch.save({**payload, "header": json.dumps(header), **parts}, path)
    return path


def refused(path, message: str) -> str:
    with pytest.raises(BadInput, match=message) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", FORMATS)
def test_comes_back_as_it_was(checkpoint, tmp_path, suffix):
    loaded = load_checkpoint(save_checkpoint(tmp_path / f"a{suffix}", checkpoint))
    assert loaded.state.keys() == checkpoint.state.keys()
    assert all(torch.equal(loaded.state[key], checkpoint.state[key]) for key in checkpoint.state)
    for field in dataclasses.fields(Checkpoint):
        if field.name not in ("state", "history"):
            assert getattr(loaded, field.name) == getattr(checkpoint, field.name), field.name
    assert str(loaded.history) == str(checkpoint.history)  # as text, for NaN differs from itself
    assert loaded.digest == checkpoint.digest


def test_its_text_is_what_it_is_and_not_its_weights(checkpoint):
    told = repr(checkpoint)
    assert "mat-h1" in told
    assert "small-cnn" in told
    assert "tensor" not in told
    assert len(told) < 500


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_model_is_the_network_that_was_trained(checkpoint, tmp_path, suffix):
    network = build("small-cnn", num_classes=10, shape=(1, 8, 8), mean=(0.3,), std=(0.4,))
    network.load_state_dict(checkpoint.state)
    x = torch.rand(5, 1, 8, 8)
    model = load_checkpoint(save_checkpoint(tmp_path / f"a{suffix}", checkpoint)).model()
    assert not model.training
    assert torch.equal(model(x), network.eval()(x))


@pytest.mark.parametrize("suffix", FORMATS)
def test_layout_views_and_devices_do_not_matter_when_saving(checkpoint, tmp_path, suffix):
    key = "network.3.weight"
    weight = checkpoint.state[key]
    strided = torch.cat([weight, weight])[: len(weight)].to(memory_format=torch.channels_last)
    path = save_checkpoint(
        tmp_path / f"a{suffix}", dataclasses.replace(checkpoint, state={**checkpoint.state, key: strided})
    )
    assert load_checkpoint(path).digest == checkpoint.digest


def test_the_digest_is_of_what_decides_the_logits(checkpoint):
    same = dataclasses.replace(checkpoint, name="other", history=[], seed=8)
    assert same.digest == checkpoint.digest
    key = "network.3.weight"
    for changed in (
        {"std": (0.5,)},
        {"mean": (0.1,)},
        {"shape": (1, 9, 9)},
        {"state": {**checkpoint.state, key: checkpoint.state[key] + 1e-3}},
    ):
        assert dataclasses.replace(checkpoint, **changed).digest != checkpoint.digest


def test_fits_only_its_own_kind_of_images(checkpoint):
    digits = load("digits")
    checkpoint.check_fits(digits)
    with pytest.raises(BadInput, match="'mat-h1' was made for 9 classes, but digits has 10;"):
        dataclasses.replace(checkpoint, num_classes=9).check_fits(digits)
    with pytest.raises(BadInput, match="made for images 3×32×32, but digits has images 1×8×8"):
        dataclasses.replace(checkpoint, shape=(3, 32, 32)).check_fits(digits)
    with pytest.raises(BadInput, match=r"but digits has images 1×8×8; .*let it repeat the grey channel.* as RGB"):
        dataclasses.replace(checkpoint, shape=(3, 8, 8)).check_fits(digits)


def test_a_checkpoint_that_could_not_be_loaded_is_not_saved(checkpoint, tmp_path):
    for changes, message in (
        ({"num_classes": 3}, "'network.14.weight' is"),
        ({"recipe": {"optimiser": object()}}, "plain values"),
        ({"selection": "median"}, "'selection' is wrong"),
    ):
        with pytest.raises(BadInput, match=message):
            save_checkpoint(tmp_path / "a.pt", dataclasses.replace(checkpoint, **changes))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_previous_checkpoint(checkpoint, saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchmark.storage.os.fsync", full)
    with pytest.raises(BadInput, match="No space left"):
        save_checkpoint(saved, dataclasses.replace(checkpoint, seed=8))
    assert saved.read_bytes() == before
    assert [item.name for item in saved.parent.iterdir()] == [saved.name]


# Places that hold no checkpoint.


def test_missing_files_folders_and_links(tmp_path):
    refused(tmp_path / "none.pt", "there is no checkpoint")
    refused(tmp_path, "is a folder")
    loop = tmp_path / "loop.pt"
    loop.symlink_to(loop)
    refused(loop, "can't read .*[Ll]evels of symbolic links")
    with pytest.raises(BadInput, match="can't read"):
        load_checkpoint("null\0character.pt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    refused(tmp_path / "pipe.pt", "not a regular file")


@pytest.mark.parametrize(
    "content", [b"junk", b"PK\x03\x04junk", b"\x89PNG\r\n\x1a\n" + b"\0" * 500, b"\x80\x02}q\0."]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    refused(path, "is not a checkpoint|is damaged")


def test_an_empty_file(tmp_path):
    (tmp_path / "a.pt").touch()
    refused(tmp_path / "a.pt", "has 0 bytes.* copy or train it again")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_truncated_files(checkpoint, tmp_path, suffix, kept):
    path = save_checkpoint(tmp_path / f"a{suffix}", checkpoint)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    refused(path, "is damaged")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_changed_byte_is_a_result_or_bad_input(checkpoint, tmp_path, suffix):
    """Whatever single byte is damaged: a checkpoint or one clear message, nothing else."""
    path = save_checkpoint(tmp_path / f"a{suffix}", checkpoint)
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for position in torch.randint(len(whole), (60,), generator=generator).tolist():
        for place in (position, position % 2000):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                load_checkpoint(path)
            except BadInput as error:
                assert str(path) in str(error)  # noqa: PT017 (both ends are right)


# Files of other programs, or of another version of this one.


def test_a_bare_state_dict_is_not_a_checkpoint(checkpoint, tmp_path):
    torch.save(checkpoint.state, tmp_path / "a.pt")
    refused(
        tmp_path / "a.pt",
        "not a checkpoint of this benchmark; it holds the weights of a small-cnn, .*: bench import ",
    )


def test_foreign_safetensors(checkpoint, tmp_path):
    from safetensors.torch import save_file

    save_file(checkpoint.state, tmp_path / "a.safetensors")
    refused(tmp_path / "a.safetensors", "not a checkpoint of this benchmark")


def test_another_version(saved):
    refused(change(saved, version=2), "format version 2, this program reads 1")


def test_a_whole_pickled_network_asks_to_run_code(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    refused(tmp_path / "a.pt", r"asks to run code \(torch.nn.modules.linear.Linear\); it was not loaded")


# False claims about size.


def test_compressed_archives_are_not_unpacked(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * 10**7)
    refused(path, "compressed archive")


def test_an_archive_larger_than_its_file(saved):
    whole = bytearray(saved.read_bytes())
    entry = whole.rfind(b"PK\x01\x02")
    struct.pack_into("<II", whole, entry + 20, 2**31 - 1, 2**31 - 1)
    saved.write_bytes(bytes(whole))
    refused(saved, "claims to hold more than its own")


def test_a_safetensors_header_larger_than_its_file(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 2**40) + b"{" + b" " * 100)
    refused(path, "is not a checkpoint")


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ({"num_classes": 10**9}, "num_classes"),
        ({"num_classes": 1}, "num_classes"),
        ({"num_classes": "ten"}, "num_classes"),
        ({"shape": [1, 10**6, 10**6]}, "shape"),
        ({"shape": [10**6, 8, 8]}, "shape"),
        ({"shape": [8, 8]}, "shape"),
        ({"mean": [float("nan")]}, "mean"),
        ({"std": [0.0]}, "std"),
        ({"history": [[1]]}, "history"),
        ({"recipe": 3}, "recipe"),
        ({"name": "a" * 10**5}, "name"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_a_header_out_of_bounds_is_named(saved, header, place):
    assert "checkpoint's '" + place in refused(change(saved, header=header), "is wrong")


def test_mean_and_std_are_one_per_channel(saved):
    refused(change(saved, header={"mean": [0.1, 0.2]}), "one number for each of 1 channels")


def test_a_header_nested_without_end(saved):
    payload = torch.load(saved, weights_only=True)
    torch.save({**payload, "header": "[" * 10**5 + "]" * 10**5}, saved)
    refused(saved, "is damaged")


# Weights that don't belong.


def test_unknown_architecture(saved):
    refused(change(saved, header={"architecture": "small-cn"}), "did you mean small-cnn")


def test_another_architecture_or_class_count_than_the_weights(saved):
    refused(change(saved, header={"architecture": "mobilenet-v2"}), "it is not a mobilenet-v2")
    refused(change(saved, header={"architecture": "small-cnn", "num_classes": 11}), "for 11 classes .* has .*11, 256")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda weight: weight[:1], "is torch.float32"),
        (lambda weight: weight.half(), "is torch.float16"),
        (lambda weight: weight.to(torch.complex64), "is torch.complex64"),
        (lambda weight: torch.full_like(weight, float("nan")), "not finite"),
        (lambda weight: torch.where(weight == weight.max(), float("inf"), weight), "not finite"),
        (lambda weight: torch.zeros(1, 1, 1, 1).expand(weight.shape), "shows its numbers more than once"),
        (lambda weight: torch.zeros(1).expand(10**12), "shows its numbers more than once"),
        (lambda weight: weight.flatten()[:-1], "'network.3.weight' is"),
        (lambda weight: weight.transpose(2, 3), "'network.3.weight' is"),
        (lambda weight: "weights", "network.3.weight' is wrong"),
        (lambda weight: weight.to_sparse(), "asks to run code|is wrong|is torch"),
    ],
)
def test_bad_weights_are_named(saved, spoil, message):
    state = torch.load(saved, weights_only=True)["state"]
    refused(change(saved, state={**state, "network.3.weight": spoil(state["network.3.weight"])}), message)


def test_missing_and_surplus_weights(saved):
    state = torch.load(saved, weights_only=True)["state"]
    surplus = {**state, "network.zzz": torch.zeros(1)}
    refused(change(saved, state=surplus), "has a surplus 'network.zzz'")
    del state["network.0.weight"]
    refused(change(saved, state=state), "lacks 'network.0.weight'")
