"""No name stops LaTeX, breaks out of its cell or loses a character."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import benchmark
from benchmark.latex import escape
from benchmark.reporting.text_tables import latex, markdown

#: Each would stop LaTeX, be obeyed by it, or be shown as something else.
NAMES = [
    "two\nlines",
    "a paragraph\n\nends",
    "carriage\rreturn",
    "tab\tand\x0bform\x0cfeed",
    "line\u2028separator\x85",
    "null\0escape\x1b[31m",
    "no\u200bwidth and \u202eturned",
    "stray byte \udcff",
    "[2ex] at the beginning",
    "*starred",
    r"\input{/etc/passwd} \end{tabular} $x_1^2$ 50% #1 & {",
    "a--b---c ''d'' `e` ?`f",
    "|<é>| ñ ß ž",
    "e\u0301 in two parts",
    "α, β and ε ≤ ∞",
    "模型 😀 и",
    "",
]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\n\n lines", "two lines"),
        ("\x1b[31m", r"\textbackslash{}x1b{[}31m"),
        ("a--b", "a-{}-b"),
        ("a–b", "a--b"),
        ("*|~", r"{*}\textbar{}\textasciitilde{}"),
        ("e\u0301", "é"),
        ("λ ε π", r"$\lambda$ $\varepsilon$ $\pi$"),
        ("и", r"\ifdefined\Umathchar и\else U+0438\fi{}"),
    ],
)
def test_what_becomes_of_a_name(name, shown):
    assert escape(name) == shown


@given(st.text(alphabet=st.characters()))
def test_a_name_stays_in_its_cell(name):
    text = escape(name)
    assert "\n" not in text
    assert text.isprintable()
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert all(text[place - 1] == "\\" for place, character in enumerate(text) if character in "&%#_")


def test_a_table_of_such_names_has_its_rows_and_columns():
    rows = [[name, name] for name in NAMES]
    lines = latex("names", ["Name", "Again"], rows).splitlines()
    assert [line.count(" & ") for line in lines if line.endswith(r" \\")] == [1] * (1 + len(rows))
    assert len(lines) == 11 + len(rows)
    assert len(markdown("names", ["Name", "Again"], rows).splitlines()) == 4 + len(rows)
    assert len(markdown("two\rlines", ["a"], []).splitlines()) == 4


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_latex_itself_goes_on(tmp_path):
    tables = [latex(name, ["Name", "Again"], [[other, name] for other in NAMES]) for name in NAMES]
    start = r"\documentclass{article}\usepackage{booktabs}\extrafloats{50}\begin{document}"
    (tmp_path / "all.tex").write_text("\n".join([start, *tables, r"\end{document}"]), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]


def test_who_writes_latex_escapes_in_one_way():
    """One table of what LaTeX would obey: a second one would miss something."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(benchmark.__file__).parent.rglob("*.py")}
    spelt = re.compile("text(backslash|ascii|less|greater)")
    assert [name for name, text in texts.items() if spelt.search(text)] == ["latex.py"]
    writers = [text for text in texts.values() if r"\begin{tab" in text]
    assert writers
    assert all("from benchmark.latex import NEEDS, escape" in text for text in writers)
