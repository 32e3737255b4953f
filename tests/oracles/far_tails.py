"""Prints what test_distributions.py freezes: python far_tails.py (needs mpmath)."""

from mpmath import erfc, exp, log, mp, mpf, nstr, sqrt

mp.dps = 60
SURVIVAL = {
    "loglogistic": lambda z: 1 / (1 + exp(z)),
    "lognormal": lambda z: erfc(z / sqrt(mpf(2))) / 2,
    "weibull": lambda z: exp(-exp(z)),
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
    value = log(survival(mpf(lower)) - survival(mpf(upper)))  # type: ignore[no-untyped-call]  # mpmath has none
    print(f'    ("{name}", {lower}, {upper}, {nstr(value, 20)}),')  # noqa: T201 - its output is frozen
