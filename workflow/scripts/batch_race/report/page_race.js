// The curves: drawing, zoom, and the values at the cursor.
const boxes = [...document.querySelectorAll("#series input")];
const outputs = [...document.querySelectorAll("#series output")];
const race = element("race-chart");
const tip = element("tip");
const invitation = element("cursor").textContent;

// The zoom ([from, to], or null for the whole extent), the cursor's x, the x up to which the curves
// are drawn (null for all), the start of a drag, Vega's view, and the promise of its last drawing.
let zoom = null;
let cursor = null;
let until = null;
let dragStart = null;
let view = null;
let drawing = Promise.resolve();

const CROSS = "M-1,-1L1,1M-1,1L1,-1";
const NEAR = 3; // how far below the curves a target may be on a logarithmic axis, as a factor
const SAVED = { width: 900, height: 450, background: "white" };

const curves = () => data.race.curves[element("cost").value][element("measure").value];
const targets = () => data.race.targets[element("measure").value];
const shown = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));
const isLogX = () => element("log-x").checked;
const isLogY = () => element("log-y").checked;
const toAxis = (x) => (isLogX() ? Math.log(x) : x);
const fromAxis = (position) => (isLogX() ? Math.exp(position) : position);
const xTitle = () => data.x_titles[element("cost").value];
const yTitle = () => data.y_titles[element("measure").value];

/** Return the extent of all curves, shown or not, so that the axis does not jump. */
function extent() {
  const last = Math.max(...curves().map((curve) => curve.x.at(-1)));
  const first = isLogX() ? data.race.log_starts[element("cost").value][element("measure").value] : 0;
  return [first, Math.max(first, last)];
}

/** Return the rows of the shown curves within the zoom, and one row beyond each end. */
function rows() {
  const [from, to] = zoom ?? extent();
  return shown().flatMap((series) => {
    const curve = curves()[series];
    const first = Math.max(0, curve.x.findIndex((x) => x >= from) - 1);
    const beyond = curve.x.findIndex((x) => x > to);
    const end = beyond < 0 ? curve.x.length : beyond + 1;
    const { name, diverged } = data.race.series[series];
    const part = [];
    const add = (x, value) => {
      const row = { series: name, diverged, x, y: value("y") };
      if (curve.low) Object.assign(row, { low: value("low"), high: value("high") });
      if (row.y !== null && isOnAxis(row.low ?? row.y)) part.push(row);
    };
    // On a logarithmic axis a straight line is none: it begins at the axis, with points in between.
    const isCut = isLogX() && curve.x[first] < from;
    if (isCut && first + 1 < curve.x.length) {
      for (const x of logSpaced(from, curve.x[first + 1])) {
        add(x, (column) => interpolate(curve, x, column));
      }
    }
    for (let i = isCut ? first + 1 : first; i < end; i++) add(curve.x[i], (column) => curve[column][i]);
    return part;
  });
}

/** Return 24 log-spaced numbers from `from` on, below `to`; none if there is nothing in between. */
function logSpaced(from, to) {
  if (!(from < to)) return [];
  return Array.from({ length: 24 }, (_, i) => from * (to / from) ** (i / 24));
}

const isOnAxis = (y) => !isLogY() || y > 0;

/** Return the range of y: of the curves that did not diverge, if any, and of the targets near them. */
function yDomain(values) {
  const converged = values.filter((row) => !row.diverged);
  const all = (converged.length ? converged : values).flatMap((row) => [
    row.low ?? row.y,
    row.high ?? row.y,
  ]);
  const least = isLogY() ? Math.min(...all) / NEAR : -Infinity;
  const isNear = (value) => isOnAxis(value) && (value >= least || all.length === 0);
  if (!zoom) all.push(...targets().map((target) => target.value).filter(isNear));
  if (!zoom && !isLogY()) all.push(0);
  if (all.length === 0) return [0.1, 1]; // without data there is no extent
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (low === high) return isLogY() ? [low / 2, low * 2] : [low - 0.5, low + 0.5];
  const space = isLogY() ? (high / low) ** 0.02 : 1; // lines are whole at the ends
  return [low / space, high * space];
}

