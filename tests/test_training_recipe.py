"""Recipes, schedules and settings: what is accepted, what is refused and with which words."""

from __future__ import annotations

import re

import pytest

from benchmark.errors import BadInput
from benchmark.methods.overrides import bind_method
from benchmark.methods.table import METHODS
from benchmark.parameters import parameters
from benchmark.recipes import schedules
from benchmark.recipes.recipe import Recipe, is_recipe_key, load_recipe, recipe_names
from benchmark.training.dry_run import dry_run
from benchmark.training.request import make_plan

ARCHITECTURES = ("small-cnn", "resnet18", "preact-resnet18", "wrn-34-10", "mobilenet-v2")


USUAL = {
    "dataset": "digits",
    "arch": None,
    "recipe": "quick",
    "set": None,
    "teacher": (),
    "inner": None,
    "outer": None,
    "seed": 0,
    "device": "cpu",
    "precision": "fp32",
    "download": False,
    "data_dir": None,
    "name": None,
}


def plan(method="at", **options):
    return make_plan(method, **(USUAL | options))


@pytest.mark.parametrize(
    ("t", "rate"), [(1, 0.005), (10, 0.05), (20, 0.1), (30, 0.0525), (40, 0.005), (45, 0.0025), (50, 0), (51, 0)]
)
def test_piecewise_linear_schedule_of_msd(t, rate):
    knots = [(0, 0), (20, 1), (40, 0.05), (50, 0)]
    assert 0.1 * schedules.piecewise_linear(t, 50, knots) == pytest.approx(rate)


def test_piecewise_linear_is_constant_before_its_first_knot_and_after_its_last():
    knots = [(2, 0.25), (4, 0.75)]
    assert [schedules.piecewise_linear(t, 6, knots) for t in (0, 1.9, 3, 4, 6)] == [0.25, 0.25, 0.5, 0.75, 0.75]


def test_multistep_counts_epochs_from_one():
    """The 75th epoch begins when 74 lie behind; it is the first at a tenth of the rate."""
    for epoch, factor in ((74, 1), (75, 0.1), (89, 0.1), (90, 0.01), (100, 0.001)):
        assert schedules.multistep(epoch - 1, 120, (75, 90, 100)) == pytest.approx(factor)
        assert schedules.multistep(epoch - 0.01, 120, (75, 90, 100)) == pytest.approx(factor)


def test_rates_of_ard_and_iad():
    """Epochs counted from 0, milestones 100 and 150: the code decays once only."""
    for epoch, coded, meant in ((99, 0.1, 0.1), (100, 0.01, 0.01), (150, 0.01, 0.001)):
        assert 0.1 * schedules.multistep(epoch, 200, (101,)) == pytest.approx(coded)
        assert 0.1 * schedules.multistep(epoch, 200, (101, 151)) == pytest.approx(meant)


def test_the_other_schedules():
    assert schedules.cosine(0, 10) == 1
    assert schedules.cosine(5, 10) == pytest.approx(0.5)
    assert schedules.cosine(10, 10) == pytest.approx(0)
    assert schedules.one_cycle(4, 10, 0.4) == pytest.approx(1)
    assert schedules.one_cycle(2, 10, 0.4) == pytest.approx(0.5)
    assert schedules.one_cycle(7, 10, 0.4) == pytest.approx(0.5)
    assert schedules.exponential(5, 10, 0.94, 2) == pytest.approx(0.94**2)
    assert schedules.constant(5, 10) == 1


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_fits_every_method(name):
    recipe = load_recipe(name)
    assert recipe.about
    for method, entry in METHODS:
        for architecture in ARCHITECTURES if recipe.is_for(method) else ():
            for scale in recipe.threats:
                resolved, hyper = recipe.resolve(method, architecture, scale, scale, {}, name)
                entry.bind(hyper, name)
                assert resolved.lr_at(0) >= 0


@pytest.mark.parametrize("name", ["paper", "quick"])
def test_distillation_says_at_which_temperature_each_recipe_trains(name):
    remark = " ".join(METHODS.get("dd").outer.__doc__.split())
    hyper = load_recipe(name).resolve("dd", "small-cnn", "digits", "digits", {}, name)[1]
    assert f"`temperature={hyper['temperature']:g}` for `{name}`" in remark


def test_every_method_passes_its_dry_run():
    for name, method in METHODS:
        dry_run(method.bind({}, name), name)


