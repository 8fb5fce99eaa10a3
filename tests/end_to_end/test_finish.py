"""Publishing by the last step of a job: done again after any crash, it ends as if it had been done once."""

import json
from pathlib import Path

import pytest

from xsieve.pipelines import publish as module
from xsieve.pipelines.finish import publish_once
from xsieve.pipelines.publish import Output, staging_folder
from xsieve.pipelines.stage import Staged

STEPS = ("move", "remove", "remove_folder", "write_json")


class Killed(BaseException):
    """The worker is dead."""


def outputs_in(folder: Path, text: str) -> list[Output]:
    """Two outputs that wait to be published, the second without any file."""
    found = []
    for name, contents in (("table", [text]), ("rejects", [])):
        target = str(folder / name)
        staging = staging_folder(target)
        files = [Staged(name, f"{staging}/{number}", "", ".jsonl", 1) for number, _ in enumerate(contents)]
        for file, content in zip(files, contents, strict=True):
            Path(file.file).write_text(content)
        found.append(Output(target, staging, files, {"run": Path(staging).name}))
    return found


def published(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker die before the step of that number."""
    steps = iter(range(number))

    def mortal(step):
        def do(*arguments):
            if next(steps, None) is None:
                raise Killed
            return step(*arguments)

        return do

    for name in STEPS:
        monkeypatch.setattr(module, name, mortal(getattr(module, name)))


def test_a_step_that_is_done_again_ends_as_if_done_once(tmp_path: Path) -> None:
    """Whatever step was the last one, the next attempt publishes both outputs whole, and what an earlier run wrote goes."""
    crashes = 0
    for number in range(100):
        folder = tmp_path / str(number)
        publish_once(outputs_in(folder, "old"))
        outputs = outputs_in(folder, "new")
        with pytest.MonkeyPatch.context() as patch:
            killed_at(number, patch)
            try:
                publish_once(outputs)
            except Killed:
                crashes += 1
        publish_once(outputs)
        found = published(folder)
        assert {name for name in found if "manifest" not in name} == {"table/part-00000-of-00001.jsonl"}, number
        assert found["table/part-00000-of-00001.jsonl"] == "new"
        for output in outputs:
            assert json.loads(found[f"{Path(output.folder).name}/manifest.json"])["run"] == Path(output.staging).name
        if crashes < number:
            break
    assert 5 < crashes < 100


def test_what_is_done_is_left_alone(tmp_path: Path) -> None:
    """A second attempt after a first that ended changes no file."""
    outputs = outputs_in(tmp_path, "new")
    publish_once(outputs)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    publish_once(outputs)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
