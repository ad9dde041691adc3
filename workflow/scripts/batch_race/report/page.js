// What the other scripts share. All of them are one script in the page.
const data = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

const theme = () => (dark.matches ? "dark" : "light");

/** Draw Vega-Lite in an element. */
function embed(target, spec, colours = theme()) {
  const config = structuredClone(data.themes[colours]);
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

async function drawAll() {
  await drawRace();
  for (const target of document.querySelectorAll("[data-chart]")) {
    await embed(target, data.charts[target.dataset.chart][target.dataset.spec]);
  }
  document.documentElement.dataset.drawn = "all";
}
