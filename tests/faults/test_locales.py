"""The workflow in locales whose encoding is not UTF-8, with texts that they cannot express."""

import shutil
import subprocess
import sys

import pytest

from tests.project import checkout, fault, write_digits

TITLE = "Über Verluste – 損失 {nats}"


@pytest.fixture(params=["ISO-8859-1", "EUC-JP", "ASCII"])
def locale(request, tmp_path):
    """The variables of a locale, made for the test where this machine has none."""
    # Without C.UTF-8, which Python would take in place of C.
    variables = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    if request.param == "ASCII":
        return variables | {"LC_ALL": "C"}
    if not shutil.which("localedef"):
        pytest.skip("localedef is not installed")
    language = {"ISO-8859-1": "en_US", "EUC-JP": "ja_JP"}[request.param]
    folder = tmp_path / "locales"
    folder.mkdir()
    command = ["localedef", "-i", language, "-f", request.param, folder / "test"]
    made = subprocess.run(command, capture_output=True, check=False)
    if not (folder / "test").exists():
        pytest.skip(f"localedef has no {language} in {request.param}: {made.stderr}")
    return variables | {"LC_ALL": "test", "LOCPATH": str(folder)}


def test_a_workflow_in_another_locale(tmp_path, locale):
    project = checkout(tmp_path / "checkout")
    write_digits(tmp_path / "digits")
    project.edit_config(
        title=TITLE,
        dataset="digits",
        own_datasets={"digits": "../digits"},
        batch_size=[32],
        budget={"seconds": None, "steps": 4},
        hidden_nodes=20,
    )
    environment = project.environment | locale
    preferred = subprocess.run(
        [sys.executable, "-c", "import locale; print(locale.getpreferredencoding())"],
        env=environment,
        capture_output=True,
        check=True,
    ).stdout
    assert b"UTF-8" not in preferred
    with project.started("--cores", "2", environment=environment) as snakemake:
        status, said = snakemake.finish(300)
        assert status == 0
        assert not fault(said)
    page = project.folder / "results/page/race/report.html"
    assert TITLE in page.read_text(encoding="utf-8")
    # Snakemake writes a message into its log, opened in the locale's encoding.
    project.edit_config(own_datasets={"digits": "../数"})
    with project.started("--cores", "2", environment=environment) as snakemake:
        status, said = snakemake.finish(60)
        assert status != 0
        assert not fault(said)
