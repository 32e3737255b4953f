// From cells as they are typed to a patient's numbers, or every problem in words: what
// discresorb.cells and discresorb.rows do with text.
(() => {
  const { TIMES, dayNumber, resolve } = discresorb.clock;
  // what Python's str.strip takes away, which is not what trim does
  const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
  const BLANKS_AROUND = new RegExp(`^${BLANK}+|${BLANK}+$`, "g");
  const BLANKS = new RegExp(BLANK, "g");
  const DASHES = /[\u2010-\u2015\u2212\ufe63\uff0d]/g;
  const UNSEEN = /\p{C}/u;
  const NOT_PRINTABLE = /[\p{C}\p{Z}]/gu;
  const DECIMAL_COMMA = /^[+-]?[0-9]+,[0-9]+$/;
  const WHOLE_NUMBER = /^(-?[0-9]+)\.0+$/;
  const ISO_DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
  const SHOWN_LENGTH = 40;

  const wholly = (pattern) => new RegExp(`^(?:${pattern})$`);
  const strip = (text) => text.replace(BLANKS_AROUND, "");

  // What was entered, on one line and not endlessly.
  function show(text) {
    const words = text.replace(NOT_PRINTABLE, " ").split(" ").filter(Boolean).join(" ");
    const characters = [...words];
    if (characters.length <= SHOWN_LENGTH) return words;
    return `${characters.slice(0, SHOWN_LENGTH - 1).join("")}…`;
  }

  // Each gives NaN for text that is none of its kind.
  const READERS = {
    number: (text, column, cells) =>
      wholly(cells.number).test(text) ? Number(text) : NaN,
    flag(text, column, cells) {
      const word = text.toLowerCase();
      if (cells.yes.includes(word)) return 1;
      return cells.no.includes(word) ? 0 : NaN;
    },
    category(text, column) {
      const position = column.levels.indexOf(text.replace(WHOLE_NUMBER, "$1"));
      return position < 0 ? NaN : position;
    },
    date(text) {
      const found = ISO_DATE.exec(text);
      return found ? dayNumber(...found.slice(1).map(Number)) : NaN;
    },
  };

  function refusal(column, text, stripped, cells) {
    const words = `${column.name} entered as ${show(text)}, but must be ${column.allowed}`;
    if (column.kind === "number" && DECIMAL_COMMA.test(stripped)) {
      return `${words}, with a decimal point`;
    }
    if (column.kind === "date" && ISO_DATE.test(stripped)) return `${words}; there is no such day`;
    const shape = { number: wholly(cells.number), date: ISO_DATE }[column.kind];
    if (shape && stripped.search(DASHES) >= 0 && shape.test(stripped.replace(DASHES, "-"))) {
      return `${words}, with the hyphen of a keyboard`;
    }
    if (UNSEEN.test(stripped.replace(BLANKS, ""))) { // copied along; the rest may look fit
      return `${words}; it holds a character that cannot be seen, so type it anew`;
    }
    return words;
  }

  const limit = (end, otherwise) => end ?? otherwise;

  // {value, words}: NaN for an empty cell, words where it cannot be read.
  function readCell(column, text, cells) {
    const stripped = strip(text ?? "");
    if (stripped === "") return { value: NaN };
    const value = READERS[column.kind](stripped, column, cells);
    const inRange =
      value >= limit(column.low, -Number.MAX_VALUE) && value <= limit(column.high, Number.MAX_VALUE);
    return inRange ? { value } : { value: NaN, words: refusal(column, text, stripped, cells) };
  }

  // {patient, problems}; the patient is null if there are problems.
  function read(data, cells) {
    const problems = [];
    const unreadable = new Set();
    const take = (column) => {
      const text = Object.hasOwn(cells, column.name) ? cells[column.name] : "";
      const { value, words } = readCell(column, text, data.cells);
      if (words) {
        problems.push({ columns: [column.name], words });
        unreadable.add(column.name);
      }
      return value;
    };
    const covariates = data.covariates.map((column) => {
      const value = take(column);
      if (Number.isNaN(value) && !unreadable.has(column.name) && !column.optional) {
        const words = `${column.name} is missing; it must be ${column.allowed}`;
        problems.push({ columns: [column.name], words });
      }
      return value;
    });
    const moment = Object.fromEntries(TIMES.map((name) => [name, take(data.times[name])]));
    const changed = take(data.times.symptoms_changed);
    const { problems: ofTimes, ...found } = resolve(moment, unreadable, data);
    problems.push(...ofTimes);
    const patient = { covariates, changed, ...found };
    return { patient: problems.length ? null : patient, problems };
  }

  discresorb.reading = Object.freeze({ read, strip });
})();
