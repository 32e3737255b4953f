"""How every template is rendered, and how the data that a page carries is read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from discresorb.wording import as_sentence

__all__ = ["embedded_json", "environment"]


def environment(read: Callable[[str], str], **filters: Callable[..., str]) -> Any:
    """Give jinja2 for templates of a package; what they are filled with is escaped in HTML.

    Parameters
    ----------
    read : callable
        Gives a template's text by its name.
    **filters
        Further filters; ``sentence`` is there.
    """
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.FunctionLoader(read),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters.update(filters, sentence=as_sentence)
    return found


def embedded_json(html: str, element: str) -> dict[str, Any]:
    """Read the data that a page was made from, out of the script element of that id."""
    mark = f'<script type="application/json" id="{element}">'
    start = html.index(mark) + len(mark)
    found: dict[str, Any] = json.loads(html[start : html.index("</script>", start)])
    return found
