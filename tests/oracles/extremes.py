"""Writes the 50-digit answers that test_extremes.py reads; needs mpmath.

PYTHONPATH=benchmarks python tests/oracles/extremes.py. Models and patients stand at the ends of
what is allowed, and a little beyond.
"""

import itertools
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
from exact import Law, log_likelihood, logit_resorption, row_derivatives, se_of_logit

from discresorb_training import ResorptionModel, interval_outcome

DATA = Path(__file__).parents[1] / "data" / "extremes"
DISTRIBUTIONS = ("loglogistic", "lognormal", "weibull")
SECOND = 1 / 86400 / 30.4375
LOG_SCALES = (math.log(1e-3), -0.6, math.log(1e3))
EVER = (None, 0.5, 40.0, -40.0, 800.0, -800.0)
LOCATION, SLOPES = (1.7, -0.03, -0.4), (0.01, 0.3)
SD = (0.1, 0.004, 0.08, 0.05, 0.3, 0.01, 0.2)  # of intercept, size, sequestrated, log σ, and of π's
Q = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))


def covariance(size: int) -> list[list[float]]:
    """Give each pair of parameters a correlation of 1/8."""
    return [[SD[j] * SD[k] * (1.0 if j == k else 0.125) for k in range(size)] for j in range(size)]


def patients(flip: int) -> list[tuple[float, float, float, float]]:
    """Size, sequestrated, entry and wait; sizes take turns at their ends."""
    found = []
    for j, (entry, wait) in enumerate(
        itertools.product((0.0, 0.25, 240.0), (0.0, 1e-6, SECOND, 6.2, 600.0))
    ):
        wait = wait or math.ulp(entry) if entry else wait or 1e-300
        found.append(((0.5, 40.0)[(j + flip) % 2], float(j % 3 == 0), entry, wait))
    return found


def expit(x: Any) -> Any:
    if abs(x) > 10**6:
        return mp.mpf(x > 0)
    return 1 / (1 + mp.exp(-x))


def law(distribution: str, log_scale: float, ever: Any, row: tuple[float, ...]) -> Law:
    location = mp.fsum(mp.mpf(a) * mp.mpf(b) for a, b in zip(LOCATION, row, strict=True))
    logit = None
    if ever is not None:
        both = zip((ever, *SLOPES), row, strict=True)
        logit = mp.fsum(mp.mpf(a) * mp.mpf(b) for a, b in both)
    return Law(distribution, location, mp.mpf(log_scale), logit)


def probabilities() -> list[dict[str, Any]]:
    """Give models with their patients, p, the ends of its interval and its half-width in logits."""
    models = []
    grid = itertools.product(DISTRIBUTIONS, LOG_SCALES, EVER)
    for flip, (distribution, log_scale, ever) in enumerate(grid):
        sigma = covariance(4 if ever is None else 7)
        matrix = mp.matrix(sigma)
        rows = []
        for size, sequestrated, entry, wait in patients(flip):
            row = (1.0, size, sequestrated)
            own = law(distribution, log_scale, ever, row)
            logit, slopes, _ = row_derivatives(
                partial(logit_resorption, entry=mp.mpf(entry), wait=mp.mpf(wait)), own, False
            )
            half = Q * se_of_logit(slopes, row, ever is not None, matrix, 0.0)
            ends = [expit(logit + sign * half) for sign in (0, -1, 1)]
            if abs(logit) > 1e280:  # beyond all numbers: a point
                ends = [expit(logit)] * 3
            texts = [mp.nstr(each, 20) for each in (*ends, min(half, mp.mpf("1e300")))]
            rows.append([size, sequestrated, entry, wait, *texts])
        models.append(
            {
                "distribution": distribution,
                "log_scale": log_scale,
                "location": LOCATION,
                "ever": None if ever is None else [ever, *SLOPES],
                "covariance": sigma,
                "patients": rows,
            }
        )
    return models


ROWS = (
    (3.0, 6.0, 1.0),
    (3.0, 6.0, 0.0),
    (2.0, 5.0, 2.0),
    (0.0, 5.0, 0.0),
    (5.0, math.inf, 1.0),
    (5.0, math.inf, 0.0),
    (4.0, 4.0, 1.0),
    (4.0, 4.0, 0.0),
    (4.0, 4.0 + 1e-9, 1.0),
    (1e-6, 2e-6, 0.0),
    (6.0, math.nextafter(6.0, 7.0), 0.0),
    (240.0, 240.5, 240.0),
    (240.0, 840.0, 0.25),
    (840.0, math.inf, 240.0),
    (0.25, 840.0, 0.25),
    (0.0, 1e-300, 0.0),
    (3.0, 3.0003, 0.0),
    (5.0, 5.02, 4.9999),
    (240.00147664345758, math.inf, 240.0),
)
# logs of the least share that a model may leave at entry and lower, and give to the whole row
LEAST_LEFT, LEAST_LIKELY = -1000, -1_000_000


