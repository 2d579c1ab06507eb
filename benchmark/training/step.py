"""One training step: attack each network, then form the loss of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmark.attacks import frozen
from benchmark.generators import generators_of
from benchmark.methods.batch import Batch, Examples, Net
from benchmark.methods.inner import craft
from benchmark.methods.method import BoundMethod
from benchmark.methods.objectives import Target
from benchmark.methods.progress import Progress
from benchmark.noise import Noise
from benchmark.recipes.radius import Radius
from benchmark.training.compiling import is_compiled
from benchmark.training.snapshot import FoldedNetwork


class StepNetworks:
    """The networks of a training run.

    Args:
        method: who is attacked how, and what is minimised.
        members: the networks that learn, in the order of the cohort.
        teachers: the frozen ones, in the order of their roles; put into eval mode, their parameters made constant.
        radii: by norm.
        autocast: makes the context in which networks compute.
        snapshots: of the members, in their order, to be attacked in their place; not where the method attacks batch
            norms in train mode.
        label_smoothing: of the outer loss, see `benchmark.methods.batch.Batch.ce`.
    """

    def __init__(
        self,
        method: BoundMethod,
        members: Sequence[nn.Module],
        teachers: Sequence[nn.Module],
        radii: Mapping[str, Radius],
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
        snapshots: Sequence[FoldedNetwork] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self.method, self.members, self.radii = method, members, radii
        self.teachers = [teacher.eval().requires_grad_(False) for teacher in teachers]
        self.autocast, self.label_smoothing = autocast, label_smoothing
        self.snapshots = snapshots if method.inner.bn == "eval" else None

    def craft(self, x: Tensor, y: Tensor, norms: Sequence[str], noise: Noise) -> list[Examples | None]:
        """Adversarial examples against each member, in `norms` or a specialist's own; None if it is not attacked."""
        inner = self.method.inner
        found: list[Examples | None] = []
        if inner.objective is None:
            return [None] * len(self.members)
        with self._attacked() as modules:
            for n, member in enumerate(self.method.cohort.members):
                make = self.method.objective(member)
                if make is None:
                    found.append(None)
                    continue
                module = modules[n]
                peers = [self.forward(other) for other in modules if other is not module]
                target = Target(self.forward(module), x, y, [self.taught(t) for t in self.teachers], peers)
                objective = make(target)
                module.train(inner.bn == "train")
                own = replace(inner, start=member.start) if member.start else inner
                found.append(
                    craft(own, objective, target, (member.norm,) if member.norm else norms, self.radii, noise)
                )
                module.eval()
        return found

    def batch(
        self,
        x: Tensor,
        y: Tensor,
        examples: Sequence[Examples | None],
        training: Progress,
        memory: dict[str, Tensor],
        rate: float = 1.0,
    ) -> Batch:
        """The step as the outer loss sees it."""
        nets = [Net(self.forward(module), x, own) for module, own in zip(self.members, examples, strict=True)]
        teachers = [Net(torch.no_grad()(self.taught(teacher)), x) for teacher in self.teachers]
        return Batch(y, nets, teachers, training, memory, rate, self.label_smoothing)

    def pass_again(self, batch: Batch, after: bool = False) -> None:
        """The passes that the method makes beside those of its loss, before or `after` the update."""
        for member, module, net in zip(self.method.cohort.members, self.members, batch.nets, strict=True):
            for what in self.method.passes.of(member.name, after):
                images = (net.x,) if what == "clean" else net.own.images
                with torch.no_grad():
                    for view in images:
                        self.forward(module)(view)

    def forward(self, module: nn.Module) -> Callable[[Tensor], Tensor]:
        """Images → float32 logits of `module`, in the run's precision and layout."""

        def logits(images: Tensor) -> Tensor:
            with self.autocast():
                result: Tensor = module(images.contiguous(memory_format=torch.channels_last))
            if result.dtype in (torch.bfloat16, torch.float16):
                return result.float()
            # What a captured graph returns is overwritten at its next replay.
            return result.clone() if is_compiled(module) else result

        return logits

    def taught(self, teacher: nn.Module) -> Callable[[Tensor], Tensor]:
        """`forward`, for a network that may be anybody's: what it draws or seeds is not what the students draw."""
        answer = self.forward(teacher)

        def logits(images: Tensor) -> Tensor:
            with generators_of(teacher, images.device):
                return answer(images)

        return logits

    @contextmanager
    def _attacked(self) -> Iterator[list[nn.Module]]:
        """Within this context: the members as they are attacked, in eval mode with constant parameters."""
        if self.snapshots is not None:
            for snapshot in self.snapshots:
                snapshot.refresh()
            yield [snapshot.network for snapshot in self.snapshots]
            return
        with ExitStack() as stack:
            for module in self.members:
                stack.enter_context(_under_attack(module))
            yield list(self.members)


@contextmanager
def _under_attack(module: nn.Module) -> Iterator[None]:
    """Within this context the network is in eval mode and its parameters are constant."""
    with frozen(module):
        module.eval()
        yield
    module.train()
