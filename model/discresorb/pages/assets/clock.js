// Dates as day numbers of the proleptic Gregorian calendar, and how dates and months of one
// patient become entry and wait: what discresorb.clock does, with the same words.
(() => {
  const { fixed, general } = discresorb.numbers;
  const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const SIGNIFICANT = 6; // of Python's plain g

  const isLeap = (year) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const monthLength = (year, month) =>
    month === 2 && isLeap(year) ? 29 : MONTH_LENGTHS[month - 1];

  // Days before 1 January of a year; day 1 is 1 January of the year 1.
  function daysBefore(year) {
    const past = year - 1;
    const leaps = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
    return past * 365 + leaps;
  }

  // The day's number; NaN where there is no such day.
  function dayNumber(year, month, day) {
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > monthLength(year, month)) return NaN;
    let number = daysBefore(year) + day;
    for (let before = 1; before < month; before += 1) number += monthLength(year, before);
    return number;
  }

  function dateOf(number) {
    let year = Math.floor(number / 365.2425) + 1; // right, or one too many or too few
    while (daysBefore(year) >= number) year -= 1;
    while (daysBefore(year + 1) < number) year += 1;
    let day = number - daysBefore(year);
    let month = 1;
    while (day > monthLength(year, month)) {
      day -= monthLength(year, month);
      month += 1;
    }
    return { year, month, day };
  }

  const padded = (number, width) => String(number).padStart(width, "0");

  function iso(number) {
    const { year, month, day } = dateOf(number);
    return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
  }

  // For a person: 20 Sep 2019.
  function dayName(number, monthNames) {
    const { year, month, day } = dateOf(number);
    return `${day} ${monthNames[month - 1]} ${year}`;
  }

  const listed = (names) =>
    [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");

  const problem = (columns, words) => ({ columns, words });

  function orderProblems(t) {
    const pairs = [["onset_date", "imaging_date"], ["imaging_date", "surgery_date"]];
    if (Number.isNaN(t.imaging_date)) pairs.push(["onset_date", "surgery_date"]);
    return pairs
      .filter(([early, late]) => t[late] < t[early])
      .map(([early, late]) =>
        problem(
          [early, late],
          `${late} ${iso(t[late])} is before ${early} ${iso(t[early])}; ` +
            "expected onset, then index MRI, then surgery",
        ),
      );
  }

  const SPANS = [
    ["months_since_onset", "onset_date", "imaging_date"],
    ["months_to_surgery", "imaging_date", "surgery_date"],
  ];

  function disagreements(t, between, agreement) {
    const found = SPANS.filter(
      ([name, start, end]) =>
        t[end] >= t[start] && Math.abs(between(start, end) - t[name]) > agreement,
    ).map(([name, start, end]) =>
      problem(
        [name, start, end],
        `${name} entered as ${general(t[name], SIGNIFICANT)}, but ${start} and ${end} are ` +
          `${fixed(between(start, end), 2)} months apart; they must agree within ` +
          general(agreement, SIGNIFICANT),
      ),
    );
    const total = t.months_since_onset + t.months_to_surgery;
    const apart = between("onset_date", "surgery_date");
    const differ = t.surgery_date >= t.onset_date && Math.abs(apart - total) > 2 * agreement;
    if (found.length === 0 && differ) {
      found.push(
        problem(
          ["months_since_onset", "months_to_surgery", "onset_date", "surgery_date"],
          "months_since_onset and months_to_surgery add up to " +
            `${general(total, SIGNIFICANT)}, but onset_date and surgery_date are ` +
            `${fixed(apart, 2)} months apart`,
        ),
      );
    }
    return found;
  }

  function beyond(between, times) {
    return SPANS.filter(([name, start, end]) => between(start, end) > times[name].high).map(
      ([name, start, end]) =>
        problem(
          [start, end],
          `${start} and ${end} are ${fixed(between(start, end), 2)} months apart, but must be ` +
            `at most ${general(times[name].high, SIGNIFICANT)}`,
        ),
    );
  }

  const DATES = ["onset_date", "imaging_date", "surgery_date"];
  const MONTHS = ["months_since_onset", "months_to_surgery"];

  function incomplete(t, unreadable) {
    const missingOf = (names) =>
      names.filter((name) => Number.isNaN(t[name]) && !unreadable.has(name));
    const [dates, months] = [missingOf(DATES), missingOf(MONTHS)];
    if (dates.length === 0 || months.length === 0) return []; // those cells' own problems are told
    const someDates = dates.length < DATES.length;
    if (someDates !== months.length < MONTHS.length) {
      const missing = someDates ? dates : months;
      return [problem(missing, `${listed(missing)} ${missing.length === 1 ? "is" : "are"} missing`)];
    }
    const words =
      `${listed(dates)}, or ${listed(months)}, are missing; ` +
      "enter all three dates, or both months";
    return [problem([...dates, ...months], words)];
  }

  // Entry and wait from what was read of the five time columns, or every problem with them.
  function resolve(t, unreadable, { clock, times }) {
    const between = (start, end) => (t[end] - t[start]) / clock.days_per_month;
    const problems = [
      ...orderProblems(t),
      ...disagreements(t, between, clock.agreement),
      ...beyond(between, times),
    ];
    const byDates = !DATES.some((name) => Number.isNaN(t[name]));
    const byMonths = !MONTHS.some((name) => Number.isNaN(t[name]));
    if (!byDates && !byMonths) problems.push(...incomplete(t, unreadable));
    return {
      entry: byDates ? between("onset_date", "imaging_date") : t.months_since_onset,
      wait: byDates ? between("imaging_date", "surgery_date") : t.months_to_surgery,
      surgeryDay: byDates ? t.surgery_date : NaN,
      problems,
    };
  }

  discresorb.clock = Object.freeze({ TIMES: [...DATES, ...MONTHS], dayName, dayNumber, resolve });
})();
