"""How often `update` chooses the right level at a new centre, and what that is worth.

For every replicate a parent is trained anew on 2,000 patients of the calibrated law. New centres
(`new_centres`: sizes and shifts, fixed before the first run) are updated from it as `discresorb
update` does, and fresh patients of the same centre say what came of it. All cells of a replicate
share the parent and the random numbers of their patients. Compared by the mean interval log score
on fresh patients:

* keep: the parent as it is;
* refit: always level 3, held toward the parent in the same way;
* updated: what the closed test chose, within the levels that the patients carry.

Also printed: whether the 95 % interval covers the true probability at six months, and what two
other tests would have chosen among the same estimates: the one of `update` at 5 % however few the
patients, and the plain likelihood-ratio test at 5 %, its statistic divided by 1 + n / 2,000.

Run: python benchmarks/updating.py > benchmarks/results/updating.txt (some 20 minutes on two cores);
--replicates N, --n-jobs N, --seed N. The numbers do not depend on the processes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from joblib import Parallel, delayed
from new_centres import PARENT_PATIENTS, SCENARIOS, SIZES, NewCentres
from scipy.stats import chi2
from side_by_side import heading

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training import ResorptionModel, Settings, interval_outcome
from discresorb_training.closed_test import closed_test, compare_levels
from discresorb_training.levels import (
    LEVEL_NAMES,
    SPREAD,
    TEST_SPREAD,
    Levels,
    Spread,
    levels_of,
)
from discresorb_training.simulate import Simulation
from discresorb_training.subspace import Patients, theta_of
from discresorb_training.update_procedure import chosen_update
from discresorb_training.updated_estimates import updated_curve

FRESH, MONTHS = 1_000, 6.0
LEAST_RIGHT = 0.80  # right or the next simpler level, at 800
LEAVING = {60: (0.0, 0.10), 200: (0.03, 0.08), 800: (0.03, 0.08)}  # level 0, without a shift
UNHELD = 30.0  # times the spread between centres
PLAIN_ALPHA = 0.05
MOST_LOST = 0.01  # of the log score, against the better of keep and refit


@dataclass(frozen=True)
class Outcome:
    """One replicate of one cell; scores are means over the fresh patients."""

    level: int
    highest: int
    keep: float
    refit: float
    updated: float
    covered_keep: float
    covered_updated: float
    level_at_5: int
    updated_at_5: float
    level_plain: int
    updated_plain: float


@dataclass(frozen=True)
class Fresh:
    """Fresh patients of a centre, by whom models are judged."""

    design: Array
    y: Array
    patients: Patients
    truth: Array

    @classmethod
    def of(cls, seed: int, centre: NewCentres, family: CureCurve) -> Fresh:
        """Simulate them."""
        design, y = simulated(FRESH, seed, centre.settings)
        size, sequestrated, entry = design[:, 1], design[:, 2], y["entry"]
        process = centre.settings.process()
        truth = process.probability(size, sequestrated, entry, entry + MONTHS)
        return cls(design, y, Patients.of(family, design, y), truth)

    def score(self, curve: CureCurve) -> float:
        """Mean interval log score."""
        return self.patients.at(theta_of(curve)).log_likelihood / FRESH

    def covered(self, curve: CureCurve) -> float:
        """Share of patients whose interval holds the truth."""
        entry = self.y["entry"]
        _, low, high = curve.interval(self.design, entry, entry + MONTHS)
        return float(((low <= self.truth) & (self.truth <= high)).mean())


def simulated(n: int, seed: int, settings: Settings) -> tuple[Array, Array]:
    """Design and outcome of simulated patients."""
    table = Simulation(n, seed=seed, settings=settings).cohort()
    y = interval_outcome(
        lower=table["last_herniated_months"].to_numpy(),
        upper=table["first_resorbed_months"].fillna(np.inf).to_numpy(),
        entry=table["months_since_onset"].to_numpy(),
    )
    X = table[["size_mm", "sequestrated"]].to_numpy(float)
    return np.column_stack([np.ones(n), X]), y


def replicate(seed: int) -> list[Outcome]:
    """Train a parent and update it in every cell, in the order of SCENARIOS and SIZES."""
    design, y = simulated(PARENT_PATIENTS, 3 * seed, Settings())
    parent = ResorptionModel("loglogistic").fit(design[:, 1:], y).curve()
    found = []
    for centre in SCENARIOS:
        design, y = simulated(max(SIZES), 3 * seed + 1, centre.settings)
        fresh = Fresh.of(3 * seed + 2, centre, parent)
        found += [outcome(parent, design[:n], y[:n], fresh) for n in SIZES]
    return found


def outcome(parent: CureCurve, design: Array, y: Array, fresh: Fresh) -> Outcome:
    """Update a parent at one centre."""
    levels, patients = levels_of(parent, design), Patients.of(parent, design, y)
    chosen = chosen_update(parent, design, y)
    highest = chosen.carried.highest
    at_5, _ = closed_test(parent, patients, levels, highest)
    plain = plain_choice(parent, patients, levels, highest, len(y))
    scores = {
        level: fresh.score(updated_curve(parent, patients, levels, level))
        for level in {0, 3, chosen.level, at_5, plain}
    }
    return Outcome(
        chosen.level,
        highest,
        scores[0],
        scores[3],
        scores[chosen.level],
        fresh.covered(parent),
        fresh.covered(chosen.curve),
        at_5,
        scores[at_5],
        plain,
        scores[plain],
    )


def plain_choice(
    parent: CureCurve, patients: Patients, levels: Levels, highest: int, n: int
) -> int:
    """Choose by likelihood ratios, next to nothing being held; see the docstring above."""
    exact = replace(parent, covariance=np.zeros_like(parent.covariance))
    for level in range(highest):
        found = compare_levels(exact, patients, levels, level, highest, spread=SPREAD.times(UNHELD))
        df = len(levels[highest].free) - len(levels[level].free)
        if chi2.sf(found.statistic / (1.0 + n / PARENT_PATIENTS), df) >= PLAIN_ALPHA:
            return level
    return highest


@dataclass(frozen=True)
class Cell:
    """All replicates of one scenario and size."""

    centre: NewCentres
    n: int
    values: dict[str, Array]

    def shares_of(self, name: str) -> Array:
        """Share of each level by one of the tests."""
        levels = self.values[name].astype(int)
        counts: Array = np.bincount(levels, minlength=len(LEVEL_NAMES)) / len(levels)
        return counts

    @property
    def shares(self) -> Array:
        """Of each level by the test of `update`."""
        return self.shares_of("level")

    def right_of(self, name: str) -> float:
        """Share of the right level or the next simpler by one of the tests."""
        right = self.centre.right
        return float(self.shares_of(name)[max(right - 1, 0) : right + 1].sum())

    @property
    def right(self) -> float:
        """Share of the right level or the next simpler by the test of `update`."""
        return self.right_of("level")

    @property
    def difference(self) -> tuple[float, float]:
        """Updated less the better of keep and refit, with its Monte Carlo standard error."""
        return self.difference_of("updated")

    def difference_of(self, name: str) -> tuple[float, float]:
        """Give the same by one of the tests."""
        better = max(("keep", "refit"), key=lambda name: float(self.values[name].mean()))
        differences = self.values[name] - self.values[better]
        return float(differences.mean()), float(differences.std() / np.sqrt(len(differences)))

    def verdicts(self) -> list[tuple[str, bool]]:
        """Each bound asked of this cell, in words, and whether it holds."""
        lost, error = self.difference
        found = [
            (f"updated at least the better of keep and refit less {MOST_LOST:g}: {lost:+.4f} "
             f"(± {error:.4f})", lost >= -MOST_LOST)
        ]  # fmt: skip
        if self.centre.right == 0:
            low, high = LEAVING[self.n]
            left = 1.0 - self.shares[0]
            found.append(
                (f"level 0 left in {100 * low:.0f} to {100 * high:.0f} %: {100 * left:.2f} %",
                 low <= left <= high)
            )  # fmt: skip
        if self.n == max(SIZES):
            found.append(
                (f"right or next simpler in at least {100 * LEAST_RIGHT:.0f} %: "
                 f"{100 * self.right:.1f} %", self.right >= LEAST_RIGHT)
            )  # fmt: skip
        return found


def show(cells: Sequence[Cell]) -> None:
    """Print a row a cell, then every bound."""
    print(
        f"{'':<17}{'n':>4}  {'level chosen, %':^25} {'right or':>9} {'left':>6}"
        f" {'mean log score on fresh patients':^33} {'less the':>9} {'covered, %':>13}"
    )
    print(
        f"{'':<21}  "
        + " ".join(f"{name[:6]:>6}" for name in LEVEL_NAMES[:1])
        + f" {'locat.':>6} {'recal.':>6} {'refit':>6} {'simpler':>8} {'keep':>6}"
        f" {'keep':>10} {'refit':>10} {'updated':>10} {'better':>10} {'keep':>6} {'updat.':>6}"
    )
    for cell in cells:
        mean = {name: float(each.mean()) for name, each in cell.values.items()}
        print(
            f"{cell.centre.name:<17}{cell.n:>4}  "
            + " ".join(f"{100 * share:6.1f}" for share in cell.shares)
            + f" {100 * cell.right:7.1f} {100 * (1.0 - cell.shares[0]):6.1f}"
            f" {mean['keep']:10.4f} {mean['refit']:10.4f} {mean['updated']:10.4f}"
            f" {cell.difference[0]:+10.4f}"
            f" {100 * mean['covered_keep']:6.1f} {100 * mean['covered_updated']:6.1f}"
        )
    print("\nhighest level that the patients carried, % of replicates (0, 1, 2, 3)")
    for cell in cells:
        highest = np.bincount(cell.values["highest"].astype(int), minlength=4)
        shares = 100 * highest / highest.sum()
        print(f"  {cell.centre.name:<17}{cell.n:>4}  " + " ".join(f"{s:6.1f}" for s in shares))
    print(
        "\nother tests among the same estimates: level chosen, %; right or simpler, left, less the "
        "better, as above"
    )
    print(f"  {'':<21}{'as update, but always at 5 %':^50}   {'likelihood-ratio test at 5 %':^50}")
    for cell in cells:
        tests = []
        for name in ("at_5", "plain"):
            shares = cell.shares_of(f"level_{name}")
            tests.append(
                " ".join(f"{100 * share:6.1f}" for share in shares)
                + f" {100 * cell.right_of(f'level_{name}'):6.1f} {100 * (1.0 - shares[0]):6.1f}"
                f" {cell.difference_of(f'updated_{name}')[0]:+8.4f}"
            )
        print(f"  {cell.centre.name:<17}{cell.n:>4} " + "   ".join(tests))
    print("\nbounds")
    for cell in cells:
        for words, holds in cell.verdicts():
            print(f"  {cell.centre.name}, n = {cell.n}, {words}: {'holds' if holds else 'MISSED'}")


def in_words(spread: Spread) -> str:
    """Give a spread on one line."""
    return ", ".join(f"{name} {value:g}" for name, value in vars(spread).items())


def main() -> None:
    """Run the study and print it."""
    parser = argparse.ArgumentParser(description="The study of updating at new centres.")
    parser.add_argument("--replicates", type=int, default=2_000)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    first = given.seed * 1_000_000
    seeds = range(first, first + given.replicates)
    found = Parallel(n_jobs=given.n_jobs)(delayed(replicate)(seed) for seed in seeds)
    heading("Updating a model at new centres")
    print(
        f"{given.replicates} replicates, seed {given.seed}; parents of {PARENT_PATIENTS} patients, "
        f"{FRESH} fresh patients\nspread between centres, of estimates: {in_words(SPREAD)}; "
        f"of the test: {in_words(TEST_SPREAD)}\n"
    )
    places = [(centre, n) for centre in SCENARIOS for n in SIZES]
    names = [each.name for each in fields(Outcome)]
    cells = [
        Cell(*place, {name: np.array([getattr(each[k], name) for each in found]) for name in names})
        for k, place in enumerate(places)
    ]
    show(cells)


if __name__ == "__main__":
    main()
