"""Where a paper and its authors' code part ways, or a paper is silent: what is done here, and how to do the other.

The default follows the paper's formula. What differs inside a loss or an objective is said where that is defined;
here is the rest. `name=value` is an option of `--set`.
"""

from __future__ import annotations

_ROBUST_UNION = (
    "robust union's code starts at the image (`start=zero`) and crafts in train mode (`bn=train`); its half "
    "precision and its l1 projection, which moves points that are inside already, are not reproduced."
)
_OFFLINE = "No code was found. The teacher is trained before, alone, by"
_MAT = (
    "No code was found. The formula of the attack climbs the boosted cross-entropy, as here; the section on settings "
    "says PGD only, which may mean plain cross-entropy (`--inner ce`). Start, mode of the batch norms and "
    "temperature are not stated: uniform, eval, 1."
)
_SEVERAL = (
    _MAT + " α is not stated for several norms. Eq. 6 sums over peers without a lower bound; as there are M of them, "
    "the generalist is one of the specialists' teachers. MAT trains with an l2 radius of 0.5."
)
_DISTILLED = "The code's random start is not clipped to [0, 1] before the first gradient; here it is."

DIFFERENCES = {
    "natural": "No paper of its own. The recipe paper takes the baseline of MMARD.",
    "at": (
        "The code of Madry et al. and that of Rice et al., whose schedule the recipe paper follows, craft in train "
        "mode (`bn=train`)."
    ),
    "at-l2": (
        "Rice et al. start in a Gaussian direction at a radius drawn evenly from [0, ε], which crowds the centre; "
        "here points are uniform in the ball. They craft in train mode (`bn=train`)."
    ),
    "at-l1": (
        "robust union's code makes one ascent more, from a random start, and keeps it where it ends misclassified "
        "(`restarts=1`); its published P1 moves one coordinate per step (`threats.l1.k=[1, 1]`, the recipe "
        f"robust-union). The recipes paper and robust-union do both as the code does. Otherwise {_ROBUST_UNION}"
    ),
    "alp": (
        "The original attack goes towards the least likely class (`--inner least-likely`). Its optimiser can be had "
        "by `optimizer=rmsprop`; its averaged weights are not reproduced."
    ),
    "trades": (
        "β is the 1/λ of the paper. Code and formula agree that p(x) learns, too. The code passes x twice in the "
        "outer loss, which moves the batch norms' statistics once more; not reproduced."
    ),
    "mart": "The attack climbs plain cross-entropy in the paper and the code alike.",
    "at-awp": (
        "The code takes its direction of ascent from one SGD step of a copy; its length cancels, so the gradient "
        "itself is used. It crafts in train mode (`bn=train`), except for one batch after each test."
    ),
    "trades-awp": "The perturbation begins with epoch 10 of 200 (`awp_warmup=0.045`).",
    "dd": (
        "Compared with an independent reproduction only. That starts teacher and student from one network trained "
        "for an epoch; here the student starts afresh. There is no factor τ²."
    ),
    "ard": (
        f"{_DISTILLED} Train mode: `bn=train`. The code means to drop its rate twice, but the second drop repeats "
        "the first; the recipe paper drops twice, `schedule.milestones=[101]` once."
    ),
    "iad": (
        f"{_DISTILLED} Train mode: `bn=train`. Neither side of D(S(x)‖S(x')) is held constant, as in the code. The "
        "rate drops as for ard."
    ),
    "iad-2": f"{_DISTILLED} Train mode: `bn=train`. The rate drops as for ard.",
    "rslad": (
        "The code reduces by the mean over classes, too, times 10 on CIFAR-100: 1/10 of this on both "
        "(`reduction=mean`). It adds 1e-5 inside the teacher's logarithm, which changes the value and not the "
        "gradient."
    ),
    "mtard": (
        "The paper's text was not at hand; the formula is the code's. It multiplies by 10 on CIFAR-100 beside "
        "`reduction=mean`. Its example is crafted with plain cross-entropy."
    ),
    "mmard": (
        "No code was found. Algorithm 1 differentiates D(T(x')‖S(x')) as a whole, so through the teacher; "
        "`through_teacher=false` holds it constant within a step. δ is not stated (1 here), nor the mode of the "
        'batch norms (eval). A start "of size 0.001" is read as Gaussian noise of that deviation.'
    ),
    "act": (
        "While it guides the attack, the code's natural network is in train mode; here it is in eval mode. The "
        "option of a targeted attack, which its script reads but does not define, is left out."
    ),
    "cat": (
        "The released pair is TRADES with ALP, each attacked as its own defence attacks; `pair=[at, trades]` and "
        "others are combinations of the same kind. The paper's body was not at hand: α and the coupling are the "
        "code's. The second network is attacked in eval mode, as the released script asks for."
    ),
    "mat": (
        f"{_MAT} Algorithm 1 differentiates the whole loss, the teaching side of D included; mutual learning usually "
        "holds that constant (`detach_teacher=true`). Eq. 5 divides by M − 1 where only N − 1 agrees with eq. 4."
    ),
    "mat-rob-rob-offline": (
        f"{_OFFLINE} adversarial training with `loss=bce` whose attack climbs the same (`--inner bce`, eq. 1): "
        "bench train --method at."
    ),
    "mat-nat-rob-online": (
        f"{_MAT} The natural network reads x in place of x' in both of its terms, so that its D compares h₂(x) with "
        "h₁(x). The teaching side learns, too, unless `detach_teacher=true`."
    ),
    "mat-nat-rob-offline": f"{_OFFLINE} natural training with `loss=bce`: bench train --method natural.",
    "at-avg": (
        "robust union's code for CIFAR-10 makes one update per norm, l1 then l2 then linf (`strategy=in-turn`); its "
        f"code for MNIST and that of two other groups make one on the mean, as here. {_ROBUST_UNION} It trains with "
        "an l2 radius of 0.3 and is tested with 0.5, so the recipe paper does the first."
    ),
    "at-max": (
        f"The norm is chosen example by example, as in the code. {_ROBUST_UNION} Radii and steps of the recipe paper "
        "are those of the code."
    ),
    "at-msd": (
        "The code passes over coordinates with less room than their share of the step (`threats.l1.gap=step`, so in "
        "the recipe paper) and over all that sit on a bound, even where they would move inwards; the latter is not "
        f"reproduced. Its k is drawn once per batch, here per example. {_ROBUST_UNION}"
    ),
    "mat-avg": _SEVERAL,
    "mat-max": f"{_SEVERAL} The winning attack is that of largest boosted cross-entropy, example by example.",
    "mat-msd": _SEVERAL,
    "e-at": (
        "APGD as in the code, l1 starting with 5% of the coordinates; `ascent=fixed` takes steps of the recipe's "
        "length. The paper fine-tunes a robust network; here training is from scratch. The code then trains batch "
        "norms and biases at a rate of 1.0, which its schedule does not reach; not reproduced."
    ),
    "sat-stochastic": "The code crafts in train mode (`bn=train`).",
    "ramp": (
        "APGD as in the code (`ascent=fixed` for steps of the recipe's length). Neither side of D is held constant. "
        "`norms=[l1, linf]` exchanges source and target. Fine-tuning (`merge=0`, `lam=1.5`) needs a robust network "
        "to start from, which can't be given. Batch norms and biases train at the common rate, not at 1.0 as in the "
        "code."
    ),
}
