/** Inputs, one field a column: what is entered, as text, and what is wrong with it. */
calculator.fields = (() => {
  const { element, shape, ended, sentence } = calculator.elements;
  const { strip } = discresorb.reading;
  const MOST_RADIOS = 5;
  const PLAIN_NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
  const MAY_BE_EMPTY = "It may be left empty: it is then filled in by regression on the others.";

  /** Names of columns as a person reads them; unless plain and different, as they are. */
  function titles(columns) {
    const read = columns.map(({ name, unit }) => {
      if (!PLAIN_NAME.test(name)) return name;
      const bare = unit && name.endsWith(`_${unit}`) ? name.slice(0, -unit.length - 1) : name;
      const words = bare.replaceAll("_", " ");
      return words.charAt(0).toUpperCase() + words.slice(1);
    });
    const twice = (title) => read.indexOf(title) !== read.lastIndexOf(title);
    return columns.map(({ name }, position) => (twice(read[position]) ? name : read[position]));
  }

  function helpWords(column, allowed) {
    const meaning = column.label === column.name ? "" : sentence(column.label);
    const range = allowed ? sentence(column.allowed) : "";
    return [meaning, range, column.filledIn ? MAY_BE_EMPTY : ""].filter(Boolean).join(" ");
  }

  /** What every field has; a kind of field adds how it is read, written and marked as wrong. */
  function field(column, title, id, parts) {
    const attributes = { class: "error", id: `${id}-error`, hidden: true, translate: "no" };
    const error = element("p", attributes);
    parts.node.append(error);
    return Object.freeze({
      column,
      title,
      id,
      required: !column.optional,
      ...parts,
      isEmpty: () => strip(parts.read()) === "",
      /** Show what is wrong, or with no words that nothing is. */
      complain(words) {
        error.hidden = words.length === 0;
        error.replaceChildren(...words.map((each) => element("span", {}, ended(each))));
        parts.mark(words.length > 0, error.id);
      },
      complains: () => !error.hidden,
    });
  }

  function heading(title, optional) {
    return optional ? [title, " ", element("span", { class: "optional" }, "(optional)")] : [title];
  }

  /** Mark a control as wrong, so that what is said beside it is read out with it. */
  function marker(control, describedBy) {
    return (wrong, error) => {
      if (wrong) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
      const ids = wrong ? [error, ...describedBy] : describedBy;
      control.setAttribute("aria-describedby", ids.join(" "));
    };
  }

  function textField(column, title, id, { inputmode, beside, below, placeholder }) {
    const help = element("p", { class: "help", id: `${id}-help` }, helpWords(column, true));
    const describedBy = [help.id, ...below.map((node) => node.id)];
    const input = element("input", {
      id,
      type: "text",
      inputmode,
      placeholder,
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": describedBy.join(" "),
    });
    const node = element(
      "div",
      { class: "field" },
      element("label", { for: id }, ...heading(title, column.optional)),
      element("div", { class: "entry" }, input, ...beside(input)),
      ...below,
      help,
    );
    return field(column, title, id, {
      node,
      read: () => input.value,
      write: (text) => {
        input.value = text;
      },
      focus: () => input.focus(),
      mark: marker(input, describedBy),
    });
  }

  /** A number pad, unless it may lack what is needed: a minus, or a point where commas are usual. */
  function keypad({ low }) {
    const hasPoint = (0.5).toLocaleString().includes(".");
    return hasPoint && low !== null && low >= 0 ? "decimal" : undefined;
  }

  function numberField(column, title, id) {
    const unit = () =>
      column.unit ? [element("span", { class: "unit", "aria-hidden": "true" }, column.unit)] : [];
    return textField(column, title, id, { inputmode: keypad(column), beside: unit, below: [] });
  }

  /** A date as text, which means the same in every locale, and the browser's own calendar. */
  function dateField(column, title, id, dayWords) {
    const echo = element("p", { class: "echo", id: `${id}-echo`, translate: "no" });
    const made = textField(column, title, id, {
      placeholder: "YYYY-MM-DD",
      beside: (input) => calendar(input, title, (text) => dayWords(text) !== ""),
      below: [echo],
    });
    return Object.freeze({
      ...made,
      /** Say the date in words, so that a slip of the month is seen. */
      echo() {
        echo.textContent = dayWords(made.read());
      },
    });
  }

  function calendar(input, title, isDay) {
    const picker = element("input", { type: "date", class: "picker", tabindex: -1 });
    picker.setAttribute("aria-hidden", "true");
    const button = element(
      "button",
      { type: "button", class: "calendar", "aria-label": `Choose ${title.toLowerCase()}` },
      calendarIcon(),
    );
    button.addEventListener("click", () => {
      picker.value = isDay(input.value) ? input.value.trim() : "";
      picker.showPicker();
    });
    picker.addEventListener("change", () => {
      input.value = picker.value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    picker.addEventListener("input", (event) => event.stopPropagation());
    return "showPicker" in picker ? [button, picker] : [];
  }

  function calendarIcon() {
    return shape(
      "svg",
      { viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
      shape("path", { d: "M3 5h14v12H3zM3 9h14M7 2.5v4M13 2.5v4" }),
    );
  }

  /** Radio buttons: one an answer, and one for none where none is needed. */
  function radioField(column, title, id, answers) {
    const help = element("p", { class: "help", id: `${id}-help` }, helpWords(column, false));
    const inputs = answers.map(([value]) => {
      const input = element("input", { type: "radio", name: id, autocomplete: "off" });
      input.value = value;
      return input;
    });
    const choices = answers.map(([, words], position) =>
      element("label", { class: "choice" }, inputs[position], element("span", {}, words)),
    );
    inputs[0].id = id;
    const node = element(
      "fieldset",
      { class: "field", "aria-describedby": help.id },
      element("legend", {}, ...heading(title, column.optional)),
      element("div", { class: "choices" }, ...choices),
      help,
    );
    const write = (text) => {
      for (const input of inputs) input.checked = input.value === text;
    };
    write("");
    return field(column, title, id, {
      node,
      read: () => inputs.find((input) => input.checked)?.value ?? "",
      write,
      focus: () => (inputs.find((input) => input.checked) ?? inputs[0]).focus(),
      mark: () => {}, // every answer is one that is allowed
    });
  }

  function selectField(column, title, id, answers) {
    const help = element("p", { class: "help", id: `${id}-help` }, helpWords(column, false));
    const options = answers.map(([value, words]) => {
      const option = element("option", {}, words);
      option.value = value;
      return option;
    });
    const select = element(
      "select",
      { id, autocomplete: "off", "aria-describedby": help.id },
      ...options,
    );
    const node = element(
      "div",
      { class: "field" },
      element("label", { for: id }, ...heading(title, column.optional)),
      element("div", { class: "entry" }, select),
      help,
    );
    return field(column, title, id, {
      node,
      read: () => select.value,
      write: (text) => {
        select.value = text;
      },
      focus: () => select.focus(),
      mark: marker(select, [help.id]),
    });
  }

  function choiceField(column, title, id) {
    const levels = column.kind === "flag" ? ["yes", "no"] : column.levels;
    const answers = levels.map((level) => [level, level]);
    if (levels.length > MOST_RADIOS) {
      const none = column.optional ? "not known" : "choose one";
      return selectField(column, title, id, [["", none], ...answers]);
    }
    const none = levels.includes("not known") ? "left empty" : "not known";
    return radioField(column, title, id, column.optional ? [...answers, ["", none]] : answers);
  }

  function make(column, title, id, dayWords) {
    if (column.kind === "date") return dateField(column, title, id, dayWords);
    return column.kind === "number"
      ? numberField(column, title, id)
      : choiceField(column, title, id);
  }

  return Object.freeze({ make, titles });
})();
