# What people look at.
#
# Inputs: results/collect/<experiment>/histories.parquet,
#         results/summarize/<experiment>/summary.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,png,json}

HISTORIES = "results/collect/{experiment}/histories.parquet"
SUMMARY = "results/summarize/{experiment}/summary.parquet"
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
}


# A rule for each chart, because a caption's path takes no wildcard.
for chart, table in CHARTS.items():

    rule:
        name:
            f"plot_{chart}"
        input:
            table=table,
            code=code("charts", "comparison", "curves", "measures", "words"),
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
            chart=chart,
            title=config["title"],
            clock=config["budget"]["clock"],
        script:
            "../scripts/plot.py"
