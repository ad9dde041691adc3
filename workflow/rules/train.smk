# One job for each configuration: train a network under a budget and write down its history.
#
# Inputs: results/prepare/<dataset>/*.npy, results/parse/<dataset>/*_labels.npy
# Outputs: results/train/<run>/{history.parquet,weights.npz,specification.json}

# The network and its trainer: training starts anew when they are edited. (Snakemake itself only
# looks at the script.)
NN = sorted(os.path.relpath(path) for path in (HOME / "nn").glob("*.py"))


rule train:
    input:
        columns="results/prepare/{dataset}/columns.npy",
        train_images="results/prepare/{dataset}/train_images.npy",
        train_lengths="results/prepare/{dataset}/train_lengths.npy",
        train_order="results/prepare/{dataset}/train_order.npy",
        train_labels="results/parse/{dataset}/train_labels.npy",
        test_images="results/prepare/{dataset}/test_images.npy",
        test_lengths="results/prepare/{dataset}/test_lengths.npy",
        test_order="results/prepare/{dataset}/test_order.npy",
        test_labels="results/parse/{dataset}/test_labels.npy",
        code=NN + code("training"),
    output:
        history="results/train/{dataset}/{run}/history.parquet",
        weights="results/train/{dataset}/{run}/weights.npz",
        specification="results/train/{dataset}/{run}/specification.json",
    log:
        "results/train/{dataset}/{run}/train.log",
    conda:
        "../../environment.yml"
    threads: lambda wildcards: specification(wildcards)["threads"]
    resources:
        physical_cores=lambda wildcards: specification(wildcards)["threads"],
        # What a batch system is asked for; nothing on one machine.
        mem_mb=lambda wildcards: allocation.memory_mb(specification(wildcards)),
        runtime=lambda wildcards, attempt: allocation.runtime_minutes(
            specification(wildcards), attempt
        ),
        # Each thread is pinned to a physical core of its own, which Slurm may count as two CPUs.
        slurm_extra="--threads-per-core=1",
    params:
        specification=specification,
        on_contention=on_contention,
        checkpoint_seconds=checkpoint_seconds,
    script:
        "../scripts/train.py"
