# What people look at.
#
# Inputs: results/collect/<experiment>/histories.parquet,
#         results/summarize/<experiment>/summary.parquet,
#         results/find_mistakes/<experiment>/{confusion,mistakes}.parquet;
#         for the page also the answer and results/collect/<experiment>/runs.json
# Outputs: results/plot/<experiment>/<chart>.{svg,png,json},
#          results/page/<experiment>/report.html

HISTORIES = "results/collect/{experiment}/histories.parquet"
SUMMARY = "results/summarize/{experiment}/summary.parquet"
CONFUSION = "results/find_mistakes/{experiment}/confusion.parquet"
MISTAKES = "results/find_mistakes/{experiment}/mistakes.parquet"
CHARTS = {
    "loss_by_seconds": HISTORIES,
    "learning_by_iteration": HISTORIES,
    "loss_curves": HISTORIES,
    "accuracy_curves": HISTORIES,
    "seconds_to_target": SUMMARY,
    "steps_to_target": SUMMARY,
    "examples_to_target": SUMMARY,
    "throughput": SUMMARY,
    "learning_rates": SUMMARY,
    "confusion_matrix": CONFUSION,
    "worst_mistakes": MISTAKES,
}

# A rule for each chart, because a caption's path takes no wildcard.
for chart, table in CHARTS.items():

    rule:
        name:
            f"plot_{chart}"
        input:
            table=table,
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
            code=code("plot.py"),
            chart=chart,
            title=lambda wildcards: runs.title(config),  # may have braces
            clock=config["budget"]["clock"],
        script:
            "../scripts/plot.py"


# The page shows the curves and the mistakes in ways of its own.
NOT_ON_PAGE = (
    "loss_by_seconds",
    "learning_by_iteration",
    "loss_curves",
    "accuracy_curves",
    "worst_mistakes",
)
ON_PAGE = [chart for chart in CHARTS if chart not in NOT_ON_PAGE]
PAGE = [
    os.path.relpath(sources.SCRIPTS / "batch_race" / "report" / f"page.{kind}")
    for kind in ("html", "css", "js")
]


rule write_page:
    input:
        answer="results/compare/{experiment}/answer.txt",
        histories=HISTORIES,
        summary=SUMMARY,
        mistakes=MISTAKES,
        runs="results/collect/{experiment}/runs.json",
        charts=expand(
            "results/plot/{{experiment}}/{chart}.json",
            chart=ON_PAGE,
        ),
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
    params:
        code=code("write_page.py"),
        charts=ON_PAGE,
        title=lambda wildcards: runs.title(config),
        clock=config["budget"]["clock"],
    script:
        "../scripts/write_page.py"
