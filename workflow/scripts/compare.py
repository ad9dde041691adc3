"""Answer which batch size reaches each target first."""

import json
from pathlib import Path

from workflow.scripts.common import comparison, logs, parquet, words
from workflow.scripts.common.files import replacing


def main() -> None:
    """Write the answer in words and as JSON."""
    logs.start(snakemake.log[0])
    runs, _ = parquet.read(Path(snakemake.input.runs))
    summary, _ = parquet.read(Path(snakemake.input.summary))
    answers = comparison.compare(runs, summary)
    for path, text in (
        (snakemake.output.text, words.answer(answers)),
        (snakemake.output.json, json.dumps(answers, indent=2) + "\n"),
    ):
        with replacing(Path(path)) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    main()
