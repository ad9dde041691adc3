# From the histories of an experiment to the answer, the forecast and the mistakes.
#
# Inputs: results/train/<run>/history.parquet
#         results/find_crossings/<run>/<digest of the targets>.parquet
#         results/train/<run>/weights.npz and the test images, to evaluate the winner
# Outputs: results/collect/<experiment>/{histories.parquet,runs.json}
#          results/collect_crossings/<experiment>/crossings.parquet
#          results/summarize/<experiment>/{runs.parquet,summary.parquet,table.md}
#          results/compare/<experiment>/answer.{txt,json}
#          results/forecast/<experiment>/forecast.{txt,json}
#          results/find_mistakes/<experiment>/{confusion,mistakes}.parquet

# The datasets whose test images the winner may be evaluated on.
RACED = sorted({specification["dataset"] for specification in RUNS.values()})

# Seconds of work: a batch system would take longer to find a node.


localrules:
    collect,
    collect_crossings,
    summarize,
    compare,
    forecast,
    find_mistakes,


rule collect:
    input:
        histories=histories,
    output:
        histories="results/collect/{experiment}/histories.parquet",
        runs="results/collect/{experiment}/runs.json",
    log:
        "results/collect/{experiment}/collect.log",
    conda:
        "../../environment.yml"
    params:
        code=code("collect.py"),
    script:
        "../scripts/collect.py"


# Apart from `collect`, so that another target does not draw the curves again.
rule collect_crossings:
    input:
        histories=histories,
        crossings=found_crossings,
    output:
        crossings="results/collect_crossings/{experiment}/crossings.parquet",
    log:
        "results/collect_crossings/{experiment}/collect_crossings.log",
    conda:
        "../../environment.yml"
    params:
        code=code("collect_crossings.py"),
        targets=runs.asked(config),
    script:
        "../scripts/collect_crossings.py"


rule summarize:
    input:
        histories="results/collect/{experiment}/histories.parquet",
        crossings="results/collect_crossings/{experiment}/crossings.parquet",
        decisions=DECISIONS,
        other_histories=[paths[0] for paths in MACHINES.values()],
        other_crossings=[paths[1] for paths in MACHINES.values()],
    output:
        runs="results/summarize/{experiment}/runs.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
        table="results/summarize/{experiment}/table.md",
    log:
        "results/summarize/{experiment}/summarize.log",
    conda:
        "../../environment.yml"
    params:
        code=code("summarize.py"),
        machines=list(MACHINES),
        targets=config["targets"],
        clock=config["budget"]["clock"],
    script:
        "../scripts/summarize.py"


rule compare:
    input:
        runs="results/summarize/{experiment}/runs.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
    output:
        text="results/compare/{experiment}/answer.txt",
        json="results/compare/{experiment}/answer.json",
    log:
        "results/compare/{experiment}/compare.log",
    conda:
        "../../environment.yml"
    params:
        code=code("compare.py"),
        most_seeds=RACE.most_seeds if RACE else None,
        factor=RACE.parts["factor"] if RACE else None,
        given=runs.given(config),
    script:
        "../scripts/compare.py"


rule forecast:
    input:
        runs="results/summarize/{experiment}/runs.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
    output:
        text="results/forecast/{experiment}/forecast.txt",
        json="results/forecast/{experiment}/forecast.json",
    log:
        "results/forecast/{experiment}/forecast.log",
    conda:
        "../../environment.yml"
    params:
        code=code("forecast.py"),
        workers=config["forecast"]["workers"],
        communication_seconds=config["forecast"]["communication_seconds"],
    script:
        "../scripts/forecast.py"


# The winner is not known before `compare`, so the weights of all runs are inputs.
rule find_mistakes:
    input:
        answer="results/compare/{experiment}/answer.json",
        measures="results/summarize/{experiment}/runs.parquet",
        runs="results/collect/{experiment}/runs.json",
        weights=final_weights,
        test_images=[
            f"results/parse/{DATASETS[name].folder}/test_images.npy" for name in RACED
        ],
        test_labels=[
            f"results/parse/{DATASETS[name].folder}/test_labels.npy" for name in RACED
        ],
    output:
        confusion="results/find_mistakes/{experiment}/confusion.parquet",
        mistakes="results/find_mistakes/{experiment}/mistakes.parquet",
    log:
        "results/find_mistakes/{experiment}/find_mistakes.log",
    conda:
        "../../environment.yml"
    params:
        code=code("find_mistakes.py"),
        datasets=RACED,
    script:
        "../scripts/find_mistakes.py"
