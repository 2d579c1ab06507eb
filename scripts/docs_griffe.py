"""What the API reference is told beside the code: arguments that a decorator adds, and how docstrings are meant.

mkdocstrings reads functions without running them, so that it does not see what `benchmark.deadline.stoppable` adds;
and it takes `seed, device: as for evaluate` for one argument of that name.
"""

from __future__ import annotations

from typing import Any

import griffe
from docstrings import linked, split_names

from benchmark import deadline


class Told(griffe.Extension):
    """Shows functions as they can be called."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Give what is `stoppable` the argument that this adds."""
        if not any(str(decorator.value) == deadline.stoppable.__name__ for decorator in func.decorators):
            return
        kind = griffe.ParameterKind
        added = griffe.Parameter("stop_after", annotation=deadline.STOP_AFTER, kind=kind.keyword_only, default="None")
        last = [each for each in func.parameters if each.kind is kind.var_keyword]
        for each in last:
            del func.parameters[each.name]
        for each in (added, *last):
            func.parameters.add(each)
        if func.docstring:
            func.docstring.value = deadline.documented(func.docstring.value)

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Give each name of a docstring a line of its own, and names of other pages links."""
        if obj.docstring:
            obj.docstring.value = linked(split_names(obj.docstring.value))
