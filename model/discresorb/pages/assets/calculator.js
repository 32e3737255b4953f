/** The page: what is entered becomes an estimate, or words on what is needed or wrong. */
(() => {
  const { element } = calculator.elements;
  const { monthsUntil, tableMonths } = calculator.curveChart;
  const { dayName } = discresorb.clock;
  const EXAMPLE = "These are example values, not those of a patient of yours.";
  const PAUSE = 900; // ms without typing, after which a screen reader is told and a slip is shown

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const { clock, support } = data.model;
  const model = discresorb.model(data.model);
  const form = calculator.form.build(model, clock.month_names);
  const titles = new Map(form.fields.map(({ column, title }) => [column.name, title]));
  const state = { typing: undefined, estimate: undefined, example: new Set(), pressed: false };

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
    const note = exampleNote();
    byId("example-note").textContent = note;
    byId("example-note").hidden = !note;
    const isExample = state.example.size === form.fields.length;
    byId("example").hidden = !isExample && form.isTouched(); // nothing typed is overwritten
    state.estimate = estimate;
    if (estimate) calculator.results.show(estimate);
    else calculator.results.withhold({ needed: [...new Set([...needed, ...unfinished])], problems: shown });
    sayLater();
  }

  /** What of an example has not been entered anew, lest it be taken for the patient's. */
  function exampleNote() {
    if (state.example.size === form.fields.length) return EXAMPLE;
    const left = form.shown().filter((field) => state.example.has(field) && !field.isEmpty());
    const named = left.map(({ title }) => title).join(", ");
    return named && `Still the example's, not your patient's: ${named}.`;
  }

  /** Tell a screen reader once typing pauses, so that it is not told of every key. */
  function sayLater() {
    clearTimeout(state.pause);
    state.pause = setTimeout(() => {
      if (state.typing) {
        left();
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

  /** What is entered is another than before. */
  function changed() {
    calculator.record.remove(); // not after printing: some browsers draw the page only then
    look();
  }

  function typed(event) {
    if (event.target.id === "reference") return;
    if (event.target.name === "times") form.showMode();
    else state.example.delete(fieldOf(event.target));
    state.typing = event.target.type === "text" ? fieldOf(event.target) : undefined;
    changed();
  }

  /** An answer that is pressed is the patient's, though the example has the same. */
  function confirmed({ target }) {
    if (target.type === "radio" && state.example.delete(fieldOf(target))) changed();
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
    Object.assign(state, { example: new Set(form.fields), typing: undefined });
    changed();
  }

  function clear() {
    form.clear();
    Object.assign(state, { example: new Set(), typing: undefined });
    changed();
    form.shown()[0].focus();
  }

  function record() {
    if (state.typing) {
      state.typing = undefined; // what is printed is all that will be typed
      look();
    }
    if (!state.estimate) return;
    calculator.record.put(state.estimate, {
      entered: form.entered(),
      reference: byId("reference").value.trim(),
      printed: printedNow(),
      example: exampleNote(),
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
  byId("inputs").addEventListener("click", confirmed);
  byId("inputs").addEventListener("focusout", left);
  window.addEventListener("pointerdown", pressed);
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, released);
  byId("inputs").addEventListener("submit", (event) => event.preventDefault());
  byId("example").addEventListener("click", fillExample);
  byId("clear").addEventListener("click", clear);
  byId("print").addEventListener("click", () => window.print());
  window.addEventListener("beforeprint", record);
  window.addEventListener("resize", () => state.estimate && calculator.results.show(state.estimate));
  form.clear();
  form.showMode();
  look();
  clearTimeout(state.pause); // nothing has happened yet that is to be said
})();
