"""Bundle the JavaScript library that draws the page's charts."""

from pathlib import Path

import vl_convert

from batch_race.store import logs
from batch_race.store.files import replacing


def main() -> None:
    """Write Vega-Embed with all that it needs, as one script."""
    logs.start(snakemake.log[0])
    with replacing(Path(snakemake.output.js)) as temporary:
        temporary.write_text(
            vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
