"""Checking what a user configured, and saying plainly what is wrong with it."""

import contextlib
import copy
import difflib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from batch_race.errors import InputError

Schema = Mapping[str, Any]

MAX_MISTAKES = 12
"""More are counted, not listed: a message is to fit on a screen."""


class ConfigurationError(InputError):
    """A configuration that the schema does not allow."""


def check(config: dict[str, Any], schema: Schema) -> None:
    """Validate a configuration, and complete it in place.

    Where the schema asks for a list, one value is made a list of one, and where it asks for a
    number, a text that spells one is made that number. A missing key takes the schema's default.

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
    errors = sorted(_FiniteNumbers(schema).iter_errors(config), key=lambda error: error.json_path)
    if errors:
        mistakes = [f"  {mistake}" for error in errors for mistake in _mistakes(error)]
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
        return {str(name): each for name, each in value.items()}  # a name may be a number
    if kinds == "string" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a name or title may be a number
    if isinstance(value, str):
        for kind, read in _READERS.items():
            if kind in kinds:
                with contextlib.suppress(ValueError, KeyError):
                    return read(value)
    return value


_READERS: dict[str, Callable[[str], Any]] = {
    "null": {"null": None}.__getitem__,
    "boolean": {"true": True, "false": False}.__getitem__,
    "integer": int,
    "number": float,
}


def _is_finite_number(checker: Any, instance: object) -> bool:
    if isinstance(instance, float):
        return math.isfinite(instance)
    return isinstance(instance, int) and not isinstance(instance, bool)


# YAML's .nan passes every bound and its .inf those that are not there: neither is a number here.
_FiniteNumbers: type[Validator] = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_finite_number),
)


def _mistakes(error: ValidationError) -> Iterator[str]:
    """Return the messages of one of jsonschema's errors."""
    key = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance:
            if name not in known:
                short = str(name) if len(str(name)) <= 60 else f"{str(name)[:57]}…"
                full = f"{key}.{short}" if key else short
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
                yield f"{full}: found an unknown key; {hint}"
    else:
        yield f"{key or 'the file'}: found {_shown(error.instance)}, expected {_expected(error)}"


def _expected(error: ValidationError) -> str:
    if "expected" in error.schema:
        return str(error.schema["expected"])
    bound = error.validator_value
    match error.validator:
        case "type":
            kinds = [bound] if isinstance(bound, str) else bound
            return " or ".join(_KINDS[kind] for kind in kinds)
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
