"""Radii come from the data's own scale, from one that is named, or from the caller; else nothing is computed."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from evaluation_toys import save, trained, write_suite
from picture_trees import write_tree

import benchmark
from benchmark import cli
from benchmark.catalogue import catalogue
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.models import load_checkpoint
from benchmark.recipes.recipe import load_recipe
from benchmark.reporting.reproduce import curves_command, evaluation_command, training_command
from benchmark.scales import Radii, own_scale, radii_said, read_radii
from benchmark.storage import digest
from benchmark.suites.files import SUITES, fitting, open_norms, suite_presets
from benchmark.training.decision import decide
from benchmark.training.request import make_plan

GREY = SimpleNamespace(name="folder:grey", scale="", shape=(1, 28, 28))
DIGITS = SimpleNamespace(name="digits", scale="digits", shape=(1, 8, 8))
MNIST = SimpleNamespace(name="mnist", scale="mnist", shape=(1, 28, 28))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    return f"folder:{write_tree(tmp_path / 'tree', grey=True)}"


def plan(tree: str, **options):
    usual = {"arch": None, "recipe": "quick", "set": None, "seed": 0, "device": "cpu", "precision": "fp32"}
    return make_plan("at", dataset=tree, name=None, **{**usual, **options})


def threats(suite: str, radii: Radii) -> dict[str, float]:
    return {item.threat.norm: item.threat.epsilon for item in load_suite(suite, scale=radii).items}


# What is said, and what is not.


def test_radii_are_read_as_people_write_them():
    assert dict(read_radii(epsilon="linf=4/255, l2=2,l1=1e1").own) == {"linf": 4 / 255, "l2": 2.0, "l1": 10.0}
    assert read_radii(epsilon={"linf": "4/255", "l2": 2}).own == (("linf", 4 / 255), ("l2", 2.0))
    assert read_radii() == Radii()
    said = read_radii("imagenet", "linf=0.0157,l2=3")
    assert radii_said("imagenet", json.loads(json.dumps(said.said()))) == said
    words = said.options()
    assert read_radii(words[1], words[3]) == said
    assert read_radii(epsilon=read_radii(epsilon="linf=4/255").options()[1]).own == (("linf", 4 / 255),)


@pytest.mark.parametrize(
    ("epsilon", "message"),
    [
        ("4/255", r"write it as norm=radius, e\.g\. linf=4/255,l2=2"),
        ("linf=", r"write it as norm=radius"),
        ("", r"write it as norm=radius"),
        ("li=4/255", r"unknown norm 'li'; did you mean linf"),
        ("linf=4/255,linf=8/255", r"linf is given twice"),
        ("linf=8", r"--epsilon linf: .*holds every image.*did you mean 8/255\?"),
        ("l2=-1", r"--epsilon l2: .*must be a positive number"),
        ("l2=nan", r"--epsilon l2: .*must be a positive number"),
        ("l2=two", r"--epsilon l2: .*must be a positive number"),
        ({"l2": None}, r"--epsilon l2: .*must be a positive number"),
        ({"l2": 10**400}, r"--epsilon l2: .*too large"),
        (0.3, r"epsilon: 0\.3 says not in which norm"),
        ([("linf", 0.3)], r"epsilon: .* says not in which norm"),
    ],
)
def test_what_is_no_radius_is_refused(epsilon, message):
    with pytest.raises(BadInput, match=message):
        read_radii(epsilon=epsilon)


def test_what_is_no_name_of_a_scale_is_refused():
    with pytest.raises(BadInput, match="5 is no name of a scale"):
        read_radii(scale=5)


@pytest.mark.parametrize("said", [None, [], "x", {"epsilon": 3}, {"epsilon": {"linf": "x", "l2": True, "l1": -1}}])
def test_what_somebodys_record_says_can_not_hurt(said):
    assert radii_said("digits", said).options() in ([], ["--epsilon", "l2=1"])
    assert own_scale("digits", said) == "digits"


@pytest.mark.parametrize("name", SUITES.names())
def test_pictures_of_ones_own_get_no_radius_unasked(name):
    """Of any size; only a suite that states all of its radii itself needs none."""
    for shape in ((1, 28, 28), (3, 64, 64), (3, 224, 224)):
        radii = Radii().of(SimpleNamespace(name="folder:mine", scale="", shape=shape))
        if not open_norms(name):
            assert load_suite(name, scale=radii).radii == {}
            continue
        with pytest.raises(BadInput) as caught:
            load_suite(name, scale=radii)
        message, size = str(caught.value), f"{shape[2]}×{shape[1]} pixels"
        assert all(
            word in message for word in ("folder:mine", size, "--scale NAME", "mnist", "--epsilon", "epsilon=")
        )
        assert not any(f"{norm}=4/255" in message or f"{norm}=8/255" in message for norm in open_norms(name))


def test_a_norm_that_is_left_out_is_missed():
    given = read_radii(epsilon="linf=4/255,l2=2")
    with pytest.raises(BadInput, match=r"needs one for l1; .* --epsilon linf=R,l2=R,l1=R"):
        load_suite("multi-perturbation", scale=given.of(GREY))
    assert threats("multi-perturbation", given.of(DIGITS)) == {"linf": 4 / 255, "l2": 2.0, "l1": 2.0}
    with pytest.raises(BadInput, match=r"no radius for fog, gabor, elastic at the scale 'imagenet'"):
        load_suite("white-box-linf", scale=read_radii("imagenet").of(GREY))


def test_a_radius_that_nothing_takes_is_refused():
    for suite, epsilon, message in (
        ("pgd-linf", "l2=1", "no attack of the suite pgd-linf takes a radius in l2; it takes one in linf"),
        ("unforeseen", "fog=1", "it states all of its radii itself"),
    ):
        with pytest.raises(BadInput, match=message):
            load_suite(suite, scale=read_radii("cifar10", epsilon))


def test_a_training_may_have_radii_that_a_suite_takes_none_in():
    radii = read_radii("cifar10", "linf=0.1,l2=1")
    assert fitting(radii, "pgd-linf").own == (("linf", 0.1),)
    assert fitting(radii, "multi-perturbation").own == radii.own
    assert fitting(radii, "unforeseen").own == ()  # it states all of its radii itself


def test_the_published_rows():
    """Croce & Hein 2022, arXiv:2105.12508; Madaan et al. 2021, arXiv:2006.12135, as their code has them."""
    imagenet, tiny = {"linf": 4 / 255, "l2": 2, "l1": 255}, {"linf": 4 / 255, "l2": 80 / 255, "l1": 2000 / 255}
    for suite in ("smoke", "multi-norm-aa", "multi-perturbation", "security-curves"):
        assert threats(suite, read_radii("imagenet").of(GREY)) == imagenet
        assert threats(suite, read_radii("tiny-imagenet").of(GREY)) == tiny
    for recipe in ("quick", "gpu-30", "paper"):
        for scale, expected in (("imagenet", imagenet), ("tiny-imagenet", tiny)):
            for method in ("at", "trades", "mat", "at-max", "mat-max", "sat-stochastic", "e-at"):
                made, _ = decide(method, GREY, "resnet18", recipe, {}, radii=read_radii(scale))
                assert {norm: row.epsilon for norm, row in made.threats.items()} == pytest.approx(expected)


# Identities.


def test_what_the_rows_of_old_say_is_what_they_said():
    """Digests of all suites at the scales that they had before radii could be given; draws are of version 2."""
    found = [
        load_suite(name, preset, scale).digest
        for name in SUITES.names()
        for preset in suite_presets(name)
        for scale in ("digits", "mnist", "cifar10")
    ]
    assert digest(found) == "20f54fd36e4966a090fe664fed80488abf57ed854d462dee5676cfb29e775276"


def test_another_radius_is_another_suite_and_another_run(tree):
    suites = {
        load_suite("pgd-linf", scale=radii.of(GREY)).digest
        for radii in (read_radii("mnist"), read_radii("cifar10"), read_radii(epsilon="linf=4/255"))
    }
    assert len(suites) == 3
    runs = [plan(tree, scale="mnist"), plan(tree, scale="cifar10"), plan(tree, epsilon="linf=4/255")]
    assert len({run.digest for run in runs}) == len({run.name for run in runs}) == 3
    assert plan(tree, scale="mnist", epsilon={"linf": 0.3}).digest == runs[0].digest


# Training.


def test_training_on_pictures_of_ones_own_needs_a_radius(tree):
    with pytest.raises(BadInput, match=r"nothing says which radii suit folder:.*recipe quick needs one for linf"):
        plan(tree)
    with pytest.raises(BadInput, match=r"needs one for linf"):
        plan(tree, epsilon="l2=1")
    with pytest.raises(BadInput, match=r"unknown dataset scale 'mnits'; did you mean mnist"):
        plan(tree, scale="mnits")


def test_a_step_stays_the_same_part_of_its_radius(tree):
    row = load_recipe("quick").threats["cifar10"]["linf"]
    made = plan(tree, epsilon="linf=0.06").recipe.threats["linf"]
    assert (made.epsilon, made.steps) == (0.06, row["steps"])
    assert made.step_size / made.epsilon == pytest.approx(row["step_size"] / row["epsilon"])
    kept = plan("digits", epsilon="linf=0.3").recipe.threats
    assert (kept["linf"].epsilon, kept["linf"].step_size, kept["l2"].epsilon) == (0.3, pytest.approx(0.12), 0.8)
    said = plan("digits", epsilon="linf=0.3", set=["threats.linf.step_size=0.01"]).recipe.threats["linf"]
    assert (said.epsilon, said.step_size) == (0.3, 0.01)


def test_radii_that_contradict_each_other_are_refused(tree):
    with pytest.raises(BadInput, match=r"--epsilon linf=0\.3 and --set threats\.linf\.epsilon differ"):
        plan(tree, epsilon="linf=0.3", set=["threats.linf.epsilon=0.2"])


def test_settings_alone_may_say_it_all(tree):
    settings = ["threats.linf.epsilon=8/255", "threats.linf.step_size=2/255", "threats.linf.steps=3"]
    assert plan(tree, set=settings).recipe.threats["linf"].epsilon == 8 / 255


def test_a_recipe_that_knows_no_steps_says_so(tree, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("lr: 0.1\nepochs: 1\nthreats: {}\n")
    with pytest.raises(BadInput, match=r"how to climb to the radius in linf .*threats\.linf\.steps=\.\.\."):
        plan(tree, recipe=str(path), epsilon="linf=0.1")
    with pytest.raises(BadInput, match="unknown norm to train in 'l0'"):
        plan(tree, scale="mnist", epsilon="l0=3")


def test_radii_that_a_method_states_for_cifar10_hold_nowhere_else():
    """Of the paper recipe: TRADES writes 8/255 as 0.031, which is no radius for MNIST."""
    for method in ("at", "trades", "mart", "mat", "act"):
        made, _ = decide(method, MNIST, "resnet18", "paper", {})
        assert made.threats["linf"].epsilon == 0.3
    made, _ = decide("trades", GREY, "resnet18", "paper", {}, radii=read_radii("cifar10"))
    assert made.threats["linf"].epsilon == 0.031


# End to end.


def test_a_grey_tree_from_pictures_to_pages(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    attacks = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 2}}\n"
    suite = write_suite(tmp_path, attacks)
    suite.write_text(suite.read_text().replace("epsilons:", "epsilons:\n  mnist: {linf: 0.3, l2: 2}"))

    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as caught:
            cli.main([*words, "--device", "cpu"])
        return caught.value.code or 0

    train = ["train", "--method", "at", "--dataset", tree, "--set", "epochs=1", "batch_size=8"]
    assert run(*train) == 2
    assert not (tmp_path / "zoo").exists()
    assert run(*train, "--epsilon", "linf=4/255") == 0
    (path,) = (tmp_path / "zoo").glob("*.pt")
    card = load_checkpoint(path)
    assert (card.shape, len(card.mean), card.scale) == ((1, 8, 8), 1, "")
    assert card.recipe["threats"]["linf"]["epsilon"] == 4 / 255
    assert card.extra["radii"] == {"epsilon": {"linf": 4 / 255}}

    evaluate = ["evaluate", str(path), "--suite", str(suite)]
    for way in ((), ("--epsilon", "linf=4/255"), ("--scale", "nowhere"), ("--epsilon", "linf=1/255,l2=1,l1=1")):
        assert run(*evaluate, *way) == 2
        assert not (tmp_path / "results").is_dir() or not list((tmp_path / "results").rglob("*.safetensors"))
    capsys.readouterr()
    assert run(*evaluate, "--scale", "digits", "--epsilon", "l2=1") == 0
    (found,) = benchmark.evaluate(path, suite=suite, scale="digits", epsilon={"l2": 1}, device="cpu", progress=False)
    assert found.suite["radii"] == {"scale": "digits", "epsilon": {"l2": 1.0}}
    assert [item["epsilon"] for item in found.suite["items"]] == [0.12, 1.0]
    assert "--scale digits --epsilon l2=1" in evaluation_command(found)
    assert "--scale digits --epsilon l2=1" in (curves_command(found) or "")
    alone = {"scale": "", "radii": {"epsilon": {"linf": 0.1, "l2": 1.0}}}  # curves are measured in l1, too
    assert curves_command(replace(found, suite=found.suite | alone)) is None
    assert "--epsilon linf=4/255" in training_command(found.model)
    benchmark.report()
    pages = "".join(page.read_text() for page in (tmp_path / "reports").rglob("*.html"))
    assert "The radii are those of the scale digits, but l2 1 as given." in pages


def test_the_only_row_of_a_file_of_ones_own_is_taken_and_told(tree, tmp_path):
    """Who wrote it has said it; shipped files with one row, such as the recipe robust-union, are nobody's own."""
    path = benchmark.train(
        "at",
        dataset=tree,
        scale="digits",
        set={"epochs": 1, "batch_size": 8},
        out=tmp_path,
        device="cpu",
        progress=False,
    )
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n")
    options = {"suite": suite, "results": tmp_path / "results", "device": "cpu", "progress": False}
    (found,) = benchmark.evaluate(path, **options)
    assert found.suite["items"][0]["epsilon"] == 0.12
    assert f"radii: of the only row of the suite toy, digits; {tree} has none" in found.warnings
    assert "--scale digits" in evaluation_command(found)
    with pytest.raises(BadInput, match="unknown dataset scale 'mnist'"):
        benchmark.evaluate(path, scale="mnist", **options)
    with pytest.raises(BadInput, match="needs one for linf"):
        plan(tree, recipe="robust-union")


