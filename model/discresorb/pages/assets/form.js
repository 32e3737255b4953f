/** The form: fields of a model, what is entered in those that show, examples and clearing. */
calculator.form = (() => {
  const { element } = calculator.elements;
  const { make, titles } = calculator.fields;
  const { dayName, dayNumber } = discresorb.clock;
  const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

  const byId = (id) => document.getElementById(id);

  /** A date written YYYY-MM-DD in words; nothing if there is no such day. */
  function dayWords(text, monthNames) {
    const found = ISO_DATE.exec(text.trim());
    const day = found ? dayNumber(...found.slice(1).map(Number)) : NaN;
    return Number.isNaN(day) ? "" : dayName(day, monthNames);
  }

  /** Build the fields of a model into the page's form. */
  function build(model, monthNames) {
    const inWords = (text) => dayWords(text, monthNames);
    const covariates = model.covariates.map((each) => ({ ...each, filledIn: each.optional }));
    const times = Object.values(model.times).map((each) => ({ ...each, optional: each.kind === "flag" }));
    const columns = [...covariates, ...times];
    const title = titles(columns);
    const fields = columns.map((column, position) =>
      make(column, title[position], `input-${position}`, inWords),
    );
    const ofTimes = fields.slice(covariates.length);
    const groups = {
      covariates: fields.slice(0, covariates.length),
      dates: ofTimes.filter(({ column }) => column.kind === "date"),
      months: ofTimes.filter(({ column }) => column.kind === "number"),
      symptoms: ofTimes.filter(({ column }) => column.kind === "flag"),
    };
    for (const [id, group] of Object.entries(groups)) {
      byId(id).replaceChildren(...group.map(({ node }) => node));
    }
    return Object.freeze({ fields, ...actions(fields, groups) });
  }

  function actions(fields, groups) {
    const modes = [...document.querySelectorAll('input[name="times"]')];
    const named = new Map(fields.map((field) => [field.column.name, field]));
    const mode = () => modes.find((each) => each.checked).value;

    function setMode(wanted) {
      for (const each of modes) each.checked = each.value === wanted;
      showMode();
    }

    function showMode() {
      for (const each of ["dates", "months"]) byId(each).hidden = each !== mode();
    }

    /** Fields that show; what is hidden is not read. */
    function shown() {
      const times = mode() === "dates" ? groups.dates : groups.months;
      return [...groups.covariates, ...times, ...groups.symptoms];
    }

    function cells() {
      const found = Object.create(null); // a column may have any name
      for (const field of shown()) found[field.column.name] = field.read();
      return found;
    }

    function clear() {
      for (const field of fields) field.write("");
      byId("reference").value = "";
    }

    /** Fill in texts by column name. */
    function fill(texts) {
      clear();
      setMode("dates");
      for (const [name, text] of texts) named.get(name)?.write(text);
    }

    /** What is entered, as a person reads it on the record. */
    function entered() {
      return shown().map((field) => {
        const text = field.read().trim();
        const unit = text && field.column.unit ? ` ${field.column.unit}` : "";
        return [field.title, text ? text + unit : "not known"];
      });
    }

    function echo() {
      for (const field of groups.dates) field.echo();
    }

    return { named, shown, cells, clear, fill, entered, echo, showMode, mode };
  }

  /** Links to fields, by their titles. */
  function links(fields) {
    return fields.map((field) => {
      const link = element("a", { href: `#${field.id}` }, field.title);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        field.focus();
      });
      return link;
    });
  }

  return Object.freeze({ build, links });
})();
