"""Fit the steps to each target against the batch size, and forecast other machines from it."""

import json
from pathlib import Path

from batch_race.analyze import forecast
from batch_race.report import forecast_message
from batch_race.store import logs, parquet
from batch_race.store.files import replacing


def main() -> None:
    """Write the law and the forecasts as text and as JSON."""
    logs.start(snakemake.log[0])
    runs, _ = parquet.read(Path(snakemake.input.runs))
    summary, _ = parquet.read(Path(snakemake.input.summary))
    found = forecast.forecast(
        runs, summary, snakemake.params.workers, snakemake.params.communication_seconds
    )
    for path, text in (
        (snakemake.output.text, forecast_message.write(found)),
        (snakemake.output.json, json.dumps(found, indent=2) + "\n"),
    ):
        with replacing(Path(path)) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
