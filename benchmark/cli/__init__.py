"""The command line: each verb parses its words, calls the Python function of the same name and prints what came back.

Exit codes: 0 done, 1 a part of it failed (an attack, one of several runs, a stored image that was not confirmed) or
`doctor` found something to mend, 2 the input was bad, 130 interrupted.
"""

from benchmark.cli.app import app
from benchmark.cli.main import main

__all__ = ["app", "main"]
