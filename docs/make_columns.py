"""Write docs/columns.md from the data dictionary: python docs/make_columns.py."""

from pathlib import Path

from discresorb.columns import (
    OUTPUT_COLUMNS,
    SCORING_COLUMNS,
    SEQUESTRATED,
    SIZE_MM,
    TRAINING_COLUMNS,
    VISIT_COLUMNS,
    Column,
)

INTRODUCTION = """\
# Columns

Made from the data dictionary (`discresorb.columns`) by `python docs/make_columns.py`; a test
compares them. Text is UTF-8, comma-separated, with a header; an empty cell is the only code for a
missing value; blanks around a cell that is read are ignored. One month is 30.4375 days. All times
run from symptom onset.
"""
SCORING = """\
## Scoring

`size_mm` and `sequestrated` are needed, and either the three dates or the two months. In a row,
dates are used where they are complete, else months; what is entered twice must agree within 0.1
month. Any other column passes through untouched.
"""
OUTPUT = """\
## Output

Every input row, in order, with every input column, then these. A row with problems keeps its place
with empty numbers, and `problems` says what was entered and what is allowed. A text cell that a
spreadsheet would run as a formula gets a leading `'` unless `--raw-text` is given.
"""
TRAINING = """\
## Training

One row a patient. Needed are the covariates, and `months_since_onset`, `last_herniated_months` and
`first_resorbed_months`, or the same as dates. The exit never extends `last_herniated_months`: a
finding at operation is not an MRI.
"""
VISITS = """\
## Visits

One row an MRI. `cohort` makes a training CSV of them. It needs `patient_id`, `onset_date`,
`mri_date`, `finding`, and the covariates at the index MRI, the patient's first; rows may stand in
any order, and what belongs to the patient (dates of onset, surgery and exit, exit_reason, site_id)
in any of the patient's rows. MRIs after the first that shows it resorbed are left out and counted.
Any other column passes through with its value at the index MRI.

`train --surgery-weights` reads visits as they are: all columns but `site_id` needed, rows of a
patient in order, and what belongs to the patient the same in all of them. Size and sequestration
count as at the index MRI; later ones are not read. MRIs end with the first that shows it resorbed,
or with surgery.
"""


def table(columns: tuple[Column, ...]) -> str:
    """Lay columns out as a table."""
    lines = ["| column | meaning | values |", "|---|---|---|"]
    lines += [f"| `{c.name}` | {c.meaning} | {c.allowed} |" for c in columns]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Write the whole page."""
    patient, *rest = TRAINING_COLUMNS
    return "\n".join(
        [
            INTRODUCTION,
            SCORING,
            table(SCORING_COLUMNS),
            OUTPUT,
            table(OUTPUT_COLUMNS),
            TRAINING,
            table((patient, SIZE_MM, SEQUESTRATED, *rest)),
            VISITS,
            table(VISIT_COLUMNS),
        ]
    )


if __name__ == "__main__":
    (Path(__file__).parent / "columns.md").write_text(page(), encoding="utf-8", newline="")
