"""The decisions of a race as a table: who was stopped when, against whom, by which rule."""

from typing import Any

import polars as pl

from batch_race.hyperparameters import REGISTRY, with_role
from batch_race.plan.race import Race
from batch_race.store import crossings, history
from batch_race.store.rounds import Round

_SEED = with_role("repeated")[0]

_COLUMNS: dict[str, type[pl.DataType]] = {
    "round": pl.Int64,
    "rule": pl.String,
    **history.HYPERPARAMETERS,
    "target": pl.String,
    "target_value": pl.Float64,
    "seconds": pl.Float64,
    "is_whole": pl.Boolean,
    "against_batch_size": pl.Int64,
    "against_learning_rate": pl.Float64,
    "leader_seconds": pl.Float64,
}
SCHEMA = pl.Schema(_COLUMNS)
"""One row for each decision.

Those about a run and a target it was trained for have a seed, the `seconds` that it had trained,
and whether its budget was the whole one (`is_whole`). Their rule is `reached`; `slower`, not there
in `factor` times the seconds (`leader_seconds`) of the configuration that it is `against`;
`budget`, all of it spent; `diverged`; or `ended`, by a target of the budget. Where a run that was
trained for longer may have been at a target later, `slower` has the `seconds` before which it was
not.

Those about a configuration have no seed. Their rule is `start`, `widened` or `refined`, for a
learning rate that was tried (the last two because of a target); or `settled`: the configuration was
shown to win a target, so that no further seeds were trained for it.
"""


def tabulate(race: Race, last: Round) -> pl.DataFrame:
    """Return the decisions of a race that is over, with the columns of `SCHEMA`."""
    targets = crossings.listed(race.parts["targets"])

    def row(entrant: int, learning_rate: float, target: int | None, **more: Any) -> dict[str, Any]:
        values = race.parts["entrants"][entrant]["values"]
        asked = targets[target]._asdict() if target is not None else {}
        return (
            dict.fromkeys(SCHEMA)
            | {key: values[key] for key in REGISTRY if key != _SEED}
            | {"learning_rate": learning_rate}
            | {"target": asked.get("metric"), "target_value": asked.get("value")}
            | more
        )

    rows = [row(**decision) for decision in last.decisions]
    for trial in last.trials:
        for target, closing in trial.closed.items():
            size, rate = closing["against"] or (None, None)
            rows.append(
                row(
                    trial.entrant,
                    trial.learning_rate,
                    target,
                    seed=trial.seed,
                    is_whole=race.is_whole(trial.level, trial.seconds),
                    against_batch_size=size,
                    against_learning_rate=rate,
                    **{key: closing[key] for key in ("round", "rule", "seconds", "leader_seconds")},
                )
            )
    return pl.DataFrame(rows, schema=SCHEMA).sort("round", maintain_order=True)
