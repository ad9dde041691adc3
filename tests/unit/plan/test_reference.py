"""The page of the configuration agrees with the schema."""

from batch_race.hyperparameters import load_schema
from batch_race.plan import reference
from tests.conftest import ROOT


def test_the_page_agrees_with_the_schema():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == reference.markdown(load_schema()), (
        "the schema was changed; generate the page again: "
        "PYTHONPATH=workflow/scripts python -m batch_race.plan.reference > docs/configuration.md"
    )


def test_a_key_is_described_in_full():
    page = reference.markdown(
        {
            "properties": {
                "rates": {
                    "description": "What it\nis.",
                    "unit": "hertz",
                    "type": "array",
                    "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000},
                    "default": [0.5],
                },
                "part": {
                    "description": "Keys.",
                    "unit": "none",
                    "type": "object",
                    "properties": {
                        "clock": {
                            "description": "Which.",
                            "unit": "none",
                            "enum": ["a", "b"],
                            "default": "a",
                        }
                    },
                },
            }
        }
    )
    assert page.split("## ")[1:] == [
        "rates\n\nWhat it is.\n\nTakes a list, each entry a number (above 0, at most 1,000), in "
        "hertz. Default: `[0.5]`.\n\n",
        "part\n\nKeys.\n\nTakes keys of its own.\n\n",
        "part.clock\n\nWhich.\n\nTakes one of `a`, `b`. Default: `a`.\n",
    ]