def contribution(at: Law, ends: list[Any]) -> Any:
    return log_likelihood(at, *ends)


def likelihoods() -> list[list[Any]]:
    """Give rows with their log-likelihood, its gradient and Hessian by (a, σ's log, logit π)."""
    found = []
    for distribution, ever in itertools.product(DISTRIBUTIONS, EVER):
        for place, log_scale in ((1.7, -0.6), (1.7, -2.5), (6.7, -0.6), (1.7, math.log(1e3)),
                                 (1.4, math.log(1e-3)), (3.0, -6.9), (4.9, -2.6)):  # fmt: skip
            own = Law(distribution, mp.mpf(place), mp.mpf(log_scale),
                      None if ever is None else mp.mpf(ever))  # fmt: skip
            for lower, upper, entry in ROWS:
                if min(own.log_alive(mp.mpf(t)) for t in (entry, lower)) < LEAST_LEFT:
                    continue
                ends = [mp.mpf(t) for t in (lower, upper, entry)]
                value, gradient, hessian = row_derivatives(partial(contribution, ends=ends), own)
                if value < LEAST_LIKELY:
                    continue
                numbers = [value, *gradient, *(each for line in hessian for each in line)]
                found.append(
                    [distribution, ever, place, log_scale, lower,
                     None if upper == math.inf else upper, entry,
                     [float(mp.nstr(each, 20)) for each in numbers]]
                )  # fmt: skip
    return found


N = 30
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def cohort(weights: str) -> list[list[float]]:
    """Give x1, x2, lower, upper (0: never), entry and weight of patients drawn by the golden ratio.

    Weights go over ten orders of magnitude, or are 1 and x2 nearly x1.
    """
    found = []
    for j in range(N):
        u, v, w = ((j + 1) * GOLDEN * k % 1.0 for k in (1.0, 2.7, 7.3))
        x1, x2 = round(u, 3), round(w, 3)
        if weights == "nearly the same":
            x2 = x1 + 0.005 * round(w - 0.5, 3)
        entry = round(0.5 + 2.0 * w, 3)
        lower = round(entry + 4.0 * v, 3)
        upper = 0.0 if j % 5 == 0 else round(lower + 0.5 + 6.0 * u * v, 3)
        weight = 10.0 ** round(10.0 * v - 5.0, 2) if weights == "ten orders" else 1.0
        found.append([x1, x2, lower, upper, entry, weight])
    return found


def maximum(distribution: str, rows: list[list[float]]) -> tuple[Any, Any]:
    """Find the maximum of the likelihood by Newton's method; its θ and the Hessian's inverse.

    The library's estimate is where it starts; that it is one, the gradient with 50 digits decides.
    """
    table = np.array(rows)
    ends_known = np.where(table[:, 3] == 0.0, math.inf, table[:, 3])
    y = interval_outcome(lower=table[:, 2], upper=ends_known, entry=table[:, 4])
    near = ResorptionModel(distribution, cure=False).fit(table[:, :2], y, table[:, 5])
    theta = mp.matrix([near.intercept_, *near.coef_.tolist(), math.log(near.scale_)])
    for _ in range(12):
        gradient, hessian = mp.zeros(4, 1), mp.zeros(4)
        for x1, x2, lower, upper, entry, weight in rows:
            wide = [mp.mpf(1), mp.mpf(x1), mp.mpf(x2)]
            own = Law(distribution, sum(theta[k] * wide[k] for k in range(3)), theta[3], None)
            ends = [mp.mpf(t) for t in (lower, upper or math.inf, entry)]
            _, slopes, bends = row_derivatives(partial(contribution, ends=ends), own)
            chain = mp.matrix(2, 4)
            chain[1, 3] = 1
            for k in range(3):
                chain[0, k] = wide[k]
            gradient += mp.mpf(weight) * (chain.T * mp.matrix(slopes))
            hessian += mp.mpf(weight) * (chain.T * mp.matrix(bends) * chain)
        step = -(hessian**-1) * gradient
        theta += step
        if max(abs(each) for each in step) < mp.mpf(10) ** -40:
            return theta, -(hessian**-1)
    raise ArithmeticError(f"no maximum of {distribution}")


def fits() -> list[dict[str, Any]]:
    found = []
    for kind, distribution in itertools.product(("ten orders", "nearly the same"), DISTRIBUTIONS):
        rows = cohort(kind)
        theta, inverse = maximum(distribution, rows)
        found.append(
            {
                "kind": kind,
                "distribution": distribution,
                "rows": rows,
                "theta": [float(each) for each in theta],
                "standard_errors": [float(mp.sqrt(inverse[k, k])) for k in range(4)],
            }
        )
    return found


def written(name: str, found: list[Any]) -> None:
    """Write one entry a line."""
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in found)
    (DATA / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    written("probabilities", probabilities())
    written("likelihoods", likelihoods())
    written("fits", fits())
