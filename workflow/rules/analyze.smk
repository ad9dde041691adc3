# From the histories of an experiment's runs to an answer.
#
# Inputs: results/train/<run>/history.parquet
# Outputs: results/collect/<experiment>/histories.parquet
#          results/summarize/<experiment>/{runs.parquet,summary.parquet,table.md}
#          results/compare/<experiment>/answer.{txt,json}
#          results/forecast/<experiment>/forecast.{txt,json}

# Seconds of work, for which a batch system would take longer to find a node.


localrules:
    collect,
    summarize,
    compare,
    forecast,


rule collect:
    input:
        histories=expand("results/train/{run}/history.parquet", run=RUNS),
        code=code("history"),
    output:
        histories="results/collect/{experiment}/histories.parquet",
    log:
        "results/collect/{experiment}/collect.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/collect.py"


rule summarize:
    input:
        histories="results/collect/{experiment}/histories.parquet",
        others=list(MACHINES.values()),
        code=code("history", "measures", "statistics", "tables", "words"),
    output:
        runs="results/summarize/{experiment}/runs.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
        table="results/summarize/{experiment}/table.md",
    log:
        "results/summarize/{experiment}/summarize.log",
    conda:
        "../../environment.yml"
    params:
        machines=list(MACHINES),
        targets=config["targets"],
        clock=config["budget"]["clock"],
    script:
        "../scripts/summarize.py"


rule compare:
    input:
        runs="results/summarize/{experiment}/runs.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
        code=code("comparison", "measures", "statistics", "words"),
    output:
        text="results/compare/{experiment}/answer.txt",
        json="results/compare/{experiment}/answer.json",
    log:
        "results/compare/{experiment}/compare.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/compare.py"


rule forecast:
    input:
        summary="results/summarize/{experiment}/summary.parquet",
        code=code("comparison", "measures", "scaling", "statistics", "words"),
    output:
        text="results/forecast/{experiment}/forecast.txt",
        json="results/forecast/{experiment}/forecast.json",
    log:
        "results/forecast/{experiment}/forecast.log",
    conda:
        "../../environment.yml"
    params:
        workers=config["forecast"]["workers"],
        communication_seconds=config["forecast"]["communication_seconds"],
    script:
        "../scripts/forecast.py"
