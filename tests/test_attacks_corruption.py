"""The fifteen common corruptions: images, of rising severity, with closed forms where there are any."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from attack_toys import images

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.corruption import CORRUPTIONS, digital
from benchmark.attacks.filters import smooth
from benchmark.errors import BadInput
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

Y = torch.zeros(8, dtype=torch.int64)


def corrupted(name: str, x: torch.Tensor, severity: int, seed: int = 0, first: int = 0) -> torch.Tensor:
    attack = make_attack("corruption", {"corruption": name})
    classifier = PreparedClassifier(torch.nn.Flatten(), 2)
    noise = ExampleNoise(seed, range(first, first + len(x)))
    x_adv = attack(classifier, x, Y[: len(x)], Threat("corruption", severity), noise)
    assert classifier.forwards == 0
    return x_adv


def natural(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    """Smooth images with some contrast, as blur and noise expect them."""
    blobs = smooth(images(count, shape), 1.5)
    low, high = blobs.amin((1, 2, 3), keepdim=True), blobs.amax((1, 2, 3), keepdim=True)
    return 0.1 + 0.8 * (blobs - low) / (high - low)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 40, 64)])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_gives_images_and_spares_nobody(name, shape):
    x = natural(3, shape)
    before = x.clone()
    for severity in (1, 5):
        x_adv = corrupted(name, x, severity)
        assert x_adv.shape == x.shape
        assert x_adv.dtype == torch.float32
        assert torch.isfinite(x_adv).all()
        assert ((x_adv >= 0) & (x_adv <= 1)).all()
    assert (x_adv - x).abs().amax((1, 2, 3)).min() > 0.01
    assert torch.equal(x, before)
    assert torch.equal(x_adv, corrupted(name, x, 5))


def test_an_image_is_warped_alone_as_in_a_batch_whatever_was_in_memory():
    """With older releases of torch the order of columns went over from each matrix to the next one."""
    x = natural(8, (3, 32, 32))
    together = corrupted("elastic", x, 5)
    for number in range(8):
        left = torch.full((3,), number % 4, dtype=torch.int32)
        del left
        assert torch.equal(together[number], corrupted("elastic", x[number : number + 1], 5, first=number)[0]), number


def test_a_torch_whose_default_carries_over_is_asked_for_another_way_to_solve(monkeypatch, request):
    """It is known by the rank of a matrix after another; the numbers are those of its other way, within rounding."""
    x = natural(8, (3, 32, 32))
    as_here = corrupted("elastic", x, 5)
    asked: list[str | None] = []
    solve = torch.linalg.lstsq

    def carries_over(a, b, rcond=None, *, driver=None):
        asked.append(driver)
        return solve(a, b, rcond, driver=driver) if driver else SimpleNamespace(rank=torch.tensor([3, 0]))

    monkeypatch.setattr(torch.linalg, "lstsq", carries_over)
    request.addfinalizer(digital._pivots_afresh.cache_clear)
    digital._pivots_afresh.cache_clear()
    torch.testing.assert_close(corrupted("elastic", x, 5), as_here, atol=1e-5, rtol=0)
    assert asked == [None, "gels"]


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - {"elastic", "glass-blur", "pixelate", "frost"}))
def test_severity_rises(name):
    x = natural(8, (3, 32, 32))
    changes = [float((corrupted(name, x, severity) - x).abs().mean()) for severity in (1, 3, 5)]
    assert changes == sorted(changes)
    assert changes[2] > 1.2 * changes[0]


def test_noise_has_the_stated_strength():
    x = torch.full((4, 3, 32, 32), 0.5)
    assert float((corrupted("gaussian-noise", x, 3) - x).std()) == pytest.approx(0.08, rel=0.05)
    shot = corrupted("shot-noise", x, 5) * 50
    torch.testing.assert_close(shot, shot.round(), atol=1e-4, rtol=0)
    assert float(shot.mean()) == pytest.approx(25, rel=0.02)
    assert float(shot.var()) == pytest.approx(25, rel=0.1)
    impulse = corrupted("impulse-noise", x, 5)
    assert float((impulse != x).float().mean()) == pytest.approx(0.07, abs=0.01)
    assert set(impulse.unique().tolist()) == {0.0, 0.5, 1.0}


def test_contrast_and_brightness_in_numbers():
    x = torch.tensor([0.2, 0.6]).view(1, 1, 1, 2).expand(1, 3, 2, 2)
    torch.testing.assert_close(corrupted("contrast", x, 2)[0, 0, 0], torch.tensor([0.3, 0.5]))
    pixel = torch.tensor([0.4, 0.2, 0.1]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    brighter = corrupted("brightness", pixel, 2)[0, :, 0, 0]
    torch.testing.assert_close(brighter, torch.tensor([0.5, 0.25, 0.125]))
    torch.testing.assert_close(corrupted("brightness", torch.zeros(1, 3, 8, 8), 2), torch.full((1, 3, 8, 8), 0.1))


@pytest.mark.parametrize("name", ["defocus-blur", "motion-blur", "zoom-blur", "glass-blur", "pixelate", "elastic"])
def test_what_only_moves_light_around_leaves_a_grey_image_alone(name):
    grey = torch.full((2, 3, 32, 32), 0.4)
    torch.testing.assert_close(corrupted(name, grey, 5), grey, atol=1e-5, rtol=0)


def test_frost_photographs_and_fog_differ_between_images_and_seeds():
    x = torch.full((2, 3, 32, 32), 0.4)
    for name in ("frost", "fog", "snow"):
        first = corrupted(name, x, 3)
        assert not torch.equal(first[0], first[1])
        assert not torch.equal(first, corrupted(name, x, 3, seed=1))


@pytest.mark.parametrize("severity", [0.5, 6, 2.5])
def test_severity_is_one_to_five(severity):
    with pytest.raises(BadInput, match=r"suite\.yaml.*severity, 1 to 5"):
        make_attack("corruption", {}).check(Threat("corruption", severity), "suite.yaml, line 3")


def test_unknown_corruption_offers_the_nearest():
    with pytest.raises(BadInput, match="gaussian-noise"):
        make_attack("corruption", {"corruption": "gaussian_noise"})
