// From covariates to a probability and its interval: what discresorb.design and discresorb.curve
// compute, sum by sum in the same order.
(() => {
  const { softplus, logAddExp } = discresorb.functions;
  const DEEP = -10;
  const FARTHEST_LOGIT = 1e280;
  const FARTHEST = 1e305;

  const expit = (x) => Math.exp(-softplus(-x));
  const square = (x) => x * x;

  // Adds from the left, as Python does; a sum in another order would round otherwise.
  function linearSum(columns, coefficients) {
    let total = columns[0] * coefficients[0];
    for (let j = 1; j < columns.length; j += 1) total += columns[j] * coefficients[j];
    return total;
  }

  // The nonlinear columns of a natural cubic spline, two fewer than knots.
  function naturalSpline(x, knots) {
    const [first, last, before] = [knots[0], knots.at(-1), knots.at(-2)];
    const cubed = (knot) => {
      const beyond = Math.max(x - knot, 0);
      return beyond * beyond * beyond;
    };
    return knots.slice(0, -2).map(
      (knot) =>
        (cubed(knot) -
          cubed(before) * ((last - knot) / (last - before)) +
          cubed(last) * ((before - knot) / (last - before))) /
        square(last - first),
    );
  }

  // The columns of one covariate before a spline; NaN where its value is missing.
  function basic(covariate, value) {
    if (covariate.kind !== "category") return [value];
    const others = covariate.levels.slice(1);
    if (Number.isNaN(value)) return others.map(() => NaN);
    return others.map((_, j) => (value === j + 1 ? 1 : 0));
  }

  function imputed(column, regression, predictors) {
    if (!Number.isNaN(column)) return column;
    const found = linearSum(predictors, regression.coefficients);
    return Math.min(Math.max(found, regression.low), regression.high);
  }

  // What coefficients multiply: a one, then each covariate's columns, missing ones replaced.
  function designRow(covariates, values, entry) {
    const basics = covariates.map((each, i) => basic(each, values[i]));
    const predictors = [1, entry, ...basics.filter((_, i) => !covariates[i].optional).flat()];
    const columns = covariates.flatMap((each, i) => {
      const own = each.optional
        ? basics[i].map((column, j) => imputed(column, each.imputation[j], predictors))
        : basics[i];
      return each.knots.length ? [...own, ...naturalSpline(own[0], each.knots)] : own;
    });
    return [1, ...columns];
  }

  // logit p, and all from which its gradient is made.
  function parts(curve, row, entry, wait) {
    const horizon = entry + wait;
    const location = linearSum(row, curve.location);
    const share = wait / entry;
    const apart = share < 1 ? Math.log1p(share) : Math.log(horizon) - Math.log(entry);
    const start = (Math.log(entry) - location) / curve.scale;
    const end = (Math.log(horizon) - location) / curve.scale;
    const ends = [start, end, apart / curve.scale];
    const cureRow = curve.cure ? curve.cure.columns.map((j) => row[j]) : [];
    const cureLogit = curve.cure ? linearSum(cureRow, curve.cure.coefficients) : Infinity;
    const logEver = curve.cure ? -softplus(-cureLogit) : 0;
    const logNever = curve.cure ? -softplus(cureLogit) : -Infinity;
    const law = discresorb.distributions[curve.distribution];
    const inside = law.logInterval(...ends);
    const logSurvival = law.logSurvival(end);
    const population = logAddExp(logNever, logEver + logSurvival);
    const found = { law, ends, cureRow, logEver, logNever, inside, population };
    if (wait <= 0) return { ...found, logit: -Infinity, deep: false };
    if (!(population < DEEP && logNever <= logEver + logSurvival)) {
      return { ...found, logit: logEver + inside - population, deep: false };
    }
    const logOdds = law.logOdds(...ends);
    const neverToAlive = logNever - logEver - Math.max(logSurvival, -FARTHEST);
    return { ...found, logOdds, neverToAlive, logit: logOdds - softplus(neverToAlive), deep: true };
  }

  // Derivatives of logit p by the horizon, by both ends moved alike, and by logit π.
  function slopes(p) {
    const { law, ends } = p;
    if (p.deep) {
      const hazard = law.hazard(ends[1]);
      const never = expit(p.neverToAlive);
      return {
        atHorizon: hazard * (Math.exp(-p.logOdds) + expit(-p.neverToAlive)),
        together: law.logOddsSlope(...ends, p.logOdds) - hazard * never,
        byCure: never,
      };
    }
    const density = law.logDensity(ends[1]);
    const ofPopulation = Math.exp(p.logEver + density - p.population);
    return {
      atHorizon: Math.exp(density - p.inside) + ofPopulation,
      together: law.meanSlope(...ends) + ofPopulation,
      byCure: Math.exp(p.logNever - p.population),
    };
  }

  function gradient(curve, row, p) {
    const { atHorizon, together, byCure } = slopes(p);
    const byLocation = -together / curve.scale;
    const fromZero = Math.abs(p.ends[0]) === Infinity;
    const [start, width] = fromZero ? [p.ends[1], 0] : [p.ends[0], p.ends[2]];
    const byLogScale = -start * together - width * atHorizon;
    return [
      ...row.map((column) => byLocation * column),
      byLogScale,
      ...p.cureRow.map((column) => byCure * column),
    ];
  }

  const squaredLength = (columns, root) =>
    root
      .map((weights, j) => square(linearSum(columns.slice(j), weights)))
      .reduce((total, each) => total + each);

  // Squares overflow long before lengths do.
  function length(columns, root) {
    const total = squaredLength(columns, root);
    if (total !== Infinity) return Math.sqrt(total);
    const farthest = Math.max(...columns.map(Math.abs));
    if (farthest === Infinity) return Infinity;
    return farthest * Math.sqrt(squaredLength(columns.map((each) => each / farthest), root));
  }

  function probability(curve, row, entry, wait) {
    return expit(parts(curve, row, entry, wait).logit);
  }

  // p with the ends of its interval: delta method on logit p.
  function interval(curve, row, entry, wait) {
    const found = parts(curve, row, entry, wait);
    const { logit } = found;
    const estimation = length(gradient(curve, row, found), curve.root);
    const half = curve.quantile * Math.hypot(estimation, Math.sqrt(curve.between_study_variance));
    const [low, high] = Math.abs(logit) > FARTHEST_LOGIT ? [logit, logit] : [logit - half, logit + half];
    return { probability: expit(logit), low: expit(low), high: expit(high) };
  }

  discresorb.curve = Object.freeze({ designRow, interval, probability });
})();
