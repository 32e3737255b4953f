"""The commands that calibrate and simulate; `discresorb.cli` finds them by entry point."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discresorb.options import ForceOption, JsonOption, tell
from discresorb_training.options import settings_from, typed, with_settings

if TYPE_CHECKING:
    from discresorb_training.settings import Settings
    from discresorb_training.simulate import Simulation

__all__ = ["app"]

app = typer.Typer()


@app.command()
def calibrate(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the parameters as JSON."),
    ] = None,
    as_json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Fit the simulator to the published proportions and show how well it meets them.

    Example: discresorb calibrate -o parameters.json

    simulate --parameters reads the file. The shipped evidence, what is assumed where a study prints
    nothing, and the two stated assumptions are described in docs/calibration.md.
    """
    from discresorb.errors import InputError
    from discresorb.files import check_target, write_whole
    from discresorb.sources import STANDARD_STREAM
    from discresorb_training.calibration import calibrate as fit
    from discresorb_training.calibration_table import calibration_table

    if output and str(output) == STANDARD_STREAM:
        raise InputError(
            "calibrate prints to standard output by itself; --json prints what -o writes"
        )
    if output:
        check_target(output, force=force)
    calibration = fit()
    made_by = shlex.join(["discresorb", "calibrate", *(["-o", output.name] if output else [])])
    content = json.dumps(
        {"made_by": made_by, **calibration.to_dict()}, indent=1, ensure_ascii=False
    )
    if output:
        write_whole(output, (content + "\n").encode("utf-8", "backslashreplace"))
        tell(f"Wrote {output}.")
    typer.echo(content if as_json else "\n".join(calibration_table(calibration)))


@app.command()
@with_settings
def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Write here.")],
    entered: dict[str, Any],
    n: Annotated[int, typer.Option("-n", help="Number of patients.")] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    visits_file: Annotated[
        Path | None,
        typer.Option("--visits-file", metavar="FILE", help="Also write one row an MRI."),
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,  # what cannot be read is told of like all else that is wrong with it
            help="Parameters that calibrate wrote; else the shipped.",
        ),
    ] = None,
    about: Annotated[
        str | None, typer.Option(help="What the cohort stands for, in words, for its card.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Simulate a cohort, its truth and its data card.

    Example: discresorb simulate -n 2000 --seed 1 --sites 20 -o cohort.csv

    Beside cohort.csv this writes cohort.truth.csv (event times and true probabilities) and
    cohort.card.json (how it was made, and what it is not), which train reads.
    """
    from discresorb_training.cohort_files import CohortFiles
    from discresorb_training.simulate import Simulation

    files = CohortFiles(output, visits_file)
    files.check(force=force, inputs=[parameters] if parameters else [])
    settings = _settings(entered, parameters)
    simulation = Simulation(n, seed=seed, settings=settings)
    options: dict[str, object] = {"visits_file": _seen_from(output, visits_file)}
    options |= {"parameters": _seen_from(output, parameters), **entered, "about": about}
    made_by = ["discresorb", "simulate", "-n", str(n), "--seed", str(seed), "-o", output.name]
    made_by += [word for name, value in options.items() for word in typed(name, value)]
    said = {"about": about} if about else {}
    files.write(simulation, {**said, "made_by": shlex.join(made_by), **_facts(simulation)})
    tell(f"Wrote {', '.join(path.name for path in files.targets())}.")


def _settings(entered: dict[str, Any], parameters: Path | None) -> Settings:
    """Make settings; what is wrong with a file of parameters names the file."""
    from discresorb.errors import InputError, InputFileError
    from discresorb_training.parameters import read_parameters

    if parameters is None:
        return settings_from(entered, None)
    law = read_parameters(parameters)
    try:
        settings_from({}, law)
    except InputError as error:
        raise InputFileError([f"{parameters}: {each}" for each in error.problems]) from None
    return settings_from(entered, law)


def _seen_from(output: Path, other: Path | None) -> str | None:
    """Name another file as a command in the output's folder would."""
    return None if other is None else os.path.relpath(other, output.parent)


def _facts(simulation: Simulation) -> dict[str, object]:
    """Say what every simulated table holds, and what it is not."""
    from discresorb.wording import SYNTHETIC
    from discresorb_training.simulate import ENDPOINT, TRUTH_MONTHS

    settings, seen = simulation.settings, simulation.cohort()["first_resorbed_months"].notna()
    true = {f"{m} months": round(float(simulation.probability(m).mean()), 4) for m in TRUTH_MONTHS}
    return {
        "endpoint": ENDPOINT,
        "data_origin": SYNTHETIC,
        "between_study_sd": settings.site_sd or None,
        "between_study_sd_is": "for the intervals of a model trained on this; the patients differ "
        "by centre only where sites is above 0",
        "share_seen_resorbed": round(float(seen.mean()), 4),
        "mean_true_probability": true,
        "settings": settings.to_dict(),
        "what_it_is_not": "data of any patient, or evidence about any; for demonstration only. "
        "Growth of a herniation is ignored; herniation types, sizes, times of imaging and exits "
        f"are assumptions; {_origin_of_law(settings)}. The share seen to have resorbed is less "
        "than the share that has, because MRIs are few and follow-up ends early",
    }


def _origin_of_law(settings: Settings) -> str:
    from discresorb_training.settings import Settings

    law = ("distribution", "latency", "scale", "ever", "shift", "site_sd")
    ours = [name for name in law if getattr(settings, name) != getattr(Settings(), name)]
    if ours:
        return f"the law of resorption is not the calibrated one, but has its own {', '.join(ours)}"
    return (
        "the law of resorption is fitted to published proportions, which differ between studies by "
        "more than chance"
    )
