"""The network as attacks see it: frozen, fused, in the fastest layout and precision, every pass counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from benchmark.arithmetic import arithmetic, full_precision, tuned_convolutions, tunes
from benchmark.attacks.expectation import averaged
from benchmark.attacks.fingerprint import fingerprint
from benchmark.attacks.footprint import images_per_pass
from benchmark.attacks.last_layer import LAYERS, decided, without_last_layer
from benchmark.attacks.objectives import clearly_wrong, own_logits
from benchmark.attacks.padding import is_independent, padded, padded_size
from benchmark.errors import FOREIGN, BadInput
from benchmark.generators import OwnGenerators
from benchmark.models.copying import copied
from benchmark.models.folding import Unfoldable, cast_weights, fold


class PreparedClassifier:
    """A network prepared once for being attacked many times.

    The search may use any trick that keeps the network the same function up to rounding: parameters are
    frozen (gradients are taken with respect to the input only), convolution and batch norm are fused,
    the layout is channels-last, and with `precision="bf16"` the passes run under bfloat16 autocast, with "tf32" in
    what a GPU takes float32 for unless told otherwise. "fp32" is float32, forwards and backwards.
    None of this touches the verdict, which belongs to a float32 pass of the original network. What the network
    draws from the global generators, or seeds, in its passes stays its own: see `OwnGenerators`. It gets copies of
    the images, and gives copies of its logits: what it writes into, the attack does not see.

    Args:
        model: maps N×C×H×W images in [0, 1] to N×K logits; it is copied, never changed.
        num_classes: K.
        device: where to compute.
        precision: "fp32", "tf32" or "bf16".
        probe: a few images on the device; where the fused network answers them otherwise, it stays unfused. They
            also tell how many images a pass takes at once, see `footprint`; without them it takes all.
        compile: let torch.compile make code for it; pays off where passes are many and minutes don't matter.
        last_layer: what `last_layer` finds, so that the search is on the logits before it; "" to leave the network
            whole. It takes a probe.
        draws: of a network that draws random numbers, over how many passes each answer without gradients is averaged;
            attacks average their gradients themselves, see `expectation`.

    Attributes:
        networks: the prepared network by precision; passes made with them directly are not counted.
        forwards, backwards: passes so far, counted in examples.
        dead_gradients: how many of the counted backward passes gave an exactly zero or non-finite gradient.
        pads: whether passes are filled up to a few sizes, see `padding`: on accelerators, if no image's answer
            depends on the others of its batch.
        disagreements: how many of the successes that the search claimed in bfloat16 or TF32 were none in float32.

    Raises:
        BadInput: the network is to be compiled and can't be.
        UnfitNetwork: it does not end in `last_layer`.
    """

    def __init__(
        self,
        model: nn.Module,
        num_classes: int,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        probe: Tensor | None = None,
        compile: bool = False,
        last_layer: str = "",
        draws: int = 1,
    ) -> None:
        self.num_classes = num_classes
        self.last_layer = last_layer
        self.device = torch.device(device)
        self.precision, self.draws = precision, draws
        self.networks: dict[str, Callable[[Tensor], Tensor]] = {}
        self._generators = OwnGenerators(device=self.device)
        with self._generators, full_precision():
            self._images_per_pass = self._prepare(model, probe, compile)
            self.pads = self._may_pad(probe)
        self._fingerprint = fingerprint(self.networks.values())
        self._backward: ExitStack | None = None
        self.forwards = 0
        self.backwards = 0
        # Added up where they arise, since reading them would make an accelerator wait.
        self._dead = torch.zeros((), dtype=torch.int64, device=self.device)
        self._refused = torch.zeros_like(self._dead)

    def _prepare(self, model: nn.Module, probe: Tensor | None, compile: bool) -> int | None:
        """Fill `networks`; how many images a pass takes at once, None for all."""
        prepared = freeze(copied(model).to(self.device).float().eval())
        if self.last_layer and probe is not None:
            prepared = without_last_layer(prepared, probe, self.last_layer)
        exact = _folded(prepared, probe).to(memory_format=torch.channels_last)
        self.networks["fp32"] = exact
        if self.precision == "tf32":
            self.networks["tf32"] = exact
        if self.precision == "bf16":
            self.networks["bf16"] = cast_weights(exact, probe)
        if compile:
            for name in self.networks:
                with arithmetic(name), torch.autocast(self.device.type, torch.bfloat16, enabled=name == "bf16"):
                    self.networks[name] = _compiled(self.networks[name], probe)
        return None if probe is None else images_per_pass(exact, probe)

    def _may_pad(self, probe: Tensor | None) -> bool:
        if self.device.type == "cpu" or probe is None or self.draws > 1:
            return False
        return is_independent(self.networks["fp32"], probe)

    @property
    def tuned(self) -> bool:
        """Whether cuDNN chooses by timing how the search's convolutions are computed, see `tuned_convolutions`."""
        return self.pads and tunes(self.device)

    def is_changed(self) -> bool:
        """Whether the prepared networks are no longer as they were prepared: weights, buffers or mode."""
        return fingerprint(self.networks.values()) != self._fingerprint

    @property
    def dead_gradients(self) -> int:
        return int(self._dead)

    @property
    def disagreements(self) -> int:
        return int(self._refused)

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (N×K, float32) of `x`, in the precision of the search."""
        return self._logits(x, self.precision)

    def outputs(self, x: Tensor) -> Tensor:
        """What the whole network returns for `x` (N×K, float32), in the precision of the search."""
        logits = self(x)
        return LAYERS[self.last_layer][0](logits) if self.last_layer else logits

    def confirm(self, x: Tensor, y: Tensor, broken: Tensor) -> Tensor:
        """The rows of `broken` that stay misclassified in float32, by more than rounding.

        bfloat16 and TF32 flip a few predictions near the boundary; an example that left the search on such a
        belief would be lost to it, so a claim made in them is confirmed before it is acted on.
        """
        if self.precision == "fp32":
            return broken
        rows = broken.nonzero().squeeze(1)  # asked once: an accelerator waits for each mask that chooses rows
        if not len(rows):
            return broken
        with torch.no_grad():
            confirmed = clearly_wrong(self._logits(x[rows], "fp32"), y[rows])
        self._refused += (~confirmed).sum()
        return broken.index_copy(0, rows, confirmed)

    @contextmanager
    def exact(self) -> Iterator[PreparedClassifier]:
        """Within this context every pass, and whatever else is multiplied, is in float32."""
        precision, self.precision = self.precision, "fp32"
        try:
            with self.searching():
                yield self
        finally:
            self.precision = precision

    @contextmanager
    def searching(self) -> Iterator[PreparedClassifier]:
        """Within this context all but the passes of a search in less is in float32; none is left half made."""
        with full_precision(), tuned_convolutions(self.device, self.pads):
            try:
                yield self
            finally:
                self.settle()

    def draw_anew(self, seed: int) -> None:
        """What the network draws from the global generators follows from `seed` from here on."""
        self.settle()
        self._generators = OwnGenerators(seed, self.device)

    def _logits(self, x: Tensor, precision: str) -> Tensor:
        if self.draws > 1 and not x.requires_grad:
            return averaged(self.draws, lambda: (self._pass(x, precision),))[0]
        return self._pass(x, precision)

    def _pass(self, x: Tensor, precision: str) -> Tensor:
        self.forwards += len(x)
        if x.requires_grad:
            # A view carries the hook, so that the caller's own tensor is left without one.
            x = x.view_as(x)
            x.register_hook(self._count_backward)
        x = x.clone(memory_format=torch.channels_last if x.dim() == 4 else torch.preserve_format)
        parts = [x] if self._images_per_pass is None else x.split(self._images_per_pass)
        self.settle()
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")
        with self._generators, arithmetic(precision), autocast:
            logits = [self._part(part, precision) for part in parts]
        result = logits[0] if len(logits) == 1 else torch.cat(logits)
        if self.last_layer:
            result = decided(result, self.last_layer)
        if x.requires_grad and result.requires_grad:
            result.register_hook(partial(self._begin_backward, precision))
        return result

    def _part(self, x: Tensor, precision: str) -> Tensor:
        """Logits of as many images as go through the network at once."""
        whole = padded(x, padded_size(len(x), self._images_per_pass)) if self.pads else x
        return own_logits(self.networks[precision](whole), len(whole), self.num_classes)[: len(x)]

    def _begin_backward(self, precision: str, gradient: Tensor) -> None:
        """A gradient enters the network, which may pass through it once more and draw again."""
        if self._backward is None:
            with ExitStack() as entered:
                entered.enter_context(self._generators)
                entered.enter_context(arithmetic(precision))
                self._backward = entered.pop_all()

    def settle(self) -> None:
        """A gradient has left the network, or never will, because something failed on the way."""
        if self._backward is not None:
            backward, self._backward = self._backward, None
            backward.close()

    def _count_backward(self, gradient: Tensor) -> None:
        self.settle()
        self.backwards += len(gradient)
        size = gradient.detach().flatten(1).abs().amax(1)
        self._dead += ((size == 0) | ~torch.isfinite(size)).sum()


def freeze(model: nn.Module) -> nn.Module:
    """`model`, from now on without gradients of its parameters; scripted modules are taken, too."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


@contextmanager
def frozen(model: nn.Module) -> Iterator[nn.Module]:
    """Within this context no gradient flows to the parameters; afterwards their flags are as found."""
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.requires_grad_(False)
    try:
        yield model
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def _compiled(network: Callable[[Tensor], Tensor], probe: Tensor | None) -> Callable[[Tensor], Tensor]:
    # Survivors leave, so that no two batches need be of one size.
    compiled: Callable[[Tensor], Tensor] = torch.compile(network, dynamic=True)
    if probe is not None:
        try:
            compiled(probe.clone())
        except FOREIGN as error:  # whatever compilers raise
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise BadInput(f"the network can't be compiled here ({reason}); evaluate it without compile") from error
    return compiled


def _folded(model: nn.Module, probe: Tensor | None) -> nn.Module:
    """`model` with its batch norms folded away, or as it is where it would not be the same function."""
    try:
        return fold(model, probe)
    except Unfoldable:
        return model
