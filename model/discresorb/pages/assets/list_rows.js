"use strict";
// The rows of the list: read from the page's data, matched against filters, put in order.
const waitingList = (() => {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  // as one types it in a hurry: without accents, in small letters, however accents are encoded
  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  const decoded = ({ table, code }) => code.map((position) => table[position]);

  function places(files) {
    return files.flatMap(([name, count], file) =>
      Array.from({ length: count }, (_, row) => ({ name, file, row: row + 1 })));
  }

  function stateOf(p, bits) {
    if (p === null) return "unscored";
    return bits > 0 ? "consider" : "none";
  }

  function rowsOf(data) {
    const words = Object.fromEntries(
      ["share", "interval", "entry_words", "wait_words", "surgery_words", "warnings", "problems", "curve_words"]
        .map((name) => [name, decoded(data[name])]));
    return places(data.files).map((place, i) => {
      const reasons = data.reasons.filter((_, bit) => data.bits[i] & (1 << bit));
      const warnings = words.warnings[i] && `Warning: ${words.warnings[i]}`;
      const told = [...reasons, warnings, words.problems[i]].filter(Boolean).join("; ");
      const id = data.ids ? data.ids[i] : "";
      return {
        position: i, place, id, reasons, told,
        p: data.p[i], low: data.low[i], high: data.high[i],
        share: words.share[i], interval: words.interval[i],
        entry: data.entry[i], entryWords: words.entry_words[i],
        wait: data.wait[i], waitWords: words.wait_words[i],
        surgery: data.surgery_day[i], surgeryWords: words.surgery_words[i],
        bits: data.bits[i], state: stateOf(data.p[i], data.bits[i]),
        warnings, problems: words.problems[i],
        curve: data.curve[i], curveWords: words.curve_words[i],
        searched: plain(`${id}\n${told}`),
      };
    });
  }

  const within = (row, { low, high }) =>
    (low === null && high === null) ||
    (row.p !== null && (low === null || row.p >= low / 100) && (high === null || row.p <= high / 100));

  function matching(rows, filter) {
    const text = plain(filter.text.trim());
    return rows.filter((row) =>
      row.searched.includes(text) &&
      (filter.state === "all" || row.state === filter.state) &&
      (filter.reason === 0 || (row.bits & filter.reason) !== 0) &&
      within(row, filter));
  }

  // what a row is sorted by: a number, or null to stand last whichever way the list is sorted
  const keys = {
    position: (row) => row.position,
    file: (row) => row.place.file,
    p: (row) => row.p,
    later: (row) => (row.curve ? row.curve[row.curve.length - 1] : null),
    entry: (row) => row.entry,
    wait: (row) => row.wait,
    surgery: (row) => row.surgery,
    state: (row) => ({ consider: 0, none: 1, unscored: null })[row.state],
  };
  const texts = { id: (row) => row.id, words: (row) => row.told };

  // places in the alphabet, so that texts are compared once and not at every sort
  function ranks(rows, text) {
    const different = [...new Set(rows.map(text))].filter(Boolean).sort(collator.compare);
    const rank = new Map(different.map((each, i) => [each, i]));
    return rows.map((row) => rank.get(text(row)) ?? null);
  }

  function sorter(rows) {
    const known = new Map();
    const valuesOf = (key) => {
      if (!known.has(key)) known.set(key, key in texts ? ranks(rows, texts[key]) : rows.map(keys[key]));
      return known.get(key);
    };
    return (found, { key, ascending }) => {
      const values = valuesOf(key);
      const sign = ascending ? 1 : -1;
      return [...found].sort((a, b) => {
        const x = values[a.position], y = values[b.position];
        if (x === null || y === null) return (x === null) - (y === null) || a.position - b.position;
        return sign * (x - y) || a.position - b.position;
      });
    };
  }

  return Object.freeze({ rowsOf, matching, sorter });
})();
