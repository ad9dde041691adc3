// The table: sorted by the column whose heading is pressed.
const sorted = { heading: null, order: null };
const tableBody = document.querySelector("[aria-labelledby=table] tbody");
const tableRows = [...tableBody.rows];
const headings = [...document.querySelectorAll("[aria-labelledby=table] th")];
const byText = new Intl.Collator("en", { numeric: true });

/** Return the number that a cell begins with, its text, or null if it has no value. */
function sortKey(cell) {
  const text = cell.textContent;
  if (/^[–?]|^$/.test(text)) return null;
  const number = text.match(/^(?:all \(|[<>] )?(-?[\d.,]+(?:e[-+]?\d+)?|inf)/);
  if (!number) return text;
  return number[1] === "inf" ? Infinity : Number(number[1].replaceAll(",", ""));
}

/** Compare two keys; numbers come before texts. */
function compareKeys(a, b) {
  if (typeof a === "number" && typeof b === "number") return a === b ? 0 : a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return byText.compare(a, b);
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
