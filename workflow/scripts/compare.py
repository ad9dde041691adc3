"""Answer which batch size reaches each target first."""

import json
from pathlib import Path

from batch_race.analyze import comparison
from batch_race.report import answer_message, notes
from batch_race.store import logs, parquet
from batch_race.store.files import replacing


def main() -> None:
    """Write the answer as text and as JSON, and the digest of its configuration."""
    logs.start(snakemake.log[0])
    runs, _ = parquet.read(Path(snakemake.input.runs))
    summary, _ = parquet.read(Path(snakemake.input.summary))
    params = snakemake.params
    answers = comparison.compare(runs, summary, params.most_seeds)
    message = answer_message.write(
        answers, params.given, params.factor, notes.count_contended(summary)
    )
    for path, text in (
        (snakemake.output.text, message),
        (snakemake.output.json, json.dumps(answers, indent=2) + "\n"),
        (snakemake.output.made_for, f"{params.digest}\n"),
    ):
        with replacing(Path(path)) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
