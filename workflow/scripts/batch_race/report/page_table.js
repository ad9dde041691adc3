// The table: sorted by the column whose heading is pressed.
const sorted = { heading: null, order: null };
const tableBody = document.querySelector("[aria-labelledby=table] tbody");
const tableRows = [...tableBody.rows];
const headings = [...document.querySelectorAll("[aria-labelledby=table] th")];
const byText = new Intl.Collator("en", { numeric: true });

/** Return what a cell is sorted by: a number, then a lower bound, then a text; null if it is empty. */
function sortKey(cell) {
  const text = cell.textContent;
  if (/^[–?]|^$/.test(text)) return null;
  const found = text.match(/^(?:all \()?(> )?(-?[\d.,]+(?:e[-+]?\d+)?|inf)/);
  if (!found) return [2, text];
  const number = found[2] === "inf" ? Infinity : Number(found[2].replaceAll(",", ""));
  return [found[1] ? 1 : 0, number];
}

function compareKeys([rankA, a], [rankB, b]) {
  if (rankA !== rankB) return rankA - rankB;
  if (typeof a === "string") return byText.compare(a, b);
  return a === b ? 0 : a - b;
}

/** Sort by the column of this heading; "" is the order in which the page was written. */
function sortTable(heading, order) {
  const column = headings.findIndex((each) => each.dataset.name === heading);
  const isSorted = column >= 0;
  Object.assign(sorted, { heading: isSorted ? heading : null, order: isSorted ? order : null });
  headings.forEach((each, i) => {
    if (i === column) each.setAttribute("aria-sort", order);
    else each.removeAttribute("aria-sort");
  });
  const keyed = tableRows.map((row) => [row, isSorted ? sortKey(row.cells[column]) : null]);
  const sign = order === "descending" ? -1 : 1;
  keyed.sort(([, a], [, b]) => {
    // Rows without a value are last in both orders.
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * compareKeys(a, b);
  });
  tableBody.append(...keyed.map(([row]) => row));
}

for (const heading of headings) {
  heading.dataset.name = heading.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = heading.textContent;
  button.addEventListener("click", () => {
    const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    sortTable(heading.dataset.name, order);
    writeView();
  });
  heading.replaceChildren(button);
}
