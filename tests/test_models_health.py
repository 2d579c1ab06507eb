"""Every awkward network is either taken, with a word of warning, or refused with the reason."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.errors import BadInput
from benchmark.models import build, check_model, differing


class Wrapped(nn.Module):
    """A small linear network whose logits go through `change` before they come back."""

    def __init__(self, change=lambda logits: logits, before=lambda x: x) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(64, 10, generator=generator))
        self.change, self.before = change, before

    def forward(self, x):
        return self.change(self.before(x).flatten(1) @ self.weight)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def norm_without_statistics() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten(), nn.Linear(64, 10))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet", "is a str, which can't be called"),
        (Wrapped(lambda logits: (logits, None)), "returns a tuple, not a tensor"),
        (Wrapped(lambda logits: {"logits": logits}), "returns a dict"),
        (Wrapped(lambda logits: logits[:, :9]), r"returns 16 × 9 for 16 images of 10 classes, not 16 × 10"),
        (Wrapped(lambda logits: logits[:1]), r"returns 1 × 10"),
        (Wrapped(lambda logits: logits.sum()), "returns a single number"),
        (Wrapped(lambda logits: logits.argmax(1, keepdim=True).expand(-1, 10)), "torch.int64, not logits"),
        (Wrapped(lambda logits: logits / 0), "NaN or infinite"),
        (Wrapped(lambda logits: torch.where(logits > 0, float("nan"), logits)), "NaN or infinite"),
        (Wrapped(lambda logits: logits + torch.rand_like(logits)), "repeated call; switch its randomness"),
        (Wrapped(lambda logits: 1e5 + logits + torch.rand_like(logits)), "repeated call; switch its randomness"),
        (Wrapped(lambda logits: 1e-5 * (logits + torch.rand_like(logits))), "repeated call; switch its randomness"),
        (Wrapped(lambda logits: logits - logits.mean(0)), "depend on the other images of the batch"),
        (Wrapped(lambda logits: 1e5 + logits - logits.mean(0)), "depend on the other images of the batch"),
        (norm_without_statistics(), "depend on the other images of the batch"),
        (Wrapped(before=lambda x: x.view(-1, 3, 224, 224)), r"fails on float32 images 16 × 1 × 8 × 8 on cpu: shape"),
        (Wrapped().half(), "fails on float32 images .* precision"),
        (Wrapped(before=lambda x: 1 / 0), "division by zero"),
    ],
)
def test_what_can_not_be_evaluated_is_refused(model, message, x):
    with pytest.raises(BadInput, match=message):
        check_model(model, x, 10)


@pytest.mark.parametrize(
    ("model", "warning"),
    [
        (Wrapped(lambda logits: logits.softmax(1)), "returns probabilities"),
        (Wrapped(lambda logits: logits * 0), "same logits for every image"),
        (Wrapped(lambda logits: logits.detach()), "passes no gradient"),
        (Wrapped(before=lambda x: (x * 8).round()), "passes no gradient"),
    ],
)
def test_what_is_odd_is_said(model, warning, x):
    assert any(warning in said for said in check_model(model.eval(), x, 10))


def test_a_network_left_in_training_mode_is_put_right(x):
    network = build("small-cnn", num_classes=10, shape=(1, 8, 8), mean=(0.3,), std=(0.4,)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert check_model(network, x, 10) == ["the network was in training mode; it was put into eval mode"]
    assert not network.training
    assert check_model(network, x, 10) == []
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_dropout_in_training_mode_is_no_randomness(x):
    assert len(check_model(nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(64, 10)), x, 10)) == 1


def test_functions_scripts_and_wrappers_are_taken(x):
    network = Wrapped().eval()
    scripted = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval())
    for model in (lambda x: network(x), scripted, nn.DataParallel(network).eval()):
        assert check_model(model, x, 10) == []
    hooked = Wrapped().eval()
    hooked.register_forward_hook(lambda module, inputs, output: output * 2)
    assert check_model(hooked, x, 10) == []


def test_one_image_is_enough(x):
    assert check_model(Wrapped().eval(), x[:1], 10) == []
    with pytest.raises(BadInput, match="other images"):
        check_model(Wrapped(lambda logits: logits - logits.mean(0)), x[:1], 10)


def test_images_as_bytes_or_normalised_are_noticed(x):
    for wrong in (x * 255, (x - 0.5) / 0.25, x / 0):
        with pytest.raises(BadInput, match=r"images must lie in \[0, 1\]"):
            check_model(Wrapped().eval(), wrong, 10)


@pytest.mark.parametrize(
    "change", [lambda z: z + 1e5, lambda z: z * 1e-6, lambda z: 0 * z + 3, lambda z: z.softmax(1)]
)
def test_roundings_are_no_other_answer(change, x):
    """In another batch sums are taken in another order; here, by hand, in double precision."""
    net = Wrapped(change)
    with torch.no_grad():
        exact = change(x.double().flatten(1) @ net.weight.double()).float()
        assert not differing(net(x), exact).any()


def test_a_network_may_write_all_its_logits_in_one_place(x):
    class OneBuffer(Wrapped):
        def forward(self, x):
            if not hasattr(self, "room"):
                object.__setattr__(self, "room", torch.empty(1000, 10))
            self.room[: len(x)] = super().forward(x).detach()
            return self.room[: len(x)]

    warnings = check_model(OneBuffer(), x, 10)
    assert not [warning for warning in warnings if "other" in warning]


def test_gradients_are_missed_where_attacks_follow_them(x):
    """What is flat in a last layer that attacks leave out hides nothing from them; what is flat before it does."""
    flat = "passes no gradient back"
    torch.manual_seed(0)
    logits = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 10)).eval()

    def sure(x: torch.Tensor) -> torch.Tensor:
        return (1e6 * logits(x)).softmax(1)

    assert any(flat in said for said in check_model(sure, x, 10))
    assert not any(flat in said for said in check_model(sure, x, 10, "softmax", logits))
    assert any(flat in said for said in check_model(sure, x, 10, "softmax", lambda x: logits(x.detach())))


def test_a_network_that_refuses_to_be_followed_back_is_told_of_and_ends_nothing(x):
    def predicts(images):
        if images.requires_grad:
            raise ValueError("only for predictions")
        return Wrapped(lambda logits: logits)(images)

    assert "the network passes no gradient back to the image: gradient-based attacks will fail" in check_model(
        predicts, x, 10
    )
