// The view (axes, zoom, lines, order of the table) in the fragment of the page's address.
const axes = [...element("axes").querySelectorAll("select, input")];
const isBox = (control) => control.type === "checkbox";
const ofDefault = (control) =>
  isBox(control)
    ? control.defaultChecked
    : ([...control.options].find((option) => option.defaultSelected) ?? control.options[0]).value;

/** Write the view into the address; what is as usual is left out. Back leaves the page. */
function writeView() {
  const parameters = new URLSearchParams();
  for (const control of axes) {
    const value = isBox(control) ? control.checked : control.value;
    if (value !== ofDefault(control)) parameters.set(control.id, isBox(control) ? "1" : value);
  }
  if (zoom) parameters.set("zoom", zoom.map((x) => Number(x.toPrecision(6))).join(" "));
  for (const box of boxes) {
    if (!box.checked) parameters.append("without", data.race.series[box.value].name);
  }
  if (sorted.heading) parameters.set(sorted.order, sorted.heading);
  const fragment = parameters.size ? `#${parameters}` : "";
  try {
    history.replaceState(null, "", location.href.split("#")[0] + fragment);
  } catch {
    // A page without an address of its own, such as one inside Snakemake's report, keeps no view.
  }
}

/** Set the page as the address says; what it does not know, it ignores. */
function readView() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  for (const control of axes) {
    const value = parameters.get(control.id);
    if (isBox(control)) control.checked = value === "1";
    else control.value = value;
    if (!isBox(control) && control.selectedIndex < 0) control.value = ofDefault(control);
  }
  const without = new Set(parameters.getAll("without"));
  for (const box of boxes) box.checked = !without.has(data.race.series[box.value].name);
  cursor = null;
  zoom = clamped(parameters.get("zoom")?.split(" ").map(Number));
  const order = ["ascending", "descending"].find((each) => parameters.has(each));
  sortTable(parameters.get(order), order);
  showAll();
}

addEventListener("hashchange", () => {
  // The name of a section is no view.
  if (location.hash && !location.hash.includes("=")) return;
  readView();
  drawRace();
});
dark.addEventListener("change", drawAll);
readView();
drawAll();
