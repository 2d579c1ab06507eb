"""Numbers in rows and columns, each cell the darker the more it stands for: a table, which everybody can read."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

#: How much of the accent's colour the darkest cell has, in percent; the words in it stay readable.
DARKEST = 45


def matrix(
    title: str,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    numbers: Sequence[Sequence[int]],
    shades: Sequence[Sequence[float]],
) -> Markup:
    """A table of whole numbers; zeros are left empty.

    Args:
        title: what is to be seen, in words; read aloud, not shown.
        corner: what rows and columns are.
        rows, columns: their names.
        numbers: a row of them for each of `rows`.
        shades: how dark each is, from 0 to 1.
    """
    heads = Markup("").join(Markup('<th scope="col" class="number">{}</th>').format(name) for name in columns)
    lines = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, Markup("").join(map(_cell, own, dark)))
        for name, own, dark in zip(rows, numbers, shades, strict=True)
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="heat matrix">'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(title, corner, heads, lines)


def _cell(number: int, shade: float) -> Markup:
    if not number:
        return Markup("<td></td>")
    return Markup('<td class="number" style="--heat:{:.0f}%">{}</td>').format(DARKEST * min(max(shade, 0), 1), number)
