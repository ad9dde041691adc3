# Charts and the page.
#
# Inputs: results/collect/<experiment>/{histories.parquet,runs.json},
#         results/summarize/<experiment>/summary.parquet,
#         results/compare/<experiment>/answer.{txt,json},
#         results/forecast/<experiment>/forecast.txt,
#         results/find_mistakes/<experiment>/{confusion,mistakes}.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,json}, and .png on request
#          results/page/<experiment>/report.html

from batch_race.report.charts import CHARTS

# By the folders of workflow/scripts/batch_race/report/charts/.
TABLES = {
    "histories": "results/collect/{experiment}/histories.parquet",
    "summary": "results/summarize/{experiment}/summary.parquet",
    "confusion": "results/find_mistakes/{experiment}/confusion.parquet",
    "mistakes": "results/find_mistakes/{experiment}/mistakes.parquet",
}

# A rule for each table, which draws all of its charts in one process: starting the program that draws
# takes longer than most charts.
for table, path in TABLES.items():
    of_table = [chart for chart in CHARTS if CHARTS[chart] == table]

    rule:
        name:
            f"plot_{table}"
        input:
            table=path,
        output:
            svg=[
                report(
                    f"results/plot/{{experiment}}/{chart}.svg",
                    caption=f"../report/{chart}.rst",
                    category="Charts",
                    labels={"chart": chart.replace("_", " ")},
                )
                for chart in of_table
            ],
            json=[f"results/plot/{{experiment}}/{chart}.json" for chart in of_table],
        log:
            f"results/plot/{{experiment}}/plot_{table}.log",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            code=code(
                "plot.py",
                *(f"batch_race/report/charts/{table}/{chart}.py" for chart in of_table),
            ),
            charts=of_table,
            title=lambda wildcards: runs.title(config),  # may have braces
            clock=config["budget"]["clock"],
            targets=config["targets"],
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


# The page draws histories and mistakes in its own ways.
ON_PAGE = [
    chart
    for table in ("summary", "confusion")
    for chart in CHARTS
    if CHARTS[chart] == table
]
PAGE = [
    os.path.relpath(path)
    for kind in ("html", "css", "js")
    for path in sorted((sources.SCRIPTS / "batch_race" / "report").glob(f"page*.{kind}"))
]


rule write_page:
    input:
        answer="results/compare/{experiment}/answer.txt",
        answers="results/compare/{experiment}/answer.json",
        forecast="results/forecast/{experiment}/forecast.txt",
        histories=TABLES["histories"],
        summary=TABLES["summary"],
        mistakes=TABLES["mistakes"],
        runs="results/collect/{experiment}/runs.json",
        confusion=TABLES["confusion"],
        decisions=DECISIONS,
        captions=[
            os.path.relpath(HOME / "workflow" / "report" / f"{chart}.rst")
            for chart in ON_PAGE
        ],
        page=PAGE,
    output:
        page="results/page/{experiment}/report.html",
    log:
        "results/page/{experiment}/write_page.log",
    localrule: True
    conda:
        "../../environment.yml"
    priority: 1
    params:
        code=code(
            "write_page.py",
            *(f"batch_race/report/charts/{CHARTS[chart]}/{chart}.py" for chart in ON_PAGE),
        ),
        charts={chart: CHARTS[chart] for chart in ON_PAGE},
        targets=config["targets"],
        factor=RACE.parts["factor"] if RACE else None,
        title=lambda wildcards: runs.title(config),
        clock=config["budget"]["clock"],
        version=(HOME / "workflow" / "VERSION").read_text().strip(),
    script:
        "../scripts/write_page.py"
