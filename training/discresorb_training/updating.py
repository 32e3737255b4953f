"""From a model and a centre's cohort to a new model, or to the advice to keep the old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from discresorb.artifact import load_artifact
from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb.errors import ArtifactError, InputError, InputFileError, OutputError
from discresorb.predictor import Predictor
from discresorb.wording import SYNTHETIC
from discresorb_training.answerable import answerable_months
from discresorb_training.carried import Carried
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.content import save_if_whole
from discresorb_training.errors import TrainingError
from discresorb_training.external import check_fits, notes_on
from discresorb_training.lineage import made_from
from discresorb_training.plan import plan_of
from discresorb_training.training import check_settings
from discresorb_training.update_artifact import updated_artifact
from discresorb_training.update_facts import update_facts, update_lines, update_metrics
from discresorb_training.update_procedure import Assessment, Chosen, assess_update, chosen_update
from discresorb_training.validation import reference

__all__ = ["UpdateResult", "update", "update_cohort"]

_LEVELS = ("auto", 0, 1, 2, 3)
_OUTWEIGHED = 2.0  # the patients' own error counts 1 a parameter


@dataclass(frozen=True)
class UpdateResult:
    """What updating found.

    Parameters
    ----------
    level : int
        That was chosen; 0 is to keep the model.
    predictor : Predictor
        The new model, ready to predict; the old one at level 0.
    artifact : dict or None
        What `save` writes; None at level 0.
    facts : dict
        Everything found, as plain data.
    """

    level: int
    predictor: Predictor
    artifact: dict[str, Any] | None
    facts: Mapping[str, Any]

    def summary(self) -> list[str]:
        """Say what was tried, chosen and gained, a line each.

        Returns
        -------
        list of str
            What the command ``update`` prints.
        """
        return update_lines(self.facts)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Save the new model as ``NAME.joblib`` with its JSON twin and hashes.

        Parameters
        ----------
        path : str or Path
            Of ``NAME.joblib``.
        force : bool, default False
            Write over a model that stands there, unless it is the one that was updated.

        Raises
        ------
        OutputError
            If something stands there already (without force), or the model that was updated does
            (with force, too).
        TrainingError
            If there is no new model.
        """
        if self.artifact is None:
            raise TrainingError("the model is kept, so that there is no new one to save")
        _check_is_not(Path(path), self.artifact["parent_model"])
        save_if_whole(self.artifact, Path(path), force=force)


def update(
    predictor: Predictor,
    cohort: Any,
    *,
    endpoint: str,
    data_origin: str,
    seed: int = 0,
    level: int | Literal["auto"] = "auto",
) -> UpdateResult:
    """Make a model a centre's own, as far as its patients carry that.

    The smallest change that a closed test does not reject is made (Vergouwe 2017,
    doi:10.1002/sim.7179; the test allows for the model's own estimation error), and its estimates
    are held toward the model's. What it gains is told from cross-validation.

    Parameters
    ----------
    predictor : Predictor
        The model, from `discresorb.load` or `train`.
    cohort : pandas.DataFrame or polars.DataFrame
        Training columns, one row a patient of the centre.
    endpoint : str
        What counted as resorbed; must be the model's.
    data_origin : {"synthetic", "observed"}
        Whether these patients are simulated.
    seed : int, default 0
        Of the cross-validation's folds.
    level : {"auto", 0, 1, 2, 3}, default "auto"
        "auto" is the closed test's choice: 0 keep, 1 locations, 2 recalibrate, 3 refit.

    Returns
    -------
    UpdateResult
        The new model with its parent's id, or at level 0 the old one.

    Raises
    ------
    InputError
        If settings or cohort do not fit, with all problems.
    TrainingError
        If the level asked for is one that these patients do not carry.
    """
    return update_cohort(
        predictor,
        cohort_from_frame(cohort, plan_of(predictor)),
        endpoint=endpoint,
        data_origin=data_origin,
        name="cohort",
        seed=seed,
        level=level,
    )


