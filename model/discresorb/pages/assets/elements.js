"use strict";

/** What the calculator page is made of; each file adds one part. */
const calculator = {};

/** Elements made of text, never of markup. */
calculator.elements = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function complete(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, String(value));
    }
    node.append(...children.filter((child) => child !== undefined));
    return node;
  }

  function element(tag, attributes = {}, ...children) {
    return complete(document.createElement(tag), attributes, children);
  }

  function shape(tag, attributes = {}, ...children) {
    return complete(document.createElementNS(SVG, tag), attributes, children);
  }

  function list(items, attributes = {}) {
    return element("ul", attributes, ...items.map((item) => element("li", {}, item)));
  }

  /** A row whose first cell is its header; it spans the columns that the others leave. */
  function row([first, ...others], columns) {
    const span = columns - others.length;
    return element(
      "tr",
      {},
      element("th", { scope: "row", colspan: span > 1 ? span : undefined }, first),
      ...others.map((cell) => element("td", {}, cell)),
    );
  }

  /** A table; cells are words or nodes. */
  function table(caption, head, rows, attributes = {}) {
    const headers = head.map((words) => element("th", { scope: "col" }, words));
    const body = rows.map((cells) => row(cells, head.length));
    return element(
      "table",
      attributes,
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...headers)),
      element("tbody", {}, ...body),
    );
  }

  const ended = (words) => (/[.!?]$/.test(words) ? words : `${words}.`);

  const sentence = (words) => words.charAt(0).toUpperCase() + ended(words).slice(1);

  return Object.freeze({ element, shape, list, table, ended, sentence });
})();
