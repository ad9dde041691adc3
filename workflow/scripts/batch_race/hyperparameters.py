"""The registry of hyperparameters, read from the schema of the configuration.

A key of config.yaml is a hyperparameter if the schema gives it a `role`. The lists that are swept,
the names of runs, the columns of histories, configurations and comparison groups all follow from
that one entry.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

Role = Literal["compared", "group", "tuned", "repeated"]


class Hyperparameter(NamedTuple):
    """What the schema says of a hyperparameter.

    Attributes
    ----------
    kind : type
        Of a run's value: int, float, bool or str.
    default : int, float, bool or str
        The value of a run, or the first of several.
    role : {"compared", "group", "tuned", "repeated"}
        `compared` is the batch size, which the answer is about; it is compared among runs with the
        same value of each `group`, and represented by its best value of each `tuned`; `repeated` is
        the seed, over which medians are taken.
    label : str
        Its name in the names of runs; empty if only their digest depends on it.
    """

    kind: type[int] | type[float] | type[bool] | type[str]
    default: int | float | bool | str
    role: Role
    label: str


_KINDS: dict[str, type[int] | type[float] | type[bool] | type[str]] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "string": str,
}


def load_schema() -> dict[str, Any]:
    """Return the schema, with the hyperparameters as the keys of what is included and excluded."""
    # The compiled loader, where PyYAML has it, takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema: dict[str, Any] = loader(SCHEMA_FILE.read_text("utf-8")).get_single_data()
    keys = schema["properties"]
    partial = {key: {"$ref": f"#/properties/{key}"} for key in keys if "role" in keys[key]}
    for name in ("include", "exclude"):
        keys[name]["items"] |= {"properties": partial}
    return schema


def _read(schema: dict[str, Any]) -> dict[str, Hyperparameter]:
    return {
        name: Hyperparameter(
            _kind(key["items"]), key["default"][0], key["role"], key.get("label", "")
        )
        for name, key in schema["properties"].items()
        if "role" in key
    }


def _kind(items: dict[str, Any]) -> type[int] | type[float] | type[bool] | type[str]:
    kinds = items.get("type", "string")  # a choice of words has no type
    return _KINDS[kinds if isinstance(kinds, str) else kinds[0]]


REGISTRY = _read(load_schema())
"""By the names of their keys."""


def with_role(role: Role) -> tuple[str, ...]:
    """Return the names of the hyperparameters of a role."""
    return tuple(name for name, each in REGISTRY.items() if each.role == role)


def written(value: object) -> str:
    """Return a hyperparameter's value as one writes it: `0` for 0.0."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


MEASURED_WITH = ("machine", "software")
"""The columns of what times depend on besides the configuration of a run."""

GROUP = (*MEASURED_WITH, *with_role("group"), "training_images", "subnormals")
"""The columns that batch sizes are compared within: times of different machines, or versions of the
software, are never mixed."""

WITHIN_GROUP = (*with_role("compared"), *with_role("tuned"))
"""The columns that tell the configurations of a comparison group apart."""

CONFIGURATION = (*GROUP, *WITHIN_GROUP)
"""The columns that identify a configuration: all of a run but the seed."""

RUN = (*CONFIGURATION, *with_role("repeated"))
"""The columns that identify a run."""
