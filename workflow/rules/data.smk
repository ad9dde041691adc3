# From published files, or a dataset drawn here, to arrays that any number of runs can share.
#
# Inputs: the files named in workflow/datasets.yaml, or the user's own.
# Outputs: results/parse/<dataset>/{train,test}_{images,labels}.npy


localrules:
    download,
    draw_strokes,
    parse,


rule download:
    output:
        "results/download/{dataset}/{file}",
    log:
        "results/download/{dataset}/{file}.log",
    wildcard_constraints:
        file=r"[^/]+\.gz",
    conda:
        "../../environment.yml"
    params:
        sha256=lambda wildcards: published(wildcards)["sha256"],
        mirrors=mirrors,
    script:
        "../scripts/download.py"


rule draw_strokes:
    output:
        **{
            part: f"results/draw_strokes/{file['name']}"
            for part, file in CATALOGUE["strokes"]["files"].items()
        },
    log:
        "results/draw_strokes/draw_strokes.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/draw_strokes.py"


rule parse:
    input:
        train_images=lambda wildcards: DATASETS[wildcards.dataset].files["train_images"],
        train_labels=lambda wildcards: DATASETS[wildcards.dataset].files["train_labels"],
        test_images=lambda wildcards: DATASETS[wildcards.dataset].files["test_images"],
        test_labels=lambda wildcards: DATASETS[wildcards.dataset].files["test_labels"],
    output:
        train_images="results/parse/{dataset}/train_images.npy",
        train_labels="results/parse/{dataset}/train_labels.npy",
        test_images="results/parse/{dataset}/test_images.npy",
        test_labels="results/parse/{dataset}/test_labels.npy",
    log:
        "results/parse/{dataset}/parse.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/parse.py"
