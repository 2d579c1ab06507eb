r"""Tables that go into a paper unchanged, and text as LaTeX prints it.

Every table of the project is written by `table`. Whatever is no `TeX` is escaped there: nothing in a name is a
command, ends a paragraph, stops a run or vanishes. A number stands bare in its cell, everything else of its column in
braces, so that the column types `r` may be changed to `S` of siunitx without touching a cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise
from pathlib import Path
from typing import Literal

#: What a file of tables says at its top.
NEEDS = r"""% Goes into a paper as it is: \input{this file}. Needs in the preamble
%   \usepackage{booktabs}     rules
%   \usepackage{graphicx}     a table that is wider than the text is scaled down to it
%   \usepackage[T1]{fontenc}  letters such as ą, đ or ŋ, with pdfLaTeX
% Columns of numbers may become S columns of siunitx: what is no bare number stands in braces.
"""

Mark = Literal["", "best", "second"]

_GREEK = "ALPHA BETA GAMMA DELTA ZETA ETA THETA IOTA KAPPA MU NU XI PI RHO SIGMA TAU PHI CHI PSI OMEGA"

#: Signs that stand in mathematics only.
_MATHEMATICS = {
    **{unicodedata.lookup(f"GREEK SMALL LETTER {name}"): rf"\{name.lower()}" for name in _GREEK.split()},
    "λ": r"\lambda",
    "ε": r"\varepsilon",
    "Σ": r"\sum",
    "Δ": r"\Delta",
    "ℓ": r"\ell",
    "≤": r"\leq",
    "≥": r"\geq",
    "≈": r"\approx",
    "≠": r"\neq",
    "∞": r"\infty",
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "‖": r"\Vert",
    "²": "^2",
    "→": r"\to",
    "∈": r"\in",
}

_SPELLED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    # In braces, for LaTeX takes [ and * for its own where a line ends before them, and ?` for one sign.
    **{character: f"{{{character}}}" for character in "[]*`"},
    **{character: f"${command}$" for character, command in _MATHEMATICS.items() if character not in "→·×²"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
}

#: Beyond Latin letters and what is spelled, any LaTeX knows these; of Latin letters pdfLaTeX does not know some.
_KNOWN = "‐—‘’“”†‡•…€™←↑→↓"
_UNKNOWN = "ĦħĸĿŀŉŦŧſ"

#: Words of the project that papers set as mathematics.
_TERMS = {
    "linf": r"$\ell_\infty$",
    "l2": r"$\ell_2$",
    "l1": r"$\ell_1$",
    "l0": r"$\ell_0$",
    "Ravg": r"$R_{\mathrm{avg}}$",
    "Rworst": r"$R_{\mathrm{worst}}$",
}
#: Not in names of ours, such as that of the suite "pgd-linf".
_TERM = re.compile(rf"(?<![a-z0-9]-)\b({'|'.join(_TERMS)})\b(?!-)")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_POWER = re.compile(r"(?P<digits>\d+(\.\d+)?)e(?P<power>[+-]?\d+)")


class TeX(str):
    """Text that is LaTeX already. What is made of one by string methods is a `str` again, and escaped."""

    __slots__ = ()


def escape(text: str) -> TeX:
    r"""`text` such that LaTeX shows it and goes on, whatever is in it; a `TeX` stays as it is.

    White space becomes spaces, line ends among it; what no eye can see appears as its code, "\x1b". A letter that
    pdfLaTeX does not know would stop it: there its number is shown, and the letter by XeLaTeX and LuaLaTeX.
    """
    if isinstance(text, TeX):
        return text
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in unicodedata.normalize("NFC", " ".join(text.split()))
    )
    return TeX(
        "".join(
            _spelled(character) + ("{}" if _join(character, following) else "")
            for character, following in zip(shown, [*shown[1:], ""], strict=False)
        )
    )


def prose(text: str) -> TeX:
    """Our own words, such as a heading: escaped, with the names of norms and metrics as papers set them.

    Never for the name of a network: "mat-max-l2" is that file's name.
    """
    if isinstance(text, TeX):
        return text
    parts = _TERM.split(text)
    return TeX("".join(_TERMS[part] if number % 2 else _kept(part) for number, part in enumerate(parts)))


def _kept(part: str) -> str:
    """A part of a text, with the space at its ends that `escape` would take for none."""
    return " " * part[:1].isspace() + escape(part) + " " * (bool(part.strip()) and part[-1:].isspace())


def number(text: str, mark: Mark = "", stands: bool = False, spread: str = "") -> TeX:
    r"""The cell of a number, bold for the best and underlined for the second best.

    Args:
        text: "93.8", "-0.2", "3e-05", "1–2", "678.6 k", or what stands where nothing was measured, "–".
        mark: of the best of the column, and of the second best.
        stands: whether that difference is significant: a star, which takes no room.
        spread: "0.4" for ± 0.4.
    """
    if _NUMBER.fullmatch(text) and not (mark or stands or spread):
        return TeX(text)
    if power := _POWER.fullmatch(text):
        shown = rf"${power['digits']}\times 10^{{{int(power['power'])}}}$"
    else:
        shown = _signed(text)
    if mark:
        shown = rf"\{'textbf' if mark == 'best' else 'underline'}{{{shown}}}"
    shown += rf" {{\scriptsize$\pm$\,{escape(spread)}}}" if spread else ""
    shown += r"\rlap{$^{*}$}" if stands else ""
    return TeX(f"{{{shown}}}")


def _signed(text: str) -> str:
    """With a minus instead of a hyphen."""
    return escape(re.sub(r"(?<![\w.])-(?=\d)", "−", text))


def gain(text: str) -> TeX:
    """ "+3.8" -> "(+3.8)", for a column of kind "gain"; "" stays so."""
    return TeX(f"{{({_signed(text)})}}" if text else "")


def small(text: str) -> TeX:
    """Words of smaller size, such as an interval below a number."""
    return TeX(rf"{{\scriptsize {escape(text)}}}" if text else "")


@dataclass(frozen=True)
class Column:
    """A column: its heading, and what stands there.

    Kinds: "words"; "long" ones, which are broken into lines; a "number"; and a "gain", which stands in brackets
    beside the number before it, under the same heading.
    """

    heading: str = ""
    kind: Literal["words", "long", "number", "gain"] = "number"


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        cells: one for each column; what is no `TeX` is escaped.
        below: what stands in a second line below them, one for each column that is no gain; () for nothing.
        rule: whether a line is drawn above.
        heading: words across the table, above the row.
    """

    cells: Sequence[str]
    below: Sequence[str] = ()
    rule: bool = False
    heading: str = ""


