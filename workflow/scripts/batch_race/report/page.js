"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const boxes = [...document.querySelectorAll("#series input")];
  const outputs = [...document.querySelectorAll("#series output")];
  const race = element("race-chart");

  // What is zoomed to ([from, to], or null for the whole), the place whose values are shown, where a
  // drag began, Vega's view of the curves, and the last of their drawings.
  let zoom = null;
  let place = null;
  let dragged = null;
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

  const curves = () => data.race.curves[element("spent").value][element("measure").value];
  const shown = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));
  const isLogAcross = () => element("log-across").checked;
  const along = (x) => (isLogAcross() ? Math.log(x) : x);
  const back = (x) => (isLogAcross() ? Math.exp(x) : x);

  /** The whole extent of what is drawn: of all curves, so that it does not jump with the switches. */
  function whole() {
    const all = curves().flatMap((curve) => curve.x).filter((x) => !isLogAcross() || x > 0);
    return [Math.min(...all), Math.max(...all)];
  }

  /** The rows of the chosen curves in the part that is zoomed to, and one beyond each end of it. */
  function rows(isLogUp) {
    const [from, to] = zoom ?? whole();
    return shown().flatMap((series) => {
      const curve = curves()[series];
      const first = Math.max(0, curve.x.findIndex((x) => x >= from) - 1);
      const beyond = curve.x.findIndex((x) => x > to);
      const end = beyond < 0 ? curve.x.length : beyond + 1;
      const part = [];
      for (let i = first; i < end; i++) {
        const row = { series: data.race.series[series].name, x: curve.x[i], y: curve.y[i] };
        if (curve.low) Object.assign(row, { low: curve.low[i], high: curve.high[i] });
        const isDrawn = row.y !== null && (!isLogAcross() || row.x > 0);
        if (isDrawn && (!isLogUp || (row.low ?? row.y) > 0)) part.push(row);
      }
      return part;
    });
  }

  function raceSpec() {
    const isLogUp = element("log-up").checked;
    const values = rows(isLogUp);
    const names = data.race.series.map((each) => each.name);
    const style = (of) => ({ domain: names, range: data.race.series.map((each) => each[of]) });
    const up = isLogUp ? { type: "log", nice: false } : { type: "linear", zero: !zoom };
    if (values.length === 0) up.domain = [0.1, 1]; // no extent can be found of nothing
    const y = {
      field: "y",
      type: "quantitative",
      title: data.y_titles[element("measure").value],
      scale: up,
    };
    const across = {
      field: "x",
      type: "quantitative",
      title: data.x_titles[element("spent").value],
      scale: { type: isLogAcross() ? "log" : "linear", domain: zoom ?? whole(), nice: false },
    };
    const colour = { field: "series", type: "nominal", scale: style("colour"), legend: null };
    const dash = { field: "series", type: "nominal", scale: style("dash"), legend: null };
    const shared = { x: across, color: colour };
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
    // The place, and what a drag has gone over.
    const ink = dark.matches ? "#f0f0f0" : "#1a1a1a";
    const marks = [
      { type: "rect", x: { expr: "from" }, x2: { expr: "to" }, y: 0, y2: "height", opacity: 0.15 },
      { type: "rect", x: { expr: "place" }, width: 1, y: 0, y2: "height", opacity: 0.7 },
    ];
    for (const mark of marks) {
      const still = { color: ink, tooltip: null, aria: false, clip: true };
      layer.push({ data: { values: [{}] }, mark: { ...mark, ...still } });
    }
    return {
      width: "container",
      height: "container",
      autosize: { type: "fit", contains: "padding" },
      params: ["from", "to", "place"].map((name) => ({ name, value: -10 })),
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

  /** Draw the curves as the switches stand, one drawing after the other. */
  function drawRace() {
    race.setAttribute("aria-busy", "true");
    const mine = drawing.then(redraw).finally(() => {
      if (drawing === mine) race.removeAttribute("aria-busy");
    });
    drawing = mine;
    return mine;
  }

  /** Read a curve at a place, between its points on a straight line; null beyond its ends. */
  function read(curve, x) {
    const next = curve.x.findIndex((each) => each >= x);
    if (next < 0 || (next === 0 && curve.x[0] > x)) return null;
    if (next === 0 || curve.x[next] === x) return curve.y[next];
    const [a, b] = [curve.y[next - 1], curve.y[next]];
    if (a === null || b === null) return null;
    return a + ((b - a) * (x - curve.x[next - 1])) / (curve.x[next] - curve.x[next - 1]);
  }

  const written = (value) => (value === null ? "" : String(Number(value.toPrecision(4))));

  /** Write down the values at the place, and mark it in the chart. */
  function show() {
    const isThere = place !== null;
    const at = isThere ? read : () => null;
    curves().forEach((curve, i) => {
      outputs[i].textContent = boxes[i].checked ? written(at(curve, place)) : "";
    });
    if (isThere) {
      element("place").textContent = `At ${written(place)} ${data.x_titles[element("spent").value]}:`;
    }
    view?.signal("place", isThere ? view.scale("x")(place) : -10).run();
  }

  function moveTo(x) {
    const [from, to] = zoom ?? whole();
    place = Math.min(Math.max(x, from), to);
    show();
  }

  /** Make the part that is seen so many times as wide, around the place. */
  function scaleBy(factor) {
    const [first, last] = whole().map(along);
    const [from, to] = (zoom ?? whole()).map(along);
    const half = ((to - from) * factor) / 2;
    const middle = place === null ? (from + to) / 2 : along(place);
    zoomTo([Math.max(first, middle - half), Math.min(last, middle + half)].map(back));
  }

  function zoomTo(part) {
    const [from, to] = whole();
    zoom = part && part[1] > part[0] && (part[0] > from || part[1] < to) ? part : null;
    return drawRace();
  }

  function step(parts) {
    const [from, to] = (zoom ?? whole()).map(along);
    const now = place === null ? (from + to) / 2 : along(place);
    moveTo(back(now + (to - from) * parts));
  }

  /** The place under a pointer, in pixels of the plot and in units of what is spent. */
  function under(event) {
    const left = view.origin()[0] + view.padding().left;
    const svg = race.querySelector("svg").getBoundingClientRect();
    const width = view.signal("width");
    const pixel = Math.min(Math.max(event.clientX - svg.left - left, 0), width);
    return [pixel, view.scale("x").invert(pixel)];
  }

  race.addEventListener("pointermove", (event) => {
    if (!view) return;
    const [pixel, x] = under(event);
    if (dragged) {
      view.signal("from", Math.min(pixel, dragged[0])).signal("to", Math.max(pixel, dragged[0]));
    }
    moveTo(x);
  });
  race.addEventListener("pointerdown", (event) => {
    if (view && event.pointerType === "mouse") dragged = under(event);
  });
  addEventListener("pointerup", (event) => {
    if (!dragged) return;
    const [pixel, x] = under(event);
    const begun = dragged;
    dragged = null;
    if (Math.abs(pixel - begun[0]) > 8) zoomTo([begun[1], x].sort((a, b) => a - b));
  });
  race.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => step(-0.02),
      ArrowRight: () => step(0.02),
      Home: () => moveTo((zoom ?? whole())[0]),
      End: () => moveTo((zoom ?? whole())[1]),
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
  element("whole").addEventListener("click", () => zoomTo(null));
  for (const id of ["measure", "spent", "log-across", "log-up"]) {
    element(id).addEventListener("change", () => {
      place = null;
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
