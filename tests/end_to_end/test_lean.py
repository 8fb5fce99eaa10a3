"""A run between files of this machine imports nothing that Beam has for databases and clouds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from templates import v2_post

from xsieve.pipelines.lean import OTHERS, unimported


def run_beside_traps(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A run of the command where importing one of the others ends the program."""
    for name in OTHERS:
        package = folder / "traps" / Path(*name.split("."))
        if not name.startswith("google."):  # whose parts are found through what is installed of the rest
            package.mkdir(parents=True)
            (package / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "posts.jsonl").write_text(json.dumps(v2_post()) + "\n", "utf-8")
    (folder / "pipeline.yaml").write_text(
        "policy: base-2024\ninput: {read: files, path: posts.jsonl}\noutputs: {ids: {kind: ids, write: {path: out}}}\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "xsieve.pipelines.command", "run", "pipeline.yaml", *options]
    environment = {**os.environ, "PYTHONPATH": str(folder / "traps")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_run_that_stays_here_imports_no_clients_of_databases_and_clouds(tmp_path: Path) -> None:
    """They may be installed and take seconds to import: a run from files to files does not wait for them."""
    done = run_beside_traps(tmp_path)
    assert (done.returncode, "imported" in done.stderr) == (0, False), done.stderr
    assert list((tmp_path / "out").glob("*.txt"))


def test_worker_processes_import_none_either(tmp_path: Path) -> None:
    """They do without what the process that starts them does without."""
    done = run_beside_traps(tmp_path, "--cores", "2")
    assert (done.returncode, "imported" in done.stderr) == (0, False), done.stderr
    assert "2 workers" in done.stdout
    assert list((tmp_path / "out").glob("*.txt"))


def test_a_run_with_options_of_beam_may_need_them(tmp_path: Path) -> None:
    """Whoever names a runner gets Beam as it is: the runner may be in a cloud."""
    done = run_beside_traps(tmp_path, "--runner=FnApiRunner")
    assert "imported" in done.stderr
    assert done.returncode != 0


def test_what_was_kept_out_can_be_imported_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays hidden, and what was imported before was never hidden."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)  # other tests may have it by now
    with unimported(("colorsys", "json")):
        import json as known

        with pytest.raises(ImportError):
            import colorsys
    import colorsys

    assert known.dumps(colorsys.rgb_to_hsv(0, 0, 0)) == "[0.0, 0.0, 0]"
