"""Who the patients are: four herniation types, their sizes, and when they are first imaged.

Working assumptions, not published figures, fixed before anything was fitted. A type enters the
model only through ``size_mm`` and ``sequestrated``.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ENTRY_MEAN",
    "ENTRY_SHAPE",
    "SEQUESTRATION",
    "SIZE_MEAN",
    "SIZE_SD",
    "SMALLEST_SIZE",
    "TYPES",
    "TYPE_SHARES",
]

TYPES: Final = ("bulge", "protrusion", "extrusion", "sequestration")
SEQUESTRATION: Final = TYPES.index("sequestration")
TYPE_SHARES: Final = (0.08, 0.27, 0.42, 0.23)
SIZE_MEAN: Final = (3.5, 5.0, 8.0, 9.0)  # mm
SIZE_SD: Final = (0.8, 1.2, 2.2, 2.5)
SMALLEST_SIZE: Final = 1.0  # mm; what is drawn below is set to it
ENTRY_MEAN: Final = 2.4  # months from onset to the index MRI, gamma-distributed
ENTRY_SHAPE: Final = 2.0
