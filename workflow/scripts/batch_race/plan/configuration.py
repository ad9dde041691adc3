"""Checking what a user configured, and saying plainly what is wrong with it."""

import contextlib
import copy
import datetime
import difflib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from yaml.constructor import SafeConstructor

from batch_race.errors import InputError
from batch_race.texts import escape, is_plain

Schema = Mapping[str, Any]

MAX_MISTAKES = 12
"""More are counted, not listed: a message is to fit on a screen."""

LIMITS = ("seconds", "steps", "epochs")
"""The keys of `budget` that end every run."""

SIMILARITY = 0.75
"""How similar an unknown key must be to a known one (difflib's ratio) to be taken for it."""


class ConfigurationError(InputError):
    """A configuration that the schema does not allow."""


def replace_limits(config: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> None:
    """Keep of a merged budget only the limits that were given together, in place.

    Merging keeps what a later layer does not mention: the 60 seconds of config.yaml would end a run
    that is given 100 epochs.

    Parameters
    ----------
    config : mapping
        All layers, merged.
    layers : sequence of mapping
        What was merged over config.yaml, in this order: files, then the command line.
    """
    merged = config.get("budget")
    for budget in reversed([layer.get("budget") for layer in layers]):
        if isinstance(budget, Mapping) and any(limit in budget for limit in LIMITS):
            if isinstance(merged, dict):
                merged |= {limit: budget.get(limit) for limit in LIMITS}
            return


def check(config: dict[str, Any], schema: Schema) -> None:
    """Validate a configuration, and complete it in place.

    Where the schema asks for a list, one value is made a list of one, and where it asks for a
    number, a text that spells one is made that number. Environment variables in paths are expanded.
    A missing key takes the schema's default.

    Parameters
    ----------
    config : dict
        What the user configured.
    schema : mapping
        A JSON schema, draft 2020-12, of an object. The keyword `expected`, where there is one,
        says in words what a value must be.

    Raises
    ------
    ConfigurationError
        With one line for each mistake: the key, what was found and what was expected.
    """
    config.update(_settled(config, schema, schema["properties"]))
    validator = _FiniteNumbers(schema, format_checker=_FORMATS)
    errors = sorted(validator.iter_errors(config), key=lambda error: error.json_path)
    if errors:
        mistakes = [
            f"  {escape(mistake)}" for error in errors for mistake in _mistakes(error, schema)
        ]
        if (more := len(mistakes) - MAX_MISTAKES) > 0:
            mistakes[MAX_MISTAKES:] = [f"  and {more:,} more"]
        raise ConfigurationError("\n".join(["The configuration has mistakes:", *mistakes]))


def _settled(value: Any, schema: Schema, keys: Mapping[str, Schema]) -> Any:
    """Give a value the form that the schema asks for, where it means the same.

    `keys` are those of the whole schema, to which a part may refer. Snakemake hands over the
    members of a list or mapping on its command line as texts, and YAML reads 1e-2 as one.
    """
    if "$ref" in schema:
        schema = keys[schema["$ref"].removeprefix("#/properties/")]
    kinds = schema.get("type", ())
    if kinds == "array":
        members = value if isinstance(value, list) else [value]
        return [_settled(member, schema["items"], keys) for member in members]
    if isinstance(value, dict) and "properties" in schema:
        parts = schema["properties"]
        defaults = {key: part["default"] for key, part in parts.items() if "default" in part}
        given = copy.deepcopy(defaults) | value
        return {key: _settled(part, parts.get(key, {}), keys) for key, part in given.items()}
    if isinstance(value, dict) and "propertyNames" in schema:
        part = schema["additionalProperties"]
        # A name may be a number.
        return {str(name): _settled(each, part, keys) for name, each in value.items()}
    if kinds == "string" and isinstance(value, _NAMES) and not isinstance(value, bool):
        return str(value)
    if schema.get("format") == "path" and isinstance(value, str):
        return VARIABLE.sub(lambda found: _variable(found) or found[0], value)
    if isinstance(value, str):
        for kind, read in _READERS.items():
            if kind in kinds:
                with contextlib.suppress(ValueError, KeyError):
                    value = read(value)
                    break
    if isinstance(value, float) and value.is_integer() and "integer" in kinds:
        return int(value)
    return value


_NAMES = (int, datetime.date)
"""Types that YAML makes of texts which may be names or titles: 2026, 2026-01-31."""


def _whole(text: str) -> int:
    """Read a whole number, which may be spelled 1e3.

    Raises
    ------
    ValueError
        If the text spells no whole number.
    """
    with contextlib.suppress(ValueError):
        return int(text)
    number = float(text)
    if not number.is_integer():
        raise ValueError(f"found {text}, expected a whole number")
    return int(number)


_READERS: dict[str, Callable[[str], Any]] = {
    "null": lambda text: {"null": None, "~": None, "": None}[text.lower()],
    "boolean": lambda text: SafeConstructor.bool_values[text.lower()],
    "integer": _whole,
    "number": float,
}

VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[^}]*)\})")
"""An environment variable in a path."""


