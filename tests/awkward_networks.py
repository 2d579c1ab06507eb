"""Networks as people have them lying about: each takes nothing and returns one, for `python:awkward_networks:NAME`.

Those of `SAME` compute what the trained digits network computes, in disguise, so that they must get its numbers;
those of `REFUSED` can't be given a number, and are told why.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from evaluation_toys import trained
from torch import Tensor, nn

from benchmark.data import load

#: Name → what makes the network.
SAME: dict[str, Callable[[], object]] = {}

#: Name → what makes it, and what the refusal has to say.
REFUSED: dict[str, tuple[Callable[[], object], str]] = {}

#: Name → what makes it, and what the evaluation's warnings have to say.
SAID: dict[str, tuple[Callable[[], object], str]] = {}


class Around(nn.Module):
    """The trained network with something done to the images before and to the logits after."""

    def __init__(self, after: Callable = lambda logits: logits, before: Callable = lambda x: x) -> None:
        super().__init__()
        self.inner = trained().model()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> object:
        return self.after(self.inner(self.before(x)))


def plain() -> nn.Sequential:
    """The trained network, its layers in one row."""
    network = trained().model()
    return nn.Sequential(network.normalize, *network.network)


def same(make: Callable[[], object]) -> Callable[[], object]:
    SAME[make.__name__] = make
    return make


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


# The trained network in disguise.


@same
def in_training_mode():
    return trained().model().train()


@same
def its_batch_norm_in_training_mode():
    network = trained().model()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    return network


@same
def with_dropout_left_on():
    return Around(after=nn.Dropout(0.5)).train()


@same
def with_gradients_switched_off():
    return trained().model().requires_grad_(False)


@same
def in_double_precision():
    return trained().model().double()


@same
def in_channels_last():
    return trained().model().to(memory_format=torch.channels_last)


@same
def data_parallel():
    return nn.DataParallel(trained().model())


@same
def data_parallel_inside():
    return nn.Sequential(nn.DataParallel(trained().model()))


class Scriptable(nn.Module):
    """The trained network without the annotations that TorchScript does not understand."""

    def __init__(self) -> None:
        super().__init__()
        normalize, *layers = plain()
        self.mean, self.std = nn.Buffer(normalize.mean), nn.Buffer(normalize.std)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor):
        return self.layers((x - self.mean) / self.std)


@same
def scripted():
    return torch.jit.script(Scriptable().eval())


@same
def traced():
    return torch.jit.trace(trained().model(), torch.rand(2, 1, 8, 8))


@same
def traced_by_fx():
    return torch.fx.symbolic_trace(trained().model())


@same
def compiled():
    return torch.compile(trained().model(), backend="eager")


@same
def compiled_in_place():
    network = trained().model()
    network.compile(backend="eager")
    return network


@same
def compiled_inside():
    return nn.Sequential(torch.compile(trained().model(), backend="eager"))


@same
def with_hooks_that_only_look():
    network = trained().model()
    seen: list[object] = []
    for module in network.modules():
        module.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    return network


@same
def with_a_hook_that_counts():
    """Half of what it computes happens in hooks: the network itself computes the negative."""
    network = plain()
    last = network[-1]
    with torch.no_grad():
        last.weight.neg_()
        last.bias.neg_()
    network.register_forward_hook(lambda module, inputs, output: -output)
    return network


@same
def with_a_hook_on_its_batch_norm():
    network = plain()
    norm = network[2]
    with torch.no_grad():
        norm.weight.neg_()
        norm.bias.neg_()
    norm.register_forward_hook(lambda module, inputs, output: -output)
    return network


class Twice(nn.Module):
    """One convolution that two batch norms follow, in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = plain()
        self.other = copy.deepcopy(self.layers[2])
        with torch.no_grad():
            self.other.weight.mul_(0.5)

    def forward(self, x: Tensor) -> Tensor:
        normalize, conv, norm, *rest = self.layers
        x = normalize(x)
        # What the second one adds is taken away again.
        x = (
            norm(conv(x))
            + self.other(conv(x))
            - F.batch_norm(
                conv(x), self.other.running_mean, self.other.running_var, self.other.weight, self.other.bias
            )
        )
        for layer in rest:
            x = layer(x)
        return x


@same
def with_a_shared_convolution():
    return Twice()


class Tied(nn.Module):
    """Two layers that are one, each used for half of the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * self.first(x) + 0.5 * self.second(x)


@same
def with_shared_weights():
    return Tied()


@same
def with_buffers_that_are_not_saved():
    network = trained().model()
    network.register_buffer("shift", torch.zeros(10), persistent=False)
    network.register_forward_hook(lambda module, inputs, output: output + module.shift)
    return network


@same
def with_weight_norm():
    network = plain()
    nn.utils.parametrizations.weight_norm(network[-1])
    nn.utils.parametrizations.weight_norm(network[1])
    return network


@same
def with_weight_norm_of_old():
    network = plain()
    nn.utils.weight_norm(network[-1])
    return network


class Branching(nn.Module):
    """Goes another way for one image than for several, to the same end."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1 or float(x.mean()) > 2:
            return self.inner(x.repeat(2, 1, 1, 1))[:1]
        return self.inner(x)


@same
def with_control_flow():
    return Branching()


@same
def with_logits_in_double_precision():
    return Around(after=lambda logits: logits.double())


@same
def with_logits_that_are_a_view():
    return Around(after=lambda logits: torch.cat([logits, logits], 1)[:, :10])


class ByHand(nn.Module):
    """Is called by its own __call__."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def __call__(self, x: Tensor) -> Tensor:
        return self.inner(x)


@same
def with_its_own_call():
    return ByHand()


@same
def under_inference_mode():
    with torch.inference_mode():
        return copy.deepcopy(trained()).model()


class Autocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return self.inner(x)


@same
def with_its_own_autocast():
    return Autocast()


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


def in_half_precision():
    return trained().model().half()


def nan_on_one():
    """Has no answer for the thirtieth of fifty images or more."""
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


@refused("is not what it was .* if its weights are drawn at random, load saved ones")
def with_new_weights_each_time():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


@refused("depend on the other images of the batch.*don't quantise it dynamically")
def quantised_dynamically():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(plain(), {nn.Linear}, dtype=torch.qint8)


@refused("returned a function; it must return a torch.nn.Module")
def a_function():
    network = trained().model()
    return lambda x: network(x)


@refused("returned a type")
def a_class():
    return Around


@refused("returned a OrderedDict")
def a_state_dict():
    return trained().model().state_dict()


@refused("returns a tuple, not a tensor; wrap it")
def a_tuple():
    return Around(after=lambda logits: (logits, logits))


@refused("returns a dict, not a tensor; wrap it")
def a_dict():
    return Around(after=lambda logits: {"logits": logits})


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


@refused("other logits when it is asked again")
def with_random_output():
    return Around(after=lambda logits: logits + torch.randn_like(logits))


@refused("other logits when it is asked again")
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
