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

  /** A table whose first cell in each row is its header; other cells may be nodes. */
  function table(caption, head, rows, attributes = {}) {
    const headers = head.map((words) => element("th", { scope: "col" }, words));
    const body = rows.map(([first, ...others]) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, first),
        ...others.map((cell) => element("td", {}, cell)),
      ),
    );
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