def test_no_hyper_parameter_hides_behind_a_recipe_key():
    for _, method in METHODS:
        assert not [name for name in method.bind({}, "").settings if is_recipe_key(name)]


def test_settings_reach_recipe_and_method():
    made = plan("mat", set=["epochs=3", "threats.linf.epsilon=0.2", "alpha=0.3", "networks=3", "schedule=cosine"])
    assert made.recipe.epochs == 3
    assert made.recipe.threats["linf"].epsilon == 0.2
    assert made.recipe.schedule.name == "cosine"
    assert made.bound.settings["alpha"] == 0.3
    assert [member.name for member in made.bound.cohort.members] == ["h1", "h2", "h3"]
    assert made.bound.outer.keywords["alpha"] == 0.3
    assert plan("at-max", set=["norms=linf,l1"]).bound.inner.norms == ("linf", "l1")
    assert plan("cat", set={"pair": ["at", "trades"]}).bound.cohort.members[1].objective == "trades"


def test_a_key_of_a_schedule_in_its_short_form():
    made = plan(set=["schedule=one-cycle", "schedule.warmup=0.25"])
    assert made.recipe.schedule.model_dump() == {"name": "one-cycle", "warmup": 0.25}


def test_names_say_what_is_unusual():
    assert plan("at").checkpoint_names() == ["at"]
    assert plan("at-linf").name == "at-linf"
    assert plan("mat").checkpoint_names() == ["mat-h1", "mat-h2"]
    assert plan("mat-max").checkpoint_names() == ["mat-max-generalist", "mat-max-linf", "mat-max-l2", "mat-max-l1"]
    assert plan("ramp").checkpoint_names() == ["ramp"]
    assert plan("at", seed=3, set=["lr=0.05"], arch="resnet18").name == "at-resnet18-lr-0.05-seed-3"


