// The model of a page: discresorb.model(data) answers as the library's Predictor does.
(() => {
  const { fixed, general } = discresorb.numbers;
  const { designRow, interval, probability } = discresorb.curve;
  const [LONG_WAIT, CHANGED, LIKELY] = [1, 2, 4];
  const MOST_EXACT = 10; // inputs whose every combination is tried
  const SHOWN_DIGITS = 4;

  // A count out of 100, never rounding to a certainty.
  function percent(p) {
    if (p > 0 && p <= 0.005) return "fewer than 1";
    if (p >= 0.995) return "more than 99";
    return fixed(100 * p, 0);
  }

  function frequencySentence(found, wait, surgeryDay, monthNames) {
    const until = Number.isFinite(surgeryDay)
      ? `before ${discresorb.clock.dayName(surgeryDay, monthNames)}`
      : `within ${fixed(wait, 1)} months of the index MRI`;
    const share = percent(found.probability);
    const about = /^[0-9]+$/.test(share) ? "about " : "";
    return (
      `If surgery does not happen ${until}, ${about}${share} of 100 patients like this would ` +
      `show resorption on MRI by then; 95 % interval ${percent(found.low)} to ` +
      `${percent(found.high)}.`
    );
  }

  // What lies outside the training data.
  function outside(support, covariates, entry, horizon) {
    const level = support.by === null ? 0 : covariates[support.by];
    const group = support.groups.find((each) => each.level === level);
    if (!group) return [support.unknown[level === 1 ? "yes" : "no"]];
    const values = [...covariates, entry];
    const found = group.limits
      .filter(({ position, low, high }) => values[position] < low || values[position] > high)
      .map((each) => each.before + general(values[each.position], SHOWN_DIGITS) + each.after);
    if (horizon > support.longest_follow_up) {
      found.push(
        `surgery ${fixed(horizon, 1)} months after onset lies beyond the longest follow-up in ` +
          `training (${fixed(support.longest_follow_up, 1)} months)`,
      );
    }
    return found;
  }

  function reasonBits(data, p, patient) {
    return (
      LONG_WAIT * (patient.wait >= data.clock.six_months) +
      CHANGED * (patient.changed === 1) +
      LIKELY * (p >= data.threshold)
    );
  }

  function predict(data, patient) {
    const { covariates, entry } = patient;
    const horizon = entry + patient.wait;
    const row = designRow(data.covariates, covariates, entry);
    const found = interval(data.curve, row, entry, patient.wait);
    const beyond = outside(data.support, covariates, entry, horizon);
    if (Number.isNaN(found.low + found.high)) {
      return { problem: [data.too_far, beyond.join("; ")].filter(Boolean).join(": ") };
    }
    const missing = data.covariates.filter((_, i) => Number.isNaN(covariates[i]));
    const names = missing.map((column) => column.name);
    const bits = reasonBits(data, found.probability, patient);
    return {
      ...found,
      entry,
      horizon,
      missing: names,
      reimage: bits > 0,
      reasons: data.reasons[bits],
      warnings: [...(names.length ? [data.filled_in + names.join(", ")] : []), ...beyond],
      sentence: frequencySentence(
        found, horizon - entry, patient.surgeryDay, data.clock.month_names,
      ),
      advice: data.advice[bits],
    };
  }

  function curve(data, patient, months) {
    const { covariates, entry } = patient;
    const row = designRow(data.covariates, covariates, entry);
    const found = months.map((each) => interval(data.curve, row, entry, each));
    return {
      probability: found.map((each) => each.probability),
      low: found.map((each) => each.low),
      high: found.map((each) => each.high),
    };
  }

  // A known value as one would enter it.
  function cellText(column, value) {
    if (column.kind === "category") return column.levels[value];
    if (column.kind === "flag") return value === 1 ? "yes" : "no";
    return String(value);
  }

  function shown(column, value) {
    if (Number.isNaN(value)) return "missing";
    if (column.kind !== "number") return cellText(column, value);
    return [general(value, SHOWN_DIGITS), column.unit].filter(Boolean).join(" ");
  }

  // Shapley values of a function of which inputs are the patient's own, a bit each: the average
  // over all orders in which they can be taken over from the typical patient.
  function shapley(count, worth) {
    const worths = Array.from({ length: 2 ** count }, (_, own) => worth(own));
    const shares = [1 / count]; // of the orders, those in which so many inputs go before
    for (let k = 1; k < count; k += 1) shares.push((shares[k - 1] * k) / (count - k));
    const sizes = worths.map((_, own) => own.toString(2).replaceAll("0", "").length);
    return Array.from({ length: count }, (_, i) =>
      worths.reduce((total, before, own) => {
        if (own & (1 << i)) return total;
        return total + shares[sizes[own]] * (worths[own | (1 << i)] - before);
      }, 0),
    );
  }

  // The average over one order and its reverse, where all orders are too many.
  function bothWays(count, worthOf) {
    const order = Array.from({ length: count }, (_, i) => i);
    const along = order.map((_, i) => worthOf((j) => j < i)).concat(worthOf(() => true));
    const back = order.map((_, i) => worthOf((j) => j > i)).concat(worthOf(() => true));
    const gain = (i) => along[i + 1] - along[i];
    const reverse = (i) => (i > 0 ? back[i - 1] : back[count]) - back[i];
    return order.map((i) => (gain(i) + reverse(i)) / 2);
  }

  // How much each input moves p from that of the typical patient with the same wait; null where
  // some combination of the two patients is too far to compute with.
  function moves(data, patient) {
    const inputs = [...data.covariates, data.times.months_since_onset];
    const own = [...patient.covariates, patient.entry];
    const usual = [...data.typical.covariates, data.typical.entry];
    const worthOf = (isOwn) => {
      const values = inputs.map((_, i) => (isOwn(i) ? own[i] : usual[i]));
      const entry = values.pop();
      const row = designRow(data.covariates, values, entry);
      return probability(data.curve, row, entry, patient.wait);
    };
    const count = inputs.length;
    const changes =
      count > MOST_EXACT
        ? bothWays(count, worthOf)
        : shapley(count, (bits) => worthOf((i) => (bits & (1 << i)) !== 0));
    if (changes.some(Number.isNaN)) return null;
    return {
      typical: worthOf(() => false),
      probability: worthOf(() => true),
      parts: inputs.map((column, i) => ({
        name: column.name,
        label: column.label,
        value: shown(column, own[i]),
        typical: shown(column, usual[i]),
        change: changes[i],
      })),
    };
  }

  function typical(data) {
    const { covariates, entry } = data.typical;
    const words = data.covariates.map((each, i) => [each.name, cellText(each, covariates[i])]);
    words.push(["months_since_onset", cellText(data.times.months_since_onset, entry)]);
    return Object.freeze({ covariates, entry, words: Object.fromEntries(words) });
  }

  discresorb.model = (data) =>
    Object.freeze({
      covariates: data.covariates,
      times: data.times,
      read: (cells) => discresorb.reading.read(data, cells),
      predict: (patient) => predict(data, patient),
      curve: (patient, months) => curve(data, patient, months),
      typical: typical(data),
      moves: (patient) => moves(data, patient),
    });

  discresorb.percent = percent;
  Object.freeze(discresorb);
})();
