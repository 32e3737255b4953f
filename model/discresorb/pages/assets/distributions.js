// Resorption times of those who ever resorb, on the standardised log-time scale: what
// discresorb.distributions computes, in the same order, so that results agree to the last digits.
(() => {
  const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);
  const WEIBULL_SATURATED = 700;
  const WEIBULL_TINY = 1e-290;
  const NARROW = 0.03;
  const FAR = 12;
  const FRACTIONS = 14;

  const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  const log1mexp = (negative) => Math.log(-Math.expm1(negative));

  function logAddExp(a, b) {
    if (a === b) return a + Math.LN2;
    const apart = a - b;
    return apart > 0 ? a + Math.log1p(Math.exp(-apart)) : b + Math.log1p(Math.exp(apart));
  }

  // exp(x²) erfc(x) for x ≥ 1, by the continued fraction of Abramowitz & Stegun 7.1.14, from so
  // far down that what is left out is below rounding.
  function scaledErfc(x) {
    let tail = x;
    for (let k = 20 + Math.ceil(200 / (x * x)); k > 0; k -= 1) tail = x + k / 2 / tail;
    return 1 / (Math.sqrt(Math.PI) * tail);
  }

  // erf(x) for small |x|, by the series of Abramowitz & Stegun 7.1.6, whose terms have one sign.
  function erf(x) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }

  // exp(-z²/2), split so that the square that is rounded is small and its error with it.
  function gaussian(z) {
    const near = Math.round(16 * z) / 16;
    return Math.exp(-0.5 * near * near) * Math.exp(-0.5 * (z - near) * (z + near));
  }

  // exp(x²) erfc(x)
  function erfcx(x) {
    if (x >= 1) return scaledErfc(x);
    return x > -1 ? Math.exp(x * x) * (1 - erf(x)) : 2 * Math.exp(x * x) - scaledErfc(-x);
  }

  // log Φ(z)
  function logNdtr(z) {
    if (Number.isNaN(z)) return NaN;
    const x = z * Math.SQRT1_2;
    if (x < -1) return Math.log(scaledErfc(-x) / 2) - x * x;
    if (x > 40) return 0; // what lies beyond z is smaller than any number
    if (x > 1) return Math.log1p((-scaledErfc(x) * gaussian(z)) / 2);
    return x > 0 ? Math.log1p(-(1 - erf(x)) / 2) : Math.log((1 + erf(x)) / 2);
  }

  const logLogistic = {
    logSurvival: (z) => -softplus(z),
    logDensity: (z) => -Math.abs(z) - 2 * Math.log1p(Math.exp(-Math.abs(z))),
    logInterval: (lower, upper, width) => log1mexp(-width) - softplus(lower) - softplus(-upper),
    meanSlope: (lower, upper) => 1 / (1 + Math.exp(upper)) - 1 / (1 + Math.exp(-lower)),
    logOdds: (lower, upper, width) => upper + log1mexp(-width) - softplus(lower),
    logOddsSlope: (lower) => Math.exp(-softplus(lower)),
    hazard: (z) => Math.exp(-softplus(-z)),
  };

  const isNarrow = (lower, width) => width * (1 + Math.abs(lower)) < NARROW;
  const hazard = (z) => Math.sqrt(2 / Math.PI) / erfcx(z * Math.SQRT1_2);

  // The hazard less z; far out by a continued fraction.
  function excess(z) {
    if (!(z > FAR)) return hazard(z) - z;
    let tail = z;
    for (let k = FRACTIONS; k > 1; k -= 1) tail = z + k / tail;
    return 1 / tail;
  }

  // The ends as they lie in the left tail, the second nearer the middle, and the logarithms of
  // their densities' and probabilities' ratios.
  function inLeftTail(lower, upper, width) {
    const swap = lower + upper > 0;
    const [far, near] = swap ? [-upper, -lower] : [lower, upper];
    const density = Math.abs(far) === Infinity ? -Infinity : 0.5 * width * (far + near);
    const ratio = erfcx(-far * Math.SQRT1_2) / erfcx(-near * Math.SQRT1_2);
    return { swap, near, density, cdf: density + Math.log(ratio) };
  }

  const logNormal = {
    logSurvival: (z) => logNdtr(-z),
    logDensity: (z) => -0.5 * z * z - LOG_SQRT_2PI,
    logInterval(lower, upper, width) {
      if (isNarrow(lower, width)) {
        const middle = lower + 0.5 * width;
        return logNormal.logDensity(middle) + logNarrow(middle, width);
      }
      const { near, cdf } = inLeftTail(lower, upper, width);
      return logNdtr(near) + log1mexp(cdf);
    },
    meanSlope(lower, upper, width) {
      if (!isNarrow(lower, width)) {
        const { swap, near, density, cdf } = inLeftTail(lower, upper, width);
        const found = (hazard(-near) * Math.expm1(density)) / Math.expm1(cdf);
        return swap ? -found : found;
      }
      const middle = lower + 0.5 * width;
      const w2 = width * width;
      const shift = ((middle * w2) / 12) * (1 + ((middle * middle - 3) * w2) / 40);
      return shift * width * Math.exp(-logNarrow(middle, width)) - middle;
    },
    logOdds(lower, upper, width) {
      const middle = lower + 0.5 * width;
      if (isNarrow(lower, width)) {
        return (
          logNarrow(middle, width) + Math.log(hazard(upper)) + 0.25 * width * (middle + upper)
        );
      }
      const ratio = erfcx(lower * Math.SQRT1_2) / erfcx(upper * Math.SQRT1_2);
      const gained =
        lower > 0 ? width * middle + Math.log(ratio) : logNdtr(-lower) - logNdtr(-upper);
      return gained + log1mexp(-gained);
    },
    logOddsSlope(lower, upper, width, logOdds) {
      const over = 1 + Math.exp(-logOdds);
      if (!isNarrow(lower, width)) {
        const gain =
          lower > 0 ? width + (excess(upper) - excess(lower)) : hazard(upper) - hazard(lower);
        return gain * over;
      }
      const middle = lower + 0.5 * width;
      const [own, more] = [hazard(middle), excess(middle)];
      const rise = own * more;
      const bend = rise * (own + more) - own;
      const third = bend * (own + more) + 2 * rise * (rise - 1);
      return width * (rise + (width * width * third) / 24) * over;
    },
    hazard,
  };

  // The log of the density's integral over that at the middle, to fourth order in the width.
  function logNarrow(middle, width) {
    const m2 = middle * middle;
    const w2 = width * width;
    const series = ((m2 - 1) * w2) / 24 + ((m2 * m2 - 6 * m2 + 3) * w2 * w2) / 1920;
    return Math.log(width) + Math.log1p(series);
  }

  // exp(upper) - exp(lower), the cumulative hazard between
  const gainedBetween = (upper, width) =>
    -Math.exp(Math.min(upper, WEIBULL_SATURATED)) * Math.expm1(-width);

  const weibull = {
    logSurvival: (z) => -Math.exp(z),
    logDensity: (z) => Math.min(z, WEIBULL_SATURATED) - Math.exp(z),
    logInterval(lower, upper, width) {
      const gained = gainedBetween(upper, width);
      const before = Math.exp(lower);
      return (gained < WEIBULL_TINY ? upper + log1mexp(-width) : log1mexp(-gained)) - before;
    },
    meanSlope(lower, upper, width) {
      const gained = gainedBetween(upper, width);
      return (gained < WEIBULL_TINY ? 1 : gained / Math.expm1(gained)) - Math.exp(lower);
    },
    logOdds(lower, upper, width) {
      const gained = gainedBetween(upper, width);
      if (gained < WEIBULL_TINY) return upper + log1mexp(-width);
      return upper < WEIBULL_SATURATED ? gained + log1mexp(-gained) : Infinity;
    },
    logOddsSlope(lower, upper, width) {
      const gained = gainedBetween(upper, width);
      return gained < WEIBULL_TINY ? 1 : gained / -Math.expm1(-gained);
    },
    hazard: (z) => Math.exp(Math.min(z, WEIBULL_SATURATED)),
  };

  discresorb.distributions = Object.freeze({
    loglogistic: Object.freeze(logLogistic),
    lognormal: Object.freeze(logNormal),
    weibull: Object.freeze(weibull),
  });
  discresorb.functions = Object.freeze({ softplus, logAddExp, logNdtr });
})();
