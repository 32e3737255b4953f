"""How figures look, and how one becomes SVG text that can stand inside an HTML page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BAND",
    "GRID",
    "INK",
    "LINE",
    "MUTED",
    "STYLE",
    "TICK",
    "drawn",
    "inline_svg",
    "saved",
    "styled",
    "words",
]

INK, MUTED, GRID = "#111111", "#555555", "#e4e4e4"
BAND, TICK, LINE = "#cfe0ef", "#0060a8", "#3d93d6"  # one hue, told apart by lightness
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "discresorb",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 9.0,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "legend.frameon": False,
    "text.parse_math": False,  # a $ in the name of a centre is a $
}
# of a figure 510 pt wide, as a page of A4 with margins of 15 mm is, and 680 px on a screen
_INLINE: dict[Any, Any] = {
    **STYLE,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.fontsize": 9.0,
}
WIDTH = 510.0 / 72.0  # inches
# what would name the day, or the version of a library
_DATED = {
    "svg": ("Date", "Creator", "Format", "Type"),
    "pdf": ("CreationDate", "Creator", "Producer"),
    "png": ("Software",),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = re.compile(r"<[A-Za-z][^>]*>")  # the backend escapes > in text and in attributes
_REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')
_BEFORE = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)


def words(text: object) -> str:
    """Text without the characters that XML does not have."""
    return _NOT_XML.sub("", str(text))


def drawn(
    draw: Callable[[Figure], None], height: float, name: str, title: str, description: str
) -> str:
    """Draw a figure in the style of reports and give it as inline SVG.

    Parameters
    ----------
    draw : callable
        Takes the empty figure and draws into it.
    height : float
        Inches.
    name, title, description
        As in `inline_svg`.
    """
    from matplotlib.figure import Figure

    with styled({**_INLINE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height))
        draw(figure)
        svg = saved(figure, "svg").decode()
    return inline_svg(svg, name, title, description)


@contextmanager
def styled(looks: Mapping[Any, Any] = STYLE) -> Iterator[None]:
    """Draw and save in these looks, whatever the user's own are."""
    from matplotlib import style

    with style.context(["default", dict(looks)]), warnings.catch_warnings():
        # a letter that the measuring font lacks is in the reader's font
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def saved(figure: Figure, form: str, title: str | None = None) -> bytes:
    """Give a figure as a file, the same bytes every time.

    Parameters
    ----------
    figure : Figure
        Drawn in `styled`.
    form : {"svg", "pdf", "png"}
        Of the file.
    title : str, optional
        What the file says that it is.
    """
    stream = io.BytesIO()
    metadata: dict[str, Any] = dict.fromkeys(_DATED[form])
    if title is not None:
        metadata["Title"] = title
    figure.savefig(stream, format=form, metadata=metadata)
    return stream.getvalue()


def inline_svg(svg: str, name: str, title: str, description: str) -> str:
    """Make an SVG file of matplotlib's one that can share a page with others.

    Its ids and references begin with its name, its style sheet holds for itself only, it is as wide
    as what it stands in, and a screen reader reads title and description.

    Parameters
    ----------
    svg : str
        The file.
    name : str
        Unique on the page; letters, digits, hyphens and underscores.
    title, description : str
        Plain text.

    Raises
    ------
    ValueError
        If name is no name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot begin ids; use letters, digits, - and _")
    body = _BEFORE.sub("", svg).strip()
    body = _TAG.sub(lambda tag: _REFERENCE.sub(rf"\g<1>{name}-", tag[0]), body)
    body = body.replace("xlink:href=", "href=").replace("*{stroke", f"#{name} *{{stroke")
    opening, rest = body.split(">", 1)
    box = re.findall(r'viewBox="[^"]*"', opening)[0]
    head = (
        f'<svg id="{name}" xmlns="http://www.w3.org/2000/svg" {box} width="100%" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">\n'
        f'<title id="{name}-title">{escape(words(title))}</title>\n'
        f'<desc id="{name}-desc">{escape(words(description))}</desc>'
    )
    return head + rest + "\n"
