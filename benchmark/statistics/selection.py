"""The best of several candidates, by the same images that it is judged by: its value freed of the luck of the choice.

Whoever takes the highest of K values takes the luckiest, too, so that the value is too high on average and its
interval does not hold ("winner's curse"). Two things are corrected here:

- The *value*: choose on images drawn with replacement, and judge the choice by those not drawn, again and again
  (bootstrap bias corrected cross-validation: Tsamardinos, Greasidou & Borboudakis 2018, Machine Learning 107,
  1895–1922). What is judged had no part in the choice.
- The *interval*: its lower end holds for all candidates at once, hence also for the one that was chosen, whichever
  it is: max-T, the quantile of the largest of K correlated errors (Berk, Brown, Buja, Zhang & Zhao 2013, Annals of
  Statistics 41, 802–837). A choice never makes a value too low, so that the upper end needs no correction.

And whether the best is better than the others: its paired p against each, of which the largest counts. That needs no
correction for having looked, since chance must make it better than *every* other one, also than the best of them
(Gutmann & Maymin 1987, Annals of Statistics 15, 456–461; Hung & Fithian 2019, Annals of Statistics 47, 758–782).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri

from benchmark.statistics.ravg_interval import wilson_bound
from benchmark.statistics.seeds import PSEUDO_IMAGES, compare_methods

#: Of the bootstrap, and of the largest error.
RESAMPLES, DRAWS = 1000, 20_000
