/** What is shown of one estimate; and of what is still needed, or wrong. */
calculator.results = (() => {
  const { element, list, ended } = calculator.elements;
  const { links } = calculator.form;
  const { fixed } = discresorb.numbers;
  const SHARE = /(?:about |fewer than |more than )?\d+ of 100/;

  const byId = (id) => document.getElementById(id);

  /** The sentence, its number emphasised. */
  function emphasised(words) {
    const found = SHARE.exec(words);
    if (!found) return [words];
    const end = found.index + found[0].length;
    return [words.slice(0, found.index), element("strong", {}, found[0]), words.slice(end)];
  }

  function advice({ advice, reasons }, caseReport) {
    const head = element("h3", { id: "advice-title" }, "Imaging again before surgery");
    if (!reasons.length) return [head, element("p", {}, advice)];
    const lead = advice.slice(0, advice.indexOf(":") + 1);
    const reported = reasons.some((reason) => caseReport.reasons.includes(reason));
    return [
      head,
      element("p", { class: "lead" }, lead),
      list(reasons),
      ...(reported ? [element("p", { class: "small" }, caseReport.note)] : []),
    ];
  }

  function clockWords({ entry, horizon }) {
    const [since, wait] = [entry, horizon - entry].map((each) => fixed(each, 1));
    return `Index MRI ${since} months after onset, surgery ${wait} months after the MRI.`;
  }

  function warnings(words) {
    return [element("h3", { id: "warnings-title" }, "Keep in mind"), list(words.map(ended))];
  }

  function influences(moves, titles) {
    const head = element("h3", { id: "influences-title" }, "What moves this estimate");
    if (!moves) {
      const words = "It cannot be set against a typical patient: some of the steps from that one to this lie too far from the training patients.";
      return [head, element("p", {}, words)];
    }
    const table = calculator.influences.asTable(moves, titles);
    const words = "How the model weighs what was entered, not what would happen if it were changed.";
    return [head, element("p", { class: "small" }, words), element("div", { class: "scrolls" }, table)];
  }

  /** All parts of an estimate, as nodes by the id of where they stand. */
  function parts({ prediction, facts, tableFacts, moves, titles, caseReport }, width, height) {
    const { asTable, parts: curve } = calculator.curveChart;
    return {
      sentence: emphasised(prediction.sentence),
      icons: calculator.iconArray.parts(prediction),
      advice: advice(prediction, caseReport),
      warnings: prediction.warnings.length ? warnings(prediction.warnings) : [],
      clock: [clockWords(prediction)],
      curve: curve(facts, width, height),
      "curve-table": [asTable(tableFacts.curve, tableFacts.months, facts)],
      influences: influences(moves, titles),
    };
  }

  /** For small screens, where the estimate stands below the form. */
  function brief(words) {
    const found = SHARE.exec(words);
    return found ? [found[0], words.slice(words.lastIndexOf("; "))] : [words];
  }

  /** Where one types must not lie below the summary at the foot of a small screen. */
  function keepInView(control) {
    if (byId("inputs").contains(control)) control.scrollIntoView({ block: "nearest" });
  }

  function show(estimate) {
    byId("waiting").hidden = true;
    const isNew = byId("brief").hidden;
    for (const id of ["results", "print", "brief"]) byId(id).hidden = false; // to be measured
    byId("brief").replaceChildren(...brief(estimate.prediction.sentence));
    for (const [id, nodes] of Object.entries(parts(estimate, byId("curve").clientWidth))) {
      byId(id).replaceChildren(...nodes);
    }
    byId("warnings").hidden = !estimate.prediction.warnings.length;
    if (isNew) keepInView(document.activeElement);
  }

  /** Show no estimate: what is still needed, and what is wrong. */
  function withhold({ needed, problems }) {
    for (const id of ["results", "print", "brief"]) byId(id).hidden = true;
    byId("waiting").hidden = false;
    byId("needed").hidden = !needed.length;
    byId("needed").replaceChildren("Still needed: ", ...listed(links(needed)), ".");
    const box = byId("problems");
    box.hidden = !problems.length;
    box.replaceChildren(
      element("h3", {}, problems.length === 1 ? "Please check" : "Please check all of these"),
      list(problems.map(problemNode)),
    );
  }

  function problemNode({ words, fields }) {
    const where = fields.length ? [" (", ...listed(links(fields)), ")"] : [];
    return element("span", {}, ended(words), ...where);
  }

  function listed(nodes) {
    return nodes.flatMap((node, position) => (position ? [", ", node] : [node]));
  }

  return Object.freeze({ parts, show, withhold });
})();
