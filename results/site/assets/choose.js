// The page on which people choose: what is picked decides the tables, the sentence and the charts.
"use strict";
(() => {
  const data = camparison.data.cells;
  const columns = data.columns;
  const BEST = "best", ALL = "all", NEVER = 1e300, FACTOR = 1.05;
  const text = (name, n) => columns[name].words[columns[name].of[n]];
  const value = (name, n) => columns[name][n];
  const get = (name, n) => (columns[name].words ? text(name, n) : value(name, n));
  const pick = document.querySelector("[data-pick]");
  // Every picked column as numbers of a list of words: what is compared for each row.
  function numbered(name, of) {
    const words = [], places = new Map(), codes = new Int32Array(data.length);
    for (let n = 0; n < data.length; n++) {
      const word = of(n);
      let place = places.get(word);
      if (place === undefined) { place = words.length; places.set(word, place); words.push(word); }
      codes[n] = place;
    }
    return { words, places, codes };
  }
  function joined(first, second, between) {
    const [one, other] = [columns[first], columns[second]], found = new Map();
    return (n) => {
      const key = one.of[n] * other.words.length + other.of[n];
      let word = found.get(key);
      if (word === undefined) { word = one.words[one.of[n]] + between + other.words[other.of[n]]; found.set(key, word); }
      return word;
    };
  }
  const of = { batch: (n) => String(value("batch", n)), library: (n) => (text("library", n) ? "libraries" : "ours") };
  // From the widest to the narrowest: each is offered what is left by those before it.
  const ORDER = ["device", "machine_id", "network", "batch", "precision", "layer", "mode", "library"];
  const LOOSE = { layer: "", batch: "0" };  // a forward pass has no layer: it is of every one
  const FIRST = { mode: BEST, library: ALL };
  const chosen = {};
  const asked = camparison.state();

  const picked = {};
  for (const name of ORDER) {
    picked[name] = of[name] ? numbered(name, of[name])
      : name === "network" ? numbered(name, joined("architecture", "dataset", " on "))
        : { words: columns[name].words, codes: columns[name].of, places: new Map(columns[name].words.map((word, n) => [word, n])) };
  }
  const network = (n) => picked.network.words[picked.network.codes[n]];
  const EVERY = Int32Array.from({ length: data.length }, (_, n) => n);
  let candidates = EVERY;

  function fill() {
    const started = data.start || {};
    candidates = EVERY;
    ORDER.forEach((name) => {
      const { words, places, codes } = picked[name];
      const loose = name in LOOSE ? places.get(LOOSE[name]) : undefined;
      const tally = new Int32Array(words.length);
      for (let at = 0; at < candidates.length; at++) tally[codes[candidates[at]]]++;
      if (loose !== undefined) tally[loose] = 0;
      const counts = new Map(words.map((word, n) => [word, tally[n]]).filter(([, count]) => count));
      let offered = [...counts.keys()].sort(camparison.compare);
      if (name === "machine_id") offered.sort((a, b) => newest(b).localeCompare(newest(a)));
      if (name === "mode") offered = [BEST, ALL, ...offered];
      if (name === "library") offered = [ALL, ...offered];
      if (name === "layer" && offered.length > 1) offered = [...offered, ALL];
      const most = [...counts].sort((a, b) => b[1] - a[1])[0];
      const wished = [chosen[name], asked.get(name), FIRST[name], started[name], most && most[0]];
      chosen[name] = wished.find((one) => offered.includes(one)) ?? "";
      const select = pick.elements[name];
      select.replaceChildren(...offered.map((one) => {
        const option = camparison.element("option", one || "none", { value: one });
        option.selected = one === chosen[name];
        return option;
      }));
      select.parentElement.hidden = !offered.length;
      const want = places.get(chosen[name]);
      if (chosen[name] !== ALL && !(name === "mode" && chosen.mode === BEST)) {
        candidates = candidates.filter((n) => codes[n] === want || codes[n] === loose);
      }
    });
  }

  const dates = new Map();
  for (let n = 0; n < data.length; n++) {
    const machine = text("machine_id", n), day = text("date", n);
    if (!dates.has(machine) || dates.get(machine) < day) dates.set(machine, day);
  }
  const newest = (machine) => dates.get(machine) || "";

  // --- what is shown of a number -------------------------------------------------------------
  const number = camparison.number;
  const spread = (n) => number(value("ms_per_image", n)) + (value("low", n) === null ? "" : ` (${number(value("low", n))}–${number(value("high", n))})`);
  const marks = (n) => (get("stale", n) === true ? " †" : "") + (get("stable", n) === false ? " ~" : "");
  const timed = (n) => value("ms_per_image", n) !== null;

  // One process has no interval: then no difference is called real, nor is it called none.
  const known = (a, b) => [a, b].every((n) => value("low", n) !== null);
  function different(a, b) {
    const [x, y] = [value("ms_per_image", a), value("ms_per_image", b)];
    const apart = value("high", a) < value("low", b) || value("high", b) < value("low", a);
    return known(a, b) && apart && Math.max(x, y) / Math.min(x, y) > FACTOR;
  }
  function agreement(n) {
    const error = value("max_rel", n), allowed = value("tolerance", n);
    if (error === null) return text("task", n) === "heatmap" && timed(n) ? ["not judged", ""] : ["–", ""];
    if (allowed !== null) return error <= allowed ? [`agrees (${number(error)})`, "ok"] : [`differs (${number(error)} of ${number(allowed)})`, "bad"];
    return error > 1e-5 ? [`another map (${number(error)})`, ""] : [`agrees (${number(error)})`, "ok"];
  }
  const calls = (n) => {
    const x = value("break_even", n);
    return x === null ? "–" : x >= NEVER ? "never" : Math.ceil(Number(x.toPrecision(3))).toLocaleString("en");
  };
  const who = (n) => (text("library", n) ? `${text("library", n)} · ${text("column", n)}` : text("column", n));
  const thing = (n) => (text("like", n) && text("library", n) ? text("like", n) : text("what", n));

  // --- the selection ---------------------------------------------------------------------------
  function selected() {
    const words = pick.elements.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return candidates;
    return candidates.filter((n) => {
      const whole = `${text("what", n)} ${text("like", n)} ${text("column", n)} ${text("library", n)} ${text("mode", n)}`.toLowerCase();
      return words.every((word) => whole.includes(word));
    });
  }

  // Of a line and a column the cell that is shown: the quickest, of the newest run.
  function better(a, b) {
    if (timed(a) !== timed(b)) return timed(a) ? a : b;
    if (!timed(a)) return text("status", b) === "wrong" ? b : a;
    return value("ms_per_image", b) < value("ms_per_image", a) ? b : a;
  }
  function lines(found) {
    const made = new Map();
    for (const n of found) {
      const key = thing(n) + (chosen.layer === ALL && text("layer", n) ? `, ${text("layer", n)}` : "");
      if (!made.has(key)) made.set(key, { name: key, task: text("task", n), cells: new Map(), all: [] });
      const line = made.get(key);
      line.all.push(n);
      const column = who(n);
      line.cells.set(column, line.cells.has(column) ? better(line.cells.get(column), n) : n);
    }
    const ranks = ["forward", "train_step", "heatmap"];
    const sorted = [...made.values()].sort((a, b) => ranks.indexOf(a.task) - ranks.indexOf(b.task) || a.name.localeCompare(b.name));
    for (const line of sorted) {
      const ok = [...line.cells.values()].filter(timed);
      const runs = new Map();
      ok.forEach((n) => runs.set(text("run_id", n), (runs.get(text("run_id", n)) || 0) + 1));
      const run = [...runs].sort((a, b) => b[1] - a[1] || b[0].split("-")[1].localeCompare(a[0].split("-")[1]))[0];
      line.run = run ? run[0] : "";
      line.best = ok.filter((n) => text("run_id", n) === line.run).sort((a, b) => value("ms_per_image", a) - value("ms_per_image", b))[0];
    }
    return sorted;
  }

  function cell(line, n) {
    const made = camparison.element("td", null, { class: "cell" });
    if (n === undefined) { made.textContent = "–"; made.className = "quiet"; return made; }
    if (!timed(n)) {
      made.className = "gone";
      const why = camparison.element("details");
      why.append(camparison.element("summary", text("status", n) || "absent"), text("reason", n));
      made.append(why);
      return made;
    }
    const near = line.best !== undefined && text("run_id", n) === line.run;
    const factor = near ? value("ms_per_image", n) / value("ms_per_image", line.best) : null;
    made.append(camparison.element("strong", number(value("ms_per_image", n))));
    if (factor === null) made.append(" §");
    else if (n !== line.best) made.append(` ×${number(factor)}${different(n, line.best) ? "" : " ≈"}`);
    made.append(marks(n), camparison.element("small", `${text("mode", n)}${value("low", n) === null ? ", one process" : `, ${number(value("low", n))}–${number(value("high", n))}`}`));
    if (factor !== null && (n === line.best || (known(n, line.best) && !different(n, line.best)))) made.classList.add("best");
    else if (factor !== null && known(n, line.best)) {
      made.classList.add("far");
      made.style.setProperty("--how", Math.min(0.1 + Math.log2(factor) / 8, 0.55).toFixed(2));
    }
    return made;
  }

  const sorting = { matrix: { by: null, down: false }, cells: { title: "ms an image", down: false } };
  function matrix(shown) {
    const across = [...new Set(shown.flatMap((line) => [...line.cells.keys()]))]
      .sort((a, b) => a.includes("·") - b.includes("·") || a.localeCompare(b));
    const time = (line, name) => { const n = line.cells.get(name); return n === undefined ? null : value("ms_per_image", n); };
    camparison.table(document.querySelector("[data-matrix]"), [
      ["method", (line) => line.name, (line) => line.name],
      ...across.map((name) => [name, (line) => cell(line, line.cells.get(name)), (line) => time(line, name)]),
    ], shown, sorting.matrix);
  }

  // Title, what is shown, what it is sorted by.
  const CELLS = [
    ["what", (n) => text("what", n), (n) => text("what", n)],
    ["column", (n) => text("column", n), (n) => text("column", n)],
    ["mode", (n) => text("mode", n), (n) => text("mode", n)],
    ["ms an image", (n) => spread(n) + marks(n), (n) => value("ms_per_image", n)],
    ["× best", (n, line) => ratio(n, line), (n, line) => factorOf(n, line)],
    ["agreement", (n) => agreement(n)[0], (n) => value("max_rel", n)],
    ["compile s", (n) => number(value("before_s", n)), (n) => value("before_s", n)],
    ["break-even calls", calls, (n) => value("break_even", n)],
    ["memory, MB", (n) => number(value("memory_mb", n)), (n) => value("memory_mb", n)],
    ["device, MB", (n) => number(value("device_mb", n)), (n) => value("device_mb", n)],
    ["evaluations", (n) => camparison.count(value("evaluations", n)), (n) => value("evaluations", n)],
    ["× forward", (n) => number(value("forward_ratio", n)), (n) => value("forward_ratio", n)],
    ["processes", (n) => camparison.count(value("processes", n)), (n) => value("processes", n)],
    ["run", (n) => text("run_id", n), (n) => text("run_id", n)],
  ];
  const factorOf = (n, line) => (timed(n) && line.best !== undefined && text("run_id", n) === line.run ? value("ms_per_image", n) / value("ms_per_image", line.best) : null);
  function ratio(n, line) {
    const factor = factorOf(n, line);
    if (factor === null) return timed(n) ? "§" : "–";
    return `×${number(factor)}${n === line.best || different(n, line.best) ? "" : " ≈"}`;
  }

  function cells(shown) {
    const all = shown.flatMap((line) => line.all.map((n) => [n, line]));
    const absent = (n) => (timed(n) ? null : camparison.element("td", `${text("status", n)}: ${text("reason", n)}`, { class: "gone" }));
    const filled = CELLS.filter(([, show], place) => place < 4 || all.some(([n, line]) => !["–", ""].includes(show(n, line))));
    const order = { by: filled.findIndex(([title]) => title === sorting.cells.title), down: sorting.cells.down };
    camparison.table(document.querySelector("[data-cells]"), filled.map(([title, show, by], place) => [
      title, ([n, line]) => (place === 3 && absent(n)) || show(n, line), ([n, line]) => by(n, line), place > 2 && title !== "run" ? "number" : "",
    ]), all, order, () => { Object.assign(sorting.cells, { title: filled[order.by][0], down: order.down }); remember(); });
    document.querySelector("[data-more]").textContent = `${all.length.toLocaleString("en")} cells; CSV has all with every column.`;
  }

  function sentence(shown) {
    const place = document.querySelector("[data-sentence]");
    const words = pick.elements.find.value.trim();
    const lead = shown.find((line) => line.name === (words || "grad_cam") && line.best !== undefined)
      || shown.find((line) => line.task === "heatmap" && line.best !== undefined) || shown.find((line) => line.best !== undefined);
    if (!lead) { place.textContent = "Nothing was timed in this selection."; return null; }
    const best = lead.best;
    const rest = [...lead.cells.values()].filter((n) => n !== best && timed(n) && text("run_id", n) === lead.run)
      .sort((a, b) => value("ms_per_image", a) - value("ms_per_image", b));
    const close = rest.filter((n) => known(n, best) && !different(n, best)), far = rest.filter((n) => different(n, best));
    let told = `${lead.name} of ${chosen.network}, ${chosen.device}, ${chosen.batch} ${chosen.batch === "1" ? "image" : "images"} a call: ${who(best)}, ${text("mode", best)}, takes ${number(value("ms_per_image", best))} ms an image`;
    if (close.length) told += `; ${close.map((n) => `${who(n)} (×${number(value("ms_per_image", n) / value("ms_per_image", best))})`).join(", ")} cannot be told apart from it`;
    if (far.length) told += `; the next that really differs is ${who(far[0])}, ${text("mode", far[0])}, ×${number(value("ms_per_image", far[0]) / value("ms_per_image", best))}`;
    const single = rest.filter((n) => !known(n, best)).length;
    if (single) told += `; ${single} more of one process, of which no difference is called real`;
    told += ".";
    const won = value("break_even", best);
    if (won !== null && won < NEVER) told += ` Compiling it has paid after ${calls(best)} calls.`;
    told += ` Machine ${text("machine_id", best)}, ${value("processes", best)} processes, ${text("date", best)}`;
    told += `${get("stable", best) === false ? "; other work was seen or the interval is wide" : ""}${get("stale", best) === true ? "; the code has changed since" : ""}.`;
    place.textContent = told;
    return lead;
  }

  // A column's eager mode, and what compiles best, with the call at which that has paid.
  function priced(series) {
    const found = [];
    for (const eager of series.filter((n) => text("mode", n) === "eager")) {
      const others = series.filter((n) => n !== eager && who(n) === who(eager) && value("before_s", n) !== null);
      if (!others.length) continue;
      const best = others.reduce(better);
      found.push({ ...row(eager), before_s: 0, break_even: null }, { ...row(best), ...(different(eager, best) ? {} : { break_even: null }) });
    }
    return found;
  }
  const row = (n) => Object.fromEntries(["what", "column", "mode", "batch", "ms_per_image", "low", "high", "break_even", "before_s", "forward_ratio"]
    .map((name) => [name, get(name, n)]).map(([name, x]) => [name, typeof x === "number" && x >= NEVER ? null : x])
    .concat([["sure", get("stable", n) !== false && get("stale", n) !== true], ["call_ms", value("ms_per_image", n) * value("batch", n)]]));
  function charts(shown, lead) {
    if (!lead) { ["batches", "price", "jit", "forward"].forEach((name) => camparison.draw(name, [])); return; }
    const wanted = text("what", lead.best), run = lead.run, here = picked.network.places.get(chosen.network);
    const series = [];
    for (let n = 0; n < data.length; n++) {
      if (picked.network.codes[n] !== here) continue;
      if (timed(n) && text("what", n) === wanted && text("run_id", n) === run
        && text("precision", n) === chosen.precision && text("layer", n) === text("layer", lead.best)
        && (chosen.mode === ALL || chosen.mode === BEST || text("mode", n) === chosen.mode)) series.push(n);
    }
    const several = new Set(series.map((n) => value("batch", n))).size > 1;
    const byBatch = new Map();
    for (const n of chosen.mode === BEST ? series : []) {
      const key = `${text("column", n)} ${value("batch", n)}`;
      byBatch.set(key, byBatch.has(key) ? better(byBatch.get(key), n) : n);
    }
    const scaling = chosen.mode === BEST ? [...byBatch.values()] : series;
    camparison.draw("batches", several ? scaling.map(row) : []);
    const mine = series.filter((n) => String(value("batch", n)) === chosen.batch);
    camparison.draw("jit", mine.map(row));
    camparison.draw("price", priced(mine));
    const over = shown.flatMap((line) => [...line.cells.values()].filter((n) => timed(n) && value("forward_ratio", n) !== null && text("task", n) === "heatmap"));
    camparison.draw("forward", over.slice(0, 400).map(row));
  }

  function remember() {
    const state = ORDER.map((name) => [name, chosen[name] === FIRST[name] ? "" : chosen[name]]);
    state.push(["find", pick.elements.find.value.trim()]);
    const { title, down } = sorting.cells;
    if (title !== CELLS[3][0] || down) state.push(["sort", `${title}${down ? " down" : ""}`]);
    camparison.remember(state);
  }

  let current = [];
  function show() {
    const began = performance.now();
    fill();
    current = selected();
    const shown = lines(current);
    matrix(shown);
    cells(shown);
    const lead = sentence(shown);
    document.body.dataset.took = (performance.now() - began).toFixed(1);
    charts(shown, lead);
  }

  pick.addEventListener("submit", (event) => event.preventDefault());
  ORDER.forEach((name) => pick.elements[name].addEventListener("change", () => {
    chosen[name] = pick.elements[name].value;
    show();
    remember();
  }));
  let waiting;
  pick.elements.find.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { show(); remember(); }, 120);
  });
  document.querySelector("[data-copy-link]").addEventListener("click", (event) => { remember(); camparison.copy(location.href, event.currentTarget); });
  document.querySelector("[data-csv]").addEventListener("click", () => {
    const names = Object.keys(columns);
    const quoted = (x) => {
      if (x === null || x === undefined) return "";
      if (typeof x === "number") return x >= NEVER ? "inf" : String(x);
      const plain = String(x);
      return `"${(/^[=+\-@]/.test(plain) ? `'${plain}` : plain).replaceAll('"', '""')}"`;
    };
    const csv = [names.join(","), ...Array.from(current, (n) => names.map((name) => quoted(get(name, n))).join(","))].join("\n");
    const link = camparison.element("a", null, { href: URL.createObjectURL(new Blob([csv], { type: "text/csv" })), download: "camparison-selection.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  });
  addEventListener("hashchange", () => {
    const state = camparison.state();
    ORDER.forEach((name) => { if (state.has(name)) chosen[name] = state.get(name); });
    pick.elements.find.value = state.get("find") || "";
    show();
  });
  pick.elements.find.value = asked.get("find") || "";
  const sort = asked.get("sort");
  if (sort) {
    const found = CELLS.find(([title]) => title === sort.replace(/ down$/, ""));
    if (found) Object.assign(sorting.cells, { title: found[0], down: sort.endsWith(" down") });
  }
  show();
})();
