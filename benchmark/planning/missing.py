"""What jobs need that is not on this machine: packages, data, and the weights of published networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmark.data import load
from benchmark.environment import check_packages
from benchmark.errors import BadInput
from benchmark.held_out_names import split_holdout
from benchmark.models import load_model
from benchmark.planning.jobs import Job
from benchmark.planning.setting import Setting


def missing(jobs: Iterable[Job], setting: Setting, download: bool = False) -> list[str]:
    """Sentences on what is missing, each thing once; nothing is fetched.

    Args:
        jobs: what is to be done.
        setting: under what conditions.
        download: whether the jobs may fetch it.
    """
    return list(dict.fromkeys(_missing([*jobs], setting, download)))


def _missing(jobs: list[Job], setting: Setting, download: bool) -> Iterator[str]:
    try:
        check_packages()
    except BadInput as error:
        yield str(error)
    dataset, _ = split_holdout(setting.dataset)  # a part of it needs nothing more
    try:
        load(dataset, data_dir=setting.data_dir)
    except BadInput as error:
        yield _said(error, dataset, download)
    seen: set[str] = set()
    for job in jobs:
        for network in job.lineage():
            source = network.source or network.name
            if network.training is not None or source in seen:
                continue
            seen.add(source)
            try:
                load_model(source, trust_remote_code=setting.trust_remote_code)
            except BadInput as error:
                yield _said(error, f"the weights of {source}", download)


def _said(error: BadInput, what: str, download: bool) -> str:
    return f"will be fetched: {what}" if download and "--download" in str(error) else str(error)
