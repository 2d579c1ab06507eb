"""MLflow: a run in the store that `MLFLOW_TRACKING_URI` names; a resumed run is found by its tag and goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmark.trackers.tracker import Run

#: The tag that a run is found again by, and the experiment of runs where the environment names none.
_TAG, _EXPERIMENT = "bench.identity", "bench"

#: Characters of a parameter's value that every store keeps.
_LONGEST = 500


def open_run(run: Run) -> MLflow:
    """Begin a run, or go on with it."""
    import os

    from mlflow import MlflowClient

    client = MlflowClient()
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
    experiment = client.get_experiment_by_name(name)
    identifier = experiment.experiment_id if experiment else client.create_experiment(name)
    before = client.search_runs([identifier], f"tags.`{_TAG}` = '{run.identity}'", max_results=1)
    if before:
        client.update_run(before[0].info.run_id, status="RUNNING")
        return MLflow(client, before[0].info.run_id)
    tags = {_TAG: run.identity, "bench.job": run.job}
    made = client.create_run(identifier, run_name=run.name, tags=tags)
    for key, value in run.settings.items():
        client.log_param(made.info.run_id, _name(key), str(value)[:_LONGEST])
    return MLflow(client, made.info.run_id)


class MLflow:
    """A run in a store; no state of the library that belongs to the whole process is touched."""

    def __init__(self, client: Any, run: str) -> None:
        self._client, self._run = client, run

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, _name(name), value, step=step)

    def summary(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                self._client.log_metric(self._run, _name(f"final/{name}"), float(value))
            else:
                self._client.set_tag(self._run, _name(name), str(value)[:_LONGEST])

    def close(self) -> None:
        self._client.set_terminated(self._run)


def _name(name: str) -> str:
    """A name that MLflow takes."""
    return re.sub(r"[^\w./ -]", "-", name)