def test_identity_changes_with_what_decides_the_weights_and_with_nothing_else():
    digests = {
        plan(**options).digest
        for options in (
            {},
            {"seed": 1},
            {"set": ["lr=0.05"]},
            {"inner": "bce"},
            {"arch": "resnet18"},
            {"method": "trades"},
        )
    }
    assert len(digests) == 6
    assert plan(name="other").digest == plan().digest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"set": ["epsilon=0.1"]}, ["unknown setting 'epsilon'", "threats.linf.epsilon"]),
        ({"method": "mta"}, ["unknown method", "mat"]),
        ({"recipe": "quik"}, ["unknown recipe", "quick"]),
        ({"recipe": "nowhere.yaml"}, ["nowhere.yaml", "quick"]),
        ({"set": ["epoch=3"]}, ["epoch", "epochs"]),
        ({"set": ["lr=fast"]}, ["lr", "number"]),
        ({"set": ["lr=-1", "epochs=0"]}, ["lr", "epochs"]),
        (
            {"set": ["threats.linf.epsilons=1"]},
            ["--set threats.linf.epsilons: unknown key 'epsilons'; did you mean epsilon"],
        ),
        ({"set": ["threats.l7.epsilon=1"]}, ["threats.l7"]),
        ({"set": ["threats.l1.gap=0.7"]}, ["threats.l1.gap: input should be step, or a number", "not 0.7"]),
        ({"set": ["threats.l1.gap=half"]}, ["threats.l1.gap: input should be step", "not 'half'"]),
        ({"method": "at-msd", "set": ["ascent=apgd"]}, ["APGD climbs in one norm at a time"]),
        ({"set": ["restarts=-1", "ascent=adam"]}, ["restarts", "ascent", "'fixed' or 'apgd'"]),
        ({"set": ["schedule=cosin"]}, ["schedule", "cosine"]),
        ({"set": ["schedule=cosine", "schedule.warmup=0.2"]}, ["--set schedule: unknown key 'warmup'"]),
        ({"set": ["lr.warmup=0.2"]}, ["--set lr.warmup: lr: input should be a valid number"]),
        ({"set": ["lr"]}, ["key=value"]),
        ({"method": "mat", "set": ["alpha=1.5"]}, ["alpha", "less than or equal to 1"]),
        ({"method": "mat", "set": ["alpha=-0.5"]}, ["alpha", "greater than or equal to 0"]),
        ({"method": "mat", "set": ["networks=1"]}, ["networks", "greater than or equal to 2"]),
        ({"method": "mat", "set": ["alhpa=0.5", "networks=1"]}, ["alpha", "networks"]),
        ({"inner": "mmard"}, ["teacher"]),
        ({"outer": "mmard"}, ["teacher"]),
        ({"inner": "act"}, ["second trained network"]),
        ({"method": "natural", "outer": "at"}, ["not attacked"]),
        ({"method": "at-avg", "outer": "trades"}, ["one adversarial example"]),
        ({"method": "mat", "outer": "at"}, ["one trained network", "2"]),
        ({"inner": "cee"}, ["unknown method or inner objective", "ce"]),
        ({"outer": "trade"}, ["unknown method or outer loss", "trades"]),
        ({"method": "ard"}, ["--teacher", "teacher"]),
        ({"teacher": ["x.pt"]}, ["method at takes no teacher, but 1 was given"]),
        ({"method": "ard", "teacher": ["x.pt", "y.pt"]}, ["asks for 1 teacher (teacher), but 2 were given"]),
        ({"method": "iad-2", "teacher": ["x.pt"]}, ["2 teachers (natural, robust, in this order), but 1 was given"]),
        ({"method": "mat", "recipe": "as-code"}, ["as-code says nothing of the method mat", "--recipe paper"]),
        ({"set": ["validation.images=5000"]}, ["validation.images", "0 to 2000, or a part of them", "not 5000"]),
        ({"set": ["validation.images=1.5"]}, ["validation.images", "or a part of them"]),
        ({"set": ["epochs=yes"]}, ["--set epochs", "input should be a number", "not True"]),
        ({"set": ["label_smoothing=off"]}, ["label_smoothing", "input should be a number", "not False"]),
        ({"set": ["lr=on", "clip=true"]}, ["--set lr", "--set clip"]),
        ({"set": {"betas": [True, 0.9]}}, ["betas", "input should be a number"]),
        ({"set": ["threats.linf.steps=true"]}, ["threats.linf.steps", "input should be a number"]),
        ({"set": ["validation.every=yes"]}, ["validation.every", "input should be a number"]),
        ({"set": ["schedule.name=exponential", "schedule.factor=yes", "schedule.every=2"]}, ["factor", "a number"]),
        ({"set": ["validation.images=true"]}, ["validation.images", "or a part of them"]),
        ({"set": ["extra_passes=[blue]"]}, ["extra_passes", "pattern"]),
        ({"set": ["extra_passes=['h3:clean']"], "method": "mat"}, ["unknown network 'h3'", "h1"]),
        ({"seed": -1}, ["seed must be a whole number from 0 to 2^63 - 1, not -1"]),
        ({"seed": 2**63}, ["seed must be a whole number from 0 to 2^63 - 1"]),
        ({"dataset": "digit"}, ["unknown dataset", "digits"]),
        ({"arch": "small-cn"}, ["unknown architecture", "small-cnn"]),
        ({"device": "warp"}, ["warp"]),
        ({"precision": "fp8"}, ["unknown precision"]),
    ],
)
def test_bad_input_is_refused_with_a_way_out(options, words):
    with pytest.raises(BadInput) as caught:
        plan(**options)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["not valid YAML"]),
        ("- a", ["mapping"]),
        ("lr: 1", ["threats"]),
        ("lr: 0.1\nepohcs: 3\nthreats: {digits: {linf: {epsilon: 1, step_size: 1, steps: 1}}}", ["epohcs", "epochs"]),
        ("lr: 0.1\nepochs: 3\nthreats: {cifar10: {}}", ["digits", "cifar10"]),
        ("lr: 0.1\nepochs: 3\nthreats: {digits: {l2: {epsilon: 1, step_size: 1, steps: 1}}}", ["no radius for linf"]),
        (
            "lr: 0.1\nepochs: 3\nthreats: {digits: {}}\noverrides: [{method: [at], set: {}}]",
            ["recipe.yaml:4", "did you mean methods?"],
        ),
    ],
)
def test_bad_recipe_files_are_refused(tmp_path, text, words):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        plan(recipe=str(path))
    for word in words:
        assert word in str(caught.value)


