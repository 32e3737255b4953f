"""Fill the pages' quotations from the files that they name: python docs/quote_results.py."""

import re
from pathlib import Path

DOCS = Path(__file__).parent
PAGES = ("scale.md", "reliability.md")
QUOTED = re.compile(
    r"<!-- (?P<file>(?:benchmarks|docs)/[\w./]+)(?:: (?P<part>.+?))? -->\n"
    r"```(?P<language>\w*)\n(?:.*?\n)??```",
    re.DOTALL,
)


def quotation(found: re.Match[str]) -> str:
    """Quote a file, or of a printout the part that begins so and ends with a blank line."""
    text = (DOCS.parent / found["file"]).read_text(encoding="utf-8")
    comment = found["file"]
    if found["part"]:
        comment += f": {found['part']}"
        text = text[text.index("\n" + found["part"]) + 1 :].split("\n\n", 1)[0]
    return f"<!-- {comment} -->\n```{found['language']}\n{text.strip()}\n```"


def page(name: str) -> str:
    """Give a page with its quotations as they should be."""
    return QUOTED.sub(quotation, (DOCS / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for each in PAGES:
        filled = page(each)
        (DOCS / each).write_text(filled, encoding="utf-8", newline="")
