# Two jobs for each configuration: train a network within a budget and write its history; then find
# the steps at which it reached its targets.
#
# Inputs: results/{parse,prepare}/<dataset>/*
# Outputs: results/train/<run>/{history.parquet,clock.parquet,weights.npz,specification.json}
#          results/find_crossings/<run>/<digest of the targets>.parquet
# Besides: results/train/<run>/checkpoint-*.npz while it trains; results/train/<run without its
#          budget>/snapshots/*.npz, intermediate weights, which make the second job shorter


rule train:
    input:
        columns="results/prepare/{dataset}/columns.npy",
        description="results/parse/{dataset}/description.json",
        train_images="results/parse/{dataset}/train_images.npy",
        train_labels="results/parse/{dataset}/train_labels.npy",
        train_dense="results/prepare/{dataset}/train_dense.npy",
        train_sparse="results/prepare/{dataset}/train_sparse.npz",
        test_images="results/parse/{dataset}/test_images.npy",
        test_labels="results/parse/{dataset}/test_labels.npy",
        test_dense="results/prepare/{dataset}/test_dense.npy",
        test_sparse="results/prepare/{dataset}/test_sparse.npz",
    output:
        history="results/train/{dataset}/{run}/history.parquet",
        clock="results/train/{dataset}/{run}/clock.parquet",
        weights="results/train/{dataset}/{run}/weights.npz",
        specification="results/train/{dataset}/{run}/specification.json",
    log:
        "results/train/{dataset}/{run}/train.log",
    conda:
        "../../environment.yml"
    threads: lambda wildcards: specification(wildcards)["threads"]
    resources:
        physical_cores=lambda wildcards: specification(wildcards)["threads"],
        # Requested from a batch system; without effect on one machine.
        mem_mb=lambda wildcards: allocation.memory_mb(specification(wildcards)),
        runtime=lambda wildcards, attempt: allocation.runtime_minutes(
            specification(wildcards), attempt
        ),
        # Each thread is pinned to its own physical core, which Slurm may count as two CPUs.
        slurm_extra="--threads-per-core=1",
    params:
        code=code("train.py"),
        engine=code(sources.ROOT / "nn" / "trainer.py"),
        specification=specification,
        on_contention=on_contention,
        checkpoint_seconds=checkpoint_seconds,
    script:
        "../scripts/train.py"


# Trains the ranges of steps around targets again; on the core of a timed run it would disturb it.
rule find_crossings:
    input:
        history="results/train/{dataset}/{run}/history.parquet",
        clock="results/train/{dataset}/{run}/clock.parquet",
        columns="results/prepare/{dataset}/columns.npy",
        train_images="results/parse/{dataset}/train_images.npy",
        train_labels="results/parse/{dataset}/train_labels.npy",
        train_dense="results/prepare/{dataset}/train_dense.npy",
        train_sparse="results/prepare/{dataset}/train_sparse.npz",
        test_images="results/parse/{dataset}/test_images.npy",
        test_labels="results/parse/{dataset}/test_labels.npy",
        test_dense="results/prepare/{dataset}/test_dense.npy",
        test_sparse="results/prepare/{dataset}/test_sparse.npz",
    output:
        crossings="results/find_crossings/{dataset}/{run}/{targets}.parquet",
    log:
        "results/find_crossings/{dataset}/{run}/{targets}.log",
    conda:
        "../../environment.yml"
    threads: lambda wildcards: specification(wildcards)["threads"]
    resources:
        physical_cores=lambda wildcards: specification(wildcards)["threads"],
        mem_mb=lambda wildcards: allocation.memory_mb(specification(wildcards)),
        runtime=lambda wildcards, attempt: allocation.runtime_minutes(
            specification(wildcards), attempt
        ),
        slurm_extra="--threads-per-core=1",
    params:
        code=code("find_crossings.py"),
        targets=asked_targets,
    script:
        "../scripts/find_crossings.py"
