"""What stands between layers: ReLU, or SiLU in networks of the field's later robust training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["relu", "silu"]
#: By name, as a module and as a function.
LAYERS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU}
FUNCTIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"relu": F.relu, "silu": F.silu}
