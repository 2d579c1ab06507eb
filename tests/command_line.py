"""The command line as tests call it, and what stands in for the functions that it calls."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark import cli


def bench(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `bench WORDS...`."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    code = end.value.code
    return (code if isinstance(code, int) else 0), out, err


class Calls:
    """Stands in for a public function and remembers how it was called."""

    def __init__(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error = result, error
        self.made: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.made.append((args, kwargs))
        if self.error:
            raise self.error
        return self.result
