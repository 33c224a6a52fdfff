// The page of conformance: a scoreboard of explainers by condition, of which each cell opens.
"use strict";
(() => {
  const form = document.querySelector("[data-conformance]");
  if (!form) return;
  const fields = form.elements, asked = camparison.state(), element = (...all) => camparison.element(...all), find = (selector) => document.querySelector(selector);
  const runs = camparison.rows("conform_runs"), verdicts = new Map(camparison.rows("conform_verdicts").map((each) => [each.word, each]));
  const ALL = "all", PICKS = ["machine", "framework", "library", "verdict"], KINDS = ["base", "host", "probe", "images", "layer", "two at once"];
  const open = { offer: asked.get("offer") || "", column: asked.get("column") || "", condition: asked.get("condition") || "" };
  const stale = (row) => row.stale === true || row.stale === "True";
  const of = (row) => verdicts.get(row.verdict) || { word: row.verdict, mark: "?", kind: "gone", says: "" };
  const loud = (row) => row.heard === "loud" && !["raises", "refuses", "not offered"].includes(row.verdict);
  const key = (row) => JSON.stringify([row.explainer, row.column]);
  const counting = { by: 0, down: false };

  function offer() {
    let left = runs;
    for (const name of PICKS) {
      const found = [...new Set(left.map((row) => row[name]))].sort(camparison.compare);
      const values = name === "verdict" ? [...verdicts.keys()].filter((word) => found.includes(word)) : found;
      const wide = name !== "machine";
      const value = camparison.options(fields[name], (wide ? [ALL, ...values] : values).map((one) => [one]), fields[name].value || asked.get(name) || "");
      if (name === "machine") fields[name].parentElement.hidden = values.length < 2;
      if (value === ALL) continue;
      if (name !== "verdict") { left = left.filter((row) => row[name] === value); continue; }
      const kept = new Set(left.filter((row) => row.verdict === value).map(key));
      left = left.filter((row) => kept.has(key(row)));
    }
    return left;
  }

  function show() {
    const left = offer(), lines = new Map(), conditions = new Map();
    for (const row of left) {
      if (!lines.has(key(row))) lines.set(key(row), new Map());
      lines.get(key(row)).set(row.condition, row);
      conditions.set(row.condition, row);
    }
    told(left, lines);
    counts(left);
    const across = [...conditions.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || camparison.compare(a.label, b.label));
    const down = [...lines.values()].map((cells) => [cells.values().next().value, cells]).sort(([a], [b]) => (a.library === "this suite") - (b.library === "this suite") || camparison.compare(key(a), key(b)));
    const head = element("thead"), kinds = element("tr"), names = element("tr"), body = element("tbody");
    kinds.append(element("th", "explainer", { scope: "col", rowspan: "2" }));
    for (const kind of KINDS) {
      const wide = across.filter((row) => row.kind === kind).length;
      if (wide) kinds.append(element("th", kind, { scope: "colgroup", colspan: String(wide) }));
    }
    across.forEach((row) => { const th = element("th", null, { scope: "col" }); th.append(element("span", row.label)); names.append(th); });
    head.append(kinds, names);
    for (const [first, cells] of down) {
      const tr = element("tr"), th = element("th", null, { scope: "row" });
      for (const part of first.explainer.replace(` (${first.settings})`, "").split(/(?<=[._])/)) th.append(part, element("wbr"));
      th.append(element("small", [first.settings, first.column, first.version].filter(Boolean).join(", ")));
      tr.append(th);
      for (const { condition } of across) {
        const row = cells.get(condition);
        if (!row) { tr.append(element("td")); continue; }
        const { mark, kind, word } = of(row), td = element("td", null, { class: `verdict ${kind}` });
        const button = element("button", null, { type: "button", tabindex: "-1", "aria-label": `${word}${loud(row) ? ", loud" : ""}${stale(row) ? ", stale" : ""}: ${row.explainer} in ${row.column}, ${condition}` });
        button.append(element("span", `${mark}${loud(row) ? " ♪" : ""}${stale(row) ? " †" : ""}`), element("small", word));
        button.row = row;
        td.append(button);
        tr.append(td);
      }
      body.append(tr);
    }
    find("[data-board]").replaceChildren(head, body);
    stop(chosen() || find("[data-board] button"));
    detail();
  }
  const chosen = () => [...document.querySelectorAll("[data-board] button")].find(({ row }) => row.explainer === open.offer && row.column === open.column && row.condition === open.condition);

  function told(left, lines) {
    const judged = left.filter((row) => of(row).kind !== "gone"), many = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
    const as = (...words) => left.filter((row) => words.includes(row.verdict)).length;
    find("[data-told]").textContent = `${many(lines.size, "explainer")} in ${many(judged.length, "run")} with a verdict: ${as("same")} give the oracle's map, ${as("same up to")} give it up to conventions, ${as("other formula")} are of another formula, ${as("differs")} differ from their base, ${as("raises")} raise and ${as("refuses")} refuse. ${many(new Set(left.map((row) => row.reproducer).filter(Boolean)).size, "reproducer")} beside.`;
  }

  function counts(left) {
    const groups = new Map();
    for (const row of left) {
      const name = `${row.library}, ${row.column}`;
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    }
    const number = (title, count) => [title, (rows) => (count(rows) ? count(rows).toLocaleString("en") : "–"), count, "number"];
    const words = [...verdicts.keys()].filter((word) => left.some((row) => row.verdict === word));
    const shipped = (rows) => [...new Set(rows.map((row) => row.version).filter(Boolean))].join(", ");
    const columns = [
      ["library", (rows) => rows[0].library, (rows) => rows[0].library], ["column", (rows) => rows[0].column, (rows) => rows[0].column],
      ["version", (rows) => shipped(rows) || "–", shipped],
      number("explainers", (rows) => new Set(rows.map(key)).size), number("runs", (rows) => rows.length),
      ...words.map((word) => number(`${verdicts.get(word).mark} ${word}`, (rows) => rows.filter((row) => row.verdict === word).length)),
      number("♪ loud", (rows) => rows.filter(loud).length), number("reproducers", (rows) => new Set(rows.map((row) => row.reproducer).filter(Boolean)).size),
    ];
    camparison.table(find("[data-counts]"), columns, [...groups.values()], counting);
  }

  function detail() {
    const mine = chosen(), place = find("[data-detail]");
    document.querySelectorAll("[data-board] td.chosen").forEach((td) => td.classList.remove("chosen"));
    place.hidden = !mine;
    if (!mine) return;
    const { row } = mine, { mark, word, says } = of(row);
    mine.parentElement.classList.add("chosen");
    document.getElementById("detail").textContent = `${row.explainer} in ${row.column}, ${row.condition}`;
    find("[data-detail-told]").textContent = `${mark} ${word}${says ? `: ${says}` : ""}${stale(row) ? " (†, found before its code was changed)" : ""}.`;
    const apart = row.verdict === "differs", failed = ["raises", "refuses"].includes(row.verdict), dash = (text) => text || "–";
    const facts = [
      ["Verdict", word + (row.heard ? `, ${row.heard}` : "")],
      ["Convention that gives the maps", apart || failed ? "–" : row.conventions || (row.verdict === "same" ? "canonical" : "–")],
      ["Stated as shipped", dash(row.stated)],
      ["First stage that differs", dash(row.first)],
      ["Size: the worst image's error, of the signed map's peak", camparison.number(row.size)],
      ["Cause", apart ? row.conventions || "no convention that is known gives these maps" : failed ? dash([row.notes, row.line && `at ${row.line}`].filter(Boolean).join(", ")) : dash(row.reason)],
      ["What it said", dash(row.notes)],
      ["The network", `${row.host} host, probe ${row.probe}, images ${row.inputs}, at ${row.node}, ${row.precision}`],
      ["Like our", `${row.like || row.offer}${row.same_with ? `; our very map with ${row.same_with}` : ""}`],
      ["How its numbers differ from ours", dash(row.difference)],
      ["Run", [row.run_id, row.machine, row.version && `version ${row.version}`].filter(Boolean).join(", ")],
    ];
    find("[data-facts]").replaceChildren(...facts.map(([name, text]) => { const each = element("div"); each.append(element("dt", name), element("dd", text)); return each; }));
    const source = row.source && document.getElementById(row.source), code = find("[data-source]");
    code.hidden = find("[data-copy-source]").hidden = !source;
    code.replaceChildren(...(source ? [source.content.cloneNode(true)] : []));
    find("[data-reproducer-told]").textContent = source ? `${row.reproducer} shows it by itself: nothing but literals and the library's own call, and it was run before anything was said here.`
      : row.reproducer ? `${row.reproducer}, which does not lie beside these rows.`
        : apart || failed ? "There is none: it differs as is known and explained, or was asked for other than as shipped, or no probe that is small enough shows it in a process of its own."
          : "There is none: only what differs, raises or refuses has one.";
  }

  // One cell at a time is a stop of the Tab key; the arrows go from it to the others.
  function stop(button) {
    document.querySelectorAll('[data-board] button[tabindex="0"]').forEach((each) => each.setAttribute("tabindex", "-1"));
    if (button) button.setAttribute("tabindex", "0");
  }
  function moved(event) {
    const from = event.target.closest("button");
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = from.parentElement, line = cell.parentElement, body = line.parentElement, steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    const there = [...line.querySelectorAll("button")];
    let to = event.key === "Home" ? there[0] : event.key === "End" ? there[there.length - 1] : null;
    if (steps[event.key]) {
      let [down, right] = [line.sectionRowIndex, cell.cellIndex];
      do { down += steps[event.key][0]; right += steps[event.key][1]; to = body.rows[down]?.cells[right]; } while (to && !to.querySelector("button"));
      to = to?.querySelector("button");
    } else if (!to) return;
    event.preventDefault();
    if (to) { stop(to); to.focus(); }
  }

  function remember() {
    const state = PICKS.map((name) => [name, fields[name].value === ALL || fields[name].parentElement.hidden ? "" : fields[name].value]);
    camparison.remember([...state, ...(find("[data-detail]").hidden ? [] : Object.entries(open))]);
  }
  find("[data-board]").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    Object.assign(open, { offer: button.row.explainer, column: button.row.column, condition: button.row.condition });
    stop(button);
    detail();
    remember();
    document.getElementById("detail").focus();
  });
  find("[data-board]").addEventListener("keydown", moved);
  find("[data-back]").addEventListener("click", () => chosen().focus());
  find("[data-copy-source]").addEventListener("click", (event) => camparison.copy(find("[data-source]").textContent, event.currentTarget));
  form.addEventListener("submit", (event) => event.preventDefault());
  PICKS.forEach((name) => fields[name].addEventListener("change", () => { show(); remember(); }));
  find("[data-copy-link]").addEventListener("click", (event) => { remember(); camparison.copy(location.href, event.currentTarget); });
  addEventListener("hashchange", () => location.reload());
  show();
  if (chosen()) {
    chosen().scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });
    find("[data-detail]").scrollIntoView({ behavior: "instant" });
  }
})();
