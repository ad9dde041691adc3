# The engine against its peers; no part of `all`. Needs the packages of the extra `peers`.
#
# Inputs: results/{parse,prepare}/mnist/*.npy
# Outputs: results/benchmark_engines/{samples.parquet,table.md,chart.svg}

ENGINES = sorted(os.path.relpath(path) for path in HOME.glob("benchmarks/**/*.py"))


rule benchmark_engines:
    input:
        images="results/parse/mnist/train_images.npy",
        columns="results/prepare/mnist/columns.npy",
        code=NN + ENGINES,
    output:
        samples="results/benchmark_engines/samples.parquet",
        table="results/benchmark_engines/table.md",
        chart="results/benchmark_engines/chart.svg",
    log:
        "results/benchmark_engines/benchmark_engines.log",
    conda:
        "../../environment.yml"
    threads: lambda wildcards: workflow.cores  # nothing else may run beside it
    script:
        "../scripts/benchmark_engines.py"
