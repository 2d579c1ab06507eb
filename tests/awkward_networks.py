"""Networks that can't be given a number, or only one with a warning, for `python:awkward_networks:NAME`.

Each takes nothing and returns one; those of `REFUSED` are told why, of those of `SAID` it is said what is wrong.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from disguised_networks import Around, plain
from evaluation_toys import trained
from torch import Tensor, nn

from benchmark.data import load

#: Name → what makes it, and what the refusal has to say.
REFUSED: dict[str, tuple[Callable[[], object], str]] = {}

#: Name → what makes it, and what the evaluation's warnings have to say.
SAID: dict[str, tuple[Callable[[], object], str]] = {}


def refused(message: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    def register(make: Callable[[], object]) -> Callable[[], object]:
        REFUSED[make.__name__] = make, message
        return make

    return register


def warned(message: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    def register(make: Callable[[], object]) -> Callable[[], object]:
        SAID[make.__name__] = make, message
        return make

    return register


# What has a number that says less than it seems to.


@warned("the network passes no gradient back to the image")
def quantised_statically():
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    engine = next(name for name in torch.backends.quantized.supported_engines if name != "none")
    torch.backends.quantized.engine = engine
    x = load("digits").test.batch(torch.arange(64))[0]
    observed = prepare_fx(plain().eval(), get_default_qconfig_mapping(engine), (x,))
    observed(x)
    return convert_fx(observed)


@warned("returns probabilities")
def with_probabilities():
    return Around(after=lambda logits: logits.softmax(1))


@warned("passes no gradient back")
def with_rounded_images():
    return Around(before=lambda x: (x * 16).round() / 16)


@warned("the same logits for every image")
def always_the_same():
    return Around(after=lambda logits: logits * 0)


@warned("images correctly, but .* when they run from 0 to 255: it is given images in .0, 1. and seems to expect")
def that_expects_bytes():
    return Around(before=lambda x: x / 255)


@warned("when they are normalised by their mean and standard deviation")
def that_expects_normalised_images():
    return Around(before=lambda x: 0.37 * x + 0.3 if x.min() < 0 else 0.05 * x)


@warned("another order of the classes would give .*seem to stand for 9, 0, 1, 2, 3, 4, 5, 6, 7, 8;")
def with_classes_in_another_order():
    return Around(after=lambda logits: logits.roll(1, 1))


def in_half_precision():
    return trained().model().half()


def nan_on_one():
    """Has no answer for the image at the thirtieth place of forty or more."""
    return Around(
        after=lambda logits: logits.index_fill(0, torch.tensor([30]), torch.nan) if len(logits) > 40 else logits
    )


def that_fails_on_one():
    return Around(before=lambda x: x if len(x) < 50 else 1 / 0)


# What has no number.


def drawn(kind: Callable[..., nn.Module], *arguments: int) -> nn.Module:
    """A layer with the same random weights each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(*arguments)


@refused("_time: its weights or its code are not what they were .* call torch.manual_seed.0. in it first")
def with_new_weights_each_time():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


@refused("^python:awkward_networks:[a-z_]+: the network returns 16 × 9 for 16 images of 10 classes")
def with_new_weights_each_time_and_a_class_too_few():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 9))


@refused("depend on the other images of the batch.*don't quantise it dynamically")
def quantised_dynamically():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(plain(), {nn.Linear}, dtype=torch.qint8)


@refused("returned function; it must return a torch.nn.Module")
def a_function():
    network = trained().model()
    return lambda x: network(x)


@refused("returned type")
def a_class():
    return Around


@refused("returned OrderedDict")
def a_state_dict():
    return trained().model().state_dict()


@refused("it returns a tuple with 2 entries of .*×10 .*, so that its logits can't be told")
def a_tuple_of_two_alike():
    return Around(after=lambda logits: (logits, logits))


@refused("it returns a dict with no entry of .*×10")
def a_dict_without_logits():
    return Around(after=lambda logits: {"logits": logits[:, :4]})


