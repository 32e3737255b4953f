"""Command-line options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["DataOriginOption", "EndpointOption"]

EndpointOption = Annotated[
    str | None, typer.Option(help="What counted as resorbed; default: from the data card.")
]
DataOriginOption = Annotated[
    str | None, typer.Option(help="synthetic or observed; default: from the data card.")
]
