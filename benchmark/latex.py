"""Text as LaTeX prints it: nothing in a name is a command, ends a paragraph, stops a run or vanishes."""

from __future__ import annotations

import unicodedata

#: What a file that holds escaped text says at its top.
NEEDS = "% needs \\usepackage{booktabs}; for letters such as ą, đ or ŋ also \\usepackage[T1]{fontenc}"

_GREEK = "ALPHA BETA GAMMA DELTA ZETA ETA THETA IOTA KAPPA MU NU XI PI RHO SIGMA TAU PHI CHI PSI OMEGA"

_SPELLED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    # In braces, for LaTeX takes [ and * for its own where a line ends before them, and ?` for one sign.
    **{character: f"{{{character}}}" for character in "[]*`"},
    **{unicodedata.lookup(f"GREEK SMALL LETTER {name}"): f"$\\{name.lower()}$" for name in _GREEK.split()},
    "λ": r"$\lambda$",
    "ε": r"$\varepsilon$",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "−": "$-$",
    "–": "--",
}

#: Beyond Latin letters and what is spelled, any LaTeX knows these.
_KNOWN = "‐—‘’“”†‡•…€™←↑→↓"


def escape(text: str) -> str:
    r"""`text` such that LaTeX shows it and goes on, whatever is in it.

    White space becomes spaces, line ends among it; what no eye can see appears as its code, "\x1b". A letter that
    pdfLaTeX does not know would stop it: there its number is shown, and the letter by XeLaTeX and LuaLaTeX.
    """
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in unicodedata.normalize("NFC", " ".join(text.split()))
    )
    return "".join(
        _spelled(character) + ("{}" if _join(character, following) else "")
        for character, following in zip(shown, [*shown[1:], ""], strict=False)
    )


def _spelled(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    if character < "\u0180" or character in _KNOWN:
        return character
    return rf"\ifdefined\Umathchar {character}\else U+{ord(character):04X}\fi{{}}"


def _join(character: str, following: str) -> bool:
    """Whether LaTeX would make one sign of the two, such as a dash of two hyphens."""
    return {character, following} <= {"-", "–"} or (character == following and character in "',")
