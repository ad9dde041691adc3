"""The rules serve another project, as a module, and another working folder."""

import http.server
import shutil
import subprocess
import threading

import pytest
import yaml

from tests.project import ROOT, Project, small_checkout

MODULE = """
configfile: "config/config.yaml"


module race:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from race{renamed}


rule mine:
    input:
        "results/compare/race/answer.txt",
"""

CONFIG = {
    "dataset": "digits",
    "own_datasets": {"digits": "../digits"},
    "batch_size": [1, 32],
    "budget": {"steps": 4},
    "hidden_nodes": 20,
}


def project_with(folder, snakefile, renamed="", config=CONFIG):
    """Make another project, in the form that snakedeploy gives it."""
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow" / "Snakefile").write_text(
        MODULE.format(snakefile=snakefile, renamed=renamed)
    )
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    return Project(folder)


@pytest.fixture
def other(tmp_path):
    """Another project, beside a checkout."""
    small_checkout(tmp_path)
    return project_with(tmp_path / "other", "../../checkout/Snakefile")


def test_another_project_races(other):
    other.run("mine", "--until", "compare")
    assert (other.folder / "results/compare/race/answer.txt").read_text()
    # A budget in its own file has the limits that it gives, as one of ours does.
    assert {path.name for path in other.folder.glob("results/train/*/*/*")} == {"4_steps"}
    assert other.jobs("--until", "compare") == {}
    assert not (other.folder.parent / "checkout" / "results").exists()


def test_the_rules_may_have_other_names(other):
    plain = other.jobs()
    snakefile = other.folder / "workflow" / "Snakefile"
    snakefile.write_text(snakefile.read_text().replace("from race", "from race as of_*"))
    renamed = other.jobs()
    assert len(plain) > 10
    assert renamed == {f"of_{rule}": count for rule, count in plain.items() if rule != "of_all"} | {
        "of_all": 1
    }


def test_an_address_instead_of_a_folder(other):
    """A module on the web has no Python modules to import."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=other.folder.parent / "checkout")

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/Snakefile"
        shutil.rmtree(other.folder)
        printed = project_with(other.folder, address).refusal("--dry-run")
        server.shutdown()
    assert "found an address, expected a folder: the rules need the whole project" in printed


@pytest.mark.slow
def test_the_quickstart_from_another_project(tmp_path):
    config = yaml.safe_load((ROOT / "config" / "quickstart.yaml").read_text(encoding="utf-8"))
    config["budget"]["seconds"] = 1  # in place of 4: what is trained is not looked at
    other = project_with(tmp_path / "other", ROOT / "Snakefile", config=config)
    other.run()
    for name in ("compare/quickstart/answer.txt", "page/quickstart/report.html"):
        assert (other.folder / "results" / name).read_text(encoding="utf-8")
    assert len(list(other.folder.glob("results/train/strokes/*/1_seconds/history.parquet"))) == 4


def test_another_working_folder(tmp_path):
    """The configuration of a file takes the schema's default for each key that it does not give."""
    project = small_checkout(tmp_path)
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    (elsewhere.folder / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
    place = "--directory", str(elsewhere.folder)
    printed = project.refusal(*place, "--dry-run")
    assert "defines configfile config.yaml but it is not present" in printed
    project.run(*place, "--configfile", str(elsewhere.folder / "mine.yaml"), "--until", "compare")
    assert (elsewhere.folder / "results/compare/race/answer.txt").exists()
    assert {path.name for path in elsewhere.folder.glob("results/train/*/*/*")} == {"4_steps"}
    assert not (project.folder / "results").exists()


def test_results_as_a_link_are_ignored_by_git(tmp_path):
    folder = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", folder], check=True)
    shutil.copy(ROOT / ".gitignore", folder)
    for name in ("results", ".snakemake", ".venv"):
        (tmp_path / f"other{name}").mkdir()
        (folder / name).symlink_to(tmp_path / f"other{name}")
    command = ["git", "status", "--porcelain"]
    printed = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    assert printed == b"?? .gitignore\n"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda results: results.symlink_to("../gone"),
            "results: found a link to ../gone, which is not there, expected a folder; is its disk",
        ),
        (lambda results: results.touch(), "results: found a file, expected a folder"),
    ],
)
def test_results_that_are_no_folder(project, make, message):
    make(project.folder / "results")
    assert message in project.refusal()
    assert not (project.folder.parent / "gone").exists()