/** Return the decades in a range, or 1, 2 and 5 in each; undefined if they are fewer than three. */
function logTicks([low, high]) {
  const first = Math.floor(Math.log10(low));
  const count = Math.ceil(Math.log10(high)) - first + 1;
  const decades = Array.from({ length: count }, (_, i) => first + i);
  return [[1], [1, 2, 5]]
    .map((factors) => decades.flatMap((each) => factors.map((factor) => Number(`${factor}e${each}`))))
    .map((ticks) => ticks.filter((tick) => tick >= low && tick <= high))
    .find((ticks) => ticks.length >= 3);
}

/** Return the targets within a range of y, without the names that would overlap. */
function targetRows([low, high]) {
  const scaled = (y) => (isLogY() ? Math.log(y / low) / Math.log(high / low) : (y - low) / (high - low));
  let last = Infinity;
  return targets()
    .filter(({ value }) => isOnAxis(value) && value >= low && value <= high)
    .sort((a, b) => b.value - a.value)
    .map(({ value, name }) => {
      const isFree = last - scaled(value) > 0.05;
      if (isFree) last = scaled(value);
      return { value, name: isFree ? name : "" };
    });
}

/** Return where the first of the shown curves to each target was there, on the axis of the answer. */
function firstRows([from, to], [low, high]) {
  if (element("cost").value !== data.clock) return [];
  const names = new Set(shown().map((series) => data.race.series[series].name));
  return data.race.firsts[element("measure").value]
    .filter(({ seconds, value }) => seconds >= from && seconds <= to && value >= low && value <= high)
    .filter(({ series }) => names.has(series))
    .map(({ series, seconds, value }) => ({ series, x: seconds, y: value }));
}

/** Return where curves of diverged runs leave the chart: at its top, or before what is no number. */
function exitRows(values, [from, to], [, high]) {
  const scaled = (y) => (isLogY() ? Math.log(y) : y);
  return shown().flatMap((series) => {
    const { name, diverged } = data.race.series[series];
    const curve = values.filter((row) => row.series === name);
    const beyond = curve.findIndex((row) => row.y > high);
    const isLost = beyond < 0 && curves()[series].y.includes(null);
    if (!diverged || curve.length === 0 || (beyond < 0 && !isLost)) return [];
    if (isLost) return curve.slice(-1).filter(({ x }) => x <= to);
    // The first of them is beyond the top if the axis begins later than the curve leaves.
    const [before, after] = [curve[Math.max(0, beyond - 1)], curve[beyond]];
    const share = beyond && (scaled(high) - scaled(before.y)) / (scaled(after.y) - scaled(before.y));
    const x = fromAxis(toAxis(before.x) + share * (toAxis(after.x) - toAxis(before.x)));
    return x >= from && x <= to ? [{ series: name, x, y: high }] : [];
  });
}

