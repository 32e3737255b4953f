"""Random models and patients at the ends of what float64 holds, against 50 digits by mpmath.

Prints, by quantity and distribution, the largest error and how many lie beyond 1e-10, which must be
none. Two parts: probabilities (p, the ends of its interval, logit p), and one patient's
log-likelihood with gradient and Hessian. Needs mpmath, and about ten minutes on two processors.
"""

from __future__ import annotations

import math
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

import mpmath as mp
import numpy as np
from exact import Law, log_likelihood, logit_resorption, row_derivatives, se_of_logit

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS
from discresorb_training.blocks import prepare
from discresorb_training.likelihood import evaluate

POINTS, ROWS, PARTS = 20_000, 6_000, 20
LIMIT = 1e-10
SMALLEST = float(np.finfo(float).tiny)
FAR = 1e280  # beyond this logit p is taken for infinite
MOST_LOGIT = 700.0  # both p and 1 - p are numbers
LEAST_LEFT, LEAST_LIKELY = -1000, -1_000_000
SECOND = 1 / 86400 / 30.4375
NAMES = list(DISTRIBUTIONS)
Rng = np.random.Generator
Errors = list[tuple[str, str, float]]


def log_scale(rng: Rng) -> float:
    """Give log σ: between 1/1000 and 1000, as usual, or at the ends."""
    return float(rng.choice([rng.uniform(-6.9, 6.9), rng.normal(-0.6, 0.4), -6.9, 6.9]))


def cure_logit(rng: Rng) -> float:
    return float(rng.choice([rng.normal(0.5, 2.0), 40.0, -40.0, 800.0, -800.0]))


def entry(rng: Rng) -> float:
    return float(rng.choice([0.0, 240.0, rng.uniform(0, 24), 10 ** rng.uniform(-6, 2)]))


def wait(rng: Rng, since: float) -> float:
    """Give months: the most, usual ones, seconds, moments, or one step of float64."""
    step = math.ulp(since) if since else 1e-300
    moments = 10 ** rng.uniform(-8, 0)
    return float(rng.choice([600.0, rng.uniform(0, 24), moments, SECOND, step, 1e-6]))


def expit(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x)) if abs(x) < 10**6 else mp.mpf(x > 0)


def own_error(found: float, exact: Any) -> float:
    """Error of a probability, of itself; below the smallest number 0 is right, or next to it."""
    if exact < SMALLEST:
        return 0.0 if found <= 2.0 * SMALLEST else math.inf
    return float(abs(mp.mpf(found) / exact - 1)) if math.isfinite(found) else math.inf


def probability_errors(rng: Rng) -> Errors:
    name, cure = str(rng.choice(NAMES)), bool(rng.random() < 0.6)
    row = np.array([1.0, rng.choice([0.5, 40.0, rng.uniform(0.5, 40)]), float(rng.integers(2))])
    location = np.array([rng.normal(1.7, 1.0), rng.normal(0, 0.05), rng.normal(0, 0.5)])
    ever = np.array([cure_logit(rng), rng.normal(0, 0.1), rng.normal()])
    spread, since = log_scale(rng), entry(rng)
    until = wait(rng, since)
    size = 7 if cure else 4
    root = rng.normal(0.0, 0.1, (size, size)) / np.sqrt(size)
    covariance = root @ root.T
    curve = CureCurve(DISTRIBUTIONS[name], location, spread, ever if cure else None, covariance)
    found = [float(each) for each in curve.interval(row, since, since + until, wait=until)]

    def total(coefficients: Any) -> Any:
        return mp.fsum(mp.mpf(a) * mp.mpf(b) for a, b in zip(row, coefficients, strict=True))

    law = Law(name, total(location), mp.mpf(spread), total(ever) if cure else None)
    logit, slopes, _ = row_derivatives(
        lambda at: logit_resorption(at, mp.mpf(since), mp.mpf(until)), law, False
    )
    p, low, high = found
    in_order = 0.0 <= low <= p <= high <= 1.0
    if abs(logit) > FAR:
        return [("p", name, 0.0 if in_order and p == (logit > 0) else math.inf)]
    half = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))
    half *= se_of_logit(slopes, list(row), cure, mp.matrix(covariance.tolist()), 0.0)
    unit = max(1.0, float(half))
    errors = [
        ("p", name, own_error(p, expit(logit)) if in_order else math.inf),
        ("low end, of a unit", name, own_error(low, expit(logit - half)) / unit),
        ("high end, of a unit", name, own_error(high, expit(logit + half)) / unit),
    ]
    if abs(logit) <= MOST_LOGIT:  # what 1 - p has as its own error
        with np.errstate(all="ignore"):
            mine = curve._terms(row, since, since + until, until)[0].logit
        errors.append(("logit p", name, float(abs(mp.mpf(float(mine)) - logit))))
    return errors


