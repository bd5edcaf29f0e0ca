"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const END = "end of the run";
// Okabe and Ito's colours, told apart by any eye; dashes and markers say the same again
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#8c6d1f"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const MARKERS = ["circle", "square", "triangle-up", "diamond", "x", "star", "cross", "triangle-down"];
const form = document.getElementById("choices");
const state = {};

const numeric = (axis) => data.axes[axis].every((x) => typeof x === "number");
const words = (text) => String(text).replaceAll("_", " ");
const short = (x) => (x === null ? "" : typeof x === "number" ? String(+x.toPrecision(4)) : String(x));

/* index into a flat table of a place given as {axis: index} */
function at(axes, place) {
  return axes.reduce((sum, axis) => sum * data.axes[axis].length + place[axis], 0);
}

/* the entry at a place, where the time may be "the last that is known" */
function entry(place) {
  const { axes, against } = data.quantities[state.quantity];
  const table = against[state.against];
  let i = at(axes, place);
  if (place.time === -1) {
    for (let t = data.axes.time.length - 1; t >= 0; t--) {
      i = at(axes, { ...place, time: t });
      if (table.mean[i] !== null) break;
    }
  }
  return { mean: table.mean[i], low: table.low[i], high: table.high[i], n: table.n[i] };
}

function select(name, label, options, chosen, shown = words) {
  const box = document.createElement("label");
  box.textContent = label;
  const list = document.createElement("select");
  list.name = name;
  for (const value of options) list.add(new Option(shown(value), value, false, String(value) === String(chosen)));
  list.addEventListener("change", () => { state[name] = list.value; controls(); form.elements[name].focus(); });
  box.append(list);
  form.append(box);
  state[name] = list.value;
}

function tick(name, label, chosen) {
  const box = document.createElement("label");
  box.className = "tick";
  const input = document.createElement("input");
  Object.assign(input, { type: "checkbox", name, checked: chosen });
  input.addEventListener("change", () => { state[name] = input.checked; draw(); });
  box.append(input, label);
  form.append(box);
  state[name] = chosen;
}

/* build the controls for what is chosen now, keeping whatever choice still makes sense */
function controls() {
  const kept = { ...state };
  const keep = (name, options, otherwise) => (options.map(String).includes(String(kept[name])) ? kept[name] : otherwise);
  form.replaceChildren();
  const names = Object.keys(data.quantities);
  const first = names.find((name) => name.endsWith("accuracy")) ?? names[0];
  select("quantity", "quantity", names, keep("quantity", names, first));
  const { axes, against } = data.quantities[state.quantity];
  const controls = Object.keys(against);
  select("against", "shown as", controls, keep("against", controls, ""), (c) => (c ? `difference from ${words(c)}` : "it is"));
  select("view", "view", ["curves", "map"], keep("view", ["curves", "map"], "curves"));
  const wide = axes.filter((axis) => data.axes[axis].length > 1);
  const ends = wide.length ? wide : axes;
  const along = ["width", "time"].find((axis) => ends.includes(axis)) ?? ends.find(numeric) ?? ends[0];
  select("x", state.view === "map" ? "across" : "along", ends, keep("x", ends, along));
  const rest = ends.filter((axis) => axis !== state.x);
  const series = state.view === "map" ? (rest.find(numeric) ?? rest[0]) : (rest.includes("protocol") ? "protocol" : rest[0]);
  if (rest.length) select("series", state.view === "map" ? "up" : "a curve for each", rest, keep("series", rest, series));
  else state.series = undefined;
  for (const axis of axes) {
    if (axis === state.x || axis === state.series) continue;
    const ways = data.axes[axis].map((_, i) => i);
    if (axis === "time") ways.push(-1);
    const name = `at ${axis}`;
    select(name, words(axis), ways, keep(name, ways, axis === "time" ? -1 : fallback(axis)),
      (i) => (+i === -1 ? END : words(short(data.axes[axis][i]))));
  }
  const values = data.axes[state.x];
  const spread = numeric(state.x) && Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= 16;
  if (numeric(state.x) && Math.min(...values) > 0) tick("log", `logarithmic ${words(state.x)}`, keep("log", [true, false], spread));
  else state.log = false;
  draw();
}

/* the index at which an axis is held at first: the one with most that is known */
function fallback(axis) {
  const { axes, against } = data.quantities[state.quantity];
  const known = data.axes[axis].map(() => 0);
  const stride = axes.slice(axes.indexOf(axis) + 1).reduce((product, a) => product * data.axes[a].length, 1);
  against[""].mean.forEach((x, i) => { if (x !== null) known[Math.floor(i / stride) % known.length]++; });
  return known.indexOf(Math.max(...known));
}

function held() {
  const place = {};
  for (const axis of data.quantities[state.quantity].axes)
    if (axis !== state.x && axis !== state.series) place[axis] = +state[`at ${axis}`];
  return place;
}

function rows() {
  const found = [];
  const curves = state.series ? data.axes[state.series].map((_, i) => i) : [null];
  for (const s of curves)
    for (let i = 0; i < data.axes[state.x].length; i++) {
      const place = { ...held(), [state.x]: i };
      if (s !== null) place[state.series] = s;
      found.push({ s, x: data.axes[state.x][i], ...entry(place) });
    }
  return found.filter((row) => row.mean !== null);
}

const title = () => words(state.quantity) + (state.against ? `, difference from ${words(state.against)}` : "");

