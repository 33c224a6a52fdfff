// The page of agreement: a matrix of methods by columns, of which each cell opens.
"use strict";
(() => {
  const form = document.querySelector("[data-agreement]");
  if (!form) return;
  const fields = form.elements, asked = camparison.state(), number = camparison.number, element = (...all) => camparison.element(...all);
  const cells = camparison.rows("agree_cells"), stages = camparison.rows("agree_stages"), images = camparison.rows("agree_images");
  const ALL = "all", PICKS = ["device", "precision", "weights", "network", "mode"], FIRST = { weights: "trained", precision: "float32" }, NEAR = 1e-6;
  const ORDER = ["logits", "activations", "gradients", "weights", "signed", "heatmap", "upsampled"];
  const open = { what: asked.get("what") || "", column: asked.get("column") || "" };
  const share = (x) => (x === null ? "–" : x >= 1 ? "100 %" : x > 0.9995 ? "> 99.9 %" : `${(100 * x).toFixed(1).replace(/\.0$/, "")} %`);
  const mark = (row) => (row.stale === true || row.stale === "True" ? " †" : "");
  const truth = (x) => (x === true || x === "True" ? true : x === false || x === "False" ? false : null);
  const sortings = new Map();
  const sorted = (name, by, down) => { if (!sortings.has(name)) sortings.set(name, { by, down }); return sortings.get(name); };

  function offer() {
    let left = cells;
    for (const name of PICKS) {
      const found = [...new Set(left.map((row) => row[name]))].sort(camparison.compare);
      const wide = name === "network" || name === "mode";
      const wished = fields[name].value || asked.get(name) || FIRST[name] || (wide ? ALL : "");
      const value = camparison.options(fields[name], (wide && found.length > 1 ? [ALL, ...found] : found).map((one) => [one]), wished);
      if (value !== ALL) left = left.filter((row) => row[name] === value);
    }
    return left;
  }
  // All cells of a method in a column together.
  function pooled(rows) {
    const known = rows.filter((row) => row.max_rel !== null);
    const judged = known.filter((row) => row.share_within !== null);
    const total = judged.reduce((sum, row) => sum + row.images, 0);
    const gates = rows.map((row) => truth(row.passed)).filter((gate) => gate !== null);
    return {
      rows, known, worst: known.length ? Math.max(...known.map((row) => row.max_rel)) : null,
      within: total ? judged.reduce((sum, row) => sum + row.images * row.share_within, 0) / total : null,
      passed: gates.length ? gates.every(Boolean) : null, stale: rows.some((row) => mark(row)),
      reason: rows.map((row) => row.reason).find(Boolean) || "",
    };
  }

  function show() {
    const left = offer();
    const methods = [...new Set(left.map((row) => row.what))].sort(camparison.compare);
    const columns = [...new Set(left.map((row) => row.column))].sort(camparison.compare);
    const of = new Map();
    for (const row of left) {
      const key = JSON.stringify([row.what, row.column]);
      if (!of.has(key)) of.set(key, []);
      of.get(key).push(row);
    }
    const head = element("thead"), line = element("tr"), body = element("tbody");
    ["method", ...columns].forEach((name) => line.append(element("th", name, { scope: "col" })));
    head.append(line);
    const all = [];
    for (const what of methods) {
      const tr = element("tr");
      tr.append(element("th", what, { scope: "row" }));
      for (const column of columns) {
        const rows = of.get(JSON.stringify([what, column]));
        const td = element("td", null, { class: "cell" });
        if (!rows) { td.textContent = "–"; td.className = "quiet"; tr.append(td); continue; }
        const found = pooled(rows);
        if (!found.known.length) {
          td.className = "gone";
          const why = element("details");
          why.append(element("summary", "absent"), found.reason);
          td.append(why);
        } else {
          all.push(found);
          td.classList.add(found.passed === false ? "far" : "best");
          if (found.passed === null) td.classList.remove("best");
          const button = element("button", null, { type: "button", class: "open", "aria-label": `${what} in ${column}: ${share(found.within)} within, worst ${number(found.worst)}` });
          button.append(element("strong", share(found.within)), ` ${number(found.worst)}${found.passed === false ? " ✗" : ""}${found.stale ? " †" : ""}`);
          button.addEventListener("click", () => { Object.assign(open, { what, column }); detail(left); remember(); document.getElementById("detail").focus(); });
          td.append(button);
        }
        tr.append(td);
      }
      body.append(tr);
    }
    document.querySelector("[data-matrix]").replaceChildren(head, body);
    const failed = all.filter((found) => found.passed === false).length, passed = all.filter((found) => found.passed).length;
    const count = all.reduce((sum, found) => sum + found.known.length, 0);
    document.querySelector("[data-told]").textContent = all.length
      ? `${passed} of ${passed + failed} methods in columns pass, of ${count.toLocaleString("en")} comparisons on ${fields.device.value} in ${fields.precision.value} with ${fields.weights.value} weights; the worst error is ${number(Math.max(...all.map((found) => found.worst)))} of the signed map's peak.`
      : "Nothing was compared in this selection.";
    detail(left);
  }

  // How many times the worst image's error would fit into the tolerance; below 1 it does not.
  const margin = (row) => (row.max_rel && row.tolerance !== null ? `×${number(row.tolerance / row.max_rel)}` : "–");
  // The worst image in words: which it is where it is above the tolerance, and its margin.
  function worst(cells_, above) {
    const end = above.filter((row) => ["heatmap", "signed"].includes(row.compared)).concat(above).reduce((a, b) => (!a || (b.error > a.error && b.compared === a.compared) ? b : a), null);
    if (end) {
      const why = end.kink_distance !== null && end.kink_distance <= NEAR ? `a kink ${number(end.kink_distance)} away explains it` : end.rounding_bound >= end.error ? `rounding may cause up to ${number(end.rounding_bound)}` : `past the kink ${number(end.error_followed)} is left`;
      return ` The worst image is ${end.image} of ${end.network}, ${end.layer || "input"}, ${end.mode}: ${end.compared} is ${number(end.error)} off, ${number(end.error / end.tolerance)} times the tolerance; ${why}.`;
    }
    const most = cells_.filter((row) => row.max_rel !== null).reduce((a, b) => (!a || b.max_rel > a.max_rel ? b : a), null);
    return most ? ` The worst image, ${most.worst_image === null ? "" : `${most.worst_image} `}of ${most.network}, ${most.layer || "input"}, ${most.mode}, is ${number(most.max_rel)} off${most.tolerance === null ? "" : `: the tolerance, ${number(most.tolerance)}, is ${number(most.tolerance / most.max_rel)} times that`}.` : "";
  }

  function detail(left) {
    const place = document.querySelector("[data-detail]");
    const mine = left.filter((row) => row.what === open.what && row.column === open.column);
    place.hidden = !mine.length;
    if (!mine.length) return;
    document.getElementById("detail").textContent = `${open.what} in ${open.column}`;
    const same = (row) => row.what === open.what && row.column === open.column && ["device", "precision", "weights"].every((name) => row[name] === undefined || row[name] === fields[name].value);
    const here = stages.filter(same).sort((a, b) => ORDER.indexOf(a.compared) - ORDER.indexOf(b.compared));
    const beyond = here.find((row) => row.share_within !== null && row.share_within < 1);
    const first = mine.map((row) => row.first_out).find(Boolean);
    document.querySelector("[data-detail-told]").textContent = first ? `The first stage out of tolerance: ${first}.`
      : beyond ? `All passes. The first stage with an image beyond the tolerance that rounding or a kink explains is ${beyond.compared}, at worst in ${beyond.worst_architecture} on ${beyond.worst_dataset}, ${beyond.worst_layer || "input"}, ${beyond.worst_mode}.`
        : "Every stage of every image is within the tolerance.";
    const shown = images.filter(same).filter((row) => fields.network.value === ALL || row.network === fields.network.value);
    document.querySelector("[data-detail-told]").textContent += worst(mine, shown);
    const table = (selector, columns, rows, by, down) => {
      camparison.table(document.querySelector(selector), columns, rows, sorted(selector, by, down));
      document.querySelector(selector).closest(".scroll").hidden = !rows.length;
      const title = document.querySelector(selector).closest(".scroll").previousElementSibling;
      if (title.tagName === "H3") title.hidden = !rows.length;
    };
    const plain = (name, title = name) => [title, (row) => row[name] || "–", (row) => row[name]];
    const image = (row) => (row.worst_image === null ? "–" : String(row.worst_image));
    const value = (name, title = name) => [title, (row) => number(row[name]), (row) => row[name], "number"];
    const part = (name, title) => [title, (row) => share(row[name]), (row) => row[name], "number"];
    table("[data-stages]", [
      ["stage", (row) => row.compared + mark(row), (row) => ORDER.indexOf(row.compared)], value("tolerance"), part("share_within", "images within"), value("max_rel", "worst error"),
      ...(new Set(here.map((row) => row.machine_id)).size > 1 ? [plain("machine_id", "machine")] : []),
      ["worst in", (row) => [row.worst_architecture, row.worst_dataset, row.worst_layer, row.worst_mode, row.worst_image === null ? "" : `image ${row.worst_image}`].filter(Boolean).join(", "), (row) => row.worst_architecture],
    ], here, 0, false);
    table("[data-networks]", [
      ["network", (row) => row.network + mark(row), (row) => row.network], plain("layer"), plain("mode"), value("max_rel", "worst error"), ["worst image", image, (row) => row.worst_image, "number"], value("median_rel", "median error"), value("tolerance"), ["margin", (row) => margin(row), (row) => (row.max_rel ? row.tolerance / row.max_rel : null), "number"], part("share_within", "images within"),
      value("pearson_min", "lowest Pearson"), value("spearman_min", "lowest Spearman"), part("zero_map_share", "zero maps"), plain("first_out", "first stage out"),
      ["gate", (row) => ({ true: "passed", false: "not passed" })[truth(row.passed)] || "none", (row) => String(row.passed)], plain("reason"),
    ], mine, 3, true);
    table("[data-images]", [
      plain("network"), plain("layer"), plain("mode"), plain("compared", "stage"), ["image", (row) => String(row.image), (row) => row.image], value("error"), value("tolerance"),
      value("kink_distance", "distance to the kink"), value("rounding_bound", "rounding may carry it"), value("error_followed", "error past the kink"),
    ], shown.slice(0, 200), 5, true);

    const byColumn = new Map();
    for (const row of left.filter((each) => each.what === open.what && each.max_rel !== null)) {
      if (!byColumn.has(row.column)) byColumn.set(row.column, new Map());
      byColumn.get(row.column).set([row.network, row.layer, row.mode].join("|"), row.max_rel);
    }
    const names = [...byColumn.keys()].sort(camparison.compare);
    const apart = (a, b) => {
      const both = [...byColumn.get(a)].filter(([key]) => byColumn.get(b).has(key));
      return both.length ? Math.max(...both.map(([key, x]) => x + byColumn.get(b).get(key))) : null;
    };
    table("[data-pairs]", [["column", (row) => row, (row) => row], ...names.map((name) => [name, (row) => (row === name ? "" : number(apart(row, name))), (row) => (row === name ? null : apart(row, name)), "number"])], names.length > 1 ? names : [], 0, false);
  }

  function remember() {
    const state = PICKS.map((name) => [name, fields[name].value === (FIRST[name] || (["network", "mode"].includes(name) ? ALL : "")) ? "" : fields[name].value]);
    camparison.remember([...state, ["what", open.what], ["column", open.column]]);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  PICKS.forEach((name) => fields[name].addEventListener("change", () => { show(); remember(); }));
  document.querySelector("[data-copy-link]").addEventListener("click", (event) => { remember(); camparison.copy(location.href, event.currentTarget); });
  show();
})();
