"""What stands where a run is about to write: its own results, an unfinished part of it, or those of another run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.models import Checkpoint, load_checkpoint
from benchmark.own.files import own_files
from benchmark.run_names import name_beside
from benchmark.storage import digest
from benchmark.training.extending import way_on
from benchmark.training.identity import VERSION, card_facts, differences, facts, in_words, length, of_any_length
from benchmark.training.plan import Plan
from benchmark.training.state import begun, state_path

#: What to do about it.
WAYS = "it is not replaced: pass --overwrite to replace it, --name to name this run differently, or another --out"


class InTheWay(BadInput):
    """Something stands where a run would write, of which other runs know nothing."""


class Taken(InTheWay):
    """Another run's results lie where this one's would go.

    Attributes:
        found: what lies there.
        beside: a name under which there is room.
    """

    def __init__(self, found: str, plan: Plan) -> None:
        super().__init__(f"{found}; {WAYS}")
        self.found, self.beside = found, name_beside(plan.name, plan.digest)


def paths_of(plan: Plan, folder: Path) -> list[Path]:
    """Where the selected checkpoints go."""
    return [folder / name for name in plan.file_names()]


def last_of(path: Path) -> Path:
    """Where the last weights go, beside the selected ones at `path`."""
    return path.parent / "last" / path.name


def is_finished(plan: Plan, folder: Path) -> bool:
    """Whether all checkpoints of this very run are there, under its name."""
    return all(_whose(path) == (plan.digest, name) for path, name in _places(plan, folder))


def as_it_was_called(plan: Plan, folder: Path) -> Plan:
    """The same run under the name that version 0.1.0 gave it, where that version left it here, finished or not.

    Else a run of hours would be trained once more because names are made otherwise now.
    """
    if plan.former in (None, plan.name) or any(path.exists() for path, _ in _places(plan, folder)):
        return plan
    before = replace(plan, name=str(plan.former), former=None)
    unfinished = begun(state_path(folder, before.stem), strict=False)
    is_this = unfinished is not None and unfinished[0] == plan.identity
    return before if is_this or is_finished(before, folder) else plan


def is_going_on(plan: Plan, folder: Path) -> bool:
    """Whether the unfinished run of that name is this one: whatever it replaces was agreed to when it began."""
    unfinished = begun(state_path(folder, plan.stem), strict=False)
    return unfinished is not None and unfinished.identity == plan.identity


def has_longer(plan: Plan, folder: Path) -> bool:
    """Whether this run with more epochs is there under its name: none of them is given up without being asked."""
    found = [load_checkpoint(path) for path, _ in _places(plan, folder) if _whose(path)]
    return any(_is_same_but_for_length(plan, each) and length(vars(each)) > plan.recipe.epochs for each in found)


def check_room(plan: Plan, folder: Path, replaces: bool = False) -> None:
    """Refuse to replace what is not of this run.

    Args:
        plan: the run.
        folder: where it writes to.
        replaces: whether it may take the place of the same run with another number of epochs.

    Raises:
        Taken: a checkpoint of another run is there, one of another name, which some file systems or all that a name
            has to be cut down to don't keep apart from this one, or a file that nobody can tell what it is.
    """
    for path, name in _places(plan, folder):
        if not path.exists():
            continue
        try:
            found = load_checkpoint(path)
        except BadInput as error:
            raise Taken(f"{path} is no checkpoint that can be read ({error})", plan) from error
        if found.extra.get("run") != plan.digest and not (replaces and _is_same_but_for_length(plan, found)):
            way = way_on(plan, found, path if path.parent.name == "last" else last_of(path), folder)
            raise Taken(f"{path} is of another run: {_told(plan, found)}{way}", plan)
        if found.name != name:
            raise Taken(f"{path} is of a network that is called {found.name}, not {name}", plan)


def epochs_behind(plan: Plan, folder: Path, resume: bool | None, overwrite: bool, extend: bool = False) -> int:
    """How many epochs of this run are finished and to be gone on from.

    Args:
        resume: True or None to go on if there are any, False to begin anew.
        overwrite: whether to begin anew where an unfinished run would be lost by that.
        extend: whether to go on in any case, and to leave the same run with another number of epochs to the caller,
            unless it has had more of them than this one asks for.

    Raises:
        Taken: the unfinished run of that name is another one, or the one there has another name.
        InTheWay: there are some and `resume` is False.
        BadInput: the file can't be read and `resume` is not False.
    """
    path = state_path(folder, plan.stem)
    resume = True if extend else resume
    found = begun(path, strict=resume is not False and not overwrite)
    if found is None:
        return 0
    identity, epoch, name = found.identity, found.epoch, found.name
    is_other_length = identity != plan.identity and of_any_length(identity) == of_any_length(plan.identity)
    if extend and is_other_length and epoch <= plan.recipe.epochs:
        return 0
    if overwrite and (resume is False or identity != plan.identity or name not in (plan.name, None)):
        return 0
    if identity != plan.identity:
        keys = (
            ", ".join(
                sorted(key for key in {*plan.identity, *identity} if identity.get(key) != plan.identity.get(key))
            )
            or "plug-in"
        )
        told = in_words(differences(facts(identity), facts(plan.identity)))
        raise Taken(f"{path} is the state of an unfinished run with another {keys}: {told}", plan)
    if name not in (plan.name, None):
        raise Taken(f"{path} is the state of an unfinished run that is called {name}, not {plan.name}", plan)
    if resume is False:
        raise InTheWay(
            f"{plan.name}: {epoch} of {plan.recipe.epochs} epochs are finished, their state is in {path}; "
            "pass --resume to continue, or --overwrite to start from scratch"
        )
    return epoch


def _told(plan: Plan, found: Checkpoint) -> str:
    """What the run that made a checkpoint did otherwise, in words."""
    before = found.extra.get("own_code")
    edited = [
        name.rpartition(":")[0]
        for name, said in own_files(*plan.named()).items()
        if isinstance(before, dict) and name in before and before[name] != said
    ]
    if edited:
        return f"another version of {' and of '.join(dict.fromkeys(edited))}"
    if found.extra.get("run") in {digest({**plan.identity, "version": version}) for version in range(1, VERSION)}:
        return "the same by an older version of this program, which led to other weights"
    return in_words(differences(card_facts(vars(found)), plan.facts))


def _is_same_but_for_length(plan: Plan, found: Checkpoint) -> bool:
    """Whether the run that made a checkpoint differs from this one by the number of epochs alone."""
    epochs = found.recipe.get("epochs")
    return isinstance(epochs, int) and found.extra.get("run") == digest(of_any_length(plan.identity, epochs))


def _places(plan: Plan, folder: Path) -> list[tuple[Path, str]]:
    """All that the run leaves behind, each with the name of its network."""
    named = zip(paths_of(plan, folder), plan.checkpoint_names(), strict=True)
    return [(path, name) for selected, name in named for path in (selected, last_of(selected))]


def _whose(path: Path) -> tuple[object, str] | None:
    """The digest of the run that made the checkpoint at `path`, and its name; None if there is none to be read."""
    try:
        found = load_checkpoint(path) if path.exists() else None
    except BadInput:
        return None
    return None if found is None else (found.extra.get("run"), found.name)