/** Return the marks of the curves, bands and targets, and their scales. */
function raceSpec(theme, legend = null) {
  const values = rows();
  const domain = yDomain(values);
  const y = {
    field: "y",
    type: "quantitative",
    title: yTitle(),
    scale: isLogY()
      ? { type: "log", domain, nice: false }
      : { type: "linear", domain, nice: !zoom, zero: false },
    axis: isLogY() ? { values: logTicks(domain) } : {},
  };
  const range = zoom ?? extent();
  const x = {
    field: "x",
    type: "quantitative",
    title: xTitle(),
    scale: { type: isLogX() ? "log" : "linear", domain: range, nice: false },
    axis: isLogX() ? { values: logTicks(range) } : { tickCount: { expr: "ceil(width / 70)" } },
  };
  const names = data.race.series.map((each) => each.name);
  const style = (of) => ({ domain: names, range: data.race.series.map((each) => each[of]) });
  const colour = { field: "series", type: "nominal", scale: style("colour"), legend };
  const dash = { field: "series", type: "nominal", scale: style("dash"), legend };
  const shared = { x, color: colour };
  const layer = [
    {
      name: "curves",
      mark: { type: "line", clip: true },
      encoding: { ...shared, y, strokeDash: dash },
    },
  ];
  if (values.some((row) => row.low !== undefined)) {
    layer.unshift({
      name: "bands",
      mark: { type: "area", clip: true, opacity: 0.15 },
      encoding: { ...shared, y: { ...y, field: "low" }, y2: { field: "high" } },
    });
  }
  const quiet = { tooltip: null, aria: false, clip: true };
  const point = { type: "point", filled: true, opacity: 1, ...quiet };
  if (values.length < 800) {
    layer.push({ name: "points", mark: { ...point, size: 14 }, encoding: { ...shared, y } });
  }
  layer.push({
    name: "firsts",
    data: { values: firstRows(range, domain) },
    mark: { ...point, shape: "diamond", size: 150, stroke: data.themes[theme].axis.titleColor },
    encoding: { ...shared, y },
  });
  const exits = exitRows(values, range, domain);
  if (exits.length) {
    layer.push({
      name: "exits",
      data: { values: exits },
      mark: { type: "point", shape: CROSS, size: 60, strokeWidth: 2, opacity: 1, ...quiet, clip: false },
      encoding: { ...shared, y },
    });
  }
  const goal = { ...y, field: "value" };
  const soft = { color: data.themes[theme].axis.titleColor, opacity: 0.75, tooltip: null };
  layer.push({
    name: "targets",
    data: { values: targetRows(domain) },
    layer: [
      { mark: { type: "rule", strokeDash: [2, 3], ...soft }, encoding: { y: goal } },
      {
        mark: { type: "text", align: "left", baseline: "middle", dx: 6, fontSize: 12, ...soft },
        encoding: { y: goal, x: { value: "width" }, text: { field: "name" } },
      },
    ],
  });
  const longest = Math.max(0, ...targets().map((target) => target.name.length));
  const padding = { left: 4, top: 4, bottom: 4, right: 8 + 6 * longest }; // has their names
  return { data: { values }, layer, padding };
}

/** Add the cursor, the dots at it and the range of a drag to the curves. */
function withCursor(spec) {
  const { x, y, color } = spec.layer.find((each) => each.name === "curves").encoding;
  const ink = dark.matches ? "#f0f0f0" : "#1a1a1a";
  const quiet = { tooltip: null, aria: false, clip: true };
  const marks = [
    { type: "rect", x: { expr: "from" }, x2: { expr: "to" }, y: 0, y2: "height", opacity: 0.15 },
    { type: "rect", x: { expr: "cursor_x" }, width: 1, y: 0, y2: "height", opacity: 0.7 },
  ].map((mark) => ({ data: { values: [{}] }, mark: { ...mark, ...quiet, color: ink } }));
  const dots = {
    data: { name: "dots", values: [] },
    mark: { type: "point", filled: true, opacity: 1, size: 60, ...quiet },
    encoding: { x, y, color },
  };
  return {
    ...spec,
    width: "container",
    height: "container",
    autosize: { type: "fit", contains: "padding" },
    params: ["from", "to", "cursor_x"].map((name) => ({ name, value: -10 })),
    layer: [...spec.layer, ...marks, dots],
  };
}

async function redraw() {
  const drawn = await embed(race, withCursor(raceSpec(theme())));
  view?.finalize();
  view = drawn.view;
  showValues();
}

/** Draw the curves as the controls say, one drawing after the other. */
function drawRace() {
  race.setAttribute("aria-busy", "true");
  showTip(null, -1); // was of the former drawing
  const mine = drawing.then(redraw).finally(() => {
    if (drawing === mine) race.removeAttribute("aria-busy");
  });
  drawing = mine;
  return mine;
}

/** Return a curve's column at x, interpolated linearly; null beyond its ends. */
function interpolate(curve, x, column = "y") {
  const next = curve.x.findIndex((each) => each >= x);
  if (next < 0 || (next === 0 && curve.x[0] > x)) return null;
  if (next === 0 || curve.x[next] === x) return curve[column][next];
  const [a, b] = [curve[column][next - 1], curve[column][next]];
  if (a === null || b === null) return null;
  return a + ((b - a) * (x - curve.x[next - 1])) / (curve.x[next] - curve.x[next - 1]);
}

const formatted = (value) => (value === null ? "" : String(Number(value.toPrecision(4))));

