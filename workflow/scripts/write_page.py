"""Write the page of an experiment."""

import json
from pathlib import Path

from batch_race.report import decisions_table, page, tables
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
    mistakes, _ = parquet.read(Path(files.mistakes))
    made = [parquet.read(Path(path))[0] for path in files.decisions]
    charts = [
        page.chart(
            name,
            json.loads(Path(drawn).read_text(encoding="utf-8")),
            page.caption(Path(caption).read_text(encoding="utf-8"), experiment, clock),
        )
        for name, drawn, caption in zip(params.charts, files.charts, files.captions, strict=True)
    ]
    text = page.write(
        {
            "title": params.title,
            "experiment": experiment,
            "clock": clock,
            "datasets": histories["dataset"].unique().sort().to_list(),
            "machines": histories["machine"].unique().sort().to_list(),
            "answer": Path(files.answer).read_text(encoding="utf-8"),
            "table": tables.rows(summary),
            "decisions": decisions_table.rows(made[0], params.factor) if made else [],
            "max_decisions": decisions_table.MAX_ROWS,
            "race": page.race(histories),
            "charts": charts,
            "gallery": page.gallery(mistakes),
            "measured": page.measured(runs),
            "configuration": page.configuration(runs, summary),
        }
    )
    with replacing(Path(snakemake.output.page)) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
