"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const boxes = [...document.querySelectorAll("#series input")];
  const outputs = [...document.querySelectorAll("#series output")];
  const race = element("race-chart");

  // The zoom ([from, to], or null for the whole extent), the cursor's x, the start of a drag, Vega's
  // view of the curves, and the promise of their last drawing.
  let zoom = null;
  let cursor = null;
  let dragStart = null;
  let view = null;
  let drawing = Promise.resolve();

  function embed(target, spec) {
    const config = structuredClone(data.themes[dark.matches ? "dark" : "light"]);
    const columns = target.clientWidth > 600 ? 2 : 1;
    Object.assign(config.legend, { columns, labelLimit: target.clientWidth / columns - 80 });
    return vegaEmbed(target, spec, {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      ast: true, // interpreted: the page's policy forbids Function()
      config,
      defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
    });
  }

  const curves = () => data.race.curves[element("cost").value][element("measure").value];
  const shown = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));
  const isLogX = () => element("log-x").checked;
  const toAxis = (x) => (isLogX() ? Math.log(x) : x);
  const fromAxis = (position) => (isLogX() ? Math.exp(position) : position);

  /** Return the extent of all curves, shown or not, so that the axis does not jump. */
  function extent() {
    const all = curves().flatMap((curve) => curve.x).filter((x) => !isLogX() || x > 0);
    return [Math.min(...all), Math.max(...all)];
  }

  /** Return the rows of the shown curves within the zoom, and one row beyond each end. */
  function rows(isLogY) {
    const [from, to] = zoom ?? extent();
    return shown().flatMap((series) => {
      const curve = curves()[series];
      const first = Math.max(0, curve.x.findIndex((x) => x >= from) - 1);
      const beyond = curve.x.findIndex((x) => x > to);
      const end = beyond < 0 ? curve.x.length : beyond + 1;
      const part = [];
      for (let i = first; i < end; i++) {
        const row = { series: data.race.series[series].name, x: curve.x[i], y: curve.y[i] };
        if (curve.low) Object.assign(row, { low: curve.low[i], high: curve.high[i] });
        const isDrawn = row.y !== null && (!isLogX() || row.x > 0);
        if (isDrawn && (!isLogY || (row.low ?? row.y) > 0)) part.push(row);
      }
      return part;
    });
  }

  function raceSpec() {
    const isLogY = element("log-y").checked;
    const values = rows(isLogY);
    const names = data.race.series.map((each) => each.name);
    const style = (of) => ({ domain: names, range: data.race.series.map((each) => each[of]) });
    const yScale = isLogY ? { type: "log", nice: false } : { type: "linear", zero: !zoom };
    if (values.length === 0) yScale.domain = [0.1, 1]; // without data there is no extent
    const y = {
      field: "y",
      type: "quantitative",
      title: data.y_titles[element("measure").value],
      scale: yScale,
    };
    const x = {
      field: "x",
      type: "quantitative",
      title: data.x_titles[element("cost").value],
      scale: { type: isLogX() ? "log" : "linear", domain: zoom ?? extent(), nice: false },
    };
    const colour = { field: "series", type: "nominal", scale: style("colour"), legend: null };
    const dash = { field: "series", type: "nominal", scale: style("dash"), legend: null };
    const shared = { x, color: colour };
    const line = { mark: { type: "line", clip: true }, encoding: { ...shared, y, strokeDash: dash } };
    const layer = [line];
    if (values.some((row) => row.low !== undefined)) {
      const low = { ...y, field: "low" };
      layer.unshift({
        mark: { type: "area", clip: true, opacity: 0.15 },
        encoding: { ...shared, y: low, y2: { field: "high" } },
      });
    }
    if (values.length < 800) {
      const mark = { type: "point", filled: true, size: 14, opacity: 1, clip: true };
      layer.push({ mark: { ...mark, tooltip: null, aria: false }, encoding: { ...shared, y } });
    }
    // The range of a drag, and the cursor.
    const ink = dark.matches ? "#f0f0f0" : "#1a1a1a";
    const marks = [
      { type: "rect", x: { expr: "from" }, x2: { expr: "to" }, y: 0, y2: "height", opacity: 0.15 },
      { type: "rect", x: { expr: "cursor_x" }, width: 1, y: 0, y2: "height", opacity: 0.7 },
    ];
    for (const mark of marks) {
      const fixed = { color: ink, tooltip: null, aria: false, clip: true };
      layer.push({ data: { values: [{}] }, mark: { ...mark, ...fixed } });
    }
    return {
      width: "container",
      height: "container",
      autosize: { type: "fit", contains: "padding" },
      params: ["from", "to", "cursor_x"].map((name) => ({ name, value: -10 })),
      data: { values },
      layer,
    };
  }

  async function redraw() {
    const drawn = await embed(race, raceSpec());
    view?.finalize();
    view = drawn.view;
    show();
  }

  /** Draw the curves as the controls say, one drawing after the other. */
  function drawRace() {
    race.setAttribute("aria-busy", "true");
    const mine = drawing.then(redraw).finally(() => {
      if (drawing === mine) race.removeAttribute("aria-busy");
    });
    drawing = mine;
    return mine;
  }

  /** Return a curve's y at x, interpolated linearly; null beyond its ends. */
  function interpolate(curve, x) {
    const next = curve.x.findIndex((each) => each >= x);
    if (next < 0 || (next === 0 && curve.x[0] > x)) return null;
    if (next === 0 || curve.x[next] === x) return curve.y[next];
    const [a, b] = [curve.y[next - 1], curve.y[next]];
    if (a === null || b === null) return null;
    return a + ((b - a) * (x - curve.x[next - 1])) / (curve.x[next] - curve.x[next - 1]);
  }

  const formatted = (value) => (value === null ? "" : String(Number(value.toPrecision(4))));

  /** Write the values at the cursor, and move its line in the chart. */
  function show() {
    const isSet = cursor !== null;
    const at = isSet ? interpolate : () => null;
    curves().forEach((curve, i) => {
      outputs[i].textContent = boxes[i].checked ? formatted(at(curve, cursor)) : "";
    });
    if (isSet) {
      element("cursor").textContent = `At ${formatted(cursor)} ${data.x_titles[element("cost").value]}:`;
    }
    view?.signal("cursor_x", isSet ? view.scale("x")(cursor) : -10).run();
  }

  function moveTo(x) {
    const [from, to] = zoom ?? extent();
    cursor = Math.min(Math.max(x, from), to);
    show();
  }

  /** Make the zoom so many times as wide, around the cursor. */
  function scaleBy(factor) {
    const [first, last] = extent().map(toAxis);
    const [from, to] = (zoom ?? extent()).map(toAxis);
    const half = ((to - from) * factor) / 2;
    const middle = cursor === null ? (from + to) / 2 : toAxis(cursor);
    zoomTo([Math.max(first, middle - half), Math.min(last, middle + half)].map(fromAxis));
  }

  function zoomTo(range) {
    const [from, to] = extent();
    zoom = range && range[1] > range[0] && (range[0] > from || range[1] < to) ? range : null;
    return drawRace();
  }

  function step(share) {
    const [from, to] = (zoom ?? extent()).map(toAxis);
    const now = cursor === null ? (from + to) / 2 : toAxis(cursor);
    moveTo(fromAxis(now + (to - from) * share));
  }

  /** Return the pointer's position, in pixels of the plot and in units of x. */
  function position(event) {
    const left = view.origin()[0] + view.padding().left;
    const svg = race.querySelector("svg").getBoundingClientRect();
    const width = view.signal("width");
    const pixel = Math.min(Math.max(event.clientX - svg.left - left, 0), width);
    return [pixel, view.scale("x").invert(pixel)];
  }

  race.addEventListener("pointermove", (event) => {
    if (!view) return;
    const [pixel, x] = position(event);
    if (dragStart) {
      view.signal("from", Math.min(pixel, dragStart[0])).signal("to", Math.max(pixel, dragStart[0]));
    }
    moveTo(x);
  });
  race.addEventListener("pointerdown", (event) => {
    if (view && event.pointerType === "mouse") dragStart = position(event);
  });
  addEventListener("pointerup", (event) => {
    if (!dragStart) return;
    const [pixel, x] = position(event);
    const start = dragStart;
    dragStart = null;
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
  for (const id of ["measure", "cost", "log-x", "log-y"]) {
    element(id).addEventListener("change", () => {
      cursor = null;
      zoomTo(null);
    });
  }
  element("series").addEventListener("change", drawRace);
  for (const [id, checked] of [["all", true], ["none", false]]) {
    element(id).addEventListener("click", () => {
      for (const box of boxes) box.checked = checked;
      drawRace();
    });
  }

  async function drawAll() {
    await drawRace();
    for (const target of document.querySelectorAll("[data-chart]")) {
      await embed(target, data.charts[target.dataset.chart][target.dataset.spec]);
    }
    document.documentElement.dataset.drawn = "all";
  }
  dark.addEventListener("change", drawAll);
  drawAll();
})();
