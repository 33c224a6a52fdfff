// What all pages share: light and dark, sortable tables, copying, columns of code, state in the link.
"use strict";
const PAGE = 50;  // lines
// What stands in a cell: whatever a row holds is text.
function filled(cell, made, place) {
  if (!place) cell.scope = "row";
  if (made instanceof HTMLTableCellElement) {
    cell.replaceChildren(...made.childNodes);
    if (made.className) cell.className = made.className;
    cell.style.cssText = made.style.cssText;
  } else if (made instanceof Node) cell.replaceChildren(made);
  else cell.textContent = made;
}
window.camparison = {
  data: {},
  take(name, data) { this.data[name] = data; },
  // The number that a shown text begins with; texts without one sort after those with one.
  numberOf(text) {
    const found = /-?\d[\d,]*(\.\d+)?(e[-+]?\d+)?/i.exec(text);
    const lead = /^[\s×<>(≈]*-?\d/.test(text);
    return lead && found ? Number(found[0].replaceAll(",", "")) : null;
  },
  // Three significant digits; a dash for what was not measured.
  number(x) {
    if (x === null || x === undefined) return "–";
    if (x >= 1e300) return "∞";
    if (x === 0) return "0";
    const rounded = Number(x.toPrecision(3)), size = Math.abs(rounded);
    if (size < 1e-4 || size >= 1e6) return rounded.toExponential(2).replace(/\.?0+e/, "e");
    return rounded.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
  },
  count(x) { return x === null || x === undefined ? "–" : Math.round(x).toLocaleString("en"); },
  // The lines of a frame that the page was given, as objects.
  rows(name) {
    const { length, columns } = this.data[name];
    const names = Object.keys(columns);
    return Array.from({ length }, (_, n) => Object.fromEntries(names.map((key) => {
      const column = columns[key];
      return [key, column.words ? column.words[column.of[n]] : column[n]];
    })));
  },
  options(select, values, wished) {
    select.replaceChildren(...values.map(([value, title]) => this.element("option", title ?? value, { value })));
    const wish = values.find(([value]) => value === wished) || values[0];
    select.value = wish ? wish[0] : "";
    select.parentElement.hidden = values.length < 1;
    return select.value;
  },
  // A table whose headings sort, DataTables': columns are [title, shown, sorted by, kind]. What is
  // shown is a text, a node, or a cell whose content and look are taken; many lines come by pages.
  // `sorting` keeps what is asked for, { by, down }, from one selection to the next.
  table(table, columns, rows, sorting, changed) {
    const tables = this.tables, former = tables.get(table);
    if (former) former.clear().destroy();
    const head = this.element("thead"), line = this.element("tr");
    line.append(...columns.map(([title, , , kind]) => this.element("th", title, { scope: "col", class: kind || "" })));
    head.append(line);
    table.replaceChildren(head, this.element("tbody"));
    const made = sorted(table, "value", {
      data: rows, paging: rows.length > PAGE, pageLength: PAGE, order: columns[sorting.by] ? [[sorting.by, sorting.down ? "desc" : "asc"]] : [],
      layout: { ...BARE, ...(rows.length > PAGE ? { bottomStart: "info", bottomEnd: "paging" } : {}) },
      columns: columns.map(([, shown, by, kind], place) => ({
        className: kind || "", cellType: place ? "td" : "th", data: (row, type) => (type === "display" ? "" : by(row) ?? null),
        createdCell: (cell, _, row) => filled(cell, shown(row), place),
      })),
    });
    tables.set(table, made);
    made.on("order", () => {
      const [first] = made.order();
      if (!first || (sorting.by === first[0] && sorting.down === (first[1] === "desc"))) return;
      Object.assign(sorting, { by: first[0], down: first[1] === "desc" });
      if (changed) changed();
    });
  },
  tables: new Map(),
  compare(a, b) {
    const absent = (value) => value === null || value === undefined || value === "";
    if (absent(a) || absent(b)) return absent(a) - absent(b);
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  },
  state() { return new URLSearchParams(location.hash.slice(1)); },
  remember(state) {
    const kept = new URLSearchParams();
    for (const [name, value] of state) if (value !== "") kept.set(name, value);
    const text = kept.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  },
  async copy(text, button) {
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    button.textContent = done ? "copied" : "not copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  },
  element(name, text, attributes = {}) {
    const made = document.createElement(name);
    if (text !== undefined && text !== null) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  },
  theme() { return document.documentElement.dataset.theme; },
};

const BARE = { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null };
// DataTables', which sorts and makes pages: what is absent comes last either way.
let typed = false;
function sorted(table, type, options) {
  if (!typed) {
    const absent = (x) => x === null || x === undefined || x === "" || x === "–";
    const way = (sign) => (a, b) => (absent(a) || absent(b) ? absent(a) - absent(b) : sign * camparison.compare(a, b));
    DataTable.type("value", { order: { asc: way(1), desc: way(-1) } });
    DataTable.type("told", { order: { pre: (text) => camparison.numberOf(text) ?? text, asc: way(1), desc: way(-1) } });
    DataTable.ext.errMode = "throw";  // to the console, never a dialog
    typed = true;
  }
  return new DataTable(table, {
    paging: false, searching: false, info: false, autoWidth: false, order: [], orderMulti: false, layout: BARE,
    language: { info: "Lines _START_ to _END_ of _TOTAL_", emptyTable: "Nothing in this selection." },
    columnDefs: [{ targets: "_all", type, orderSequence: ["asc", "desc"] }], ...options,
  });
}

(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("camparison-theme"); } catch { return null; } };
  const show = (theme) => {
    root.dataset.theme = theme;
    document.dispatchEvent(new Event("themed"));
  };
  show(kept() || (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => { if (!kept()) show(dark.matches ? "dark" : "light"); });

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("[data-theme-switch]").addEventListener("click", () => {
      const theme = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("camparison-theme", theme); } catch { /* a browser that keeps nothing */ }
      show(theme);
    });
    document.querySelectorAll("table[data-sortable]").forEach(sortable);
    document.querySelectorAll("button[data-copy]").forEach((button) => {
      button.addEventListener("click", () => {
        camparison.copy(document.getElementById(button.dataset.copy).content.textContent, button);
      });
    });
    document.querySelectorAll("[data-columns]").forEach(columns);
  });

  // A table of the page itself: its cells sort by the numbers that they begin with.
  function sortable(table) {
    table.querySelectorAll("tbody > tr > *").forEach((cell) => { cell.dataset.order = cell.textContent.trim(); });
    sorted(table, "told", {});
  }

  // Which builders stand side by side; kept in the link.
  function columns(fieldset) {
    const grid = document.querySelector("[data-rosetta]");
    const boxes = [...fieldset.querySelectorAll("input")];
    const asked = camparison.state().get("show");
    const narrow = innerWidth < 700 ? boxes.filter((box) => box.name !== "reference" && box.name !== "forward").slice(0, 1).map((box) => box.name) : null;
    const first = asked ? asked.split(",") : narrow;
    if (first) boxes.forEach((box) => { box.checked = first.includes(box.name); });
    const apply = () => {
      const shown = boxes.filter((box) => box.checked).map((box) => box.name);
      grid.style.setProperty("--n", Math.max(shown.length, 1));
      grid.querySelectorAll("[data-column]").forEach((cell) => { cell.hidden = !shown.includes(cell.dataset.column); });
    };
    boxes.forEach((box) => box.addEventListener("change", () => {
      apply();
      const shown = boxes.filter((each) => each.checked).map((each) => each.name);
      camparison.remember([["show", shown.length === boxes.length ? "" : shown.join(",")]]);
    }));
    apply();
  }
})();
