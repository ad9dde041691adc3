# Charts and the page.
#
# Inputs: results/collect/<experiment>/{histories.parquet,runs.json},
#         results/summarize/<experiment>/summary.parquet,
#         results/compare/<experiment>/answer.txt,
#         results/find_mistakes/<experiment>/{confusion,mistakes}.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,png,json},
#          results/page/<experiment>/report.html

from batch_race.report.charts import CHARTS

# By the folders of workflow/scripts/batch_race/report/charts/.
TABLES = {
    "histories": "results/collect/{experiment}/histories.parquet",
    "summary": "results/summarize/{experiment}/summary.parquet",
    "confusion": "results/find_mistakes/{experiment}/confusion.parquet",
    "mistakes": "results/find_mistakes/{experiment}/mistakes.parquet",
}

# A rule for each chart, because a caption's path takes no wildcard.
for chart, table in CHARTS.items():

    rule:
        name:
            f"plot_{chart}"
        input:
            table=TABLES[table],
        output:
            svg=report(
                f"results/plot/{{experiment}}/{chart}.svg",
                caption=f"../report/{chart}.rst",
                category="Charts",
                labels={"chart": chart.replace("_", " ")},
            ),
            png=f"results/plot/{{experiment}}/{chart}.png",
            json=f"results/plot/{{experiment}}/{chart}.json",
        log:
            f"results/plot/{{experiment}}/{chart}.log",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            code=code("plot.py", f"batch_race/report/charts/{table}/{chart}.py"),
            chart=chart,
            title=verbatim(runs.title(config)),
            clock=verbatim(config["budget"]["clock"]),
        script:
            "../scripts/plot.py"


# The page draws histories and mistakes in its own ways.
ON_PAGE = [
    chart
    for table in ("summary", "confusion")
    for chart in CHARTS
    if CHARTS[chart] == table
]
PAGE = [
    os.path.relpath(sources.SCRIPTS / "batch_race" / "report" / f"page.{kind}")
    for kind in ("html", "css", "js")
]


rule write_page:
    input:
        answer="results/compare/{experiment}/answer.txt",
        histories=TABLES["histories"],
        summary=TABLES["summary"],
        mistakes=TABLES["mistakes"],
        runs="results/collect/{experiment}/runs.json",
        decisions=DECISIONS,
        charts=expand(
            "results/plot/{{experiment}}/{chart}.json",
            chart=ON_PAGE,
        ),
        captions=[
            os.path.relpath(RULES.parent / "report" / f"{chart}.rst")
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
    params:
        code=code("write_page.py"),
        charts=ON_PAGE,
        factor=verbatim(RACE and RACE.parts["factor"]),
        title=verbatim(runs.title(config)),
        clock=verbatim(config["budget"]["clock"]),
    script:
        "../scripts/write_page.py"
