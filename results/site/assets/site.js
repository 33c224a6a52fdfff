// What all pages share: light and dark, sortable tables, copying, columns of code, state in the link.
"use strict";
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
  // A table whose headings sort: columns are [title, shown, sorted by].
  table(table, columns, rows, sorting, again) {
    const keyed = rows.map((row) => [columns[sorting.by] ? columns[sorting.by][2](row) : null, row]);
    const none = (x) => x === null || x === undefined || x === "";
    keyed.sort(([a], [b]) => (none(a) || none(b) || !sorting.down ? 1 : -1) * this.compare(a, b));
    const head = this.element("thead"), line = this.element("tr"), body = this.element("tbody");
    columns.forEach(([title, , , kind], place) => {
      const th = this.element("th", null, { scope: "col", class: kind || "" }), button = this.element("button", title, { type: "button" });
      if (place === sorting.by) th.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
      button.addEventListener("click", () => {
        sorting.down = sorting.by === place && !sorting.down;
        sorting.by = place;
        again();
        table.querySelectorAll("thead button")[place].focus();
      });
      th.append(button);
      line.append(th);
    });
    head.append(line);
    for (const [, row] of keyed) {
      const tr = this.element("tr");
      columns.forEach(([, shown, , kind], place) => {
        const made = shown(row);
        const cell = this.element(place ? "td" : "th", typeof made === "object" ? null : made, place ? { class: kind || "" } : { scope: "row" });
        if (typeof made === "object") cell.append(made);
        tr.append(cell);
      });
      body.append(tr);
    }
    table.replaceChildren(head, body);
  },
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

  function sortable(table) {
    table.querySelectorAll("thead th").forEach((head, place) => {
      const button = camparison.element("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        table.querySelectorAll("thead th").forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const value = (line) => {
          const text = line.children[place].textContent.trim();
          return text === "–" ? null : camparison.numberOf(text) ?? text;
        };
        const lines = [...table.tBodies[0].rows].map((line) => [value(line), line]);
        lines.sort(([a], [b]) => (a === null || b === null || up ? 1 : -1) * camparison.compare(a, b));
        table.tBodies[0].replaceChildren(...lines.map(([, line]) => line));
      });
    });
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