_TYPES = {"words": "l", "long": r"p{0.42\linewidth}", "number": "r", "gain": r"@{\,}l"}

#: A table of more columns than that runs over both columns of a page.
NARROW = 6


def table(caption: str, label: str, columns: Sequence[Column], rows: Iterable[Row]) -> str:
    """A table with its caption and label; `document` makes a file of some."""
    kinds = [column.kind for column in columns]
    wide = "*" if len(columns) - kinds.count("gain") > NARROW or "long" in kinds else ""
    headings = [prose(column.heading) for column in columns if column.kind != "gain"]
    body: list[str] = []
    for row in rows:
        body += [r"\midrule"] if row.rule and body else []
        if row.heading:
            heading = rf"\multicolumn{{{len(columns)}}}{{l}}{{\textit{{{prose(row.heading)}}}}} \\"
            body += [heading] if not body else [r"\addlinespace", heading]
        cells = [_cell(cell, kind) for cell, kind in zip(row.cells, kinds, strict=True)]
        body.append(" & ".join(cells) + r" \\" + ("[-0.6ex]" if row.below else ""))
        body += [_spanned([small(text) for text in row.below], kinds) + r" \\[0.4ex]"] if row.below else []
    return "\n".join(
        [
            rf"\begin{{table{wide}}}[t]",
            r"\centering",
            rf"\caption{{{prose(caption)}}}",
            rf"\label{{tab:{slug(label)}}}",
            r"\smallskip",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{''.join(_TYPES[kind] for kind in kinds)}}}",
            r"\toprule",
            _spanned(headings, kinds) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            rf"\end{{table{wide}}}",
            "",
        ]
    )