/** Write the values at the cursor, and show it in the chart. */
function showValues() {
  const isSet = cursor !== null && (until === null || cursor <= until);
  const values = curves().map((curve, i) =>
    isSet && boxes[i].checked ? interpolate(curve, cursor) : null,
  );
  values.forEach((value, i) => (outputs[i].textContent = formatted(value)));
  element("cursor").textContent = isSet ? `At ${formatted(cursor)} ${xTitle()}:` : invitation;
  if (!view) return;
  const scale = view.scale("x");
  race.classList.toggle("partial", until !== null);
  const drawnTo = until === null ? 0 : scale(Math.max(until, extent()[0]));
  const [width, height] = [view.signal("width"), view.signal("height")];
  const clip = element("until").firstElementChild;
  clip.setAttribute("width", Math.min(Math.max(drawnTo, 0), width));
  clip.setAttribute("height", height);
  const dots = data.race.series
    .map(({ name }, i) => ({ series: name, x: cursor, y: values[i] }))
    .filter(({ y }) => y !== null && isOnAxis(y));
  view.data("dots", dots).signal("cursor_x", isSet ? scale(cursor) : -10).run();
}

function moveTo(x) {
  const [from, to] = zoom ?? extent();
  cursor = Math.min(Math.max(x, from), to, until ?? Infinity);
  showValues();
}

/** Make the zoom so many times as wide, around the cursor. */
function scaleBy(factor) {
  const [first, last] = extent().map(toAxis);
  const [from, to] = (zoom ?? extent()).map(toAxis);
  const half = ((to - from) * factor) / 2;
  const middle = cursor === null ? (from + to) / 2 : toAxis(cursor);
  zoomTo([Math.max(first, middle - half), Math.min(last, middle + half)].map(fromAxis));
}

/** Return a range of x within the extent; null for all of it, or for none. */
function clamped(range) {
  const [from, to] = extent();
  if (!range || !(range[0] < range[1]) || range[0] >= to || range[1] <= from) return null;
  return range[0] > from || range[1] < to ? range : null;
}

function zoomTo(range) {
  zoom = clamped(range);
  writeView();
  return drawRace();
}

function step(share) {
  const [from, to] = (zoom ?? extent()).map(toAxis);
  const now = cursor === null ? (from + to) / 2 : toAxis(cursor);
  moveTo(fromAxis(now + (to - from) * share));
}

/** Return the pointer's x in pixels of the plot, within it, and in units of x; and its y in pixels. */
function position(event) {
  const padding = view.padding();
  const [left, top] = [view.origin()[0] + padding.left, view.origin()[1] + padding.top];
  const svg = race.querySelector("svg").getBoundingClientRect();
  const pixel = Math.min(Math.max(event.clientX - svg.left - left, 0), view.signal("width"));
  return [pixel, view.scale("x").invert(pixel), event.clientY - svg.top - top];
}

/** Return the squared distance of the origin from the line between two points. */
function squaredDistance(ax, ay, bx, by) {
  const squared = (bx - ax) ** 2 + (by - ay) ** 2;
  const share = squared && Math.min(Math.max(-(ax * (bx - ax) + ay * (by - ay)) / squared, 0), 1);
  return (ax + share * (bx - ax)) ** 2 + (ay + share * (by - ay)) ** 2;
}

/** Return the index of the shown curve within 12 pixels of a point of the plot, or -1. */
function lineAt(x, y) {
  const [scaleX, scaleY] = [view.scale("x"), view.scale("y")];
  let [nearest, least] = [-1, 12 ** 2];
  for (const series of shown()) {
    const curve = curves()[series];
    let before = null;
    curve.x.forEach((each, i) => {
      const isDrawn =
        curve.y[i] !== null && toAxis(each) > -Infinity && isOnAxis(curve.y[i]) && each <= (until ?? each);
      const here = isDrawn ? [scaleX(each) - x, scaleY(curve.y[i]) - y] : null;
      const distance = here ? squaredDistance(...(before ?? here), ...here) : Infinity;
      if (distance < least) [nearest, least] = [series, distance];
      before = here;
    });
  }
  return nearest;
}