@warned("several things, of which \\[0\\] is taken for its logits")
def a_tuple():
    return Around(after=lambda logits: (logits, logits[:, :7], logits[0]))


@warned("several things, of which \\['logits'\\] is taken for its logits")
def a_dict():
    return Around(after=lambda logits: {"features": -logits, "logits": logits})


@warned("several things, of which .logits is taken for its logits")
def an_object():
    return Around(after=lambda logits: SimpleNamespace(logits=logits, loss=None))


@refused("can't be put on the CPU in float32 and eval mode")
def exported():
    return torch.export.export(trained().model(), (torch.rand(4, 1, 8, 8),)).module()


@refused("returns 16 × 9")
def a_class_too_few():
    return Around(after=lambda logits: logits[:, :9])


@refused("returns 16 × 11")
def a_class_too_many():
    return Around(after=lambda logits: F.pad(logits, (0, 1)))


@refused("returns 16 for 16 images of 10 classes")
def the_class_itself():
    return Around(after=lambda logits: logits.argmax(1))


@refused("NaN or infinite logits")
def not_a_number():
    return Around(after=lambda logits: logits * float("nan"))


@refused("NaN or infinite logits")
def not_a_number_for_some():
    return Around(after=lambda logits: torch.where(logits > 0, logits, float("nan")))


@refused("different logits in a repeated call")
def with_random_output():
    return Around(after=lambda logits: logits + torch.randn_like(logits))


@refused("different logits in a repeated call")
def with_random_input():
    return Around(before=lambda x: x + 0.5 * torch.rand_like(x))


@refused("depend on the other images of the batch")
def with_batch_norm_without_statistics():
    network = plain()
    network[2] = nn.BatchNorm2d(16, track_running_stats=False)
    return network


@refused("changes the images it is given")
def that_writes_into_its_input():
    return Around(before=lambda x: x.sub_(0.1))


@refused("fails on float32 images .* 1 × 8 × 8")
def for_larger_images():
    return drawn(nn.Conv2d, 1, 3, 16)


@refused("fails on float32 images .* 1 × 8 × 8")
def for_images_of_224():
    return nn.Sequential(nn.Flatten(), drawn(nn.Linear, 224 * 224, 10))


@refused("fails on float32 images .* 1 × 8 × 8")
def for_colour_images():
    return drawn(nn.Conv2d, 3, 10, 3)


@refused("fails on float32 images .* precision")
def in_half_precision_by_hand():
    weight = trained().model().network[-1].weight[:, :64].detach().half()
    return Around(before=lambda x: (x.flatten(1) @ weight.T).view(-1, 1, 2, 5))


@refused("fails on float32 images .*out of order")
def with_an_error_of_its_own():
    def fail(x):
        raise KeyError("out of order")

    return Around(before=fail)


@refused("fails on float32 images .*: SystemExit: 0; check")
def that_ends_the_program():
    def leave(x):
        raise SystemExit(0)

    return Around(before=leave)


@refused("has too little memory for the network and 16 images at once")
def that_takes_too_much_memory():
    def fill(x):
        raise torch.OutOfMemoryError("out of memory")

    return Around(before=fill)


@refused("returns no dense tensor of numbers")
def with_sparse_logits():
    return Around(after=lambda z: z.to_sparse())


@refused("returns no dense tensor of numbers")
def with_logits_without_values():
    return Around(after=lambda z: z.to("meta"))


@refused("can't be put on the CPU")
def on_the_meta_device():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10, device="meta"))


@refused("it has lazy layers")
def with_lazy_layers():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))


class Left(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()
        self.shift = torch.zeros(10, device="meta")

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.shift


@refused("fails on float32 images .* device")
def with_a_tensor_on_another_device():
    return Left()


class Unfinished(nn.Module):
    pass


@refused("fails on float32 images")
def without_a_forward():
    return Unfinished()
