# Charts and the page.
#
# Inputs: results/collect/<experiment>/{histories.parquet,runs.json},
#         results/summarize/<experiment>/summary.parquet,
#         results/compare/<experiment>/answer.{txt,json},
#         results/forecast/<experiment>/forecast.txt,
#         results/find_mistakes/<experiment>/{confusion,mistakes}.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,json}, and .png on request
#          results/page/<experiment>/report.html
#          results/bundle_vega/vega_embed.js, the page's drawing library

from importlib.metadata import version

from batch_race.report.charts import CHARTS

# By the job that draws from them, then by the folders of workflow/scripts/batch_race/report/charts/.
TABLES = {
    "histories": {"histories": "results/collect/{experiment}/histories.parquet"},
    "results": {
        "summary": "results/summarize/{experiment}/summary.parquet",
        "confusion": "results/find_mistakes/{experiment}/confusion.parquet",
        "mistakes": "results/find_mistakes/{experiment}/mistakes.parquet",
    },
}

# Two processes, which draw at the same time: starting the program that draws takes longer than most
# charts, and the histories are there before the other tables.
for name, tables in TABLES.items():
    drawn = [chart for chart in CHARTS if CHARTS[chart] in tables]

    rule:
        name:
            f"plot_{name}"
        input:
            **tables,
        output:
            svg=[
                report(
                    f"results/plot/{{experiment}}/{chart}.svg",
                    caption=f"../report/{chart}.rst",
                    category="Charts",
                    labels={"chart": chart.replace("_", " ")},
                )
                for chart in drawn
            ],
            json=[f"results/plot/{{experiment}}/{chart}.json" for chart in drawn],
        log:
            f"results/plot/{{experiment}}/plot_{name}.log",
        priority: 1
        localrule: True
        conda:
            "../../environment.yml"
        params:
            code=code(
                "plot.py",
                *(
                    f"batch_race/report/charts/{CHARTS[chart]}/{chart}.py"
                    for chart in drawn
                ),
            ),
            charts=drawn,
            title=verbatim(runs.title(config)),
            clock=verbatim(config["budget"]["clock"]),
            targets=verbatim(config["targets"]),
        script:
            "../scripts/plot.py"


# On request only.
rule rasterize:
    input:
        json="results/plot/{experiment}/{chart}.json",
    output:
        png="results/plot/{experiment}/{chart}.png",
    log:
        "results/plot/{experiment}/{chart}.png.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=code("rasterize.py"),
    script:
        "../scripts/rasterize.py"


# Takes a second, so it is done before the runs, not after them.
rule bundle_vega:
    output:
        js="results/bundle_vega/vega_embed.js",
    log:
        "results/bundle_vega/bundle_vega.log",
    priority: 1
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        physical_cores=1,
    params:
        code=code("bundle_vega.py"),
        version=version("vl-convert-python"),
    script:
        "../scripts/bundle_vega.py"


# The page shows histories and mistakes in its own ways.
ON_PAGE = [
    chart
    for table in ("summary", "confusion")
    for chart in CHARTS
    if CHARTS[chart] == table
]
PAGE = [
    os.path.relpath(path)
    for kind in ("html", "css", "js")
    for path in sorted(
        (sources.SCRIPTS / "batch_race" / "report").glob(f"page*.{kind}")
    )
]


rule write_page:
    input:
        histories="results/collect/{experiment}/histories.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
        mistakes="results/find_mistakes/{experiment}/mistakes.parquet",
        charts=[f"results/plot/{{experiment}}/{chart}.json" for chart in ON_PAGE],
        answer="results/compare/{experiment}/answer.txt",
        answers="results/compare/{experiment}/answer.json",
        forecast="results/forecast/{experiment}/forecast.txt",
        runs="results/collect/{experiment}/runs.json",
        vega="results/bundle_vega/vega_embed.js",
        decisions=DECISIONS,
        captions=[
            os.path.relpath(RULES.parent / "report" / f"{chart}.rst")
            for chart in ON_PAGE
        ],
        page=PAGE,
    output:
        page=report(
            "results/page/{experiment}/report.html",
            caption="../report/page.rst",
            category="Answer",
            labels={"answer": "page with answer, table, curves and charts"},
        ),
    log:
        "results/page/{experiment}/write_page.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=code("write_page.py"),
        targets=verbatim(config["targets"]),
        factor=verbatim(RACE and RACE.parts["factor"]),
        title=verbatim(runs.title(config)),
        clock=verbatim(config["budget"]["clock"]),
        version=(HOME / "workflow" / "VERSION").read_text(encoding="utf-8").strip(),
    script:
        "../scripts/write_page.py"