/** Say what the line at the pointer is, and its value there; -1 is no line. */
function showTip(event, series, x) {
  boxes.forEach((box, i) => box.closest("li").classList.toggle("pointed", i === series));
  tip.hidden = series < 0;
  if (series < 0) return;
  const curve = curves()[series];
  const [value, low, high] = ["y", "low", "high"].map((column) =>
    curve[column] ? formatted(interpolate(curve, x, column)) : "",
  );
  const name = document.createElement("b");
  name.textContent = data.race.series[series].name;
  const parts = [`${yTitle()} ${value}${low && ` (${low} to ${high})`}`, data.race.series[series].about];
  const lines = (value ? parts : parts.slice(1)).map((text) => {
    const line = document.createElement("span");
    line.textContent = text;
    return line;
  });
  tip.replaceChildren(name, ...lines);
  const { width, height } = tip.getBoundingClientRect();
  const left = event.clientX + 16 + width > innerWidth ? event.clientX - 16 - width : event.clientX + 16;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 16, innerHeight - height - 4))}px`;
}

function point(event) {
  if (!view || race.hasAttribute("aria-busy")) return; // the scales are those of other axes
  const [pixel, x, y] = position(event);
  if (dragStart) {
    view.signal("from", Math.min(pixel, dragStart[0])).signal("to", Math.max(pixel, dragStart[0]));
  }
  if (!isPlaying()) moveTo(x);
  showTip(event, dragStart ? -1 : lineAt(pixel, y), x);
}

race.addEventListener("pointermove", point);
race.addEventListener("pointerdown", (event) => {
  point(event); // a tap does not move
  if (view && event.pointerType === "mouse") dragStart = position(event);
});
for (const kind of ["pointerleave", "pointercancel"]) {
  race.addEventListener(kind, (event) => {
    if (event.pointerType === "mouse") showTip(event, -1);
  });
}
addEventListener("pointerdown", (event) => {
  if (!race.contains(event.target)) showTip(event, -1);
});
addEventListener("pointerup", (event) => {
  if (!dragStart) return;
  const [pixel, x] = position(event);
  const start = dragStart;
  dragStart = null;
  view.signal("from", -10).signal("to", -10).run();
  if (Math.abs(pixel - start[0]) > 8) zoomTo([start[1], x].sort((a, b) => a - b));
});
race.addEventListener("keydown", (event) => {
  const keys = {
    ArrowLeft: () => step(-0.02),
    ArrowRight: () => step(0.02),
    Home: () => moveTo((zoom ?? extent())[0]),
    End: () => moveTo((zoom ?? extent())[1]),
    "+": () => scaleBy(0.5),
    "-": () => scaleBy(2),
    0: () => zoomTo(null),
  };
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

element("zoom-in").addEventListener("click", () => scaleBy(0.5));
element("zoom-out").addEventListener("click", () => scaleBy(2));
element("zoom-reset").addEventListener("click", () => zoomTo(null));

/** Draw other axes: what belonged to the old ones ends. */
function changeAxes() {
  cursor = null;
  showAll();
  return zoomTo(null);
}

function changeSelection() {
  showValues();
  writeView();
  return drawRace();
}

element("axes").addEventListener("change", changeAxes);
element("series").addEventListener("change", changeSelection);
for (const [id, checked] of [["all", true], ["none", false]]) {
  element(id).addEventListener("click", () => {
    for (const box of boxes) box.checked = checked;
    changeSelection();
  });
}

/** Save the curves as they are drawn, on white, with a title and the names of the lines. */
element("save-svg").addEventListener("click", async () => {
  const values = shown().map((series) => data.race.series[series].name);
  const longest = Math.max(0, ...values.map((name) => name.length));
  const columns = Math.max(1, Math.floor(SAVED.width / (60 + 6.5 * longest)));
  const symbol = { symbolType: "stroke", symbolSize: 400, symbolStrokeWidth: 2, symbolOpacity: 1 };
  const legend = { title: null, values, orient: "bottom", columns, labelLimit: 0, ...symbol };
  const isSingle = values.length === 1;
  const spec = raceSpec("light", isSingle ? null : legend);
  const title = { text: data.title, anchor: "start", limit: SAVED.width };
  if (isSingle) title.subtitle = values[0];
  const drawn = await embed(
    document.createElement("div"),
    { ...spec, ...SAVED, title },
    "light",
  );
  const svg = await drawn.view.toSVG();
  drawn.view.finalize();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  link.download = `${data.experiment}.svg`;
  link.click();
  URL.revokeObjectURL(link.href);
});
