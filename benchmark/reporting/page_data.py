"""Numbers for the scripts of pages: files that assign JSON, since a page that was opened from disk may load no other.

Names in them are words of strangers. They stay words: nothing in such a file ends a script element or a line, and
scripts show them as text.
"""

from __future__ import annotations

import json
import math
from typing import Any

#: What JSON allows and a script element or an older reader of JavaScript would take for something else.
_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def data_script(name: str, value: Any) -> str:
    """A script that files `value` as `benchData[name]`.

    Args:
        name: by which pages find it.
        value: lists, dictionaries, words and numbers; what is no finite number becomes null. Keys are this program's
            own: words of strangers are values, as "__proto__" would be no key like others.
    """
    told = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False).translate(_ESCAPES)
    key = json.dumps(name).translate(_ESCAPES)
    return f"(globalThis.benchData ??= {{}})[{key}]={told};\n"


def rounded(value: float | None, digits: int = 9) -> float | None:
    """A number as pages need it: shares so exactly that pages write the percentage that the tables have."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
