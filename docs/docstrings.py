"""Reading docstrings written in numpydoc's layout: their text, their sections, what these name."""

from __future__ import annotations

import re
from dataclasses import dataclass

# a section's title stands on a line of its own, underlined
_TYPES = ("Returns", "Yields", "Raises", "Warns")
_SECTION = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One entry of a section, such as a parameter.

    Parameters
    ----------
    names : sequence of str
        Those that share a description; of a section such as Returns, none but the type.
    kind : str
        What stands behind the colon.
    text : str
        The description.
    """

    names: tuple[str, ...]
    kind: str
    text: str


@dataclass(frozen=True)
class Docstring:
    """A docstring in its parts.

    Parameters
    ----------
    text : str
        All before the first section.
    sections : dict
        By title, the text of each.
    """

    text: str
    sections: dict[str, str]

    @classmethod
    def of(cls, doc: str) -> Docstring:
        """Take a docstring apart whose indentation has been cleaned."""
        text, *rest = _SECTION.split(doc)
        titles, bodies = rest[::2], (body.strip("\n") for body in rest[1::2])
        return cls(text.strip(), dict(zip(titles, bodies, strict=True)))

    @property
    def summary(self) -> str:
        """The first paragraph."""
        return self.text.split("\n\n", 1)[0]

    def entries(self, title: str) -> list[Entry]:
        """List what a section names: entries begin at the margin, their text is indented."""
        found: list[Entry] = []
        for block in re.split(r"\n(?=\S)", self.sections.get(title, "")):
            if block.strip():
                head, _, text = block.partition("\n")
                names, colon, kind = head.partition(" : ")
                alone = title in _TYPES and not colon  # a type, which may hold commas
                split = (names,) if alone else tuple(each.strip() for each in names.split(","))
                found.append(Entry(split, kind, _dedented(text)))
        return found

    def names(self, title: str) -> list[str]:
        """Name what a section describes, without the stars of ``*args`` and ``**kwargs``."""
        return [name.lstrip("*") for each in self.entries(title) for name in each.names]


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines()).strip("\n")
