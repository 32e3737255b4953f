"""One HTML file that holds all it needs, and that the browser itself keeps from anything else.

The page's content security policy names the hashes of its one script and its one style sheet and
forbids the rest: requests, frames, forms, further scripts. So text that comes from a model or a
patient list stays text, whatever it holds. Style attributes are forbidden too; scripts set
classes, SVG attributes or ``element.style`` instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from discresorb import __version__
from discresorb.templates import embedded_json, environment
from discresorb.wording import LIMITS

__all__ = ["embedded", "html_page"]


def html_page(
    template: str,
    *,
    title: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: Mapping[str, Any],
    **facts: Any,
) -> str:
    """Render a template that extends ``base.html``.

    Parameters
    ----------
    template : str
        Its name among the assets.
    title : str
        Of the page.
    styles, scripts : sequence of str
        Names of assets, joined in this order; ``base.css`` comes before the styles.
    data : mapping
        Plain data, which the scripts find as JSON in the element ``data``.
    **facts
        What the template needs besides; escaped there.

    Returns
    -------
    str
    """
    style = "\n".join(map(_asset, ["base.css", *styles]))
    script = "\n".join(map(_asset, scripts))
    rendered: str = (
        environment(_asset)
        .get_template(template)
        .render(
            title=title,
            version=__version__,
            limits=LIMITS,
            policy=_policy(script, style),
            style=style,
            script=script,
            data=_json(data),
            **facts,
        )
    )
    return rendered


def embedded(html: str) -> dict[str, Any]:
    """Read the data that a page was made from."""
    return embedded_json(html, "data")


def _asset(name: str) -> str:
    return files("discresorb.pages").joinpath("assets", name).read_text(encoding="utf-8")


def _json(data: Mapping[str, Any]) -> str:
    """Give JSON that can stand inside a script element: no character there begins a tag."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
