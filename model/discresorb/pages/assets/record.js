/** The printed record: one A4 page, made when it is printed and fitted to the page. */
calculator.record = (() => {
  const { element, table } = calculator.elements;
  const PAGE_HEIGHT = ((297 - 2 * 12) * 96) / 25.4; // px between the margins that base.css sets
  const SLACK = 0.985; // a printer's letters may run a little wider
  const [LARGEST, SMALLEST, STEP] = [14, 8, 0.25]; // px
  const [CHART_WIDTH, CHART_HEIGHT] = [720, 215];

  const byId = (id) => document.getElementById(id);

  function part(name, nodes) {
    return element("div", { class: name }, ...nodes);
  }

  function inputs(entered) {
    return table("Entered", ["Input", "Value"], entered, { class: "entered" });
  }

  function head(reference, printed) {
    const notices = [...document.querySelectorAll(".notice[role=note]")];
    const name = reference || "\u2014";
    return [
      part("record-head", [
        element("h1", {}, document.title),
        element("p", {}, "Record of one estimate, printed ", printed),
      ]),
      ...notices.map((node) => element("p", { class: "notice" }, node.textContent)),
      element("p", { class: "reference" }, element("strong", {}, "Reference: "), name),
    ];
  }

  function aboutIt() {
    const about = byId("about").cloneNode(true);
    const limits = document.querySelector("footer > p").cloneNode(true);
    return part("about", [about.querySelector(".facts"), limits]);
  }

  /** estimate: as results.parts takes it; entered: titles and texts. */
  function build(estimate, { entered, reference, printed, example }) {
    const parts = calculator.results.parts(estimate, CHART_WIDTH, CHART_HEIGHT);
    const many = entered.length > 12 ? " many" : "";
    const given = [
      inputs(entered),
      element("p", { class: "small" }, ...parts.clock),
      ...(example ? [element("p", { class: "example-note" }, example)] : []),
    ];
    const node = element(
      "article",
      { class: "record", translate: "no" },
      ...head(reference, printed),
      part(`record-pair${many}`, [
        part("given", given),
        part("found", [element("p", { class: "sentence" }, ...parts.sentence), part("icons", parts.icons)]),
      ]),
      part("curve", parts.curve),
      part("record-pair", [part("advice", parts.advice), part("influences", parts.influences)]),
      ...(parts.warnings.length ? [part("warnings", parts.warnings)] : []),
      aboutIt(),
    );
    for (const each of node.querySelectorAll("[id]")) each.removeAttribute("id");
    return node;
  }

  /** Make letters smaller until it fits one page. */
  function fit(node) {
    node.classList.add("measured");
    for (let size = LARGEST; size >= SMALLEST; size -= STEP) {
      node.style.fontSize = `${size}px`;
      if (node.offsetHeight <= PAGE_HEIGHT * SLACK) break;
    }
    node.classList.remove("measured");
  }

  /** Put a record on the page, for the printer only. */
  function put(estimate, facts) {
    remove();
    const node = build(estimate, facts);
    document.body.append(node);
    document.documentElement.classList.add("has-record");
    fit(node);
  }

  function remove() {
    document.documentElement.classList.remove("has-record");
    document.querySelector(".record")?.remove();
  }

  return Object.freeze({ put, remove });
})();
