"""Where a paper and its authors' code part ways, or a paper is silent: what is done here, and how to do the other.

The default follows the paper's formula. What differs inside a loss or an objective is said where that is defined, how
often running statistics move in `train_passes`; here is the rest. `name=value` is an option of `--set`.
"""

from __future__ import annotations

_ROBUST_UNION = (
    "robust union's code starts at the image (`start=zero`) and crafts in train mode (`bn=train`), with two passes "
    "at each point (`passes=2`). Its l1 step leaves coordinates at 0 or 1 where they are, even if the gradient leads "
    "inwards (`threats.l1.saturated=skip`), and projects onto the ball before it clips to the box "
    "(`threats.l1.projection=project-clip`), so that less than the radius is used; here it is onto both at once. On "
    "MNIST it clips first (`clip-project`). Images enter the network as they are (`normalisation=none`). The recipe "
    "as-code does all of that. Not reproduced: half precision, one k for the whole batch, and a projection that "
    "moves points which are inside already."
)
_OFFLINE = "No code was found. The teacher is trained before, alone, by"
_MAT = (
    "No code was found. The formula of the attack climbs the boosted cross-entropy, as here; the section on settings "
    "says PGD only, which may mean plain cross-entropy (`--inner ce`). Start, mode of the batch norms, input "
    "normalisation and temperature are not stated: uniform, eval, by the training images, 1. The networks are "
    "trained on all images and the last weights are taken (`validation.images=0`, so in the recipe paper); α is "
    "chosen with a fifth held out (`validation.images=0.2`)."
)
_SEVERAL = (
    _MAT + " α is not stated for several norms. Eq. 6 sums over peers without a lower bound; as there are M of them, "
    "the generalist is one of the specialists' teachers. MAT trains with an l2 radius of 0.5."
)
_DISTILLED = (
    "The code's random start is not clipped to [0, 1] before the first gradient (`start=unclipped`). It crafts in "
    "train mode (`bn=train`). Images enter the network as they are (`normalisation=none`)."
)
_RICE = (
    "The code of Rice et al. crafts in train mode (`bn=train`), and normalises images inside the network, as here. "
    "It selects by PGD-10 on images held out of training, as here, or on test images."
)
_AS_THEY_ARE = "Images enter the network as they are (`normalisation=none`)."

