/** What moves this estimate against that of a typical patient. */
calculator.influences = (() => {
  const { element, shape, table } = calculator.elements;
  const { figures } = calculator.iconArray;
  const MOST_ROWS = 8;
  const LENGTH = 100;

  function changeWords(change) {
    const rounded = Math.round(100 * Math.abs(change));
    if (rounded === 0) return change === 0 ? "0" : "less than 1";
    return `${change > 0 ? "+" : "\u2212"}${rounded} of 100`;
  }

  /** A bar to the right if the estimate is raised, to the left if it is lowered. */
  function bar(change, largest) {
    const length = (LENGTH / 2 - 2) * (change / largest);
    const middle = LENGTH / 2;
    const box = { class: "bar", viewBox: `0 0 ${LENGTH} 12`, "aria-hidden": "true" };
    return shape(
      "svg",
      box,
      shape("rect", {
        class: change > 0 ? "raises" : "lowers",
        x: Math.min(middle, middle + length).toFixed(1),
        y: 2,
        width: Math.abs(length).toFixed(1),
        height: 8,
      }),
      shape("path", { class: "middle", d: `M${middle} 0v12` }),
    );
  }

  /** The largest first; what is small, of many, together. */
  function largestFirst(parts) {
    const sorted = [...parts].sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
    if (sorted.length <= MOST_ROWS) return { shown: sorted, rest: [] };
    return { shown: sorted.slice(0, MOST_ROWS - 1), rest: sorted.slice(MOST_ROWS - 1) };
  }

  /** A table; titles: how to name an input, by its column. */
  function asTable(moves, titles) {
    const { shown, rest } = largestFirst(moves.parts);
    const restChange = rest.reduce((sum, { change }) => sum + change, 0);
    const largest = Math.max(0.1, ...moves.parts.map(({ change }) => Math.abs(change)));
    const cell = (change) =>
      element("span", { class: "change" }, bar(change, largest), changeWords(change));
    const rows = shown.map((part) => [
      titles.get(part.name) ?? part.name,
      part.value,
      part.typical,
      cell(part.change),
    ]);
    if (rest.length) rows.push([`${rest.length} others together`, cell(restChange)]);
    return table(
      "Against a typical training patient who waits as long",
      ["Input", "This patient", "Typical", "Moves the estimate by"],
      [
        ["Typical patient", `${figures(moves.typical)} of 100`],
        ...rows,
        ["This patient", `${figures(moves.probability)} of 100`],
      ],
      { class: "moves" },
    );
  }

  return Object.freeze({ asTable, changeWords });
})();
