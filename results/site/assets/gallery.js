// The gallery: grey sprites, coloured here, over the images, as opaque as asked.
"use strict";
(() => {
  const form = document.querySelector("[data-gallery]");
  if (!form) return;
  const index = camparison.data.galleries;
  const fields = form.elements;
  const asked = camparison.state();
  const STATE = ["network", "across", "method", "column", "layer", "of", "view", "opacity", "class"];
  const FIRST = { across: "columns", layer: "", of: "", view: "overlay", opacity: "60", class: "" };
  // Control points of two maps that are told apart however one sees colours (viridis; blue to red).
  const ONE = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"];
  const BOTH = ["053061", "2f79b5", "8ec3de", "dbeaf2", "f7f7f7", "fbdcca", "ee9477", "c33d3e", "67001f"];
  const table = (stops) => {
    const rgb = stops.map((hex) => [0, 2, 4].map((n) => parseInt(hex.slice(n, n + 2), 16)));
    return (x) => {
      const at = Math.min(Math.max(x, 0), 1) * (rgb.length - 1), low = Math.min(Math.floor(at), rgb.length - 2);
      return rgb[low].map((value, n) => Math.round(value + (rgb[low + 1][n] - value) * (at - low)));
    };
  };
  const one = table(ONE), both = table(BOTH);

  const loaded = new Map();
  function load(name) {
    if (!loaded.has(name)) {
      loaded.set(name, new Promise((done, failed) => {
        const script = camparison.element("script", null, { src: `data/${name}.js` });
        script.addEventListener("load", () => done(camparison.data[name]));
        script.addEventListener("error", () => failed(new Error(`data/${name}.js is missing`)));
        document.head.append(script);
      }));
    }
    return loaded.get(name);
  }
  const pictures = new Map();
  function picture(source) {
    if (!pictures.has(source)) {
      pictures.set(source, new Promise((done) => {
        const made = new Image();
        made.addEventListener("load", () => done(made));
        made.src = source;
      }));
    }
    return pictures.get(source);
  }
  const greys = new Map();
  async function grey(source, data) {
    if (!greys.has(source)) {
      const sprite = await picture(source);
      const canvas = Object.assign(document.createElement("canvas"), { width: sprite.width, height: sprite.height });
      const context = canvas.getContext("2d");
      context.drawImage(sprite, 0, 0);
      const rgba = context.getImageData(0, 0, sprite.width, sprite.height).data;
      greys.set(source, Float32Array.from({ length: rgba.length / 4 }, (_, n) => (rgba[4 * n] - 128) / 127));
    }
    return { values: greys.get(source), height: (await picture(source)).height / data.n, width: (await picture(source)).width };
  }

  const options = (...asked) => camparison.options(...asked);

  async function tile(data, told, n, view, opacity) {
    const source = view === "apart" ? told.apart : told.maps;
    const label = view === "apart" && told.equal ? "no difference" : told.empty.includes(n) ? "no evidence" : "";
    if (!source) return camparison.element("span", label || "–", { class: "quiet" });
    const { values, height, width } = await grey(source, data);
    const canvas = camparison.element("canvas", null, { role: "img" });
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const under = view === "overlay";
    if (under) {
      const sprite = await picture(data.images);
      context.drawImage(sprite, 0, n * height, width, height, 0, 0, width, height);
    }
    const below = under ? context.getImageData(0, 0, width, height).data : null;
    const signed = told.signed || view === "apart";
    for (let at = 0; at < width * height; at++) {
      const value = values[n * width * height + at];
      const rgb = signed ? both(value / 2 + 0.5) : one(value);
      const strength = under ? opacity * Math.min(1, 0.25 + Math.abs(value)) : 1;
      for (let part = 0; part < 3; part++) image.data[4 * at + part] = under ? strength * rgb[part] + (1 - strength) * below[4 * at + part] : rgb[part];
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    if (label) {
      const both_ = camparison.element("span");
      both_.append(canvas, camparison.element("small", label));
      return both_;
    }
    return canvas;
  }

  const shown = (name) => (name === "reference" ? "oracle" : name);

  let turn = 0;
  async function show() {
    const mine = ++turn;
    const entry = index.find((each) => each.name === fields.network.value);
    const data = await load(entry.name);
    if (mine !== turn) return;
    const opacity = fields.opacity.value / 100;
    const ORACLE = { layers: data.layers ?? {}, classes: data.classes ?? {} };
    for (const option of fields.across.options) option.disabled = option.value in ORACLE && !Object.keys(ORACLE[option.value]).length;
    if (fields.across.selectedOptions[0].disabled) fields.across.value = FIRST.across;
    const across = fields.across.value, places = ORACLE[across];
    const methods = Object.keys(places ?? data.methods);
    options(fields.method, methods.map((name) => [name]), fields.method.value || asked.get("method") || "grad_cam");
    const columns = [...new Set(Object.values(data.methods).flatMap((mine) => Object.keys(mine)))];
    options(fields.column, columns.map((name) => [name, shown(name)]), fields.column.value || asked.get("column") || "");
    options(fields.class, [["", "all"], ...[...new Set(data.targets)].sort().map((name) => [name])], fields.class.value || asked.get("class") || "");
    const method = fields.method.value;
    const layers = Object.keys(ORACLE.layers[method] ?? {});
    options(fields.layer, [["", "all"], ...layers.map((name) => [name])], fields.layer.value || asked.get("layer") || "");
    const ranked = ORACLE.classes[method] ?? [];
    const title = (each, n) => (new Set(each.names).size === 1 ? each.names[0] : n === 0 ? "strongest" : `strongest but ${n}`);
    options(fields.of, [["", "all"], ...ranked.map((each, n) => [String(n), title(each, n)])], fields.of.value || asked.get("of") || "");
    fields.method.parentElement.hidden = across === "methods";
    fields.column.parentElement.hidden = across !== "methods";
    fields.layer.parentElement.hidden = across !== "layers";
    fields.of.parentElement.hidden = across !== "classes";
    for (const option of fields.view.options) if (option.value === "apart") option.disabled = Boolean(places);
    if (places && fields.view.value === "apart") fields.view.value = "map";
    const view = fields.view.value;
    fields.opacity.disabled = view !== "overlay";
    // What stands across: a title, the maps, and of each image a word beneath where it has one.
    const heads = (across === "columns" ? Object.entries(data.methods[method]).map(([column, told]) => ({ title: shown(column), name: `${method}, ${shown(column)}`, column, told }))
      : across === "methods" ? methods.filter((name) => data.methods[name][fields.column.value]).map((name) => ({ title: name, name: `${name}, ${shown(fields.column.value)}`, column: fields.column.value, told: data.methods[name][fields.column.value] }))
      : across === "layers" ? layers.filter((name) => !fields.layer.value || name === fields.layer.value).map((name) => ({ title: name, name: `${method} at ${name}`, told: places[method][name] }))
      : ranked.map((told, n) => ({ title: title(told, n), name: `${method} of ${title(told, n)}`, told, n, words: new Set(told.names).size > 1 ? told.names : [] })).filter(({ n }) => !fields.of.value || String(n) === fields.of.value))
      .filter(({ column }) => view !== "apart" || column !== "reference");
    const thead = camparison.element("thead"), row = camparison.element("tr");
    row.append(camparison.element("th", "image", { scope: "col" }));
    for (const { title: text, told } of heads) {
      const head = camparison.element("th", text, { scope: "col" });
      if (view === "apart") head.append(camparison.element("small", told.equal ? "no difference" : `difference × ${told.times.toExponential(0).replace("e+", "e")}; worst ${told.worst.toExponential(1)} of the peak`));
      row.append(head);
    }
    thead.append(row);
    const body = camparison.element("tbody");
    for (let n = 0; n < data.n; n++) {
      const name = data.targets[n] ?? "";
      if (fields.class.value && name !== fields.class.value) continue;
      const line = camparison.element("tr");
      const first = camparison.element("th", null, { scope: "row" });
      const canvas = camparison.element("canvas", null, { role: "img", "aria-label": `image ${n + 1}, ${name}` });
      const sprite = await picture(data.images);
      canvas.width = sprite.width;
      canvas.height = sprite.height / data.n;
      canvas.getContext("2d").drawImage(sprite, 0, n * canvas.height, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
      first.append(canvas, camparison.element("small", name));
      line.append(first);
      for (const { name: label, told, words } of heads) {
        const cell = camparison.element("td");
        const drawn = await tile(data, told, n, view, opacity);
        if (mine !== turn) return;
        (drawn.matches("canvas") ? drawn : drawn.querySelector("canvas"))?.setAttribute("aria-label", `${label}, image ${n + 1}, ${view}`);
        cell.append(drawn);
        if (words?.[n]) cell.append(camparison.element("small", words[n]));
        line.append(cell);
      }
      body.append(line);
    }
    document.querySelector("[data-pictures]").replaceChildren(thead, body);
    const subject = { columns: method, methods: `every method in ${shown(fields.column.value)}`, layers: `${method} at ${fields.layer.value || "every layer"}`, classes: `${method} of ${fields.of.selectedOptions[0]?.value ? fields.of.selectedOptions[0].text : "every class"}` }[across];
    document.querySelector("[data-told]").textContent = `${subject} of ${data.architecture} on ${data.dataset}, ${body.rows.length} images, of run ${data.run_id}.`;
    document.querySelector("[data-pictures]").dataset.view = view;
  }
  function remember() {
    camparison.remember(STATE.map((name) => [name, fields[name].value === FIRST[name] ? "" : fields[name].value]));
  }
  function read(state) {
    for (const name of ["across", "view", "opacity"]) fields[name].value = state.get(name) || FIRST[name];
    options(fields.network, index.map((each) => [each.name, each.title]), state.get("network") || "");
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  STATE.forEach((name) => fields[name].addEventListener(name === "opacity" ? "input" : "change", async () => { await show(); remember(); }));
  document.querySelector("[data-copy-link]").addEventListener("click", (event) => { remember(); camparison.copy(location.href, event.currentTarget); });
  read(asked);
  show();
})();