def update_cohort(
    predictor: Predictor,
    cohort: Cohort,
    *,
    endpoint: str,
    data_origin: str,
    name: str,
    seed: int = 0,
    level: int | Literal["auto"] = "auto",
) -> UpdateResult:
    """Update with a cohort that is already read; see `update`.

    Parameters
    ----------
    predictor, cohort, endpoint, data_origin, seed, level
        As in `update`.
    name : str
        Of the cohort's file, for messages.
    """
    check_settings(endpoint, data_origin, "auto", "auto", 0.0, None, seed)
    if level not in _LEVELS:
        raise InputError(f"level entered as {level}, but must be auto, 0, 1, 2 or 3")
    _check_are_new(predictor, cohort, name)
    check_fits(predictor, cohort, endpoint, name)
    parent, design = predictor._curve, predictor.design.matrix(cohort.X, cohort.y["entry"])
    wanted = None if level == "auto" else int(level)
    chosen = chosen_update(parent, design, cohort.y, wanted=wanted)
    _check_carried(chosen.carried, wanted)
    months, no_months = _horizon(cohort)
    assessment = _assessed(parent, design, cohort, chosen, wanted, months, seed)
    notes = [*notes_on(predictor, cohort), *_notes_on_sites(cohort), *_notes_on_parent(chosen)]
    facts = update_facts(predictor, cohort, chosen, wanted, assessment, no_months, notes)
    if data_origin == SYNTHETIC and not predictor.notices:  # else the model's own says as much
        facts["notices"].append("these patients are simulated; nothing here speaks of people")
    if not chosen.level or assessment is None:
        return UpdateResult(0, predictor, None, facts)
    scores = assessment.log_score
    artifact = updated_artifact(
        predictor.artifact,
        cohort,
        chosen.curve,
        chosen.level,
        data_origin,
        update_metrics(facts),
        (scores.before, scores.after),
    )
    facts["new_model_id"] = artifact["model_id"]
    return UpdateResult(chosen.level, Predictor(artifact), artifact, facts)


def _assessed(
    parent: CureCurve,
    design: Array,
    cohort: Cohort,
    chosen: Chosen,
    wanted: int | None,
    months: float | None,
    seed: int,
) -> Assessment | None:
    """Cross-validate, where there is something to gain."""
    if wanted == 0 or not chosen.carried.highest:
        return None
    return assess_update(
        parent, design, cohort.y, chosen.carried, wanted=wanted, months=months, seed=seed
    )


def _notes_on_sites(cohort: Cohort) -> list[str]:
    sites = len(set(cohort.sites or ()))
    if sites < 2:
        return []
    return [
        f"the patients come from {sites} centres, which are taken as one; intervals do not hold "
        "the spread between them"
    ]


def _notes_on_parent(chosen: Chosen) -> list[str]:
    """Say where keeping the model only means that it is hardly known itself.

    The test allows for the model's own error. Where that outweighs the error of the new patients,
    what it finds on average is more than twice the parameters that it frees, and a model that is
    far off passes.
    """
    if chosen.level or not chosen.comparisons:
        return []
    test = chosen.comparisons[-1]
    if test.df <= _OUTWEIGHED * len(chosen.levels[test.against].free):
        return []
    return [
        "the model is less certain of itself than these patients are, so that the test could "
        "hardly find it wrong; see what --level 1 or 2 gains in cross-validation, or train anew "
        "on all patients together"
    ]


def _horizon(cohort: Cohort) -> tuple[float | None, str]:
    """Choose where observed : expected is judged, or say why nowhere."""
    try:
        return reference(answerable_months(cohort.y).months), ""
    except TrainingError as error:
        return None, str(error)


def _check_carried(carried: Carried, wanted: int | None) -> None:
    if wanted is not None and wanted > carried.highest:
        raise TrainingError(
            f"level {wanted} is not open to these patients: {carried.barred[wanted]}. Without "
            "--level the highest that they carry is tried"
        )


def _check_are_new(predictor: Predictor, cohort: Cohort, name: str) -> None:
    """Refuse patients by whom some model of the lineage was made."""
    model = made_from(predictor, cohort)
    if model is not None:
        raise InputFileError(
            f"{name} holds the very patients that {model}, of this model's lineage, was made from; "
            "they would count twice"
        )


def _check_is_not(path: Path, parent: str) -> None:
    """Refuse to write over the model that was updated."""
    try:
        there = load_artifact(path)["model_id"] if path.exists() else None
    except ArtifactError:
        return  # whatever it is, it is not that model
    if there == parent:
        raise OutputError(
            f"{path} is the model that was updated; it is never overwritten, name another file"
        )
