"""p in a centre with an effect, where nearly everybody has resorbed: 60-digit values.

Run with mpmath: python tests/oracles/centre_effect.py
"""

import sys

import mpmath as mp

mp.mp.dps = 60
LOCATION, SCALE, LOGIT_EVER, EFFECT = mp.mpf(1), mp.mpf("0.3"), mp.mpf(45), mp.mpf(3)
CDF = {
    "loglogistic": lambda z: 1 / (1 + mp.exp(-z)),
    "lognormal": lambda z: 1 - mp.erfc(z / mp.sqrt(2)) / 2,
    "weibull": lambda z: 1 - mp.exp(-mp.exp(z)),
}


def p(name: str, entry: float, horizon: float) -> mp.mpf:
    """P(resorbed by the horizon | herniated at entry): the effect multiplies odds from onset on."""
    ever, odds = 1 / (1 + mp.exp(-LOGIT_EVER)), mp.exp(EFFECT)

    def by(months: float) -> mp.mpf:
        g = ever * CDF[name]((mp.log(mp.mpf(months)) - LOCATION) / SCALE)
        return odds * g / (1 + (odds - 1) * g)

    return (by(horizon) - by(entry)) / (1 - by(entry))


for name in CDF:
    sys.stdout.write(f"{name} {mp.nstr(p(name, 8, 9), 17)}\n")
