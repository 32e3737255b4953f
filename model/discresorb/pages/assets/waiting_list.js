"use strict";
// The page: its controls, what they ask for, and the rows that are shown.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = waitingList.rowsOf(data);
  const sorted = waitingList.sorter(rows);
  const find = (id) => document.getElementById(id);
  const controls = Object.fromEntries(
    ["text", "state", "reason", "low", "high", "sort", "direction", "size"].map((id) => [id, find(id)]));
  const table = find("list"), body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const columns = heads.map((head) => ({
    key: head.dataset.key, label: head.dataset.label, number: head.classList.contains("number"),
  }));
  const order = { key: "position", ascending: true };
  let found = rows, first = 0;

  const number = (control) => (control.value === "" || control.validity.badInput ? null : Number(control.value));
  const count = (n) => n.toLocaleString("en");
  const chosen = (control) => control.selectedOptions[0].textContent;

  const filter = () => ({
    text: controls.text.value, state: controls.state.value, reason: Number(controls.reason.value),
    low: number(controls.low), high: number(controls.high),
  });

  function end(name, value, { validity }) {
    if (validity.badInput) return `probability ${name}: not a number, left out`;
    return value !== null && `probability ${name} ${value}`;
  }

  function filterWords({ text, state, reason, low, high }) {
    return [
      text.trim() && `with “${text.trim()}”`,
      state !== "all" && chosen(controls.state),
      reason !== 0 && chosen(controls.reason),
      end("from", low, controls.low),
      end("to", high, controls.high),
    ].filter(Boolean).join(", ");
  }

  function sortWords() {
    if (order.key === "position" && order.ascending) return "";
    const { label } = columns.find(({ key }) => key === order.key);
    return `Sorted by ${label}, ${order.ascending ? "ascending" : "descending"}`;
  }

  const atOnce = () => Number(controls.size.value) || Math.max(1, found.length);

  function say(most = atOnce()) {
    const filtered = filterWords(filter());
    const told = [
      `${count(found.length)} of ${count(rows.length)} rows shown`,
      found.length > most && `${count(most)} at a time`,
    ].filter(Boolean).join(", ");
    find("count").textContent = [told, filtered && `Filter: ${filtered}`, sortWords()]
      .filter(Boolean).join(". ") + ".";
  }

  function turnTo(start) {
    const last = Math.max(0, Math.ceil(found.length / atOnce()) - 1) * atOnce();
    first = Math.min(Math.max(0, start), last);
    const focused = document.activeElement;
    fill(found.slice(first, first + atOnce()), first);
    const pager = document.querySelector(".pager");
    pager.hidden = found.length <= atOnce();
    find("page").textContent =
      `rows ${count(first + 1)} to ${count(Math.min(first + atOnce(), found.length))} of ${count(found.length)}`;
    find("previous").disabled = first === 0;
    find("next").disabled = first === last;
    // a button that can do no more must not take the focus with it
    if (focused instanceof HTMLButtonElement && focused.disabled) (first === 0 ? find("next") : find("previous")).focus();
  }

  // a row is built once, when it is first shown
  const built = new Map();

  function placed(row, index) {
    if (!built.has(row)) built.set(row, listCells.tableRow(row, columns, data));
    const element = built.get(row);
    element.setAttribute("aria-rowindex", index);
    return element;
  }

  function fill(shown, before) {
    const made = document.createDocumentFragment();
    shown.forEach((row, i) => made.append(placed(row, before + i + 2)));
    if (!shown.length) {
      const words = rows.length ? "No row matches these filters." : "The list has no rows.";
      made.append(listCells.element("tr", { role: "row" },
        listCells.element("td", { role: "cell", colspan: columns.length, class: "nothing" }, words)));
    }
    body.replaceChildren(made);
  }

  function update() {
    found = sorted(waitingList.matching(rows, filter()), order);
    table.setAttribute("aria-rowcount", found.length + 1);
    turnTo(0);
    say();
  }

  function sortBy(key, ascending) {
    Object.assign(order, { key, ascending });
    for (const head of heads) {
      head.setAttribute("aria-sort", head.dataset.key !== key ? "none" : ascending ? "ascending" : "descending");
    }
    controls.sort.value = key;
    controls.direction.value = ascending ? "ascending" : "descending";
    update();
  }

  for (const { key, label } of columns) {
    controls.sort.append(listCells.element("option", { value: key }, label));
  }
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("th");
    if (event.target.closest("button")) {
      sortBy(head.dataset.key, !(order.key === head.dataset.key && order.ascending));
    }
  });
  for (const control of [controls.sort, controls.direction]) {
    control.addEventListener("change", () => sortBy(controls.sort.value, controls.direction.value === "ascending"));
  }
  for (const name of ["text", "low", "high"]) controls[name].addEventListener("input", update);
  for (const name of ["state", "reason", "size"]) controls[name].addEventListener("change", update);
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  find("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    for (const name of ["text", "low", "high"]) controls[name].value = "";
    controls.state.value = "all";
    controls.reason.value = "0";
    update();
  });
  find("previous").addEventListener("click", () => turnTo(first - atOnce()));
  find("next").addEventListener("click", () => turnTo(first + atOnce()));
  // on paper every row that matches, and nothing folded away
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const each of folded) each.open = true;
    fill(found, 0);
    say(found.length);
  });
  window.addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
    turnTo(first);
    say();
  });
  sortBy("position", true);
})();
