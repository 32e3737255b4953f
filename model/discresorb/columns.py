"""The data dictionary: every column's name, unit, range and meaning, said once.

Validation, documentation and the artifact's covariates all read from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "DATE_COLUMNS",
    "EXIT_REASONS",
    "FALSE_WORDS",
    "FINDINGS",
    "IMAGING_DATE",
    "MONTHS_COLUMNS",
    "MONTHS_SINCE_ONSET",
    "MONTHS_TO_SURGERY",
    "ONSET_DATE",
    "OUTPUT_COLUMNS",
    "PATIENT_ID",
    "SCORING_COLUMNS",
    "SEQUESTRATED",
    "SIZE_MM",
    "SURGERY_DATE",
    "SYMPTOMS_CHANGED",
    "TRAINING_COLUMNS",
    "TRUE_WORDS",
    "UNLIMITED",
    "VISIT_COLUMNS",
    "Column",
]

Kind = Literal["number", "flag", "category", "date", "text", "count"]

FALSE_WORDS: Final = ("no", "false", "0", "0.0")
TRUE_WORDS: Final = ("yes", "true", "1", "1.0")
UNLIMITED: Final = 1.7976931348623157e308  # the largest float, so that infinity is refused
EXIT_REASONS: Final = ("resorbed", "surgery", "lost", "end")
FINDINGS: Final = ("herniated", "resorbed")


@dataclass(frozen=True)
class Column:
    """One column of a table that people hand in or get back.

    Parameters
    ----------
    name : str
        As it stands in a header and in Python keywords.
    kind : {"number", "flag", "category", "date", "text", "count"}
        How its cells are read.
    meaning : str
        For a person, without the unit.
    unit : str
        Of a number.
    low, high : float
        Smallest and largest value allowed, both allowed themselves.
    levels : sequence of str
        Of a category, all that may be entered.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    low: float = -UNLIMITED
    high: float = UNLIMITED
    levels: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may be entered, in words."""
        if self.kind == "number":
            unit = f" {self.unit}" if self.unit else ""
            if self.high == UNLIMITED and self.low == -UNLIMITED:
                return f"a number of {self.unit}" if self.unit else "a number"
            if self.high == UNLIMITED:
                return f"a number of at least {self.low:g}{unit}"
            if self.low == -UNLIMITED:
                return f"a number of at most {self.high:g}{unit}"
            return f"a number from {self.low:g} to {self.high:g}{unit}"
        if self.kind == "category":
            return "one of " + ", ".join(self.levels)
        if self.kind == "flag":
            return "yes or no (also true/false, 1/0)"
        others = {"date": "a date written YYYY-MM-DD", "count": "a whole number of 0 or more"}
        return others.get(self.kind, "text")


PATIENT_ID: Final = Column("patient_id", "text", "who this is; passed through, never used")
SIZE_MM: Final = Column(
    "size_mm",
    "number",
    "largest antero-posterior extent of the herniation beyond the disc space, axial T2",
    "mm",
    0.5,
    40.0,
)
SEQUESTRATED: Final = Column(
    "sequestrated", "flag", "a free fragment has lost its connection to the disc"
)
ONSET_DATE: Final = Column("onset_date", "date", "when the symptoms began")
IMAGING_DATE: Final = Column("imaging_date", "date", "index MRI, on which the herniation was seen")
SURGERY_DATE: Final = Column("surgery_date", "date", "planned surgery")
MONTHS_SINCE_ONSET: Final = Column(
    "months_since_onset",
    "number",
    "from the onset of symptoms to the index MRI",
    "months",
    0.0,
    240.0,
)
MONTHS_TO_SURGERY: Final = Column(
    "months_to_surgery", "number", "from the index MRI to the planned surgery", "months", 0.0, 600.0
)
SYMPTOMS_CHANGED: Final = Column(
    "symptoms_changed", "flag", "symptoms have changed since the index MRI; empty if not known"
)

DATE_COLUMNS: Final = (ONSET_DATE, IMAGING_DATE, SURGERY_DATE)
MONTHS_COLUMNS: Final = (MONTHS_SINCE_ONSET, MONTHS_TO_SURGERY)
SCORING_COLUMNS: Final = (
    PATIENT_ID,
    SIZE_MM,
    SEQUESTRATED,
    *DATE_COLUMNS,
    *MONTHS_COLUMNS,
    SYMPTOMS_CHANGED,
)

OUTPUT_COLUMNS: Final = (
    Column(
        "p_resorbed", "number", "probability of resorption on MRI by the surgery date", "", 0.0, 1.0
    ),
    Column("p_low", "number", "lower end of its 95 % interval", "", 0.0, 1.0),
    Column("p_high", "number", "upper end of its 95 % interval", "", 0.0, 1.0),
    Column("months_at_imaging", "number", "months since onset at the index MRI", "months"),
    Column("months_at_surgery", "number", "months since onset at the planned surgery", "months"),
    Column("n_imputed", "count", "covariates that were missing and were filled in by regression"),
    Column("reimage", "flag", "whether any reason to image again applies"),
    Column("reimage_reason", "text", "the reasons to image again, joined by '; '"),
    Column("warnings", "text", "what to keep in mind about this estimate, joined by '; '"),
    Column("problems", "text", "why a row could not be scored, joined by '; '"),
    Column("model_id", "text", "the model that gave the estimate"),
)

TRAINING_COLUMNS: Final = (
    PATIENT_ID,
    MONTHS_SINCE_ONSET,
    Column(
        "last_herniated_months",
        "number",
        "months since onset at the last MRI that still showed the herniation",
        "months",
        0.0,
        600.0,
    ),
    Column(
        "first_resorbed_months",
        "number",
        "months since onset at the first MRI that showed it resorbed; empty if never seen",
        "months",
        0.0,
        600.0,
    ),
    ONSET_DATE,
    IMAGING_DATE,
    Column("last_herniated_date", "date", "last MRI that still showed the herniation"),
    Column("first_resorbed_date", "date", "first MRI that showed it resorbed; empty if never seen"),
    Column("exit_reason", "text", "how follow-up ended: " + ", ".join(EXIT_REASONS)),
    Column(
        "exit_months", "number", "months since onset when follow-up ended", "months", 0.0, 600.0
    ),
    Column("site_id", "text", "the centre; never a covariate"),
)

VISIT_COLUMNS: Final = (
    Column("patient_id", "text", "who this is; rows of the same id are one patient"),
    ONSET_DATE,
    Column("mri_date", "date", "one row an MRI, in order; a patient's first is the index MRI"),
    Column("finding", "text", "what the MRI showed: " + ", ".join(FINDINGS)),
    SIZE_MM,
    SEQUESTRATED,
    Column("leg_pain", "number", "leg pain at this MRI; may be empty once resorbed", "", 0.0, 10.0),
    Column("surgery_date", "date", "surgery that ended follow-up; empty if it did not"),
    Column("exit_date", "date", "when follow-up ended"),
    Column("exit_reason", "text", "how follow-up ended: " + ", ".join(EXIT_REASONS)),
    Column("site_id", "text", "the centre; never a covariate"),
)
