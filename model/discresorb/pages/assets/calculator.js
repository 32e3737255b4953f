/** The page: what is entered becomes an estimate, or words on what is needed or wrong. */
(() => {
  const { element } = calculator.elements;
  const { monthsUntil, tableMonths } = calculator.curveChart;
  const { dayName } = discresorb.clock;
  const PAUSE = 900; // ms without typing, after which a screen reader is told and a slip is shown

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const { clock, support } = data.model;
  const model = discresorb.model(data.model);
  const form = calculator.form.build(model, clock.month_names);
  const titles = new Map(form.fields.map(({ column, title }) => [column.name, title]));
  const state = { typing: undefined, estimate: undefined, isExample: false, pressed: false };

  /** All that is shown of a patient whose prediction succeeded. */
  function estimateOf(patient, prediction) {
    const { wait, surgeryDay } = patient;
    const known = !Number.isNaN(surgeryDay);
    const dateAt = (months) =>
      dayName(
        Math.round(surgeryDay + (months - wait) * clock.days_per_month),
        clock.month_names,
      );
    const months = monthsUntil(wait);
    const ofTable = tableMonths(wait);
    return {
      prediction,
      moves: model.moves(patient),
      facts: {
        months,
        ...model.curve(patient, months),
        wait,
        prediction,
        followUpEnd: support.longest_follow_up - patient.entry,
        when: known ? dayName(surgeryDay, clock.month_names) : "",
        dateAt: known ? dateAt : undefined,
      },
      tableFacts: { months: ofTable, curve: model.curve(patient, ofTable) },
      titles,
      caseReport: data.page.case_report,
    };
  }

  /** What is entered comes to: an estimate, or what is needed and what is wrong. */
  function judge() {
    const needed = form.shown().filter((field) => field.required && field.isEmpty());
    const { patient, problems } = model.read(form.cells());
    if (patient) {
      const prediction = model.predict(patient);
      return "problem" in prediction
        ? { needed, problems: [{ words: prediction.problem, fields: [] }] }
        : { needed, problems: [], estimate: estimateOf(patient, prediction) };
    }
    // that something is empty is no mistake: it is still needed
    const wrong = problems
      .map(({ words, columns }) => ({ words, fields: columns.map((name) => form.named.get(name)) }))
      .filter(({ fields }) => !fields.some((field) => field.isEmpty()));
    return { needed, problems: wrong };
  }

  /** Leave a slip alone while it may still be half a word, unless it is already shown. */
  function isUnfinished({ fields }) {
    return fields.some((field) => field === state.typing && !field.complains());
  }

  function complain(problems) {
    for (const field of form.fields) {
      const own = problems.filter(({ fields }) => fields.includes(field));
      field.complain(own.map(({ words }) => words));
    }
  }

  function look() {
    const { needed, problems, estimate } = judge();
    const shown = problems.filter((problem) => !isUnfinished(problem));
    const unfinished = problems.filter(isUnfinished).flatMap(({ fields }) => fields);
    complain(shown);
    form.echo();
    byId("example-note").hidden = !state.isExample;
    state.estimate = estimate;
    if (estimate) calculator.results.show(estimate);
    else calculator.results.withhold({ needed: [...new Set([...needed, ...unfinished])], problems: shown });
    sayLater();
  }

  /** Tell a screen reader once typing pauses, so that it is not told of every key. */
  function sayLater() {
    clearTimeout(state.pause);
    state.pause = setTimeout(() => {
      if (state.typing) {
        state.typing = undefined;
        look();
        clearTimeout(state.pause);
      }
      say(state.estimate ? spoken(state.estimate) : byId("waiting").innerText);
    }, PAUSE);
  }

  function spoken({ prediction }) {
    const warned = prediction.warnings.length ? " There are warnings." : "";
    return `${prediction.sentence} ${prediction.advice}${warned}`;
  }

  function say(words) {
    if (byId("said").textContent !== words) byId("said").textContent = words;
  }

  function fieldOf(target) {
    return form.fields.find(({ node }) => node.contains(target));
  }

  function typed(event) {
    if (event.target.id === "reference") return;
    if (event.target.name === "times") form.showMode();
    else state.isExample = false;
    state.typing = event.target.type === "text" ? fieldOf(event.target) : undefined;
    look();
  }

  /** Once a field is left, its slips show; not while a button is pressed, or it would move away. */
  function left() {
    if (!state.typing || state.pressed) return;
    state.typing = undefined;
    look();
  }

  function pressed() {
    state.pressed = true;
  }

  function released() {
    state.pressed = false;
    setTimeout(() => { // after the click
      if (!state.typing?.node.contains(document.activeElement)) left();
    });
  }

  function fillExample() {
    const typical = model.covariates.map(({ name }) => [name, model.typical.words[name]]);
    form.fill([...typical, ...data.page.example]);
    Object.assign(state, { isExample: true, typing: undefined });
    look();
  }

  function clear() {
    form.clear();
    Object.assign(state, { isExample: false, typing: undefined });
    look();
    form.fields[0].focus();
  }

  function record() {
    if (!state.estimate) return;
    calculator.record.put(state.estimate, {
      entered: form.entered(),
      reference: byId("reference").value.trim(),
      printed: printedNow(),
      example: state.isExample ? byId("example-note").textContent : "",
    });
  }

  function printedNow() {
    const now = new Date();
    const padded = (number) => String(number).padStart(2, "0");
    const day = discresorb.clock.dayNumber(now.getFullYear(), now.getMonth() + 1, now.getDate());
    const time = `${padded(now.getHours())}:${padded(now.getMinutes())}`;
    return element("time", {}, `${dayName(day, clock.month_names)}, ${time}`);
  }

  byId("inputs").addEventListener("input", typed);
  byId("inputs").addEventListener("focusout", left);
  window.addEventListener("pointerdown", pressed);
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, released);
  byId("inputs").addEventListener("submit", (event) => event.preventDefault());
  byId("example").addEventListener("click", fillExample);
  byId("clear").addEventListener("click", clear);
  byId("print").addEventListener("click", () => window.print());
  window.addEventListener("beforeprint", record);
  window.addEventListener("afterprint", calculator.record.remove);
  window.addEventListener("resize", () => state.estimate && calculator.results.show(state.estimate));
  form.clear();
  form.showMode();
  look();
  clearTimeout(state.pause); // nothing has happened yet that is to be said
})();
