"""The files of evaluations: what stands in them, and what would be refused when they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.damage import Damaged, naming, parse_json
from benchmark.errors import BadInput, short
from benchmark.ledger.old_words import in_todays_words
from benchmark.ledger.record import FORMAT
from benchmark.ledger.schema import Manifest, misfit, suite_digest
from benchmark.limits import MANIFEST
from benchmark.storage import digest, read_text


def read_manifest(path: Path) -> dict[str, Any]:
    """What the file of an evaluation says.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it does not carry the checksum of its content, or its content makes no sense.
    """
    manifest = read_json(path)
    if not isinstance(manifest, dict) or "sha256" not in manifest:
        raise Damaged(f"{path}: it is not an evaluation")
    if manifest.pop("sha256") != digest(manifest):
        raise Damaged(f"{path}: its checksum does not match")
    if problem := misfit(Manifest, manifest) or _lacking(manifest):
        raise Damaged(f"{path}: it is inconsistent ({problem})")
    return in_todays_words(manifest)


def filed(manifest: dict[str, Any]) -> str:
    """The text of the file that holds an evaluation.

    Raises:
        BadInput: such a file would be refused when it is read; nothing was written.
    """
    manifest = json.loads(json.dumps(manifest, allow_nan=False))  # as a reader will see it
    parts = ({name: value} for name, value in {"sha256": digest(manifest), **manifest}.items())
    lines = (json.dumps(part)[1:-1] for part in parts)
    text = "{\n" + ",\n".join(lines) + "\n}\n"  # no deeper indentation, which could take more room than the rest
    problem = misfit(Manifest, manifest) or _lacking(manifest)
    if not problem and len(text) > MANIFEST:
        problem = f"it takes {len(text):,} bytes, {MANIFEST:,} are the most"
    if problem:
        raise BadInput(f"the evaluation of {short(manifest['model']['name'])} could not be read again ({problem})")
    return text


def read_json(path: Path) -> Any:
    """The plain values in the JSON file at `path`.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it can't be read.
    """
    with naming(path):
        try:
            text = read_text(path, MANIFEST)
        except BadInput as error:
            raise Damaged(f"{path}: {str(error).partition(': ')[2] or error}") from error
        return parse_json(text, MANIFEST)


def _lacking(manifest: dict[str, Any]) -> str | None:
    if (version := manifest.get("format", FORMAT)) != FORMAT:
        return f"it is of format {short(version)}, and this version reads {FORMAT}"
    suite = manifest["suite"]
    labels = [item["label"] for item in suite["items"]]
    of_suite = sorted(label for label in labels if label in manifest["records"] or manifest.get("sample") is None)
    if not of_suite or of_suite != sorted(manifest["records"]):
        return "its records are not those of its suite"
    if any(len(set(names)) < len(names) for names in manifest["records"].values()):
        return "it lists a record twice"
    if suite["digest"] != suite_digest(suite, manifest["dataset"]["images"]):
        return "the digest of its suite is not that of its attacks"
    return None
