// From covariates to a probability and its interval: what discresorb.design and discresorb.curve
// compute, sum by sum in the same order.
(() => {
  const { softplus, logAddExp } = discresorb.functions;

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

  // z times a density; zero where the density vanishes, though z be infinite.
  const moment = (z, density) => (density > 0 ? z : 0) * density;

  // logit p, and all from which its gradient is made.
  function parts(curve, row, entry, horizon) {
    const location = linearSum(row, curve.location);
    const zEntry = (Math.log(entry) - location) / curve.scale;
    const zHorizon = (Math.log(horizon) - location) / curve.scale;
    const cureRow = curve.cure ? curve.cure.columns.map((j) => row[j]) : [];
    const cureLogit = curve.cure ? linearSum(cureRow, curve.cure.coefficients) : Infinity;
    const logEver = curve.cure ? -softplus(-cureLogit) : 0;
    const logNever = curve.cure ? -softplus(cureLogit) : -Infinity;
    const { logInterval, logSurvival } = discresorb.distributions[curve.distribution];
    const inside = logInterval(zEntry, zHorizon);
    const population = logAddExp(logNever, logEver + logSurvival(zHorizon));
    const logit = horizon <= entry ? -Infinity : logEver + inside - population;
    return { zEntry, zHorizon, cureRow, logEver, logNever, inside, population, logit };
  }

  function gradient(curve, row, p) {
    const { logDensity } = discresorb.distributions[curve.distribution];
    const atEntry = Math.exp(logDensity(p.zEntry) - p.inside);
    const density = logDensity(p.zHorizon);
    const atHorizon =
      Math.exp(density - p.inside) + Math.exp(p.logEver + density - p.population);
    const byLocation = (atEntry - atHorizon) / curve.scale;
    const byLogScale = moment(p.zEntry, atEntry) - moment(p.zHorizon, atHorizon);
    const byCure = Math.exp(p.logNever - p.population);
    return [
      ...row.map((column) => byLocation * column),
      byLogScale,
      ...p.cureRow.map((column) => byCure * column),
    ];
  }

  function probability(curve, row, entry, horizon) {
    return expit(parts(curve, row, entry, horizon).logit);
  }

  // p with the ends of its interval: delta method on logit p.
  function interval(curve, row, entry, horizon) {
    const found = parts(curve, row, entry, horizon);
    const { logit } = found;
    const slopes = gradient(curve, row, found);
    const estimation = curve.root
      .map((weights, j) => square(linearSum(slopes.slice(j), weights)))
      .reduce((total, each) => total + each);
    const half = curve.quantile * Math.sqrt(estimation + curve.between_study_variance);
    const [low, high] = Math.abs(logit) === Infinity ? [logit, logit] : [logit - half, logit + half];
    return { probability: expit(logit), low: expit(low), high: expit(high) };
  }

  discresorb.curve = Object.freeze({ designRow, interval, probability });
})();