def seen(rng: Rng) -> tuple[float, float, float]:
    """Give lower, upper and entry of a row of any type, narrow intervals among them."""
    since = entry(rng)
    first, last = since + wait(rng, since), 0.0
    kind = rng.integers(5)
    if kind == 0:
        return since, since + wait(rng, since), since
    if kind == 1:
        return first, math.inf, since
    if kind == 2:
        return first, first, since
    last = first * (1 + 10 ** rng.uniform(-12, -3)) if kind == 3 else first + wait(rng, first)
    return first, last, since


def likelihood_errors(rng: Rng) -> Errors:
    name, cure = str(rng.choice(NAMES)), bool(rng.random() < 0.6)
    lower, upper, since = seen(rng)
    place, spread, ever = float(rng.normal(1.7, 1.0)), log_scale(rng), cure_logit(rng)
    law = Law(name, mp.mpf(place), mp.mpf(spread), mp.mpf(ever) if cure else None)
    if min(law.log_alive(mp.mpf(t)) for t in (since, lower)) < LEAST_LEFT:
        return []
    if (lower == upper and lower <= since) or (upper == math.inf and lower == since):
        return []  # no outcome, and one that says nothing
    ends = [mp.mpf(t) for t in (lower, upper, since)]
    value, gradient, hessian = row_derivatives(lambda at: log_likelihood(at, *ends), law)
    if value < LEAST_LIKELY:
        return []
    theta = np.array([place, spread, ever] if cure else [place, spread])
    prepared = prepare(np.ones((1, 1)), *(np.array([t]) for t in (lower, upper, since)))
    found = evaluate(prepared, DISTRIBUTIONS[name], theta, cure=cure)
    unit = [mp.exp(mp.mpf(spread)), mp.mpf(1), mp.mpf(1)][: len(theta)]
    slopes = [(m, e, u) for m, e, u in zip(found.gradient, gradient, unit, strict=True)]
    bends = [
        (found.hessian[j, k], hessian[j][k], unit[j] * unit[k])
        for j in range(len(theta))
        for k in range(len(theta))
    ]
    return [
        ("log-likelihood", name, of_largest([(found.log_likelihood, value, mp.mpf(1))])),
        ("its gradient", name, of_largest(slopes)),
        ("its Hessian", name, of_largest(bends)),
    ]


def of_largest(numbers: list[tuple[Any, Any, Any]]) -> float:
    """Largest error of some numbers in their units, over the largest of them or one."""
    if not all(math.isfinite(float(mine)) for mine, _, _ in numbers):
        return math.inf
    size = max(mp.mpf(1), *(abs(exact * unit) for _, exact, unit in numbers))
    return float(max(abs(mp.mpf(float(m)) - e) * unit for m, e, unit in numbers) / size)


def part(function: Any, seed: int, count: int) -> Errors:
    rng = np.random.default_rng(seed)
    return [each for _ in range(count) for each in function(rng)]


def table(heading: str, function: Any, count: int, seed: int) -> None:
    with ProcessPoolExecutor(2) as processes:
        seeds = range(seed, seed + PARTS)
        parts = list(processes.map(part, repeat(function), seeds, repeat(count // PARTS)))
    by: dict[tuple[str, str], list[float]] = defaultdict(list)
    for quantity, name, error in (each for one in parts for each in one):
        by[quantity, name].append(error)
    quantities = list(dict.fromkeys(quantity for quantity, _ in by))
    print(heading)
    print(f"{'largest error of':<22}" + "".join(f"{name:>13}" for name in NAMES)
          + f"{'compared':>12}{'beyond 1e-10':>14}")  # fmt: skip
    for quantity in quantities:
        errors = [by[quantity, name] for name in NAMES]
        beyond = sum(error > LIMIT for each in errors for error in each)
        print(f"{quantity:<22}" + "".join(f"{max(each):>13.1e}" for each in errors)
              + f"{sum(map(len, errors)):>12,}{beyond:>14}")  # fmt: skip
    print()


if __name__ == "__main__":
    print("float64 against 50 digits\n")
    table(
        f"{POINTS:,} models and patients: entry 0 to 240 months, wait from one step of float64 to "
        "600 months,\nsigma 0.001 to 1000, logit pi to 800 either way, size 0.5 to 40 mm",
        probability_errors, POINTS, 1_000,
    )  # fmt: skip
    table(
        f"{ROWS:,} rows of a training file of every type, intervals down to 1e-12 of a time",
        likelihood_errors, ROWS, 2_000,
    )  # fmt: skip