def document(tables: Iterable[str]) -> str:
    r"""A file for `\input`: what it needs, then the tables, each with a label of its own."""
    found = list(tables)
    labels = apart([_LABEL.search(each)["label"] for each in found])  # type: ignore[index]
    named = (_LABEL.sub(rf"\\label{{tab:{label}}}", each) for each, label in zip(found, labels, strict=True))
    return "\n".join([NEEDS, *named])


def is_document(path: Path) -> bool:
    """Whether a file is what `document` made."""
    start = NEEDS.splitlines()[0].encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


_LABEL = re.compile(r"^\\label\{tab:(?P<label>[^}]*)\}$", re.MULTILINE)


def apart(names: Iterable[str]) -> list[str]:
    """`names`, of which a label can't tell some apart ("at-1", "at_1"): those are numbered, from the second on."""
    found: dict[str, str] = {}
    for name in names:
        own = next(each for each in chain([name], (f"{name}-{n}" for n in count(2))) if slug(each) not in found)
        found[slug(own)] = own
    return list(found.values())


def slug(text: str) -> str:
    """ "Table 5 of mat" -> "table-5-of-mat": what a label may be made of."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "table"


def _cell(text: str, kind: str) -> str:
    if kind == "long":
        return rf"{{\raggedright {escape(text)}\par}}"
    return number(text) if kind == "number" and not isinstance(text, TeX) else escape(text)


def _spanned(texts: Sequence[str], kinds: Sequence[str]) -> str:
    """Cells of a line in which a number and its gain are one."""
    heads = [pair for pair in pairwise([*kinds, ""]) if pair[0] != "gain"]
    return " & ".join(
        rf"\multicolumn{{2}}{{c}}{{{text}}}" if after == "gain" else f"{{{text}}}" if kind == "number" else text
        for text, (kind, after) in zip(texts, heads, strict=True)
    )


def formula(text: str) -> TeX:
    r"""A formula as the registries write it, "α·τ²·D(T^τ(x)‖S(x'))", as mathematics; else as words."""
    parts, place = [""], 0  # mathematics and words by turns
    for token in _TOKEN.finditer(text):
        if token.start() != place:
            return escape(text)
        place = token.end()
        if " " in (token["words"] or "").strip():  # a line may be broken there
            parts += [f" {escape(token['words'])}", ""]
        else:
            parts[-1] += _sign(token)
    if place != len(text) or _TWICE.search(text) or not any(parts):
        return escape(text)
    return TeX("".join(part if number % 2 else f"${part}$" for number, part in enumerate(parts) if part).strip())


_SIGNS = "".join(map(re.escape, _MATHEMATICS))
_TOKEN = re.compile(
    rf"(?P<script>[_^])(?:\{{(?P<group>[A-Za-z0-9 ,=+{_SIGNS}]+)\}}|(?P<one>[A-Za-z0-9{_SIGNS}]))"
    rf"|(?P<words>[A-Za-z]{{2,}}(?: [A-Za-z]{{2,}})* ?)|(?P<sign>[A-Za-z0-9 ()\[\],;.:=+\-/|'{_SIGNS}])"
)
_TWICE = re.compile(r"([_^])(\{[^}]*\}|\S)'*\1|²'*\^|\^(\{[^}]*\}|\S)²|²²")


def _sign(token: re.Match[str]) -> str:
    if words := token["words"]:
        return rf"\mathrm{{{words.replace(' ', chr(92) + ' ')}}}"
    if script := token["script"]:
        return f"{script}{{{''.join(_mathematics(sign) for sign in token['group'] or token['one'])}}}"
    return _mathematics(token["sign"])


def _mathematics(sign: str) -> str:
    command = _MATHEMATICS.get(sign, sign)
    return f"{command} " if command.startswith("\\") else command


def _spelled(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    if (character < "\u0180" and character not in _UNKNOWN) or character in _KNOWN:
        return character
    return rf"\ifdefined\Umathchar {character}\else U+{ord(character):04X}\fi{{}}"


def _join(character: str, following: str) -> bool:
    """Whether LaTeX would make one sign of the two, such as a dash of two hyphens."""
    return {character, following} <= {"-", "–"} or (character == following and character in "',")
