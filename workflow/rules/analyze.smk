# From the histories of an experiment to the answer, the forecast and the mistakes.
#
# Inputs: results/train/<run>/history.parquet
#         results/find_crossings/<run>/<digest of the targets>.parquet
#         results/train/<run>/weights.npz and the test images, to evaluate the winner
# Outputs: results/collect/<experiment>/{histories,crossings}.{parquet,csv}, runs.json
#          results/summarize/<experiment>/{runs,summary}.{parquet,csv}, table.{md,csv}
#          results/compare/<experiment>/{answer.txt,answer.json,made_for.txt}
#          results/forecast/<experiment>/forecast.{txt,json}
#          results/find_mistakes/<experiment>/{confusion,mistakes}.{parquet,csv}

# The datasets whose test images the winner may be evaluated on.
RACED = sorted({specification["dataset"] for specification in RUNS.values()})

# Seconds of work: a batch system would take longer to find a node. With a priority are those that
# lead to the answer, then to the charts, which take longest.


localrules:
    collect,
    summarize,
    compare,
    forecast,
    find_mistakes,


rule collect:
    input:
        histories=histories,
        crossings=crossings,
    output:
        histories="results/collect/{experiment}/histories.parquet",
        histories_csv="results/collect/{experiment}/histories.csv",
        crossings="results/collect/{experiment}/crossings.parquet",
        crossings_csv="results/collect/{experiment}/crossings.csv",
        runs="results/collect/{experiment}/runs.json",
    log:
        "results/collect/{experiment}/collect.log",
    conda:
        "../../environment.yml"
    params:
        code=code("collect.py"),
        targets=verbatim(runs.asked(config)),
    script:
        "../scripts/collect.py"


# Reads the runs themselves, beside `collect`, so that the answer waits for one job fewer.
rule summarize:
    input:
        histories=histories,
        crossings=crossings,
        decisions=DECISIONS,
        other_histories=[paths[0] for paths in MACHINES.values()],
        other_crossings=[paths[1] for paths in MACHINES.values()],
    output:
        runs="results/summarize/{experiment}/runs.parquet",
        runs_csv="results/summarize/{experiment}/runs.csv",
        summary="results/summarize/{experiment}/summary.parquet",
        summary_csv="results/summarize/{experiment}/summary.csv",
        table="results/summarize/{experiment}/table.md",
        table_csv=report(
            "results/summarize/{experiment}/table.csv",
            caption="../report/table.rst",
            category="Answer",
            labels={"answer": "table"},
        ),
    log:
        "results/summarize/{experiment}/summarize.log",
    priority: 2
    conda:
        "../../environment.yml"
    params:
        code=code("summarize.py"),
        machines=verbatim(list(MACHINES)),
        targets=verbatim(config["targets"]),
        clock=verbatim(config["budget"]["clock"]),
    script:
        "../scripts/summarize.py"


rule compare:
    input:
        runs="results/summarize/{experiment}/runs.parquet",
        summary="results/summarize/{experiment}/summary.parquet",
    output:
        text=report(
            "results/compare/{experiment}/answer.txt",
            caption="../report/answer.rst",
            category="Answer",
            labels={"answer": "text"},
        ),
        json="results/compare/{experiment}/answer.json",
        made_for=f"results/compare/{{experiment}}/{closing.MADE_FOR}",
    log:
        "results/compare/{experiment}/compare.log",
    priority: 2
    conda:
        "../../environment.yml"
    params:
        code=code("compare.py"),
        most_seeds=verbatim(RACE and RACE.most_seeds),
        factor=verbatim(RACE and RACE.parts["factor"]),
        given=verbatim(runs.given(config)),
        digest=verbatim(DIGEST),
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
        workers=verbatim(config["forecast"]["workers"]),
        communication_seconds=verbatim(config["forecast"]["communication_seconds"]),
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
        confusion_csv="results/find_mistakes/{experiment}/confusion.csv",
        mistakes="results/find_mistakes/{experiment}/mistakes.parquet",
        mistakes_csv="results/find_mistakes/{experiment}/mistakes.csv",
    log:
        "results/find_mistakes/{experiment}/find_mistakes.log",
    priority: 1
    conda:
        "../../environment.yml"
    params:
        code=code("find_mistakes.py"),
        datasets=verbatim(RACED),
    script:
        "../scripts/find_mistakes.py"
