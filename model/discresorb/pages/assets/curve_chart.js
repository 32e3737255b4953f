/** The curve from the index MRI on, with its interval, the surgery and the end of follow-up. */
calculator.curveChart = (() => {
  const { element, shape, table } = calculator.elements;
  const { figures } = calculator.iconArray;
  const SHORTEST_AXIS = 24;
  const TABLE_MONTHS = [1, 2, 3, 6, 9, 12, 18, 24];
  const TICK_STEPS = [3, 6, 12, 24, 60, 120];
  const PER_TICK = 54; // px that a tick's label needs
  const MARGIN = { top: 40, right: 18, bottom: 46, left: 40 };
  const DATE_LINE = 15; // px more below where dates stand there
  const LETTER = 7.6; // px, the width of a letter in bold
  const POINTS = 120;

  const axisEnd = (wait) => Math.max(SHORTEST_AXIS, Math.ceil(wait / 6) * 6);

  /** Months at which the curve is to be computed; surgery is one of them. */
  function monthsUntil(wait) {
    const end = axisEnd(wait);
    const even = Array.from({ length: POINTS + 1 }, (_, step) => (end * step) / POINTS);
    return [...new Set([...even, wait])].sort((a, b) => a - b);
  }

  /**
   * What the chart shows: months, probability, low and high by month; wait; prediction;
   * followUpEnd (months after the index MRI); dateAt (months to "20 Sep 2019"), or none.
   */
  function parts(facts, width, height = Math.min(300, Math.max(230, width * 0.46))) {
    return [drawing(facts, scales(facts, width, height)), element("figcaption", { class: "legend-line" }, caption(facts))];
  }

  function caption({ followUpEnd, wait }) {
    const words =
      "Line: of 100 patients like this, how many would show resorption by then. " +
      "Band: 95 % interval.";
    return followUpEnd < axisEnd(wait) ? `${words} Dashed: beyond the follow-up in training.` : words;
  }

  function scales(facts, width, height) {
    const end = axisEnd(facts.wait);
    const across = width - MARGIN.left - MARGIN.right;
    const down = height - MARGIN.top - MARGIN.bottom - (facts.dateAt ? DATE_LINE : 0);
    return {
      width,
      height,
      end,
      x: (months) => MARGIN.left + (across * months) / end,
      y: (probability) => MARGIN.top + down * (1 - probability),
      step: TICK_STEPS.find((each) => (end / each) * PER_TICK <= across) ?? end,
    };
  }

  function drawing(facts, scale) {
    return shape(
      "svg",
      {
        viewBox: `0 0 ${scale.width} ${scale.height}`,
        role: "img",
        "aria-label": inWords(facts),
      },
      ...axes(facts, scale),
      band(facts, scale),
      ...followUp(facts, scale),
      ...line(facts, scale),
      ...surgery(facts, scale),
    );
  }

  function inWords({ wait, prediction, when }) {
    const { probability, low, high } = prediction;
    return (
      `Curve of resorption after the index MRI; at surgery${when ? `, ${when}` : ""}, ` +
      `${wait.toFixed(1)} months after it, ${figures(probability)} of 100, ` +
      `95 % interval ${figures(low)} to ${figures(high)}. The table below has its values.`
    );
  }

  function text(x, y, words, attributes = {}) {
    return shape("text", { x: x.toFixed(1), y: y.toFixed(1), ...attributes }, words);
  }

  function axes({ dateAt }, scale) {
    const { x, y, end, width, height, step } = scale;
    const rows = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
      shape("path", { class: "grid", d: `M${x(0)} ${y(share)}H${x(end)}` }),
      text(x(0) - 7, y(share) + 4, String(100 * share), { class: "tick", "text-anchor": "end" }),
    ]);
    const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, each) => each * step);
    const columns = ticks.flatMap((months) => [
      shape("path", { class: "grid", d: `M${x(months)} ${y(0)}v5` }),
      text(x(months), y(0) + 18, String(months), { class: "tick", "text-anchor": "middle" }),
    ]);
    const dates = dateAt ? dateLabels(ticks, dateAt, scale) : [];
    const title = dateAt ? "months after the index MRI, and the date" : "months after the index MRI";
    return [
      ...rows,
      ...columns,
      ...dates,
      text(2, 13, "of 100 patients", { class: "axis" }),
      text(width - MARGIN.right, height - 4, title, { class: "axis", "text-anchor": "end" }),
    ];
  }

  /** Month and year below every second tick, where they do not run into each other. */
  function dateLabels(ticks, dateAt, { x, y, width }) {
    return ticks
      .filter((_, position) => position % 2 === 0)
      .map((months) => {
        const anchor = x(months) > width - 40 ? "end" : "middle";
        const place = anchor === "end" ? width - 2 : x(months);
        const words = dateAt(months).split(" ").slice(1).join(" ");
        return text(place, y(0) + 31, words, { class: "tick date", "text-anchor": anchor });
      });
  }

  function path(points) {
    return points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  }

  function band({ months, low, high }, { x, y }) {
    const up = months.map((each, at) => [x(each), y(high[at])]);
    const back = months.map((each, at) => [x(each), y(low[at])]).reverse();
    return shape("path", { class: "band", d: `${path([...up, ...back])}Z` });
  }

  /** The curve, dashed beyond the follow-up that it was trained on. */
  function line({ months, probability, followUpEnd }, { x, y }) {
    const points = months.map((each, at) => [each, x(each), y(probability[at])]);
    const seen = points.filter(([each]) => each <= followUpEnd);
    const beyond = points.slice(Math.max(0, seen.length - 1));
    const draw = (some, kind) =>
      some.length > 1 ? [shape("path", { class: kind, d: path(some.map(([, ...p]) => p)) })] : [];
    return [...draw(seen, "estimate"), ...draw(beyond, "estimate beyond")];
  }

  function followUp({ followUpEnd, prediction }, { x, y, end }) {
    if (followUpEnd >= end) return [];
    const clear = prediction.probability < 0.5 ? y(1) + 14 : y(0) - 6; // of the curve
    const at = x(Math.max(0, followUpEnd));
    const right = followUpEnd > end / 2;
    return [
      shape("path", { class: "follow-up", d: `M${at.toFixed(1)} ${y(0)}V${y(1)}` }),
      text(at + (right ? -5 : 5), clear, "follow-up in training ends", {
        class: "mark",
        "text-anchor": right ? "end" : "start",
      }),
    ];
  }

  function surgery({ wait, prediction, when }, { x, y, width }) {
    const { probability, low, high } = prediction;
    const at = x(wait);
    const words = `surgery${when ? ` ${when}` : ""}: ${figures(probability)} of 100`;
    const half = (words.length * LETTER) / 2;
    const middle = Math.min(Math.max(at, half), width - half); // inside the drawing
    return [
      shape("path", { class: "surgery", d: `M${at.toFixed(1)} ${y(0)}V${y(1) - 6}` }),
      shape("path", {
        class: "whisker",
        d: `M${at - 5} ${y(high)}h10M${at} ${y(high)}V${y(low)}M${at - 5} ${y(low)}h10`,
      }),
      shape("circle", { class: "point", cx: at, cy: y(probability), r: 5 }),
      text(middle, y(1) - 11, words, { class: "at-surgery", "text-anchor": "middle" }),
    ];
  }

  /** Months of the table's rows; surgery is one of them. */
  function tableMonths(wait) {
    const known = TABLE_MONTHS.filter((months) => Math.abs(months - wait) > 0.05);
    return [...known, wait].sort((a, b) => a - b);
  }

  /** The same curve in numbers; curve is computed at tableMonths. */
  function asTable(curve, months, { wait, dateAt, followUpEnd }) {
    const rows = months.map((each, at) => {
      const notes = [
        ...(each === wait ? ["surgery"] : []),
        ...(each > followUpEnd ? ["beyond the follow-up in training"] : []),
      ];
      const [estimate, low, high] = ["probability", "low", "high"].map((key) =>
        (100 * curve[key][at]).toFixed(1),
      );
      const when = dateAt ? [dateAt(each)] : [];
      return [each.toFixed(1), ...when, estimate, `${low} to ${high}`, notes.join(", ")];
    });
    const head = ["Months", ...(dateAt ? ["Date"] : []), "Of 100", "95 % interval", "Note"];
    return table("Resorbed on MRI by so many months after the index MRI", head, rows, {
      class: "by-month",
    });
  }

  return Object.freeze({ parts, asTable, monthsUntil, tableMonths });
})();
