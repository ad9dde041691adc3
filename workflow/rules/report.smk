# What people look at.
#
# Inputs: results/collect/<experiment>/histories.parquet
# Outputs: results/plot/<experiment>/<chart>.{svg,png,json}

HISTORIES = f"results/collect/{EXPERIMENT}/histories.parquet"
CHARTS = expand(
    "results/plot/{experiment}/{chart}.{format}",
    experiment=EXPERIMENT,
    chart=["loss_by_seconds", "learning_by_iteration"],
    format=["svg", "png", "json"],
)


rule plot:
    input:
        histories="results/collect/{experiment}/histories.parquet",
        code=os.path.relpath(HOME / "workflow/scripts/common/charts.py"),
    output:
        svg=report(
            "results/plot/{experiment}/{chart}.svg",
            caption="../report/{chart}.rst",
            category="Charts",
            labels={"chart": "{chart}", "format": "SVG"},
        ),
        png="results/plot/{experiment}/{chart}.png",
        json="results/plot/{experiment}/{chart}.json",
    log:
        "results/plot/{experiment}/{chart}.log",
    conda:
        "../../environment.yml"
    params:
        title=config["title"],
        clock=config["budget"]["clock"],
    script:
        "../scripts/plot.py"