def test_a_paper_is_not_begun_without_its_radii(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"suite kd-defences needs one for linf; .*--scale NAME .*--epsilon linf=R"):
        benchmark.paper("mat", table="3", dataset=tree, dry_run=True)
    assert not list(tmp_path.glob("reports"))
    for given in ({"scale": "mnist"}, {"epsilon": "linf=0.1"}):
        jobs = benchmark.paper("mat", table="3", dataset=tree, dry_run=True, only=["AT"], **given).jobs
        assert [job["job"].split()[0] for job in jobs] == ["train", "evaluate"]
        assert all("time" in job for job in jobs)
    with pytest.raises(BadInput, match="nothing in these tables takes a radius in l0"):
        benchmark.paper("mat", table="3", dataset=tree, dry_run=True, epsilon="linf=0.1,l0=3")


def test_a_paper_takes_no_evaluation_of_other_radii(tmp_path, monkeypatch):
    """One of digits with the radii of mnist is none of digits, though its suite has the paper's name."""
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path, trained())
    options = {"suite": "pgd-linf", "preset": "quick", "n": 4, "device": "cpu", "progress": False}
    own, other, same = (benchmark.evaluate(path, **options, scale=scale)[0] for scale in (None, "mnist", "digits"))
    from benchmark.papers.files import load_paper
    from benchmark.papers.setting import make_setting
    from benchmark.planning.jobs import EvaluationQuery
    from benchmark.planning.ledger_index import _answers

    def answers(found, **said) -> bool:
        setting = make_setting(load_paper("mat"), "digits", preset="quick", images=4, radii=read_radii(**said))
        return _answers(found, EvaluationQuery("pgd-linf"), setting)

    assert answers(own)
    assert not answers(other)
    assert answers(other, scale="mnist")
    assert not answers(own, scale="mnist")
    assert same.id == own.id


def test_scales_are_listed():
    for kind in ("suites", "recipes"):
        rows = {row["name"]: row["scales"] for row in catalogue(kind)}
        assert all("imagenet" in scales for name, scales in rows.items() if name not in ("mat", "robust-union"))