DIFFERENCES = {
    "natural": "No paper of its own. The recipe paper takes the baseline of MMARD.",
    "at": f"{_RICE} The recipe paper follows it; the code of Madry et al. crafts in train mode, too.",
    "at-l2": (
        f"{_RICE} It starts in a Gaussian direction at a radius drawn evenly from [0, ε], which crowds the centre "
        "(`start=radial`); by default points are uniform in the ball."
    ),
    "at-l1": (
        "robust union's code makes one ascent more and keeps it where it ends misclassified (`restarts=1`), from a "
        "direction of length 1 whatever ε is (`restart=unit`); its published P1 moves one coordinate per step "
        f"(`threats.l1.k=[1, 1]`, the recipe robust-union). Otherwise {_ROBUST_UNION}"
    ),
    "alp": (
        "The original attack goes towards the least likely class (`--inner least-likely`). Its optimiser can be had "
        "by `optimizer=rmsprop`; its averaged weights are not reproduced. Where CAT trains it, images enter the "
        "network as they are (`normalisation=none`)."
    ),
    "trades": (
        "β is the 1/λ of the paper. Code and formula agree that p(x) learns, too. The code passes x twice in the "
        "outer loss, which moves the batch norms' statistics once more (`extra_passes=[clean]`, so in the recipe "
        f"as-code). {_AS_THEY_ARE}"
    ),
    "mart": f"The attack climbs plain cross-entropy in the paper and the code alike. {_AS_THEY_ARE}",
    "at-awp": (
        "The code takes its direction of ascent from one SGD step of a copy; its length cancels, so the gradient "
        "itself is used. It crafts in train mode (`bn=train`), except for one batch after each test, and looks at x' "
        "and x once more in each step (`extra_passes=[adversarial, clean-after]`, so in the recipe as-code; there x' "
        "passes through the perturbed weights, in the code through those before)."
    ),
    "trades-awp": (
        f"The perturbation begins with epoch 10 of 200 (`awp_warmup=0.045`). {_AS_THEY_ARE} x passes twice in the "
        "outer loss (`extra_passes=[clean]`)."
    ),
    "dd": (
        "Compared with an independent reproduction only. That starts teacher and student from one network trained "
        "for an epoch; here the student starts afresh. There is no factor τ²."
    ),
    "ard": (
        f"{_DISTILLED} It means to drop its rate twice, but the second drop repeats the first; the recipe paper "
        "drops twice, as-code once (`schedule.milestones=[101]`). On CIFAR-100 its batches have 256 images. With the "
        "reduction of the formula its rate of 0.1 would be ten times what it is on 10 classes and a hundred times on "
        "100: both recipes reduce as it does (`reduction=mean`)."
    ),
    "iad": (
        f"{_DISTILLED} Neither side of D(S(x)‖S(x')) is held constant, as in the code. The rate drops as for ard. "
        "The code passes S(x') and S(x) once more (`extra_passes=[adversarial, clean]`)."
    ),
    "iad-2": f"{_DISTILLED} The rate drops as for ard.",
    "rslad": (
        "The code reduces by the mean over classes, too, times 10 on CIFAR-100: a tenth of this on both "
        "(`reduction=tenth`), with a rate of 0.1; the recipes paper and as-code take the two together. It adds 1e-5 "
        "inside the teacher's logarithm, which changes the value and not the gradient. Its rate drops after epochs "
        f"215, 260 and 285. {_AS_THEY_ARE}"
    ),
    "mtard": (
        "The paper's text was not at hand; the formula is the code's, which reduces as RSLAD's (`reduction=tenth`). "
        f"Its example is crafted with plain cross-entropy. {_AS_THEY_ARE}"
    ),
    "mmard": (
        "No code was found. Algorithm 1 differentiates D(T(x')‖S(x')) as a whole, so through the teacher; "
        "`through_teacher=false` holds it constant within a step. δ is not stated (1 here), nor the mode of the "
        'batch norms (eval), nor the input normalisation. A start "of size 0.001" is read as Gaussian noise of that '
        "deviation. The checkpoint is the best under PGD_T, the attack that TRADES is evaluated by: in the recipe "
        "paper on held-out images (`validation.start=gaussian`)."
    ),
    "act": (
        "While it guides the attack, the code's natural network is in train mode; here it is in eval mode. The rate "
        "drops with the 60th, 120th and 160th epoch, counted from 1. The "
        "option of a targeted attack, which its script reads but does not define, is left out."
    ),
    "cat": (
        "The released pair is TRADES with ALP, each attacked as its own defence attacks; `pair=[at, trades]` and "
        "others are combinations of the same kind. The paper's body was not at hand: α and the coupling are the "
        "code's. The second network is attacked in eval mode, as the released script asks for. The first looks at "
        "the "
        f'clean images after each update (`extra_passes=["h1:clean-after"]`, so in as-code). {_AS_THEY_ARE}'
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
        "robust union's code for CIFAR-10 makes one update per norm, l1 then l2 then linf (`strategy=in-turn`, so in "
        "the recipe as-code); its code for MNIST and that of two other groups make one on the mean, as here. "
        f"{_ROBUST_UNION} It trains with an l2 radius of 0.3 and is tested with 0.5, so the recipes do the first. In "
        "l1 it restarts once (`threats.l1.restarts=1`)."
    ),
    "at-max": (
        f"The norm is chosen example by example, as in the code. {_ROBUST_UNION} Radii and steps of the recipe paper "
        "are those of the code. In l1 it restarts once (`threats.l1.restarts=1`)."
    ),
    "at-msd": (
        "The code passes over coordinates with less room than their share of the step (`threats.l1.gap=step`, so in "
        f"the recipe paper). {_ROBUST_UNION}"
    ),
    "mat-avg": _SEVERAL,
    "mat-max": f"{_SEVERAL} The winning attack is that of largest boosted cross-entropy, example by example.",
    "mat-msd": f"{_SEVERAL} MSD starts at x, the specialists uniformly in their balls.",
    "e-at": (
        "APGD as in the code but in l1, where a coordinate at its bound takes no share of a step and the projection "
        "is the exact one onto ball and box; l1 starts with 5% of the coordinates; `ascent=fixed` takes steps of the "
        "recipe's length. The code draws a norm by how often APGD failed to break an image at any of its points, in "
        "eval mode; here by how often the point of highest loss is classified correctly in train mode, which is at "
        "hand from the update. The paper fine-tunes a robust network; here training is from scratch. Norms and "
        "biases are exempt from weight decay then (`weight_decay_of=weights`), and in the code they train at a rate "
        f"of 1.0, which its schedule does not reach (`lr_exempt=1.0`, so in the recipe as-code). {_AS_THEY_ARE} Its "
        "network has softplus in place of ReLU, which is not reproduced."
    ),
    "sat-stochastic": (
        "The code crafts in train mode (`bn=train`). It starts in linf uniformly, in l2 and l1 in a skewed random "
        "direction of length 1 whatever ε is, none of them clipped (`start=unit`; its l1 direction is a Laplace "
        "draw, doubled and shifted by 1, here a uniform one). Its l1 step shares its length among the hundredth of "
        "the coordinates with the largest gradients, whether they can move or not, and projects before it clips "
        f"(`threats.l1.projection=project-clip`); here those that can't take no share. {_AS_THEY_ARE}"
    ),
    "ramp": (
        "APGD as in the code but in l1, as for e-at (`ascent=fixed` for steps of the recipe's length). Neither side "
        "of D is held constant. `norms=[l1, linf]` exchanges source and target. Fine-tuning (`merge=0`, `lam=1.5`) "
        "needs a robust network to start from. From scratch norms and biases are exempt from weight decay, and in "
        "the code they train at a rate of 1.0 (`lr_exempt=1.0`, so in as-code). The code trains the natural copy for "
        "an epoch before the network, here they take turns batch by batch. For wide networks its script has a rate "
        f"of 0.1 that rises and falls within 30 epochs, λ 2 and the loss of TRADES. {_AS_THEY_ARE}"
    ),
}
