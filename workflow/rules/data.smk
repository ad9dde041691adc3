# From published files, or a dataset drawn here, to arrays that all runs share.
#
# Inputs: the files named in workflow/datasets.yaml, or the user's own.
# Outputs: results/parse/<dataset>/{train,test}_{images,labels}.npy
#          results/parse/<dataset>/description.json
#          results/prepare/<dataset>/{columns.npy,{train,test}_dense.npy,{train,test}_sparse.npz}

# These rules run where Snakemake runs: the nodes of a batch system often have no network.


localrules:
    download,
    draw_strokes,
    parse,
    prepare,


rule download:
    output:
        train_images="results/download/{dataset}/train-images-idx3-ubyte.gz",
        train_labels="results/download/{dataset}/train-labels-idx1-ubyte.gz",
        test_images="results/download/{dataset}/t10k-images-idx3-ubyte.gz",
        test_labels="results/download/{dataset}/t10k-labels-idx1-ubyte.gz",
    log:
        "results/download/{dataset}/download.log",
    conda:
        "../../environment.yml"
    params:
        files=lambda wildcards: named(wildcards.dataset, DOWNLOADED)["files"],
        mirrors=mirrors,
    script:
        "../scripts/download.py"


rule draw_strokes:
    output:
        train_images="results/draw_strokes/train-images-idx3-ubyte.gz",
        train_labels="results/draw_strokes/train-labels-idx1-ubyte.gz",
        test_images="results/draw_strokes/t10k-images-idx3-ubyte.gz",
        test_labels="results/draw_strokes/t10k-labels-idx1-ubyte.gz",
    log:
        "results/draw_strokes/draw_strokes.log",
    conda:
        "../../environment.yml"
    params:
        code=code("draw_strokes.py"),
    script:
        "../scripts/draw_strokes.py"


rule parse:
    input:
        # Not a user's own: their folder here is named by their content, whatever their path.
        lambda wildcards: named(wildcards.dataset, FOLDERS).made,
    output:
        train_images="results/parse/{dataset}/train_images.npy",
        train_labels="results/parse/{dataset}/train_labels.npy",
        test_images="results/parse/{dataset}/test_images.npy",
        test_labels="results/parse/{dataset}/test_labels.npy",
        description="results/parse/{dataset}/description.json",
    log:
        "results/parse/{dataset}/parse.log",
    conda:
        "../../environment.yml"
    params:
        code=code("parse.py"),
        originals=originals,
        digest=lambda wildcards: named(wildcards.dataset, FOLDERS).digest,
        class_names=lambda wildcards: CATALOGUE.get(wildcards.dataset, {}).get(
            "classes", ()
        ),
    script:
        "../scripts/parse.py"


rule prepare:
    input:
        train="results/parse/{dataset}/train_images.npy",
        test="results/parse/{dataset}/test_images.npy",
    output:
        columns="results/prepare/{dataset}/columns.npy",
        train_dense="results/prepare/{dataset}/train_dense.npy",
        train_sparse="results/prepare/{dataset}/train_sparse.npz",
        test_dense="results/prepare/{dataset}/test_dense.npy",
        test_sparse="results/prepare/{dataset}/test_sparse.npz",
    log:
        "results/prepare/{dataset}/prepare.log",
    conda:
        "../../environment.yml"
    params:
        code=code("prepare.py"),
    script:
        "../scripts/prepare.py"