def _variable(found: re.Match[str]) -> str | None:
    return os.environ.get(found["plain"] or found["braced"])


_FORMATS = FormatChecker(())
_FORMATS.checks("plain")(lambda value: not isinstance(value, str) or is_plain(value))
_FORMATS.checks("path")(
    lambda value: not isinstance(value, str) or (is_plain(value) and not VARIABLE.search(value))
)


def _is_finite_number(checker: Any, instance: object) -> bool:
    if isinstance(instance, float):
        return math.isfinite(instance)
    return isinstance(instance, int) and not isinstance(instance, bool)


# YAML's .nan passes every bound and its .inf those that are not there: neither is a number here.
_FiniteNumbers: type[Validator] = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_finite_number),
)


def _mistakes(error: ValidationError, schema: Schema) -> Iterator[str]:
    """Return the messages of one of jsonschema's errors."""
    key = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance:
            if name not in known:
                short = str(name) if len(str(name)) <= 60 else f"{str(name)[:57]}…"
                full = f"{key}.{short}" if key else short
                meant = _similar(str(name), known) or ([] if key else _nested(str(name), schema))
                hint = f"did you mean {' or '.join(meant)}?" if meant else ""
                yield f"{full}: found an unknown key; {hint or 'known are ' + ', '.join(known)}"
    else:
        yield f"{key or 'the file'}: found {_shown(error.instance)}, expected {_expected(error)}"


def _similar(name: str, known: Sequence[str]) -> list[str]:
    """Return the known key of which a name is a slip of the pen, if there is one."""
    return difflib.get_close_matches(name.lower(), known, n=1, cutoff=SIMILARITY)


def _nested(name: str, schema: Schema) -> list[str]:
    """Return the keys of the schema's mappings that a name means."""
    return [
        f"{key}.{meant}"
        for key, part in schema["properties"].items()
        for meant in _similar(name, list(part.get("properties", ())))
    ]


def _expected(error: ValidationError) -> str:
    if "expected" in error.schema:
        return str(error.schema["expected"])
    bound = error.validator_value
    match error.validator:
        case "type":
            kinds = [bound] if isinstance(bound, str) else bound
            return " or ".join(_KINDS[kind] for kind in kinds)
        case "format":
            if not is_plain(error.instance):
                return f"{'a path' if bound == 'path' else 'text'} without control characters"
            return "a path whose environment variables are set"
        case "enum":
            return "one of " + ", ".join(_shown(value) for value in bound)
        case "minimum":
            return f"at least {bound:,}"
        case "maximum":
            return f"at most {bound:,}"
        case "exclusiveMinimum":
            return f"a number above {bound}"
        case "exclusiveMaximum":
            return f"a number below {bound}"
        case "minItems" | "minLength":
            return "at least one"
        case "maxItems" | "maxProperties":
            return f"at most {bound:,} values"
        case "maxLength":
            return f"at most {bound:,} characters"
    raise NotImplementedError(f"no message for the schema's keyword {error.validator}")


_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a finite number",
    "object": "keys with values",
    "string": "text",
}


def _shown(value: object) -> str:
    # null, true and false as YAML spells them.
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
