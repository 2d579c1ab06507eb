"""True is no number in a recipe: YAML takes yes, no, on and off for truths, and pydantic those for 1 and 0."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticCustomError


def no_truth(value: Any) -> Any:
    """`value`, for fields that are numbers, or several.

    Raises:
        PydanticCustomError: it is true or false, or has such in it.
    """
    if isinstance(value, bool):
        raise PydanticCustomError("truth", "input should be a number (yes, no, on and off are true or false)")
    for each in value if isinstance(value, list | tuple) else ():
        no_truth(each)
    return value
