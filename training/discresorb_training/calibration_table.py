"""A calibration as a person reads it, study by study."""

from __future__ import annotations

import textwrap

from discresorb_training.calibration import ASSUMPTIONS, PATIENTS_IF_NOT_PRINTED, Calibration
from discresorb_training.evidence import Target

__all__ = ["calibration_table"]

_WIDTH = 110


def calibration_table(calibration: Calibration) -> list[str]:
    """Say what was published, assumed and simulated, and what came of it, a line each."""
    rows = zip(calibration.targets, calibration.simulated, calibration.differences, strict=True)
    process = calibration.process
    note = (
        "* months assumed, none printed. Types: % bulge/protrusion/extrusion/sequestration; onset: "
        "mean months to the baseline MRI. A percentage printed without patients weighs like a "
        f"count in {PATIENTS_IF_NOT_PRINTED}. Simulated: averaged over centres."
    )
    return [
        "Published and simulated proportions resorbed",
        "",
        f"{'target':<24}{'months':>7}  {'published (95 % interval)':<27}"
        f"{'assumed: types, size, onset':<34}{'simulated':>9}{'difference':>11}",
        *(_row(*row) for row in rows),
        "",
        *textwrap.wrap(note, _WIDTH, subsequent_indent="  "),
        "",
        f"Root mean square difference over {len(calibration.targets)} targets: "
        f"{calibration.rms_difference:.3f}",
        f"Between-study spread on the logit scale: {calibration.between_study_sd:g}",
        "",
        "Stated assumptions, and by how much they are kept",
        *(
            line
            for margin, assumption in zip(calibration.margins(), ASSUMPTIONS, strict=True)
            for line in textwrap.wrap(
                f"  {margin:+.4f}  {assumption.words}", _WIDTH, subsequent_indent=" " * 11
            )
        ),
        "",
        f"Parameters ({process.distribution})",
        f"  log months to resorption: {_line(process.latency)}, scale {process.scale:g}",
        f"  logit of ever resorbing:  {_line(process.ever)}",
    ]


def _row(target: Target, simulated: float, difference: float) -> str:
    printed, assumed = target.published, target.assumed
    months = f"{target.months:g}" + ("" if printed.months is not None else "*")
    interval = "" if printed.low is None else f" ({printed.low:.3f} to {printed.high:.3f})"
    mix = "/".join(f"{100 * share:.0f}" for share in assumed.type_shares)
    size = f", > {assumed.min_size_mm:g} mm" if assumed.min_size_mm else ""
    given = f"{mix}{size}, {assumed.mean_entry_months:.1f} months"
    return (
        f"{printed.key:<24}{months:>7}  {printed.proportion:<5.3f}{interval:<22}{given:<34}"
        f"{simulated:>9.3f}{difference:>+11.3f}"
    )


def _line(coefficients: tuple[float, ...]) -> str:
    intercept, by_size, by_type = coefficients
    return f"{intercept:g} {by_size:+g} size_mm {by_type:+g} sequestrated"
