# What people look at.
#
# Inputs: results/collect/<experiment>/histories.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,png,json}

HISTORIES = f"results/collect/{EXPERIMENT}/histories.parquet"
CHARTS = ["loss_by_seconds", "learning_by_iteration"]


# A rule for each chart, because a caption's path takes no wildcard.
for chart in CHARTS:

    rule:
        name:
            f"plot_{chart}"
        input:
            histories="results/collect/{experiment}/histories.parquet",
            code=code("charts"),
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
