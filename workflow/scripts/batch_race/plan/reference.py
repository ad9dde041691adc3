"""The page that describes every key of the configuration, generated from the schema.

PYTHONPATH=workflow/scripts python -m batch_race.plan.reference > docs/configuration.md
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from batch_race.hyperparameters import load_schema

_HEADING = """\
# Configuration

Every key of [config.yaml](../config.yaml), as
[config.schema.yaml](../workflow/schemas/config.schema.yaml) has it. (This page is generated from
it: `PYTHONPATH=workflow/scripts python -m batch_race.plan.reference > docs/configuration.md`.)
A key that takes a list is swept; a single value is read as a list of one. Any key can be given on
the command line:

```sh
snakemake --cores 4 --config 'batch_size=[16, 64]' 'budget={seconds: 20}'
```

An experiment of your own is a file with the keys that differ from config.yaml, given with
`--configfile`; those in [config/](../config) are such files.
"""


def markdown(schema: Mapping[str, Any]) -> str:
    """Return the page that describes all keys of a schema.

    Parameters
    ----------
    schema : mapping
        The content of config.schema.yaml.

    Returns
    -------
    str
        Markdown: for each key its description, its values, its unit and its default.
    """
    parts = [_HEADING]
    for key, part in _keys(schema):
        lines = [f"## {key}", "", _sentence(part["description"]), ""]
        takes = _takes(part, schema["properties"])
        unit = "" if part["unit"] == "none" else f", in {part['unit']}"
        lines.append(f"Takes {takes}{unit}.")
        if "properties" not in part or part.get("default"):
            lines[-1] += f" Default: `{_format(part['default'])}`."
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _keys(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, part in schema["properties"].items():
        yield f"{prefix}{key}", part
        if "properties" in part:
            yield from _keys(part, f"{key}.")


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _takes(part: Mapping[str, Any], keys: Mapping[str, Any]) -> str:
    if "expected" in part:
        return str(part["expected"])
    if "enum" in part:
        return "one of " + ", ".join(f"`{_format(value)}`" for value in part["enum"])
    kinds = part["type"]
    if kinds == "array":
        return f"a list, each entry {_takes(part['items'], keys)}"
    if kinds == "object":
        return "keys of its own" if "properties" in part else "names with values"
    names = [_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    bounds = [
        text.format(part[bound]) for bound, text in _BOUNDS.items() if part.get(bound) is not None
    ]
    return " or ".join(names) + (f" ({', '.join(bounds)})" if bounds else "")


_KINDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "string": "a text",
}

_BOUNDS = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "above {:,}",
    "maximum": "at most {:,}",
    "exclusiveMaximum": "below {:,}",
    "maxLength": "of at most {:,} characters",
}


def _format(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(markdown(load_schema()))
