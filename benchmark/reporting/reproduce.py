"""The commands that make a network and its results again, from what the ledger says about them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from benchmark.ledger import Evaluation
from benchmark.reporting.told import changes, was_trained_here
from benchmark.run_names import file_stem, run_name
from benchmark.scales import Radii, radii_again
from benchmark.storage import canonical_json


def training_command(card: Mapping[str, Any]) -> str | None:
    """The `bench train` that leads to this network; None for one that was not trained here.

    What differs from the named recipe and the method's defaults is said by --set.
    """
    if not was_trained_here(card) or not card.get("recipe", {}).get("name"):
        return None
    extra = card.get("extra", {})
    words = ["bench", "train", "--method", _typed(card, card["method"]), "--dataset", card["dataset"]]
    words += ["--arch", _typed(card, card["architecture"]), "--recipe", card["recipe"]["name"]]
    words += ["--seed", str(card["seed"])] if card.get("seed") is not None else []
    words += radii_again(card.get("scale", ""), extra.get("radii"), card["dataset"]).options()
    for name in ("inner", "outer"):
        words += [f"--{name}", _typed(card, extra[name])] if extra.get(name) else []
    for teacher in extra.get("teachers", ()):
        words += ["--teacher", teacher if ":" in teacher else _file(teacher)]
    inits = _inits(extra)
    for begun in inits:
        words += ["--init", begun if ":" in begun else _file(begun)]
    words += ["--extra-data", extra["extra_data"]["name"]] if extra.get("extra_data") else []
    foreign = [teacher.partition(":")[0] for teacher in (*extra.get("teachers", ()), *inits) if ":" in teacher]
    words += ["--trust-remote-code"] if "python" in foreign or _own_code(card) else []
    words += ["--download"] if set(foreign) - {"python"} else []
    if extra.get("precision"):
        words += ["--precision", extra["precision"]]
    words += ["--deterministic"] if extra.get("deterministic") else []
    changed = changes(card)
    words += _name(card, changed)
    settings = [f"{name}={_value(value)}" for name, value in changed.items()]
    return shlex.join([*words, *(["--set", *settings] if settings else [])])


def evaluation_command(evaluation: Evaluation) -> str:
    """The `bench evaluate` that leads to these results."""
    return _evaluate(evaluation, evaluation.suite["name"], evaluation.suite["preset"], evaluation.mode)


def curves_command(evaluation: Evaluation) -> str | None:
    """The `bench evaluate` that measures the security curves of the same network on the same images.

    None where these take a radius that nothing tells: pictures of one's own may have been attacked in one norm alone.
    """
    from benchmark.suites.files import lacks_radii

    suite = "security-curves"
    if ":" in evaluation.dataset["name"] and lacks_radii(_radii(evaluation), suite):
        return None
    return _evaluate(evaluation, suite, "quick", "complete")


def _evaluate(evaluation: Evaluation, suite: str, preset: str, mode: str) -> str:
    card = evaluation.model
    if card.get("is_object") or evaluation.dataset.get("is_object"):
        return _call(evaluation, suite, preset, mode)
    source = card["name"] if card["method"] == "external" else _file(card["name"])
    words = ["bench", "evaluate", source, "--suite", suite, "--preset", preset]
    words += ["--n", str(evaluation.dataset["images"]), "--mode", mode, "--seed", str(evaluation.seed)]
    words += ["--precision", evaluation.precision]
    words += ["--deterministic"] if evaluation.deterministic else []
    own = _own_code(card) or any("own_code" in item["attack"] for item in evaluation.suite.get("items", ()))
    words += ["--trust-remote-code"] if own and not source.startswith("python:") else []
    if card["method"] == "external":
        words += ["--trust-remote-code"] if source.startswith("python:") else ["--download"]
    named = card.get("stands_for", ())
    if named and set(named) != set(card.get("classes", ())):  # it does not say itself; the page does
        words += ["--classes", "classes.txt"]
    if card.get("dataset") != evaluation.dataset["name"]:
        words += ["--dataset", evaluation.dataset["name"]]
    judging = evaluation.judging
    if evaluation.is_random:
        words += ["--stochastic", str(judging["draws"]), "--verdict-passes", str(judging["verdict_passes"])]
    words += ["--eight-bit"] if judging.get("eight_bit") else []
    words += _options(suite, _radii(evaluation))
    return shlex.join(words)


def _call(evaluation: Evaluation, suite: str, preset: str, mode: str) -> str:
    """The same in Python, where the network or the images were handed over there."""
    card, data = evaluation.model, evaluation.dataset
    by_name = repr(card["name"] if card["method"] == "external" else _file(card["name"]))
    words = ["model" if card.get("is_object") else by_name]
    words += [f"name={card['name']!r}"] if card.get("is_object") else []
    words += [f"dataset={'data' if data.get('is_object') else repr(data['name'])}"]
    radii = _radii(evaluation)
    told: dict[str, Any] = {"suite": suite, "preset": preset, "n": data["images"], "mode": mode}
    told |= {"seed": evaluation.seed, "precision": evaluation.precision}
    told |= {"deterministic": True} if evaluation.deterministic else {}
    told |= {"scale": radii.scale} if radii.scale else {}
    told |= {"epsilon": dict(radii.own)} if radii.own else {}
    return f"benchmark.evaluate({', '.join([*words, *(f'{name}={value!r}' for name, value in told.items())])})"


def _radii(evaluation: Evaluation) -> Radii:
    """What was said about radii."""
    return radii_again(evaluation.suite.get("scale", ""), evaluation.suite.get("radii"), evaluation.dataset["name"])


def _own_code(card: Mapping[str, Any]) -> Mapping[str, Any]:
    """Which files of one's own the network was made by, by what they are called."""
    found = card.get("extra", {}).get("own_code")
    return found if isinstance(found, dict) else {}


def _typed(card: Mapping[str, Any], name: str) -> str:
    """What was typed for a thing of a file of one's own: with the folders that the file lay in."""
    said = _own_code(card).get(name)
    file = said.get("file") if isinstance(said, dict) else None
    return f"{file}:{name.rpartition(':')[2]}" if isinstance(file, str) else name


def _file(name: str) -> str:
    """Where `bench train` leaves the network called `name`."""
    return f"zoo/{file_stem(name)}.pt"


def _name(card: Mapping[str, Any], changed: Mapping[str, Any]) -> list[str]:
    """What to call the run so that its networks have the same names again; nothing where they have them anyway."""
    extra = card.get("extra", {})
    usual = run_name(
        card["method"],
        dataset=card["dataset"],
        architecture=card["architecture"],
        recipe=card["recipe"]["name"],
        settings=changed,
        inner=extra.get("inner"),
        outer=extra.get("outer"),
        seed=card["seed"],
        teachers=extra.get("teachers", ()),
        inits=_inits(extra),
        extra_data=(extra.get("extra_data") or {}).get("name"),
    )
    name = card["name"].removesuffix(f"-{card['network']}" if card.get("network") else "")
    return [] if name == usual else ["--name", name]


def _inits(extra: Mapping[str, Any]) -> list[str]:
    """The networks that the run began with."""
    return [str(begun["source"]) for begun in extra.get("inits") or ()]


def _options(suite: str, radii: Radii) -> list[str]:
    """The words that say the same about radii; of those given by norm, the ones that the suite takes."""
    if not radii.options():
        return []
    from benchmark.suites.files import SUITES, fitting

    return (fitting(radii, suite) if suite in SUITES else radii).options()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)
