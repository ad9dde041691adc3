# What people look at.
#
# Inputs: results/collect/<experiment>/histories.parquet,
#         results/summarize/<experiment>/summary.parquet,
#         results/find_mistakes/<experiment>/{confusion,mistakes}.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,png,json}

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
DRAWING = code(
    *(
        "charts",
        "comparison",
        "curves",
        "images",
        "measures",
        "mistake_charts",
        "theme",
        "words",
    )
)


# A rule for each chart, because a caption's path takes no wildcard.
for chart, table in CHARTS.items():

    rule:
        name:
            f"plot_{chart}"
        input:
            table=table,
            code=DRAWING,
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
        conda:
            "../../environment.yml"
        params:
            chart=chart,
            title=config["title"],
            clock=config["budget"]["clock"],
        script:
            "../scripts/plot.py"
