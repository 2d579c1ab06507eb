"""No name stops LaTeX, breaks out of its cell or loses a character."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex_reader import labels, tables

import benchmark
from benchmark.latex import NEEDS, Column, Row, TeX, document, escape, formula, gain, number, prose, slug, table
from benchmark.reporting.text_tables import markdown

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
        ("100%_x", r"100\%\_x"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        (TeX(r"\alpha"), r"\alpha"),
        ("ŧ", r"\ifdefined\Umathchar ŧ\else U+0167\fi{}"),
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


def hostile(name: str) -> str:
    """A table with that name in every place where a name can be."""
    columns = [Column("Name", "words"), Column(escape(name)), Column(kind="gain"), Column("Again", "long")]
    rows = [Row([other, name, gain("+1.0"), other], ["", name, name], heading=name) for other in NAMES]
    return table(name, name, columns, rows)


def test_a_table_of_such_names_has_its_rows_and_columns():
    for name in NAMES:
        (found,) = tables(hostile(name))
        assert len(found) == 1 + sum(2 + bool(name) for _ in NAMES)
    assert len(markdown("names", ["Name", "Again"], [[name, name] for name in NAMES]).splitlines()) == 4 + len(NAMES)
    assert len(markdown("two\rlines", ["a"], []).splitlines()) == 4


def test_norms_are_set_as_mathematics_but_names_stay():
    assert prose("AT-linf ≤ 8/255, Rworst") == r"AT-$\ell_\infty$ $\leq$ 8/255, $R_{\mathrm{worst}}$"
    assert prose("suite pgd-linf, l2-net") == "suite pgd-linf, l2-net"
    assert prose(" of l1 ") == r" of $\ell_1$ "


def test_what_becomes_of_tex_is_escaped_again():
    """Nothing made of two texts passes for LaTeX by mistake."""
    assert prose(TeX("$x$") + "_") == r"\$x\$\_"


def test_a_table_has_a_caption_a_label_and_rules_and_fits_the_text():
    made = table("About linf & l2", "Größe: 5 %", [Column("", "words"), Column("Rworst")], [Row(["mat-l2", "51.6"])])
    assert r"\caption{About $\ell_\infty$ \& $\ell_2$}" in made
    assert labels(made) == ["tab:groe-5"]
    assert all(rule in made for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert tables(made) == [[["", r"{$R_{\mathrm{worst}}$}"], ["mat-l2", "51.6"]]]
    assert r"\resizebox{\ifdim\width>\linewidth" in made
    assert r"\begin{table}[t]" in made
    assert r"\begin{table*}[t]" in table("wide", "w", [Column("n")] * 9, [])
    assert all(package in NEEDS for package in ("booktabs", "graphicx", "fontenc"))
    assert slug("模型") == "table"


def test_labels_of_a_document_differ_whatever_is_called_what():
    made = [table("", name, [Column("n")], []) for name in ("at-1", "at_1", "模", "型", "at-1-2", "at 1")]
    assert labels(document(made)) == [
        f"tab:{name}" for name in ("at-1", "at-1-2", "table", "table-2", "at-1-2-2", "at-1-3")
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (number("93.8"), "93.8"),
        (number("93.8", "best"), r"{\textbf{93.8}}"),
        (number("93.8", "second", stands=True), r"{\underline{93.8}\rlap{$^{*}$}}"),
        (number("93.8", "best", spread="0.4"), r"{\textbf{93.8} {\scriptsize$\pm$\,0.4}}"),
        (number("-0.2"), "{$-$0.2}"),
        (number("-0.2 to +1.0"), "{$-$0.2 to +1.0}"),
        (number("3.1e-05"), r"{$3.1\times 10^{-5}$}"),
        (number("1–2"), "{1--2}"),
        (number("678.6 k"), "{678.6 k}"),
        (number("–"), "{--}"),
        (number("∞"), r"{$\infty$}"),
        (gain("-1.1"), "{($-$1.1)}"),
        (gain(""), ""),
    ],
)
def test_only_a_bare_number_stands_outside_braces(cell, shown):
    assert cell == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("α·τ²·D(T^τ(x)‖S(x'))", r"$\alpha \cdot \tau ^2\cdot D(T^{\tau }(x)\Vert S(x'))$"),
        ("Σ_{m≠n} CE(h_m(x), y)", r"$\sum _{m\neq n} \mathrm{CE}(h_{m}(x), y)$"),
        ("as it is called", "as it is called"),
        ("x_1_2", r"x\_1\_2"),  # a double subscript would stop LaTeX
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("50% of $x$", r"50\% of \$x\$"),
        ("", ""),
    ],
)
def test_a_formula_is_mathematics_or_words(text, shown):
    assert formula(text) == shown


def compiled(folder: Path, body: str, packages: str = "") -> str:
    """What LaTeX says of a paper with `body`; it ran to its end."""
    start = (
        rf"\documentclass{{article}}\usepackage{{booktabs,graphicx}}{packages}\extrafloats{{90}}\begin{{document}}"
    )
    (folder / "all.tex").write_text("\n".join([start, body, r"\end{document}"]), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-no-shell-escape", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    said = done.stdout.decode("latin-1")
    assert done.returncode == 0, said[-2000:]
    return said


needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")


@needs_latex
def test_latex_itself_goes_on(tmp_path):
    assert "Overfull" not in compiled(tmp_path, document(map(hostile, NAMES)))


@needs_latex
def test_all_latin_letters_go_on_with_what_a_file_says_that_it_needs(tmp_path):
    if not subprocess.run(["kpsewhich", "ecrm1000.tfm"], capture_output=True, check=False).stdout:
        pytest.skip("the letters of fontenc's T1 are not installed here")
    letters = [sign for sign in map(chr, range(0x20, 0x250)) if sign.isprintable()]
    made = table("letters", "letters", [Column("", "long")], [Row(["x".join(letters)])])
    compiled(tmp_path, document([made]), r"\usepackage[T1]{fontenc}")


@needs_latex
def test_columns_of_numbers_may_be_those_of_siunitx(tmp_path):
    if not subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).stdout:
        pytest.skip("siunitx is not installed here")
    cells = ["93.8", "–", "-0.2", "3e-05", "1–2", "678.6 k", "∞", "masked?"]
    marked = [number("70.0", mark, True, "0.4") for mark in ("best", "second")]
    made = table("all", "all", [Column("A heading")], [Row([cell]) for cell in [*cells, *marked]])
    compiled(tmp_path, made.replace(r"{tabular}{r}", r"{tabular}{S[table-format=2.1]}"), r"\usepackage{siunitx}")


@needs_latex
def test_formulas_of_all_methods_compile(tmp_path):
    made = [*map(formula, formulas())]
    assert sum(each.startswith("$") for each in made) > len(made) / 2
    compiled(tmp_path, document([table("all", "all", [Column("", "long")], [Row([each]) for each in made])]))


def formulas() -> list[str]:
    from benchmark.methods.formulas import formula_of
    from benchmark.methods.overrides import bind_method
    from benchmark.methods.table import METHODS

    bound = [bind_method(name, {}, name, None, None) for name in METHODS.names()]
    return sorted({formula_of(each) for method in bound for each in (method.inner.objective, method.outer)})


SAMPLES = Path(__file__).parent.parent / "reports"


def test_the_samples_in_the_repository_are_such_tables():
    files = sorted(SAMPLES.glob("*/*/*.tex"))
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith(NEEDS), file
        assert len(tables(text)) == len(labels(text)) > 0, file


@needs_latex
def test_the_samples_in_the_repository_compile(tmp_path):
    texts = [file.read_text(encoding="utf-8") for file in sorted(SAMPLES.glob("*/*/*.tex"))]
    said = compiled(tmp_path, "\n\\clearpage\n".join(texts), r"\usepackage[margin=2.5cm]{geometry}")
    assert "Overfull" not in said
    assert "multiply defined" not in said


def test_who_writes_latex_escapes_in_one_way():
    """One module makes tables and knows what LaTeX would obey: a second one would miss something."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(benchmark.__file__).parent.rglob("*.py")}
    spelt = re.compile(r"text(backslash|ascii|less|greater)|begin\{+tab|toprule")
    assert [name for name, text in texts.items() if spelt.search(text)] == ["latex.py"]
