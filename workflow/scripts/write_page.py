"""Write the page of an experiment."""

import json
from datetime import UTC, datetime
from pathlib import Path

from batch_race.report import decisions_table, page, page_curves, page_table
from batch_race.report.data_url import encode
from batch_race.store import history, logs, parquet
from batch_race.store.files import replacing


def main() -> None:
    """Read the results of the other rules and write the page."""
    logs.start(snakemake.log[0])
    files, params = snakemake.input, snakemake.params
    experiment, clock = snakemake.wildcards.experiment, params.clock
    histories = history.read_collected(Path(files.histories))
    summary, _ = parquet.read(Path(files.summary))
    runs = list(json.loads(Path(files.runs).read_text(encoding="utf-8")).values())
    answers = json.loads(Path(files.answers).read_text(encoding="utf-8"))
    mistakes, _ = parquet.read(Path(files.mistakes))
    made = [parquet.read(Path(path))[0] for path in files.decisions]
    images = dict(histories.select("dataset", "training_images").unique().iter_rows())
    drawn = [
        page.chart(
            chart.stem,
            json.loads(chart.read_text(encoding="utf-8")),
            page.caption(Path(caption).read_text(encoding="utf-8"), experiment, clock),
            params.title,
        )
        for chart, caption in zip(map(Path, files.charts), files.captions, strict=True)
    ]
    text = page.write(
        {
            "title": params.title,
            "experiment": experiment,
            "clock": clock,
            "datasets": histories["dataset"].unique().sort().to_list(),
            "machines": histories["machine"].unique().sort().to_list(),
            "answer": Path(files.answer).read_text(encoding="utf-8"),
            "forecast": Path(files.forecast).read_text(encoding="utf-8"),
            "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "version": params.version,
            "table": page_table.table(summary, answers),
            "csv": encode(page_table.csv(summary).encode(), "text/csv"),
            "decisions": decisions_table.rows(made[0], params.factor, images) if made else [],
            "max_decisions": decisions_table.MAX_ROWS,
            "race": page_curves.race(histories, params.targets, answers),
            "charts": drawn,
            "gallery": page.gallery(mistakes),
            "vega": Path(files.vega).read_text(encoding="utf-8"),
            "measured": page.measured(runs),
            "configuration": page.configuration(runs, summary),
        }
    )
    with replacing(Path(snakemake.output.page)) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
