"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("cases");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const buttons = Array.from(document.querySelectorAll("[data-filter]"));
  const state = { filter: "all", column: -1, down: false };

  const order = (row) => Number(row.dataset.order);
  const value = (row) => row.cells[state.column].dataset.value;

  function compare(a, b) {
    if (state.column < 0) return order(a) - order(b);
    const numeric = heads[state.column].dataset.sort === "number";
    const by = numeric
      ? Number(value(a)) - Number(value(b))
      : value(a).localeCompare(value(b), undefined, { numeric: true });
    return (state.down ? -by : by) || order(a) - order(b);
  }

  function matches(row) {
    const isControl = row.dataset.control === "yes";
    const ofFilter =
      state.filter === "all" || (state.filter === "control" ? isControl : !isControl && row.dataset.key === state.filter);
    const text = byId("find").value.trim().toLowerCase();
    return ofFilter && (!text || row.textContent.toLowerCase().includes(text));
  }

  function refresh() {
    rows.slice().sort(compare).forEach((row) => body.append(row));
    rows.forEach((row) => { row.hidden = !matches(row); });
    heads.forEach((head, number) => {
      const sorted = number === state.column;
      head.setAttribute("aria-sort", !sorted ? "none" : state.down ? "descending" : "ascending");
    });
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.filter === state.filter)));
    byId("shown").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
  }

  // First click sorts, second turns the order round, third gives the order of the sheet back.
  function sortBy(column) {
    const numeric = heads[column].dataset.sort === "number" && column !== 1;
    if (state.column !== column) Object.assign(state, { column, down: numeric });
    else if (state.down === numeric) state.down = !numeric;
    else Object.assign(state, { column: -1, down: false });
    refresh();
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(column));
    head.replaceChildren(button);
  });
  buttons.forEach((button) => button.addEventListener("click", () => { state.filter = button.dataset.filter; refresh(); }));
  byId("find").addEventListener("input", refresh);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((item) => { item.open = true; }));
  byId("tools").hidden = false;
  refresh();
})();
