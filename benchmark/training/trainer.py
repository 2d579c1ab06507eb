"""The one training loop: every method, every dataset, resumable after every epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from benchmark import deadline
from benchmark.arithmetic import arithmetic, tuned_convolutions, tunes
from benchmark.attacks import frozen
from benchmark.damage import Damaged, naming
from benchmark.errors import BadInput
from benchmark.methods.batch import Batch, Examples
from benchmark.methods.progress import Progress
from benchmark.methods.weights import buffers_kept, layers, perturbed
from benchmark.training.augmentation import batches, mixed_batches, number_of_batches
from benchmark.training.averaging import WeightAverages
from benchmark.training.compiling import compile_all
from benchmark.training.networks import lay_out, new_networks
from benchmark.training.optimizer import make_optimizer
from benchmark.training.parallel import BatchShard
from benchmark.training.plan import Plan
from benchmark.training.report import Reporter, Row, rounded
from benchmark.training.seeds import derived_seed
from benchmark.training.snapshot import snapshots
from benchmark.training.state import load_state, save_state, unreadable
from benchmark.training.step import StepNetworks
from benchmark.training.validation import accuracies, held_out, withstood

if TYPE_CHECKING:
    from lightning_fabric import Fabric

State = dict[str, Tensor]


class Diverged(BadInput):
    """The loss stopped being a number: a rate too high for one run, of which others know nothing."""


class Trainer:
    """A run in progress.

    Args:
        plan: what to do.
        fabric: the processes and the precision to do it in.
        compile: whether to hand the networks to torch.compile, see `compiling`.

    Attributes:
        epoch: how many epochs lie behind.
        history: one row of figures per epoch.
        filed: the networks that are validated and filed: the averaged ones if the recipe averages weights.
        best: per network, its weights at the epoch of highest validation score, and `held_out` there.
        held_out: per network, which held-out images the last validation found right, see `validation.held_out`.
        progress: how much of the training lies behind, and whether anything wanted to know.
        repeats: whether all epochs were computed by what gives the same bits again on the same device.
        tuned: whether in some cuDNN chose by timing how convolutions are computed.
    """

    def __init__(self, plan: Plan, fabric: Fabric, compile: bool = False) -> None:
        self.plan, self.recipe, self.method = plan, plan.recipe, plan.bound
        self.shard = BatchShard(fabric)
        device = fabric.device
        self.members = new_networks(plan, device)
        teachers = [teacher.model().to(device) for teacher in plan.teachers]
        lay_out([*self.members, *teachers], self.shard.size)
        probe = plan.dataset.train.batch(slice(0, 2))[0].to(device)
        fast = snapshots(self.members, probe, plan.precision == "bf16")
        if compile:
            batch = plan.dataset.train.batch(slice(0, plan.recipe.batch_size))[0].to(device)
            with arithmetic(plan.precision):  # as in the epochs: of other settings other code is made
                compile_all([*self.members, *teachers], fast, self.shard.rows(batch), fabric.autocast)
        self.players = StepNetworks(
            self.method,
            self.members,
            teachers,
            plan.recipe.threats,
            fabric.autocast,
            fast,
            plan.recipe.label_smoothing,
        )
        self.optimizer = make_optimizer(self.members, plan.recipe)
        self.averages = None if plan.recipe.ema is None else WeightAverages(self.members, plan.recipe.ema)
        self.filed = self.averages.modules if self.averages else self.members
        self.train = plan.dataset.train.to(device)
        held_out = plan.dataset.validation
        images = plan.recipe.validation.measured(len(plan.dataset.train) + len(held_out), len(held_out))
        self.validation = held_out[torch.arange(images)].to(device)
        self.steps = number_of_batches(len(self.train), plan.recipe.batch_size)
        if self.steps == 0:
            raise BadInput(f"{plan.dataset.name} has {len(self.train)} training images; two are needed at least")
        self.memory: State = {}
        self.progress = Progress()
        self.epoch = 0
        self.history: list[Row] = []
        self.best: list[dict[str, Any]] = [{"score": -1.0, "epoch": 0, "state": {}} for _ in self.members]
        self.held_out: list[dict[str, Any]] = [{} for _ in self.members]
        self.repeats, self.tuned = True, False

    def fit(self, state: Path, begin: Path | None, report: Reporter) -> None:
        """Train to the end, saving the state to the file `state` after every epoch.

        Args:
            state: where to; of a run of any length it is that of a longer one, too.
            begin: a state to go on from; None to begin with the first epoch.
            report: is told of it.

        Raises:
            Diverged: the loss stopped being a number.
            BadInput: the state to go on from belongs to another run.
        """
        if begin is not None:
            found = load_state(begin, self.plan.identity)
            if found:
                try:
                    with naming(begin):
                        self.load_state_dict(found)
                except Damaged as error:
                    raise unreadable(begin) from error
                if begin != state and self.shard.rank == 0:  # so that it is this run's from now on
                    save_state(state, self.plan.identity, {"name": self.plan.name, **self.state_dict()})
        report.resume(self.epoch)
        if self.epoch == self.recipe.epochs:
            self._validate_last()
        longest = 0.0
        while self.epoch < self.recipe.epochs:
            if self.shard.size == 1:  # several processes would have to agree
                deadline.check(longest)
            started = time.perf_counter()
            self.repeats &= torch.are_deterministic_algorithms_enabled()
            self.tuned |= tunes(self.train.labels.device)
            with arithmetic(self.plan.precision), tuned_convolutions(self.train.labels.device):
                with self._fixed_randomness():
                    row = self._train_epoch(state, report)
                seconds = time.perf_counter() - started
                self.epoch += 1
                images = self.steps * self.recipe.batch_size if self.plan.extra_data else len(self.train)
                row |= {
                    "images_per_second": images / seconds,
                    "seconds": seconds,
                    **({} if self._is_between else self._validate()),
                }
            self.history.append(rounded(row))
            if self.shard.rank == 0:
                save_state(state, self.plan.identity, {"name": self.plan.name, **self.state_dict()})
            if self.epoch == self.recipe.epochs:
                self._validate_last()
            report.epoch(self.history[-1])
            longest = max(longest, time.perf_counter() - started)

    @property
    def any_length(self) -> bool:
        """Whether the epochs so far are, bit by bit, those of a run of any other number of epochs."""
        return not (self.recipe.schedule.spans_training or self.progress.asked)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as tensors and plain values."""
        return {
            "epoch": self.epoch,
            "members": [module.state_dict() for module in self.members],
            "optimizer": self.optimizer.state_dict(),
            "memory": self.memory,
            "history": self.history,
            "best": self.best,
            "held_out": self.held_out,
            "deterministic": self.repeats,
            **({"tuned": True} if self.tuned else {}),
            "any_length": self.any_length,
            **({"averages": self.averages.state_dict()} if self.averages else {}),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        for module, weights in zip(self.members, state["members"], strict=True):
            module.load_state_dict(weights)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.averages:
            self.averages.load_state_dict(state["averages"])
        self.memory = {key: value.to(self.train.labels.device) for key, value in state["memory"].items()}
        self.repeats = state.get("deterministic") is True
        self.tuned = state.get("tuned") is True
        self.progress.asked |= state.get("any_length") is not True  # earlier versions did not note it
        self.epoch, self.history, self.best = state["epoch"], state["history"], state["best"]
        self.held_out = state.get("held_out", self.held_out)  # version 0.1.0 did not keep it

    @contextmanager
    def _fixed_randomness(self) -> Iterator[None]:
        """Within this context torch's global generators, which dropout uses, depend on seed and epoch alone."""
        device = self.train.labels.device
        others = [] if device.type == "cpu" else [device]
        with torch.random.fork_rng(devices=others, device_type=device.type):
            torch.manual_seed(derived_seed(self.plan.seed, "dropout", self.epoch))
            yield

    def _train_epoch(self, state: Path, report: Reporter) -> Row:
        device = self.train.labels.device
        generator = torch.Generator(device).manual_seed(derived_seed(self.plan.seed, "epoch", self.epoch))
        losses = torch.zeros(self.steps, device=device)
        before = self._start_scaffold()
        self.progress.set(self.epoch / self.recipe.epochs)
        for module in self.members:
            module.train()
        for step, (x, y) in enumerate(self._batches(generator)):
            self._set_learning_rate(self.epoch + step / self.steps)
            losses[step] = self._step(x, y, generator)
            report.step()
        self._merge_scaffold(before)
        self.shard.mean([losses])
        self._check_finite(losses, state)
        return {"epoch": self.epoch + 1, "loss": float(losses.mean()), "lr": self.optimizer.param_groups[0]["lr"]}

    def _batches(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        recipe, extra = self.recipe, self.plan.extra_data
        if extra is None:
            return batches(self.train, recipe.batch_size, recipe.augmentation, generator)
        share = recipe.extra_share or 0.0  # the plan has decided it
        return mixed_batches(self.train, extra, recipe.batch_size, share, recipe.augmentation, generator)

    def _step(self, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        size = len(x)
        x, y = self.shard.rows(x), self.shard.rows(y)
        share = len(x) * self.shard.size / size  # a process with more images than its peers counts for more
        loss = torch.zeros((), device=x.device)
        rounds = self.method.inner.rounds(self.memory, generator)
        for norms in rounds:
            examples = self.players.craft(x, y, norms, self.shard.noise(size, generator))
            with self._weights_moved(x, y, examples):
                batch = self._batch(x, y, examples, self.memory)
                objective = self.method.outer(batch) * share
                self.players.pass_again(batch)
                self.optimizer.zero_grad(set_to_none=True)
                objective.backward()
                self.shard.mean(p.grad for module in self.members for p in module.parameters())
                self._clip()
                self.optimizer.step()
            self.players.pass_again(batch, after=True)
            if self.averages:  # of the weights themselves, once their perturbation is undone
                self.averages.update()
            self.method.inner.observe(norms, batch, self.memory)
            loss = loss + objective.detach() / len(rounds)
        return loss

    def _batch(self, x: Tensor, y: Tensor, examples: list[Examples | None], memory: State) -> Batch:
        rate = self.optimizer.param_groups[0]["lr"] / self.recipe.lr
        return self.players.batch(x, y, examples, self.progress, memory, rate)

    @contextmanager
    def _weights_moved(self, x: Tensor, y: Tensor, examples: list[Examples | None]) -> Iterator[None]:
        """Within this context the weights are where adversarial weight perturbation puts them, if it is on."""
        if not self.method.awp.active(self.progress):
            yield
            return
        weights = [weight for module in self.members for weight in layers(module)]
        with buffers_kept(self.members):
            loss = self.method.outer(self._batch(x, y, examples, dict(self.memory)))
            directions = torch.autograd.grad(loss, weights)
        self.shard.mean(directions)
        with perturbed(weights, directions, self.method.awp.awp):
            yield

    def _clip(self) -> None:
        if self.recipe.clip is not None:
            for module in self.members:
                torch.nn.utils.clip_grad_norm_(module.parameters(), self.recipe.clip)

    def _set_learning_rate(self, t: float) -> None:
        for group in self.optimizer.param_groups:
            if not group.get("constant_rate"):
                group["lr"] = self.recipe.lr_at(t)

    def _start_scaffold(self) -> State | None:
        if self.method.merge is None:
            return None
        network, scaffold = self.members
        scaffold.load_state_dict(network.state_dict())
        return {key: value.clone() for key, value in network.state_dict().items()}

    def _merge_scaffold(self, before: State | None) -> None:
        if self.method.merge is not None and before is not None:
            network, scaffold = self.members
            network.load_state_dict(self.method.merge(before, network.state_dict(), scaffold.state_dict()))

    def _check_finite(self, losses: Tensor, state: Path) -> None:
        bad = (~torch.isfinite(losses)).nonzero()
        if len(bad):
            good = f"the state after epoch {self.epoch} is in {state}" if self.epoch else "no epoch was finished"
            raise Diverged(
                f"{self.plan.name}: the loss became {float(losses[bad[0]]):g} in epoch {self.epoch + 1}, step "
                f"{int(bad[0]) + 1} of {self.steps}; {good}; "
                f"try a smaller learning rate, e.g. --set lr={self.recipe.lr / 3:.2g}"
            )

    @property
    def _is_between(self) -> bool:
        """Whether the epoch is none of those that are validated in a run of any length."""
        return self.epoch % self.recipe.validation.every != 0

    def _validate_last(self) -> None:
        """The last epoch is validated in any case; its state does not know, for a longer run might not do it."""
        if self._is_between:
            with arithmetic(self.plan.precision):
                self.history[-1] = {**self.history[-1], **rounded(self._validate())}

    def _validate(self) -> Row:
        """Clean and robust accuracy of each network, whose best weights are kept; nothing where none are held out."""
        if not len(self.validation):
            return {}
        row: Row = {}
        settings, inner = self.recipe.validation, self.method.inner
        for n, member in enumerate(self.method.cohort.members):
            if not member.kept:
                continue
            attacked = member.attacked and inner.objective is not None
            norms = (member.norm,) if member.norm else inner.norms
            module = self.filed[n].eval()
            with frozen(module):
                flags = withstood(
                    self.players.forward(module), self.validation, norms, self.recipe.threats, settings, 500
                )
            clean, robust = accuracies(flags)
            self.held_out[n] = held_out(flags)
            prefix = f"{member.name}." if member.name else ""
            row |= {f"{prefix}clean": clean, f"{prefix}robust": robust}
            score = robust if attacked else clean
            if score >= self.best[n]["score"]:
                weights = {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
                own = {"score": score, "epoch": self.epoch, "state": weights}
                self.best[n] = own | {"held_out": self.held_out[n]}
        return row
