"use strict";
// One row of the table, built from elements and text only.
const listCells = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 120, HEIGHT = 34, MARGIN = 4;

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function drawn(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  const round = (value) => Math.round(10 * value) / 10;

  function scales({ months, steps }) {
    const last = months[months.length - 1];
    return {
      last,
      x: (month) => round(MARGIN + (month / last) * (WIDTH - 2 * MARGIN)),
      y: (share) => round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)),
      share: (step) => step / steps,
    };
  }

  function surgeryMark(row, { x, y, last }) {
    if (row.wait <= last) {
      return drawn("circle", { class: "surgery", cx: x(row.wait), cy: y(row.p), r: 3.2 });
    }
    const right = WIDTH - 1, middle = y(row.p);
    return drawn("path", { class: "surgery", d: `M${right - 7} ${middle - 4}L${right} ${middle}L${right - 7} ${middle + 4}Z` });
  }

  function curve(row, data) {
    const scale = scales(data);
    const points = data.months.map((month, i) => `${scale.x(month)} ${scale.y(scale.share(row.curve[i]))}`);
    const words = `${row.curveWords} ${data.curve_told}`;
    const svg = drawn("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words });
    const title = drawn("title", {});
    title.textContent = words;
    svg.append(
      title,
      drawn("path", { class: "axis", d: `M${scale.x(0)} ${scale.y(1)}V${scale.y(0)}H${scale.x(scale.last)}` }),
      drawn("path", { class: "line", d: `M${points.join("L")}` }),
      surgeryMark(row, scale));
    return svg;
  }

  const probability = (row) =>
    row.p === null
      ? []
      : [element("strong", { class: "share" }, row.share), " ", element("span", { class: "interval" }, row.interval)];

  const stateWords = { consider: "consider", none: "no reason", unscored: "not scored" };

  const told = (kind, words) => (words ? [element("p", { class: kind }, words)] : []);

  function why(row) {
    return [
      ...told("reason", row.reasons.join("; ")),
      ...told("warning", row.warnings),
      ...told("problem", row.problems),
    ];
  }

  const contents = {
    position: (row) => [String(row.place.row)],
    file: (row) => [row.place.name],
    id: (row) => [row.id],
    p: probability,
    later: (row, data) => (row.curve ? [curve(row, data)] : []),
    entry: (row) => [row.entryWords],
    wait: (row) => [row.waitWords],
    surgery: (row) => [row.surgeryWords],
    state: (row) => [element("span", { class: `state ${row.state}` }, stateWords[row.state])],
    words: why,
  };

  // columns: [{key, label, number}] in the order of the table's head
  function tableRow(row, columns, data) {
    const made = element("tr", { role: "row", class: row.state });
    for (const { key, label, number } of columns) {
      const cell = element("td", { role: "cell", "data-label": label, class: number ? `${key} number` : key });
      cell.append(...contents[key](row, data));
      made.append(cell);
    }
    return made;
  }

  return Object.freeze({ element, tableRow });
})();
