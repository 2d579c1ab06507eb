"""The whole way on small data: six defences are trained on digits, attacked and ranked, in minutes on two cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import cores
from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput, notice
from benchmark.storage import check_writable

if TYPE_CHECKING:
    from benchmark.reporting import Leaderboard

#: What is trained, attacked and shown together: the quick ones first, so that there is soon a page to read; of the
#: others the longest first, so that no worker is left with it at the end.
STAGES = (("natural", "at"), ("mat-max", "at-max", "mat", "trades"))
#: More at a time would have nothing to do.
MOST_WORKERS = 4


@checked_arguments
def demo(
    folder: str | Path = ".",
    *,
    workers: int | None = None,
    tell: Callable[[list[Leaderboard]], object] = lambda boards: None,
    shown: Callable[[Path, bool], object] = lambda page, is_last: None,
) -> Path:
    """Train six defences (ten networks) on digits, attack each in three norms, and write the pages.

    The recipe is `quick`, the suite `multi-perturbation` in the preset `quick`. What is there already is not done
    again; an interrupted call is taken up where it was. Nothing is downloaded.

    Args:
        folder: where `zoo`, `results` and `reports` are, or come into being.
        workers: how many networks are trained and attacked at a time, each on one thread, as networks so small gain
            nothing from a second; None for as many as there are cores for it. Four at most are used.
        tell: gets the leaderboards of all networks at the end.
        shown: told of the page when it can be read first, and when it is whole.

    Returns:
        The page.

    Raises:
        BadInput: `folder` can't be written, there are other networks in it under these names, or `workers` is none.
        PartlyFailed: a network could not be trained, or attacked.
    """
    from benchmark.evaluation import evaluate
    from benchmark.reporting import report
    from benchmark.training.several import train_several

    size = min(cores.available(), MOST_WORKERS) if workers is None else workers
    if size < 1:
        raise BadInput(f"workers is {size}; one is needed at least")
    if size > MOST_WORKERS:
        notice(f"{size} workers are more than the demo has networks to train at a time; {MOST_WORKERS} are used")
        size = MOST_WORKERS
    home = check_writable(folder, "zoo", "results", "reports")
    zoo, results, reports = home / "zoo", home / "results", home / "reports"
    page = reports / "index.html"
    _check_names(zoo)
    networks: list[Path] = []
    with _threads(size):
        for methods in STAGES:
            is_last = methods is STAGES[-1]
            networks += train_several(methods, workers=size, out=zoo, resume=None)
            evaluate(networks, preset="quick", workers=size, results=results)
            page = report(results=results, out=reports, tell=tell if is_last else lambda boards: None)
            shown(page, is_last)
    return page


def _check_names(zoo: Path) -> None:
    """Raise BadInput if another network has one of the names, before the first is trained."""
    from benchmark.training.several import plan_of
    from benchmark.training.standing import Taken, as_it_was_called, check_room, epochs_behind, is_going_on

    for method in (method for stage in STAGES for method in stage):
        plan = as_it_was_called(plan_of({"method": method, "seed": 0}), zoo)
        try:
            check_room(plan, zoo, is_going_on(plan, zoo))
            epochs_behind(plan, zoo, resume=None, overwrite=False)
        except Taken as error:
            raise BadInput(f"{error.found}; the demo needs its name: name another folder, or move it") from error


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """So many threads in this process, which its workers share among themselves."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
