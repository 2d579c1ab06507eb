"""What is known about one thing: the card of a name, or what a file or a network says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.arguments import checked_arguments
from benchmark.catalogue.cards import attack_card, method_card, recipe_card, suite_card
from benchmark.catalogue.datasets import dataset_card
from benchmark.catalogue.files import kind_of, show_file
from benchmark.catalogue.rows import FILES, KINDS, Row, names, registry_of
from benchmark.documents import in_words, is_path, is_yaml
from benchmark.errors import BadInput, unknown
from benchmark.own.files import WrongKind, file_digest, is_spec, path_of, shown
from benchmark.own.trust import trusts

#: What makes more of a row, by kind.
_CARDS: dict[str, Callable[[Row], Row]] = {
    "methods": method_card,
    "attacks": attack_card,
    "suites": suite_card,
    "recipes": recipe_card,
    "datasets": dataset_card,
}


@trusts
@checked_arguments
def show(source: str | Path, *, kind: str = "", download: bool = False, trust_remote_code: bool = False) -> Row:
    """What is known about a method, attack, suite or anything else that `bench list` lists, or about a file.

    Args:
        source: a name; else the YAML file of a suite, recipe, paper or experiment, a checkpoint, a record or an
            evaluation of the ledger, a data set as "folder:PATH", or a network from elsewhere as
            `benchmark.load_model` takes it.
        kind: where a name is that of several things, which one is meant: "methods", "losses", ...; or what a YAML
            file is.
        download, trust_remote_code: as for `benchmark.load_model`.

    Returns:
        Plain values under the names that `bench show` prints; `bench show --json` writes the same.

    Raises:
        BadInput: there is no such kind; no such name; or the file is absent, damaged, or none of these.
    """
    if kind and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    name = in_words(source)
    if is_spec(name):
        return _of_file(name, kind)
    if not kind and is_yaml(name):
        kind = kind_of(name)
    if kind in FILES and is_path(source):
        return {"kind": _one(kind), **_CARDS.get(kind, dict)(FILES[kind][0](name))}
    if kind in ("", "datasets") and ":" in name and name.partition(":")[0] in names("datasets"):
        return {"kind": "dataset", **dataset_card({"name": name})}
    if not kind and (isinstance(source, Path) or ":" in name or "/" in name or Path(name).suffix):
        return show_file(name, download, trust_remote_code)
    found = _named(name, [kind] if kind else list(KINDS))
    if not found:
        if not kind and Path(name).exists():
            return show_file(name, download, trust_remote_code)
        known = {each for among in ([kind] if kind else KINDS) for each in names(among)}
        raise unknown(_one(kind) or "name", name, known, "" if kind else "show")
    first, row = next(iter(found.items()))
    card = _CARDS.get(first, dict)(row)
    others = [each for each in found if each != first]
    return {"kind": _one(first), **card, **({"also among": others} if others else {})}


def _of_file(name: str, kind: str) -> Row:
    """The card of a thing of a file of one's own: of the first kind that it is, unless one is asked for.

    Raises:
        BadInput: it is of none.
    """
    wrong = []
    for each in [kind] if kind else KINDS:
        registry = registry_of(each)
        try:
            thing = registry.get(name)
        except WrongKind as error:
            wrong.append(str(error))
            continue
        about = {"file": str(path_of(name)), "sha256": file_digest(name)}
        if each in FILES:
            return {"kind": _one(each), **_CARDS.get(each, dict)(FILES[each][0](name)), **about}
        with registry.lent(shown(name), thing):
            row = next(row for row in KINDS[each]() if row["name"] == shown(name))
            return {"kind": _one(each), **_CARDS.get(each, dict)(row), **about}
    raise BadInput(wrong[0] if kind else f"{name} is nothing that bench list lists: {'; '.join(wrong)}")


def _one(kind: str) -> str:
    """What one of a kind is called."""
    return kind.removesuffix("es" if kind == "losses" else "s")


def _named(name: str, kinds: Iterable[str]) -> dict[str, Row]:
    """The row of that name or alias in the first of the kinds that have it, and which others do."""
    having = [kind for kind in kinds if name in names(kind)]
    found: dict[str, Row] = {kind: {} for kind in having}
    for kind in having[:1]:
        found[kind] = next(row for row in KINDS[kind]() if name in (row["name"], *row.get("aliases", ())))
    return found
