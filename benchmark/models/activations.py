"""What stands between layers: ReLU, or SiLU or softplus in networks of the field's later robust training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["relu", "silu", "softplus"]
#: By name, as a module that may follow an architecture's name, and as a function within blocks.
LAYERS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU}
FUNCTIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"relu": F.relu, "silu": F.silu, "softplus": F.softplus}
