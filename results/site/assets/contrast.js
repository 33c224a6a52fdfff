// The page of contrast: a network, a score and a cost decide the charts, the table and the sentence.
"use strict";
(() => {
  const form = document.querySelector("[data-contrast]");
  if (!form) return;
  const fields = form.elements, asked = camparison.state(), number = camparison.number;
  const network = (row) => `${row.architecture} on ${row.dataset}${machines > 1 ? `, ${row.machine_id}` : ""}`;
  const scores = camparison.rows("contrast_scores"), likeness = camparison.rows("contrast_likeness");
  const curves = camparison.rows("contrast_curves"), left = camparison.rows("contrast_left");
  const machines = new Set(scores.map((row) => row.machine_id)).size;
  const STATE = ["network", "metric", "subset", "cost", "likeness"];
  const SUBSETS = { correct: "classified correctly", wrong: "classified wrongly", all: "all" };
  // What is shown where nothing was asked for: worth by what the network does, then by where.
  const PREFERRED = ["removal_gain", "pointing_game", "relevance_rank", "deletion"], LINES = 8;
  // Fewer images of one kind than this are no ground for a finding.
  const FEW = 30;
  const sorting = { by: 1, down: false };
  const distinct = (rows, name) => [...new Set(rows.map(name))].sort(camparison.compare);
  const wish = (name) => fields[name].value || asked.get(name) || "";
  const maker = (row) => row.library || `ours, ${row.column}`;
  const spread = (row) => number(row.value) + (row.low === null ? "" : ` (${number(row.low)}–${number(row.high)})`);

  function show() {
    const networks = distinct(scores, network);
    const grounds = (name) => scores.filter((row) => network(row) === name && row.stale !== true && row.n >= FEW).length;
    const most = networks.map((name) => [grounds(name), scores.filter((row) => network(row) === name).length, name]).sort((a, b) => b[0] - a[0] || b[1] - a[1]);
    const here = camparison.options(fields.network, networks.map((name) => [name]), wish("network") || most[0][2]);
    const mine = scores.filter((row) => network(row) === here);
    const titles = new Map(mine.map((row) => [row.metric, `${row.title}${row.better === "none" ? "" : `, ${row.better} is better`}`]));
    const titled = new Map(scores.map((row) => [row.metric, row.title]));
    const metric = camparison.options(fields.metric, [...titles].sort((a, b) => camparison.compare(a[1], b[1])), wish("metric") || PREFERRED.find((name) => titles.has(name)));
    const parts = distinct(mine.filter((row) => row.metric === metric), (row) => row.subset);
    const order = ["correct", "wrong", "all"].filter((name) => parts.includes(name));
    const subset = camparison.options(fields.subset, order.map((name) => [name, SUBSETS[name]]), wish("subset"));
    const rows = mine.filter((row) => row.metric === metric && row.subset === subset);
    const alike = likeness.filter((row) => network(row) === here);
    const measure = camparison.options(fields.likeness, distinct(alike, (row) => row.metric).map((name) => [name]), wish("likeness") || "spearman");
    const cost = fields.cost.value, better = rows.length ? rows[0].better : "none";
    const sign = better === "lower" ? -1 : 1;

    const priced = rows.filter((row) => !row.control && row[cost] !== null && row.value !== null && row[cost] > 0);
    const byCost = [...priced].sort((a, b) => a[cost] - b[cost] || sign * (b.value - a.value));
    const front = [];
    for (const row of better === "none" ? [] : byCost) if (!front.length || sign * (row.value - front.at(-1).value) > 0) front.push(row);
    const point = (row, kind) => ({ kind, explainer: row.explainer, column: row.column, maker: maker(row), cost: row[cost], value: row.value, low: row.low, high: row.high, n: row.n });
    const sampler = (row) => `${maker(row)} ${row.explainer.replace(/\[[^\]]*=[^\]]*\]/, "")}`;
    const budgets = byCost.filter((row) => byCost.some((other) => other !== row && sampler(other) === sampler(row)));
    camparison.draw("frontier", [
      ...budgets.map((row) => ({ ...point(row, "budget"), sampler: sampler(row) })),
      ...priced.map((row) => point(row, "point")), ...front.map((row) => point(row, "front")),
      ...rows.filter((row) => row.control && row.value !== null).map((row) => point(row, "control")),
    ]);
    camparison.draw("alike", alike.filter((row) => row.metric === measure).map((row) => ({ explainer: row.explainer, other: row.other, value: row.value })));
    // The curve of the score, or where it has none the first there is; of as many as colours tell apart.
    const drawn = curves.filter((row) => network(row) === here);
    const curve = [metric, "deletion", "insertion", ...drawn.map((row) => row.metric)].find((name) => drawn.some((row) => row.metric === name));
    const of = new Set(drawn.filter((row) => row.metric === curve).map((row) => row.explainer));
    const ranked = [...rows].sort((a, b) => sign * ((b.value ?? -Infinity) - (a.value ?? -Infinity)));
    const lead = [...new Set(["grad_cam", ...front.map((row) => row.explainer), ...ranked.filter((row) => row.control).slice(0, 1).map((row) => row.explainer), ...ranked.map((row) => row.explainer), ...of])].filter((name) => of.has(name)).slice(0, LINES);
    camparison.draw("curves", drawn.filter((row) => row.metric === curve && lead.includes(row.explainer)).map((row) => ({ explainer: row.explainer, curve: titled.get(curve) || curve, at: row.at, value: row.value, low: row.low, high: row.high })));

    const to = new Map(alike.filter((row) => row.metric === measure && row.other === "grad_cam").map((row) => [row.explainer, row.value]));
    const columns = [
      ["explainer", (row) => row.explainer + (row.stale === true ? " †" : ""), (row) => row.explainer],
      ["score", spread, (row) => row.value, "number"],
      ["letters", (row) => row.letters, (row) => row.letters],
      ["untrained", (row) => number(row.untrained), (row) => row.untrained, "number"],
      ["images", (row) => camparison.count(row.n), (row) => row.n, "number"],
      ["column", (row) => row.column, (row) => row.column],
      ["evaluations", (row) => number(row.evaluations), (row) => row.evaluations, "number"],
      ["ms an image", (row) => (row.timed ? `${number(row.ms_per_image)} (${row.timed})` : "–"), (row) => row.ms_per_image],
      [`${measure || "likeness"} to grad_cam`, (row) => number(to.get(row.explainer)), (row) => to.get(row.explainer), "number"],
    ].filter(([, shown]) => rows.some((row) => !["", "–"].includes(shown(row))));
    // The first by score first, until another order is asked for.
    if (!sorting.asked) Object.assign(sorting, { by: 1, down: better !== "lower" });
    camparison.table(document.querySelector("[data-scores]"), columns, rows, sorting, () => { sorting.asked = true; });
    document.querySelector("[data-told]").textContent = sentence(rows, front, better, sign, cost, here, titles.get(metric), subset);
    const gone = left.filter((row) => network(row) === here);
    const list = document.querySelector("[data-left]");
    list.hidden = !gone.length;
    list.querySelector("summary").textContent = `${gone.length} explainers have nothing here`;
    list.querySelector("ul").replaceChildren(...gone.map((row) => camparison.element("li", `${row.explainer}: ${row.status}: ${row.reason}`)));
  }

  function sentence(rows, front, better, sign, cost, here, title, subset) {
    if (!rows.length) return "No score in this selection.";
    const own = rows.filter((row) => !row.control && row.value !== null);
    if (better === "none" || !own.length) return `${title}, of ${here}: neither way is better.`;
    const best = [...own].sort((a, b) => sign * (b.value - a.value))[0];
    const tied = own.filter((row) => row !== best && (row.value === best.value || (row.low !== null && best.low !== null && row.high >= best.low && row.low <= best.high)));
    const sure = best.low !== null;
    const cheapest = [...tied, best].filter((row) => row[cost] > 0).sort((a, b) => a[cost] - b[cost])[0];
    const unit = cost === "evaluations" ? "evaluations" : "ms an image";
    let told = `${title}, of ${here}, images ${SUBSETS[subset]} (${camparison.count(best.n)}): ${best.explainer} is first with ${spread(best)}`;
    told += sure ? (tied.length ? `; the intervals of ${tied.length} others overlap with it` : "; no other interval overlaps with it") : `${tied.length ? `, as ${tied.length} others` : ""}; without intervals nothing more is told apart`;
    if (cheapest && cheapest[cost] < best[cost]) told += `, of which ${cheapest.explainer} is the cheapest (${number(cheapest[cost])} ${unit} against ${number(best[cost])})`;
    const controls = rows.filter((row) => row.control && row.value !== null).sort((a, b) => sign * (b.value - a.value));
    if (controls.length) {
      const below = own.filter((row) => sign * (row.value - controls[0].value) <= 0);
      told += `. Of the controls ${controls[0].explainer} is first with ${number(controls[0].value)}: ${below.length ? `${below.length} explainers are not above it` : "every explainer is above it"}`;
    }
    return `${told}.${best.n < FEW ? " Fewer than 30 images: no ground for a finding." : ""}${best.stale === true ? " The code has changed since." : ""}`;
  }

  function remember() { camparison.remember(STATE.map((name) => [name, fields[name].value])); }
  form.addEventListener("submit", (event) => event.preventDefault());
  STATE.forEach((name) => fields[name].addEventListener("change", () => { show(); remember(); }));
  document.querySelector("[data-copy-link]").addEventListener("click", (event) => { remember(); camparison.copy(location.href, event.currentTarget); });
  if (asked.get("cost")) fields.cost.value = asked.get("cost");
  show();
})();
