# The engine against its peers; not part of `all`. Needs the packages of the extra `peers`.
#
# Inputs: results/{parse,prepare}/mnist/*
# Outputs: results/benchmark_engines/{samples.parquet,table.md,chart.svg}


rule benchmark_engines:
    input:
        parsed=[
            f"results/parse/mnist/{part}_{name}.npy"
            for part in ("train", "test")
            for name in ("images", "labels")
        ],
        prepared=["results/prepare/mnist/columns.npy"]
        + [
            f"results/prepare/mnist/{part}_{name}"
            for part in ("train", "test")
            for name in ("dense.npy", "sparse.npz")
        ],
    output:
        samples="results/benchmark_engines/samples.parquet",
        table="results/benchmark_engines/table.md",
        chart="results/benchmark_engines/chart.svg",
    log:
        "results/benchmark_engines/benchmark_engines.log",
    conda:
        "../../environment.yml"
    threads: lambda wildcards: workflow.cores  # no other job may run at the same time
    params:
        code=code(
            "benchmark_engines.py",
            *sources.ROOT.glob("benchmarks/measure_engine.py"),  # runs as a program
            *sources.ROOT.glob("benchmarks/engines/*.py"),
        ),
    script:
        "../scripts/benchmark_engines.py"
