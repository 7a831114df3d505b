"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const gallery = byId("gallery");
  const cards = Array.from(gallery.querySelectorAll(".card"));
  const viewer = byId("viewer");
  const buttons = Array.from(document.querySelectorAll("[data-filter]"));
  const state = { filter: "all", open: -1 };
  const num = (card, name) => Number(card.dataset[name]);
  const visible = () => Array.from(gallery.querySelectorAll(".card:not([hidden])"));

  const orders = {
    gallery: (a, b) => num(a, "order") - num(b, "order"),
    sure: (a, b) => num(b, "certainty") - num(a, "certainty") || num(a, "order") - num(b, "order"),
    doubt: (a, b) => uncounted(a) - uncounted(b) || num(a, "certainty") - num(b, "certainty"),
    gap: (a, b) => num(b, "gap") - num(a, "gap"),
    place: (a, b) => a.dataset.field.localeCompare(b.dataset.field, undefined, { numeric: true }) || num(a, "order") - num(b, "order"),
  };
  const uncounted = (card) => (card.dataset.key === "out" ? 1 : 0);

  function refresh() {
    const field = byId("field").value;
    const doubtful = byId("doubtful").checked;
    cards.slice().sort(orders[byId("sort").value]).forEach((card) => gallery.append(card));
    cards.forEach((card) => {
      card.hidden = !(
        (state.filter === "all" || card.dataset.key === state.filter) &&
        (!field || card.dataset.field === field) &&
        (!doubtful || card.dataset.why === "doubtful")
      );
    });
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.filter === state.filter)));
    byId("shown").textContent = `${visible().length} of ${cards.length} shown`;
  }

  function filter(name) {
    state.filter = name;
    refresh();
  }

  function enlarge(card) {
    const list = visible();
    state.open = list.indexOf(card);
    byId("viewer-title").replaceChildren(...Array.from(card.querySelector("h3").childNodes, (node) => node.cloneNode(true)));
    byId("viewer-views").replaceChildren(...Array.from(card.querySelectorAll(".view"), (node) => node.cloneNode(true)));
    byId("viewer-text").textContent = `${card.querySelector(".what").textContent} - ${card.querySelector(".where").textContent}`;
    byId("viewer-place").textContent = `${state.open + 1} of ${list.length}`;
    if (!viewer.open) viewer.showModal();
  }

  function step(by) {
    const list = visible();
    if (list.length) enlarge(list[(state.open + by + list.length) % list.length]);
  }

  function move(by) {
    const list = visible();
    const at = list.indexOf(document.activeElement);
    const next = list[Math.min(Math.max(at + by, 0), list.length - 1)];
    if (next) next.focus();
  }

  function perRow() {
    const list = visible();
    const below = list.findIndex((card) => card.offsetTop > list[0].offsetTop);
    return below < 0 ? list.length : below;
  }

  function flip(id) {
    const box = byId(id);
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change"));
  }

  function inGallery(event) {
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(), ArrowUp: -perRow() };
    if (event.key in moves) move(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") enlarge(document.activeElement);
    else return;
    event.preventDefault();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    const digits = buttons.map((button) => button.dataset.filter);
    if (event.key === "m") flip("marks");
    else if (event.key === "c") flip("safe");
    else if (viewer.open && event.key === "ArrowRight") step(1);
    else if (viewer.open && event.key === "ArrowLeft") step(-1);
    else if (!viewer.open && /^[0-9]$/.test(event.key) && digits[Number(event.key)]) filter(digits[Number(event.key)]);
    else if (!viewer.open && document.activeElement.matches(".card")) inGallery(event);
  }

  buttons.forEach((button) => button.addEventListener("click", () => filter(button.dataset.filter)));
  ["sort", "field", "doubtful"].forEach((id) => byId(id).addEventListener("change", refresh));
  byId("marks").addEventListener("change", (event) => document.body.classList.toggle("no-marks", !event.target.checked));
  byId("safe").addEventListener("change", (event) => document.body.classList.toggle("safe", event.target.checked));
  cards.forEach((card) => card.addEventListener("click", () => { card.focus(); enlarge(card); }));
  byId("close").addEventListener("click", () => viewer.close());
  byId("next").addEventListener("click", () => step(1));
  byId("previous").addEventListener("click", () => step(-1));
  viewer.addEventListener("close", () => {
    const card = visible()[state.open];
    if (card) card.focus();
  });
  document.addEventListener("keydown", onKey);
  if (cards.length) {
    byId("tools").hidden = false;
    byId("keys").hidden = false;
    refresh();
  }
})();
