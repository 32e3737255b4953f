"""The commands of README and docs that take minutes, run as the pages show them.

    python benchmarks/page_commands.py > benchmarks/results/page_commands.txt

Prints, page by page, each command of a block marked ``sh long``, how long it took, and its last
line. A command that fails ends the run. Pages' other commands are run by the tests.
"""

from __future__ import annotations

import runpy
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    run_page = runpy.run_path(str(ROOT / "docs" / "run_page.py"))
    for page in run_page["pages"]():
        text = page.read_text(encoding="utf-8")
        if "```sh long" not in text:
            continue
        print(page.relative_to(ROOT).as_posix(), flush=True)
        started = time.perf_counter()

        def told(command: str, said: str) -> None:
            nonlocal started
            took, started = time.perf_counter() - started, time.perf_counter()
            last = next(iter(reversed(said.strip().splitlines())), "")
            print(f"  {command}\n    {took:.0f} s; {last}", flush=True)

        run_page["only_long"](text, told)


if __name__ == "__main__":
    main()