def test_overrides_apply_in_order_and_settings_last(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("""
lr: 0.1
epochs: 3
threats: {digits: {linf: {epsilon: 0.1, step_size: 0.1, steps: 3}}}
overrides:
  - {methods: ["mat*"], set: {lr: 0.01, alpha: 0.2, threats.linf.steps: 5}}
  - {architectures: [resnet18], set: {lr: 0.02}}
""")
    assert plan(recipe=str(path)).recipe.lr == 0.1
    made = plan("mat", recipe=str(path))
    assert (made.recipe.lr, made.bound.settings["alpha"], made.recipe.threats["linf"].steps) == (0.01, 0.2, 5)
    assert plan("mat", recipe=str(path), arch="resnet18").recipe.lr == 0.02
    assert plan("mat", recipe=str(path), set=["lr=0.5", "alpha=0.9"]).bound.settings["alpha"] == 0.9


def test_recipes_are_plain_values_and_back():
    recipe = plan().recipe
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_inner_and_outer_are_independent():
    teacherless = plan("at", inner="margin", outer="trades")
    assert teacherless.bound.outer.func.__name__ == "trades"
    assert parameters(teacherless.bound.outer)["beta"] == 6.0
    for method, options in (
        ("ard", {"inner": "mmard"}),
        ("rslad", {"outer": "mmard"}),
        ("mmard", {"outer": "kl"}),
        ("mtard", {"inner": "rslad"}),
    ):
        bound = bind_method(method, {}, "", **options)
        dry_run(bound, "")


RECIPE = """\
lr: 0.1
epochs: 3
schedule: cosine
threats:
  digits:
    linf: {epsilon: 0.1, step_size: 0.1, steps: 3}
overrides:
  - methods: [mat]
    set:
      lr: 0.01
      threats.linf.steps: 5
      alpha: 0.6
"""


@pytest.mark.parametrize(
    ("before", "after", "method", "settings", "message"),
    [
        ("lr: 0.1", "lr: fast", "at", {}, "recipe.yaml:1: lr: input should be a valid number, .*, not 'fast'"),
        ("lr: 0.1", "momentum: 0.9", "at", {}, "recipe.yaml:1: the key 'lr' is missing"),
        ("epochs: 3", "epochs: 0", "at", {}, "recipe.yaml:2: epochs: .* not 0"),
        ("cosine", "cosin", "at", {}, "recipe.yaml:3: schedule: .*'cosine'"),
        (
            "schedule: cosine",
            "schedul: cosine",
            "at",
            {},
            "recipe.yaml:3: unknown key 'schedul'; did you mean schedule",
        ),
        ("steps: 3", "steps: 0", "at", {}, "recipe.yaml:6: threats.linf.steps: .* not 0"),
        ("steps: 3", "step: 3", "at", {}, "recipe.yaml:6: unknown key 'step'; did you mean step"),
        ("lr: 0.01", "lr: -1", "mat", {}, "recipe.yaml:10: lr: .* not -1"),
        ("steps: 5", "steps: 0", "mat", {}, "recipe.yaml:11: threats.linf.steps: .* not 0"),
        ("alpha: 0.6", "alhpa: 0.6", "mat", {}, "recipe.yaml:12: method mat: unknown setting 'alhpa'"),
        ("alpha: 0.6", "alpha: 6", "mat", {}, "recipe.yaml:12: method mat: .*alpha"),
        ("alpha: 0.6", "alpha: 6", "mat", {"alpha": 7}, "^method mat: alpha=7: "),
        ("lr: 0.01", "lr: -1", "mat", {"lr": -2}, "^--set lr: lr: .* not -2"),
        ("", "", "at", {"threats.linf.steps": 0}, "^--set threats.linf.steps: threats.linf.steps: .* not 0"),
        ("", "", "at", {"threats.l2.epsilon": 1}, "^--set threats.l2.epsilon: the key 'step_size' is missing"),
        (
            "steps: 3",
            "steps: 0",
            "at",
            {"threats.linf.epsilon": 0.2},
            "^recipe.yaml:6: threats.linf.steps: .* not 0$",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, before, after, method, settings, message):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace(before, after, 1))
    with pytest.raises(BadInput) as caught:
        plan(method, recipe=path, set=settings)
    assert re.search(message, str(caught.value), re.MULTILINE), str(caught.value)


def test_an_override_that_does_not_match_is_not_blamed(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace("lr: 0.01", "lr: -1"))
    assert plan("at", recipe=path).recipe.lr == 0.1
