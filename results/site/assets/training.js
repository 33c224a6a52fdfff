// The page of training: a network, an optimizer and a column decide the charts and the tables.
"use strict";
(() => {
  const form = document.querySelector("[data-training]");
  if (!form) return;
  const fields = form.elements, asked = camparison.state(), number = camparison.number;
  const data = Object.fromEntries(["losses", "parting", "epochs", "confusion", "classes"].map((name) => [name, camparison.rows(`train_${name}`)]));
  const machines = new Set(data.epochs.map((row) => row.machine_id)).size;
  const network = (row) => `${row.architecture} on ${row.dataset}, ${row.device}${machines > 1 ? `, ${row.machine_id}` : ""}`;
  const STATE = ["network", "optimizer", "column"];
  const distinct = (rows, of) => [...new Set(rows.map(of))].sort(camparison.compare);
  const middle = (values) => { const known = values.filter((x) => x !== null).sort((a, b) => a - b); return known.length ? (known[(known.length - 1) >> 1] + known[known.length >> 1]) / 2 : null; };
  const percent = (x) => (x === null ? "–" : `${(100 * x).toFixed(2)} %`);
  const sorting = [{ by: 1, down: true }, { by: 0, down: false }];

  // What opens the page is that of which there is most: curves, a matrix, columns, then epochs.
  // Trainings of one optimizer and one length; what is of the classes is of the whole ones.
  const length = (row) => `${row.optimizer || "none named"}, ${row.epochs} epoch${row.epochs === 1 ? "" : "s"}${row.steps ? ` of ${row.steps} steps` : ""}`;
  const whole = (row, one) => row.optimizer === one.optimizer && !one.steps;
  const filled = (name, one) => {
    const mine = data.epochs.find((row) => length(row) === one && network(row) === name);
    return data.parting.some((row) => length(row) === one && network(row) === name) + data.confusion.some((row) => whole(row, mine) && network(row) === name);
  };
  const optimizers = (name) => distinct(data.epochs.filter((row) => network(row) === name), length);
  const told_of = (name) => {
    const epochs = data.epochs.filter((row) => network(row) === name);
    return 1e4 * Math.max(...optimizers(name).map((each) => filled(name, each))) + 100 * distinct(epochs, (row) => row.column).length + Math.min(99, Math.max(...epochs.map((row) => row.epoch)));
  };
  const fullest = (name) => optimizers(name).reduce((a, b) => (filled(name, b) > filled(name, a) ? b : a));

  function show() {
    const networks = distinct(data.epochs, network);
    const most = networks.map((name) => [told_of(name), name]).sort((a, b) => b[0] - a[0]);
    const here = camparison.options(fields.network, networks.map((name) => [name]), fields.network.value || asked.get("network") || most[0][1]);
    const mine = data.epochs.filter((row) => network(row) === here);
    const lengths = optimizers(here), wished = fields.optimizer.value || asked.get("optimizer") || "";
    const named = lengths.filter((one) => wished && (one === wished || one.startsWith(`${wished},`)));
    const optimizer = camparison.options(fields.optimizer, lengths.map((name) => [name]), named.length ? named.reduce((a, b) => (filled(here, b) > filled(here, a) ? b : a)) : fullest(here));
    const rows = mine.filter((row) => length(row) === optimizer);
    const column = camparison.options(fields.column, distinct(rows, (row) => row.column).map((name) => [name]), fields.column.value || asked.get("column") || "");
    const same = (row) => network(row) === here && length(row) === optimizer;
    const judged = (row) => network(row) === here && whole(row, rows[0]) && row.column === column;
    const lines = distinct(rows, (row) => row.column).map((name) => {
      const of = rows.filter((row) => row.column === name), seeds = distinct(of, (row) => row.seed);
      const last = seeds.map((seed) => of.filter((row) => row.seed === seed).reduce((a, b) => (b.epoch > a.epoch ? b : a)));
      const accuracies = last.map((row) => row.test_accuracy).filter((x) => x !== null);
      return {
        column: name, seeds: seeds.length, epochs: Math.max(...last.map((row) => row.epoch)), accuracy: middle(accuracies),
        low: accuracies.length ? Math.min(...accuracies) : null, high: accuracies.length ? Math.max(...accuracies) : null,
        first: middle(of.filter((row) => row.epoch === 1).map((row) => row.train_loss)), last: middle(last.map((row) => row.train_loss)),
      };
    });
    const value = (name, title = name) => [title, (row) => number(row[name]), (row) => row[name], "number"];
    const table = (selector, columns, shown, how) => camparison.table(document.querySelector(selector), columns, shown, how);
    table("[data-accuracies]", [
      ["column", (row) => row.column, (row) => row.column],
      ["test accuracy", (row) => percent(row.accuracy) + (row.seeds > 1 && row.low !== null ? ` (${percent(row.low)}–${percent(row.high)})` : ""), (row) => row.accuracy, "number"],
      ["seeds", (row) => camparison.count(row.seeds), (row) => row.seeds, "number"], ["epochs", (row) => camparison.count(row.epochs), (row) => row.epochs, "number"],
      value("first", "loss of the first epoch"), value("last", "loss of the last"),
    ], lines, sorting[0]);
    const known = lines.filter((line) => line.accuracy !== null).sort((a, b) => b.accuracy - a.accuracy);
    const worst = data.parting.filter(same);
    let told = `${here}, ${optimizer}: `;
    const alike = known.length > 1 && known.every((line) => line.accuracy === known[0].accuracy);
    told += alike ? `all ${known.length} columns reach a test accuracy of ${percent(known[0].accuracy)}` : known.length ? `test accuracies from ${percent(known.at(-1).accuracy)} (${known.at(-1).column}) to ${percent(known[0].accuracy)} (${known[0].column})` : "no accuracy was measured";
    if (worst.length) told += `; the losses of two columns are never further apart than ${number(Math.max(...worst.map((row) => row.apart)))} of the larger`;
    document.querySelector("[data-told]").textContent = `${told}.`;
    camparison.draw("losses", data.losses.filter(same).map((row) => ({ column: row.column, seed: String(row.seed), step: row.step, loss: row.loss })));
    camparison.draw("parting", worst.map((row) => ({ pair: row.pair, seed: String(row.seed), step: row.step, apart: row.apart })));
    camparison.draw("confusion", data.confusion.filter(judged).map((row) => ({ true: row.true, predicted: row.predicted, images: row.images })));
    const classes = data.classes.filter(judged);
    document.querySelector("[data-classes-title]").textContent = `Class by class, ${column}`;
    table("[data-classes]", [
      ["class", (row) => row.class + (row.stale === true ? " †" : ""), (row) => row.class], ["images", (row) => camparison.count(row.images), (row) => row.images, "number"],
      value("precision"), value("recall"), value("f1", "F1"),
    ], classes, sorting[1]);
  }
  function remember() { camparison.remember(STATE.map((name) => [name, fields[name].value])); }
  form.addEventListener("submit", (event) => event.preventDefault());
  STATE.forEach((name) => fields[name].addEventListener("change", () => { show(); remember(); }));
  document.querySelector("[data-copy-link]").addEventListener("click", (event) => { remember(); camparison.copy(location.href, event.currentTarget); });
  show();
})();