function draw() {
  const shown = rows();
  const fixed = Object.entries(held()).filter(([axis]) => data.axes[axis].length > 1 || axis === "time")
    .map(([axis, i]) => `${words(axis)} ${i === -1 ? END : words(short(data.axes[axis][i]))}`);
  document.getElementById("said").textContent = `${title()} along ${words(state.x)}` +
    (state.series ? `, for each ${words(state.series)}` : "") + (fixed.length ? `; ${fixed.join(", ")}` : "") +
    (shown.length ? `; ${shown.length} points` : "; nothing is finished here yet");
  const layout = {
    font: { size: 14 }, margin: { t: 20, r: 20 }, hovermode: "closest", showlegend: Boolean(state.series),
    xaxis: { title: { text: words(state.x) + (state.x === "time" ? " (samples / N)" : "") }, type: numeric(state.x) ? (state.log ? "log" : "linear") : "category", automargin: true },
    yaxis: { title: { text: title() }, automargin: true, zeroline: Boolean(state.against) },
  };
  if (numeric(state.x) && data.axes[state.x].length < 14) layout.xaxis.tickvals = data.axes[state.x];
  const traces = state.view === "map" && state.series ? map(shown, layout) : curves(shown);
  Plotly.react("plot", traces, layout, { responsive: true, displaylogo: false });
  tabulate(shown);
}

function hover(row) {
  return `${row.s === null ? "" : `${words(state.series)} ${words(short(data.axes[state.series][row.s]))}<br>`}` +
    `${words(state.x)} ${words(short(row.x))}<br>${short(row.mean)} [${short(row.low)}, ${short(row.high)}]<br>n = ${short(row.n)}`;
}

function curves(shown) {
  const traces = [];
  for (const s of new Set(shown.map((row) => row.s))) {
    const own = shown.filter((row) => row.s === s);
    const name = s === null ? words(state.quantity) : words(short(data.axes[state.series][s]));
    const colour = COLOURS[(s ?? 0) % COLOURS.length];
    const many = own.length > 14;
    if (many)
      traces.push({ x: [...own.map((r) => r.x), ...own.map((r) => r.x).reverse()], y: [...own.map((r) => r.high), ...own.map((r) => r.low).reverse()],
        fill: "toself", fillcolor: colour, opacity: 0.2, line: { width: 0 }, mode: "lines", hoverinfo: "skip", showlegend: false, legendgroup: name });
    traces.push({
      x: own.map((r) => r.x), y: own.map((r) => r.mean), text: own.map(hover), hoverinfo: "text", name, legendgroup: name,
      mode: many ? "lines" : "lines+markers", line: { color: colour, dash: DASHES[(s ?? 0) % DASHES.length] },
      marker: { color: colour, symbol: MARKERS[(s ?? 0) % MARKERS.length], size: 9 },
      error_y: many ? undefined : { type: "data", symmetric: false, array: own.map((r) => r.high - r.mean), arrayminus: own.map((r) => r.mean - r.low), thickness: 1.5 },
    });
  }
  return traces;
}

function map(shown, layout) {
  const xs = data.axes[state.x].map(short).map(words), ys = data.axes[state.series].map(short).map(words);
  const z = ys.map(() => xs.map(() => null)), text = ys.map(() => xs.map(() => ""));
  for (const row of shown) {
    const i = data.axes[state.x].indexOf(row.x);
    z[row.s][i] = row.mean;
    text[row.s][i] = hover(row);
  }
  const most = Math.max(...shown.map((row) => Math.abs(row.mean)));
  layout.xaxis.type = "category";
  layout.yaxis = { title: { text: words(state.series) }, type: "category", automargin: true };
  const signed = state.against ? { colorscale: "RdBu", reversescale: false, zmin: -most, zmax: most } : { colorscale: "Viridis" };
  return [{ type: "heatmap", x: xs, y: ys, z, text, hoverinfo: "text", colorbar: { title: { text: title(), side: "right" } }, ...signed }];
}

const HEAD = () => [...(state.series ? [state.series] : []), state.x, "mean", "low", "high", "n"];
const cells = (row) => [...(state.series ? [data.axes[state.series][row.s]] : []), row.x, row.mean, row.low, row.high, row.n];

function tabulate(shown) {
  const table = document.createElement("table");
  const caption = table.createCaption();
  caption.textContent = document.getElementById("said").textContent;
  const head = table.createTHead().insertRow();
  for (const name of HEAD()) {
    const cell = document.createElement("th");
    Object.assign(cell, { scope: "col", textContent: words(name) });
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of shown) {
    const line = body.insertRow();
    for (const value of cells(row)) line.insertCell().textContent = words(short(value));
  }
  document.getElementById("table").replaceChildren(table);
}

const quoted = (x) => (x === null ? "" : /[",\n]/.test(x) ? `"${String(x).replaceAll('"', '""')}"` : String(x));

function save(name, lines) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n"], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function everything() {
  const { axes, against } = data.quantities[state.quantity];
  const table = against[state.against];
  const lines = [[...axes, "mean", "low", "high", "n"]];
  for (let i = 0; i < table.mean.length; i++) {
    if (table.mean[i] === null) continue;
    let left = i;
    const place = [...axes].reverse().map((axis) => {
      const size = data.axes[axis].length, index = left % size;
      left = (left - index) / size;
      return data.axes[axis][index];
    });
    lines.push([...place.reverse(), table.mean[i], table.low[i], table.high[i], table.n[i]]);
  }
  return lines;
}

document.getElementById("csv").addEventListener("click", () => save(`${data.name}-plot.csv`, [HEAD(), ...rows().map(cells)]));
document.getElementById("all").addEventListener("click", () => save(`${data.name}-${state.quantity}.csv`, everything()));
if (Object.keys(data.quantities).length) controls();
else document.getElementById("said").textContent = "No block of this study is finished yet.";
