// Resorption times of those who ever resorb, on the standardised log-time scale: what
// discresorb.distributions computes, in the same order, so that results agree to the last digits.
(() => {
  const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);
  const WEIBULL_SATURATED = 700;
  const NARROW = 0.01;

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
    logInterval: (lower, upper) => log1mexp(lower - upper) - softplus(lower) - softplus(-upper),
  };

  const logNormal = {
    logSurvival: (z) => logNdtr(-z),
    logDensity: (z) => -0.5 * z * z - LOG_SQRT_2PI,
    logInterval(lower, upper) {
      const width = upper - lower;
      if (width * (1 + Math.abs(lower)) < NARROW) return logNarrow(lower, width);
      const swap = lower + upper > 0; // work in the tail that keeps the digits
      const logB = logNdtr(swap ? -lower : upper);
      return logB + log1mexp(logNdtr(swap ? -upper : lower) - logB);
    },
  };

  // The integral of the density expanded about the midpoint to fourth order in the width.
  function logNarrow(lower, width) {
    const m = lower + 0.5 * width;
    const m2 = m * m;
    const w2 = width * width;
    const series = ((m2 - 1) * w2) / 24 + ((m2 * m2 - 6 * m2 + 3) * w2 * w2) / 1920;
    return logNormal.logDensity(m) + Math.log(width) + Math.log1p(series);
  }

  const weibull = {
    logSurvival: (z) => -Math.exp(z),
    logDensity: (z) => Math.min(z, WEIBULL_SATURATED) - Math.exp(z),
    logInterval(lower, upper) {
      const hazard = -Math.exp(upper) * Math.expm1(lower - upper);
      return log1mexp(-hazard) - Math.exp(lower);
    },
  };

  discresorb.distributions = Object.freeze({
    loglogistic: Object.freeze(logLogistic),
    lognormal: Object.freeze(logNormal),
    weibull: Object.freeze(weibull),
  });
  discresorb.functions = Object.freeze({ softplus, logAddExp, logNdtr });
})();
