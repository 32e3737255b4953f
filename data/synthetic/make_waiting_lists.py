"""Make the two shipped waiting lists and their cards: python data/synthetic/make_waiting_lists.py.

No row is a patient. One row follows the published case report on which the project started: MRI in
March 2019, changed symptoms, operation in September 2019, nothing left to remove; its onset, size
and days of the month are assumed, because the report gives none.
"""

import csv
import datetime
import io
from pathlib import Path

import numpy as np

from discresorb.columns import SCORING_COLUMNS
from discresorb_training.cards import write_card

HERE = Path(__file__).parent
HEADER = [column.name for column in SCORING_COLUMNS] + ["level"]
LEVELS = ("L3-4", "L4-5", "L4-5", "L5-S1", "L5-S1")
COMMAND = "python data/synthetic/make_waiting_lists.py"
PATIENTS = 22

CASE_REPORT = ["case-report", "11", "yes", "2019-03-01", "2019-03-15", "2019-09-20", "", "", "yes",
               "L4-5"]  # fmt: skip
LATE_AND_LARGE = ["W0023", "19.5", "1", "2025-01-10", "2026-03-02", "2026-06-15", "", "", "no",
                  "L5-S1"]  # fmt: skip
BOTH_WAYS = ["W0024", "8.5", "0", "2026-01-05", "2026-02-16", "2026-05-20", "1.38", "3.06", "",
             "L4-5"]  # fmt: skip


def planned(rng: np.random.Generator, number: int) -> list[str]:
    """One planned operation; two of three by dates, the others by months."""
    sequestrated = rng.random() < 0.3
    size = float(np.clip(rng.normal(9.0 if sequestrated else 7.0, 2.0), 3.0, 14.0))
    entry, wait = 0.3 + rng.gamma(2.0, 1.1), 0.5 + rng.gamma(2.0, 2.2)
    flag = ("yes" if sequestrated else "no") if number % 2 else str(int(sequestrated))
    changed = rng.choice(["", "no", "yes"], p=[0.5, 0.35, 0.15])
    onset = datetime.date(2026, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 120)))
    imaging = onset + datetime.timedelta(days=round(entry * 30.4375))
    surgery = imaging + datetime.timedelta(days=round(wait * 30.4375))
    dates, months = [str(onset), str(imaging), str(surgery)], ["", ""]
    if number % 3 == 0:
        dates, months = ["", "", ""], [f"{entry:.1f}", f"{wait:.1f}"]
    level = str(rng.choice(LEVELS))
    return [f"W{number:04d}", f"{size:.1f}", flag, *dates, *months, str(changed), level]


def waiting_list() -> str:
    """Write the list without problems as CSV."""
    rng = np.random.default_rng(2019)
    rows = [planned(rng, number) for number in range(1, PATIENTS + 1)]
    rows = [CASE_REPORT, *rows, LATE_AND_LARGE, BOTH_WAYS]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([HEADER, *rows])
    return stream.getvalue()


# one row a kind of problem: what is wrong, then the cells as typed
PROBLEMS = """\
none,8.2,no,2026-01-05,2026-02-16,2026-05-20,,,no
size missing,,no,2026-01-05,2026-02-16,2026-05-20,,,
size as text,large,no,2026-01-05,2026-02-16,2026-05-20,,,
size negative,-8,no,2026-01-05,2026-02-16,2026-05-20,,,
size zero,0,no,2026-01-05,2026-02-16,2026-05-20,,,
size beyond range,82,no,2026-01-05,2026-02-16,2026-05-20,,,
size with a decimal comma,"8,2",no,2026-01-05,2026-02-16,2026-05-20,,,
size with its unit,8.2 mm,no,2026-01-05,2026-02-16,2026-05-20,,,
sequestrated missing,8.2,,2026-01-05,2026-02-16,2026-05-20,,,
sequestrated unknown word,8.2,perhaps,2026-01-05,2026-02-16,2026-05-20,,,
date missing,8.2,no,2026-01-05,2026-02-16,,,,
no times at all,8.2,no,,,,,,
31 February,8.2,no,2026-01-05,2026-02-31,2026-05-20,,,
date not ISO,8.2,no,03/04/2025,2026-02-16,2026-05-20,,,
MRI before onset,8.2,no,2026-02-16,2026-01-05,2026-05-20,,,
surgery before MRI,8.2,no,2026-01-05,2026-05-20,2026-02-16,,,
too long since onset,8.2,no,1996-01-05,2026-02-16,2026-05-20,,,
months negative,8.2,no,,,,-1,3,
months as text,8.2,no,,,,two,3,
months beyond range,8.2,no,,,,250,3,
months to surgery missing,8.2,no,,,,2,,
dates and months in conflict,8.2,no,2026-01-05,2026-02-16,2026-05-20,4,3.06,
symptoms_changed unknown word,8.2,no,2026-01-05,2026-02-16,2026-05-20,,,a bit
several at once,0,maybe,2026-13-01,2026-02-16,2026-05-20,,,
short row,8.2,no,2026-01-05,2026-02-16
surplus fields,8.2,no,2026-01-05,2026-02-16,2026-05-20,,,no,L4-5,x
"""


def problems() -> str:
    """Write the list of problems as CSV."""
    return ",".join(["problem", *HEADER[1:-1]]) + "\n" + PROBLEMS


def main() -> None:
    """Write both lists and their cards."""
    not_this = "data of any patient; for demonstration only"
    for name, what, text in (
        ("waiting_list", "invented planned operations, all of which can be scored", waiting_list()),
        (
            "waiting_list_problems",
            "the same kind of list with one row for each kind of problem",
            problems(),
        ),
    ):
        path = HERE / f"{name}.csv"
        path.write_text(text, encoding="utf-8", newline="")
        about = {"what": what, "made_by": COMMAND, "data_origin": "synthetic"}
        write_card(path, {**about, "what_it_is_not": not_this})
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
