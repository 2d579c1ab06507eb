"""What a finished run leaves: for each network a checkpoint with the weights and where they come from."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from benchmark.environment import NAME, version
from benchmark.methods.formulas import formula_of
from benchmark.methods.table import METHODS
from benchmark.models import Checkpoint, save_checkpoint, storable
from benchmark.own.files import own_files, shown
from benchmark.training.changes import changes
from benchmark.training.plan import Plan
from benchmark.training.standing import last_of, paths_of
from benchmark.training.teachers import lineage
from benchmark.training.trainer import Trainer


def final_figures(trainer: Trainer) -> dict[str, Any]:
    """What trackers are told at the end: of each network the epoch that was selected, and its accuracy there."""
    found: dict[str, Any] = {"epochs": trainer.epoch}
    for member, best in zip(trainer.plan.bound.cohort.members, trainer.best, strict=True):
        if member.kept:
            prefix = f"{member.name}/" if member.name else ""
            found |= {f"{prefix}selected_epoch": best["epoch"] or trainer.epoch}
            row = trainer.history[best["epoch"] - 1] if best["epoch"] else {}
            for key in ("clean", "robust"):
                named = f"{member.name}.{key}" if member.name else key
                found |= {f"{prefix}{key}": row[named]} if named in row else {}
    return found


def save_checkpoints(trainer: Trainer, folder: Path, versions: dict[str, str], hardware: str) -> None:
    """Write the selected and the last weights of each network that is kept.

    Args:
        trainer: whose run is at its end.
        folder: where to.
        versions: of what trained, by package.
        hardware: where it trained, in words.
    """
    plan, data = trainer.plan, trainer.plan.dataset
    kept = [n for n, member in enumerate(plan.bound.cohort.members) if member.kept]
    extra = _extra_data(plan)
    recipe = {"name": plan.recipe_name, **plan.recipe.model_dump(mode="json")}
    radii = {"radii": said} if (said := plan.radii.said()) else {}
    method, inner, outer = METHODS.get(plan.method), plan.inner, plan.outer
    own: dict[str, Any] = {**own_files(*plan.named())}
    changed = changes(
        {
            "method": plan.method,
            "architecture": plan.architecture,
            "dataset": data.name,
            "scale": plan.radii.scale,
            "recipe": recipe,
            "extra": {"settings": plan.bound.settings, "inner": plan.inner, "outer": plan.outer, **radii},
        }
    )
    for n, name, selected in zip(kept, plan.checkpoint_names(), paths_of(plan, folder), strict=True):
        best = trainer.best[n]
        chosen: dict[str, Any] = (
            best if best["epoch"] else {"epoch": trainer.epoch, "state": trainer.filed[n].state_dict()}
        )
        network = plan.bound.cohort.members[n].name
        (mean, std), initial = plan.normalization(n), plan.initial_of(n)
        begun: dict[str, Any] = {"init": {"source": initial.name, "digest": initial.digest}} if initial else {}
        begun |= {"inits": [{"source": each.name, "digest": each.digest} for each in plan.inits]} if initial else {}
        for selection, epoch, weights, right, path in (
            ("last", trainer.epoch, trainer.filed[n].state_dict(), trainer.held_out[n], last_of(selected)),
            ("best" if best["epoch"] else "last", chosen["epoch"], chosen["state"], best.get("held_out"), selected),
        ):
            checkpoint = Checkpoint(
                name=name,
                state=weights,
                architecture=plan.architecture,
                num_classes=data.num_classes,
                shape=data.shape,
                mean=mean,
                std=std,
                dataset=data.name,
                scale=plan.radii.scale,
                method=shown(plan.method),
                network=network,
                recipe=recipe,
                seed=plan.seed,
                history=trainer.history,
                versions=versions,
                selection=selection,  # type: ignore[arg-type]
                selected_epoch=epoch,
                classes=storable(data.class_names),
                extra={
                    "run": plan.digest,
                    "settings": plan.bound.settings,
                    **radii,
                    "inner": shown(inner) if inner else inner,
                    "outer": shown(outer) if outer else outer,
                    "title": method.title or shown(plan.method),
                    "paper": method.paper,
                    **({"own_code": own} if own else {}),
                    "changes": changed,
                    "attack": plan.bound.attack(plan.bound.cohort.members[n]),
                    "minimises": formula_of(plan.bound.outer),
                    "teachers": [teacher.name for teacher in plan.teachers],
                    "lineage": lineage(plan.bound.cohort.teachers, plan.teachers),
                    **begun,
                    **({"extra_data": extra} if extra else {}),
                    "precision": plan.precision,
                    **({"deterministic": True} if trainer.repeats else {}),
                    **({"cudnn_benchmark": True} if trainer.tuned else {}),
                    **({"held_out": right} if right else {}),
                    "hardware": hardware,
                    "seconds": sum(float(row["seconds"]) for row in trainer.history),
                },
            )
            save_checkpoint(path, checkpoint)


def _extra_data(plan: Plan) -> dict[str, Any]:
    """What a network's card says of the extra data that it was trained on; nothing if there were none."""
    found = plan.extra_data
    if found is None:
        return {}
    told = {"name": found.name, "digest": found.digest, "images": len(found), "share": plan.recipe.extra_share}
    return told | {"test_images": found.test_images, "validation_images": found.validation_images}


def versions_of_all() -> dict[str, str]:
    """The versions of what trains, by package."""
    packages = (NAME, "torch", "lightning-fabric", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
