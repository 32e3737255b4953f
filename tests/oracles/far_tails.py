"""Prints what test_distributions.py freezes: python far_tails.py (needs mpmath)."""

import sys
from collections.abc import Callable
from typing import Any

import mpmath as mp

mp.mp.dps = 60
SURVIVAL: dict[str, Callable[[Any], Any]] = {
    "loglogistic": lambda z: 1 / (1 + mp.exp(z)),
    "lognormal": lambda z: mp.erfc(z / mp.sqrt(mp.mpf(2))) / 2,
    "weibull": lambda z: mp.exp(-mp.exp(z)),
}
CASES = [
    ("loglogistic", 30.0, 31.0),
    ("loglogistic", -40.0, -39.0),
    ("lognormal", 12.0, 12.5),
    ("lognormal", -12.5, -12.0),
    ("lognormal", 8.0, 8.001),
    ("weibull", 4.0, 4.1),
    ("weibull", -30.0, -29.5),
]
for name, lower, upper in CASES:
    survival = SURVIVAL[name]
    value = mp.log(survival(mp.mpf(lower)) - survival(mp.mpf(upper)))
    sys.stdout.write(f'    ("{name}", {lower}, {upper}, {mp.nstr(value, 20)}),\n')
