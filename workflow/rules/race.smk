# The rounds of a race, if only results decide which runs are made (pruning, learning_rate: auto).
#
# Inputs: results/train/<run>/history.parquet and results/find_crossings/<run>/<targets>.parquet of
#         the runs that the round before asked for
# Outputs: results/decide/<experiment>/round_<number>.json
#          results/collect_decisions/<experiment>/decisions.{parquet,csv}


localrules:
    decide,
    collect_decisions,


checkpoint decide:
    input:
        before=round_before,
        histories=asked_histories,
        crossings=asked_crossings,
    output:
        round="results/decide/{experiment}/round_{round}.json",
    log:
        "results/decide/{experiment}/round_{round}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("decide.py"),
        race=verbatim(RACE and RACE.parts),
        clock=verbatim(config["budget"]["clock"]),
    script:
        "../scripts/decide.py"


rule collect_decisions:
    input:
        last=last_round_of_race,
    output:
        decisions="results/collect_decisions/{experiment}/decisions.parquet",
        decisions_csv="results/collect_decisions/{experiment}/decisions.csv",
    log:
        "results/collect_decisions/{experiment}/collect_decisions.log",
    conda:
        "../../environment.yml"
    params:
        code=code("collect_decisions.py"),
        race=verbatim(RACE and RACE.parts),
    script:
        "../scripts/collect_decisions.py"
