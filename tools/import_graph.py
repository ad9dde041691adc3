"""Draw the imports between groups of modules, for CONTRIBUTING.md.

python -m tools.import_graph docs/images/imports.svg
"""

import sys
from collections.abc import Mapping
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from batch_race.plan.sources import ROOT, SCRIPTS, imports
from batch_race.report import style, theme

GROUPS = ("nn", "batch_race", "store", "data", "plan", "run", "analyze", "report", "scripts")
"""From the bottom to the top: a module imports only from its own group and the groups below.

A group is a folder with its subfolders; `batch_race` has only the modules directly in it.
"""

# Lengths in the picture, in pixels.
WIDTH = 860
LEFT, RIGHT = 90, 660  # of the groups: their names are to the left, arrows to the right
LINE = 25  # height of a line of boxes
GAP = 6  # between boxes, and between a box and the edge of its group
SPACE = 12  # between groups
LETTER = 7.2  # width of a letter in a box
BEND = 21  # how much farther to the right an arrow bends for each group that it passes

ARROW_STEPS = 32
"""Segments of an arrow, which is half an ellipse."""

Values = list[dict[str, Any]]


def modules() -> list[Path]:
    """Return the files of all modules, sorted."""
    return sorted([*(ROOT / "nn").rglob("*.py"), *SCRIPTS.rglob("*.py")])


def group(path: Path) -> str:
    """Return the group of a module."""
    if path.is_relative_to(ROOT / "nn"):
        return "nn"
    folders = path.relative_to(SCRIPTS).parts[:-1]
    return folders[:2][-1] if folders else "scripts"


def edges() -> list[tuple[Path, Path]]:
    """Return all pairs of a module and a module that it imports.

    A package counts as imported if none of its modules is.
    """
    known = set(modules())
    return [
        (path, imported)
        for path in sorted(known)
        for imported in sorted(imports(path) & known)
        if imported.name != "__init__.py"
        or not any(other.is_relative_to(imported.parent) for other in imports(path) - {imported})
    ]


def draw() -> alt.LayerChart:
    """Draw the groups as rows, their modules as boxes, and an arrow to each group they import."""
    boxes: Values = []
    rows: Values = []
    top = 0.0
    for name in reversed(GROUPS):
        inside = _boxes(name, top + GAP)
        bottom = inside[-1]["y2"] + GAP
        rows.append(_box(name, LEFT, RIGHT, top, bottom))
        boxes += inside
        top = bottom + SPACE
    lines = _arrows({row["text"]: row for row in rows})
    heads = [point for point in lines if point["step"] == ARROW_STEPS]

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", axis=None).scale(domain=[0, WIDTH], nice=False)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", axis=None).scale(domain=[top - SPACE, 0], nice=False)

    rectangle = (x("x"), y("y"), alt.X2("x2"), alt.Y2("y2"))
    text = alt.Text("text:N")
    # nn and batch_race import no group; scripts import all.
    colour = alt.Color("text:N", legend=None).scale(
        domain=GROUPS, range=["black", "black", *style.COLOURS, "#505050"]
    )
    arrow = (x("x"), y("y"), colour, alt.Description("description:N"))
    layers = [
        _chart(rows).mark_rect(fill="#f1f1f1", cornerRadius=4).encode(*rectangle),
        _chart(rows)
        .mark_text(align="right", dx=-10, fontSize=14, fontWeight="bold")
        .encode(x("x"), y("middle"), text, colour),
        _chart(lines)
        .mark_line(opacity=0.85)
        .encode(*arrow, alt.Detail("description:N"), alt.Order("step:Q")),
        _chart(heads)
        .mark_point(shape="triangle-left", size=50, filled=True, opacity=1)
        .encode(*arrow),
        _chart(boxes).mark_rect(fill="white", stroke="#b0b0b0", cornerRadius=3).encode(*rectangle),
        _chart(boxes).mark_text(fontSize=11.5).encode(x("centre"), y("middle"), text),
    ]
    return alt.LayerChart(layer=layers).properties(width=WIDTH, height=top - SPACE)


def _chart(values: Values) -> alt.Chart:
    return alt.Chart(pl.DataFrame(values))


def _box(text: str, x: float, x2: float, y: float, y2: float) -> dict[str, Any]:
    middles = {"centre": (x + x2) / 2, "middle": (y + y2) / 2}
    return {"text": text, "x": x, "x2": x2, "y": y, "y2": y2} | middles


def _boxes(name: str, top: float) -> Values:
    """Return the boxes of a group's modules and packages, in lines that fit the group's width."""
    inside = [path for path in modules() if group(path) == name]
    folder = min((path.parent for path in inside), key=lambda path: len(path.parts))
    parts = [path.relative_to(folder).parts for path in inside]
    texts = {f"{first}/" if rest else first.removesuffix(".py") for first, *rest in parts}
    boxes: Values = []
    x: float = LEFT + GAP
    for text in sorted(texts - {"__init__"}):
        width = 10 + LETTER * len(text)
        if x + width + GAP > RIGHT:
            x, top = LEFT + GAP, top + LINE
        boxes.append(_box(text, x, x + width, top, top + LINE - GAP))
        x += width + GAP
    return boxes


def _arrows(rows: Mapping[str, Mapping[str, float]]) -> Values:
    """Return the points of the arrows from group to group, to the right of the groups' rows."""
    pairs = {(group(path), group(imported)) for path, imported in edges()}
    pairs = {(first, last) for first, last in pairs if first != last}

    # From the top of a row: arrows to it, then arrows from it, so ordered that they do not cross.
    ends: dict[str, list[tuple[str, str]]] = {
        name: [
            *((other, name) for other in GROUPS if (other, name) in pairs),
            *((name, other) for other in GROUPS if (name, other) in pairs),
        ]
        for name in GROUPS
    }

    def height(name: str, pair: tuple[str, str]) -> float:
        position = (1 + ends[name].index(pair)) / (1 + len(ends[name]))
        return rows[name]["y"] + (rows[name]["y2"] - rows[name]["y"]) * position

    points = []
    for pair in sorted(pairs):
        first, last = pair
        start, end = height(first, pair), height(last, pair)
        width = BEND * (1 + abs(GROUPS.index(first) - GROUPS.index(last)))
        for step in range(ARROW_STEPS + 1):
            angle = pi * step / ARROW_STEPS
            point = {
                "x": round(RIGHT + GAP + width * sin(angle), 1),
                "y": round(start + (end - start) * (1 - cos(angle)) / 2, 1),
            }
            points.append(
                point | {"step": step, "text": first, "description": f"{first} imports {last}"}
            )
    return points


if __name__ == "__main__":
    theme.save(draw(), Path(sys.argv[1]))
