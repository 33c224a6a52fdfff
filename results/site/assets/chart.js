// Charts: Vega-Lite as the page has it, drawn when it comes into view, again when the theme changes.
"use strict";
(() => {
  const charts = new Map();
  const config = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    const narrow = innerWidth < 600, text = of("--text"), quiet = of("--quiet"), line = of("--line");
    return {
      background: "transparent", font: "system-ui, sans-serif",
      view: { stroke: line },
      axis: { labelColor: quiet, titleColor: text, gridColor: line, domainColor: quiet, tickColor: quiet, labelLimit: narrow ? 110 : 260 },
      legend: { labelColor: text, titleColor: text, labelLimit: narrow ? 140 : 260, orient: "bottom", columns: narrow ? 2 : 3, ...(narrow ? { layout: { bottom: { direction: "vertical", anchor: "start" } } } : {}) },
      header: { labelColor: text, titleColor: text },
      title: { color: text },
    };
  };
  const selection = (spec) => JSON.stringify(spec).includes('"name":"selection"');

  // One picture with one name, the table beside it says what is in it: also as it is drawn again
  // for another width.
  const ROLES = ["role", "aria-label", "aria-roledescription"];
  function named(place) {
    const drawing = place.querySelector("svg.marks"), title = place.closest("figure").querySelector("figcaption").textContent;
    if (!drawing) return;
    for (const each of drawing.querySelectorAll("[role], [aria-roledescription]")) for (const role of ROLES) each.removeAttribute(role);
    for (const [key, value] of [["role", "img"], ["aria-label", title]]) if (drawing.getAttribute(key) !== value) drawing.setAttribute(key, value);
  }
  const drawn = new MutationObserver((changes) => new Set(changes.map(({ target }) => target.closest("[data-chart]"))).forEach((place) => place && named(place)));

  async function draw(chart) {
    chart.drawn = true;
    const spec = { ...JSON.parse(chart.spec), config: config() };
    if (chart.rows) spec.datasets = { ...spec.datasets, selection: chart.rows };
    chart.place.closest("figure").classList.toggle("bare", chart.dynamic && !(chart.rows && chart.rows.length));
    if (chart.dynamic && !(chart.rows && chart.rows.length)) {
      chart.place.replaceChildren(camparison.element("p", "Nothing in this selection to draw.", { class: "quiet" }));
      return;
    }
    const actions = { export: true, source: false, compiled: false, editor: false };
    await vegaEmbed(chart.place, spec, { actions, renderer: "svg", downloadFileName: chart.name });
    chart.place.querySelector("summary")?.setAttribute("aria-label", "Save this chart");
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const chart = charts.get(entry.target.dataset.chart);
      chart.visible = entry.isIntersecting;
      if (chart.visible && !chart.drawn && (!chart.dynamic || chart.rows)) draw(chart);
    }
  }, { rootMargin: "200px" });

  document.querySelectorAll("[data-chart]").forEach((place) => {
    const name = place.dataset.chart;
    const spec = document.getElementById(`spec-${name}`).textContent;
    const chart = { name, place, spec, dynamic: selection(JSON.parse(spec)), drawn: false, visible: false, rows: null };
    charts.set(name, chart);
    place.closest("figure").querySelector("[data-numbers]").addEventListener("toggle", () => numbers(chart));
    seen.observe(place);
    drawn.observe(place, { subtree: true, childList: true, attributes: true, attributeFilter: ROLES });
  });
  // What is out of sight is drawn when there is nothing else to do: a page may be printed.
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 300)), left = () => [...charts.values()].filter((chart) => !chart.drawn && (!chart.dynamic || chart.rows));
  let waiting = false;
  function later() {
    if (waiting) return;
    waiting = true;
    idle(() => { waiting = false; const [next] = left(); if (next) draw(next).then(later); });
  }
  addEventListener("load", later);
  addEventListener("beforeprint", () => left().forEach(draw));
  const again = (chart) => { chart.drawn = false; if (chart.visible) draw(chart); else later(); };
  document.addEventListener("themed", () => charts.forEach((chart) => { if (chart.drawn) again(chart); }));
  // What a chart shows as a table, made when it is opened.
  function numbers(chart) {
    const place = chart.place.closest("figure").querySelector("[data-numbers]");
    place.hidden = !(chart.rows && chart.rows.length);
    if (!place.open || place.hidden) return;
    const names = [...new Set(chart.rows.flatMap(Object.keys))].filter((name) => chart.rows.some((row) => ![undefined, null, ""].includes(row[name])));
    const shown = (x) => (typeof x === "number" ? camparison.number(x) : x === undefined || x === null ? "–" : String(x));
    camparison.table(place.querySelector("table"), names.map((name) => [
      name.replaceAll("_", " "), (row) => shown(row[name]), (row) => row[name], chart.rows.some((row) => typeof row[name] === "number") ? "number" : "",
    ]), chart.rows, { by: null, down: false });
  }
  // Other rows for a chart of the selection.
  camparison.draw = (name, rows) => {
    const chart = charts.get(name);
    if (!chart) return;
    chart.rows = rows;
    again(chart);
    numbers(chart);
  };
})();
