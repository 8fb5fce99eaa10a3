"""Outputs appear whole or not at all: on a disk and on an object store, whatever step is the last one.

A process that is killed makes no further step. So each test of a kill counts the steps that change something (a file made,
renamed, copied, removed), and is done once for each of them as the last.
"""

import errno
import io
import itertools
import json
import os
from typing import Any

import pytest
from apache_beam.io.filesystem import FileMetadata, FileSystem

from xsieve.pipelines import folders as module
from xsieve.pipelines.publish import (
    JOURNAL,
    MANIFEST,
    STAGED,
    Output,
    PublishError,
    discard,
    names_of,
    publish,
    recover,
)
from xsieve.pipelines.publish import staging_folder as stage_in
from xsieve.pipelines.stage import Staged

OLD = {
    "part-00000-of-00003.jsonl": b"old 0\n",
    "part-00001-of-00003.jsonl": b"old 1\n",
    "part-00002-of-00003.jsonl": b"2\n",
}
NEW = {"part-00000-of-00002.jsonl": b"new 0\n", "part-00001-of-00002.jsonl": b"new 1\n"}
AGAIN = {name: b"again " + content for name, content in OLD.items()}
STRANGERS = {"notes.txt": b"mine", "part-00000-of-00009.jsonl": b"mine too", ".hidden": b"also mine"}


class Killed(BaseException):
    """The process is dead."""


class Life:
    """How many steps a process still makes; None: as many as it likes."""

    def __init__(self) -> None:
        self.left: int | None = None

    def step(self) -> None:
        if self.left == 0:
            raise Killed
        if self.left is not None:
            self.left -= 1


LIFE = Life()
BUCKET: dict[str, bytes] = {}


class Handle(io.BytesIO):
    """A file that comes into being, whole, when it is closed; or in two steps, on a disk."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def close(self) -> None:
        if not self.closed:
            content = self.getvalue()
            super().close()
            if self.path.startswith("bucket://"):
                LIFE.step()
                BUCKET[self.path] = content
                return
            for end in (len(content) // 2, len(content)):
                LIFE.step()
                with open(self.path, "wb") as file:
                    file.write(content[:end])


class Bucket(FileSystem):
    """An object store: no folders, and a rename is a copy of all and then a removal of all."""

    @classmethod
    def scheme(cls):
        return "bucket"

    def join(self, basepath, *paths):
        return "/".join((basepath.rstrip("/"), *paths))

    def split(self, path):
        return tuple(path.rsplit("/", 1))

    def mkdirs(self, path):
        pass

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix):
        return (FileMetadata(path, len(BUCKET[path]), 0) for path in sorted(BUCKET) if path.startswith(dir_or_prefix))

    def create(self, path, mime_type="", compression_type=""):
        return Handle(path)

    def open(self, path, mime_type="", compression_type=""):
        return io.BytesIO(BUCKET[path])

    def rename(self, source_file_names, destination_file_names):
        self.copy(source_file_names, destination_file_names)
        self.delete(source_file_names)

    def copy(self, source_file_names, destination_file_names):
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            LIFE.step()
            BUCKET[destination] = BUCKET[source]

    def delete(self, paths):
        for path in paths:
            LIFE.step()
            BUCKET.pop(path, None)

    def exists(self, path):
        return path in BUCKET

    def metadata(self, path):
        return FileMetadata(path, len(BUCKET[path]), 0)

    size = last_updated = checksum = metadata


class Place:
    """The folder of an output, on a disk or in a bucket."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    @property
    def remote(self) -> bool:
        return self.folder.startswith("bucket://")

    def files(self) -> dict[str, bytes]:
        """Everything below the folder."""
        if self.remote:
            start = len(self.folder) + 1
            return {path[start:]: content for path, content in BUCKET.items() if path.startswith(self.folder + "/")}
        found: dict[str, bytes] = {}
        for parent, folders, names in os.walk(self.folder):
            found |= {os.path.relpath(os.path.join(parent, name), self.folder) + "/": b"" for name in folders}
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    found[os.path.relpath(file.name, self.folder)] = file.read()
        return found

    def put(self, files: dict[str, bytes], folder: str = "") -> None:
        for name, content in files.items():
            if self.remote:
                BUCKET[f"{folder or self.folder}/{name}"] = content
            else:
                os.makedirs(folder or self.folder, exist_ok=True)
                with open(os.path.join(folder or self.folder, name), "wb") as file:
                    file.write(content)

    def remove(self, name: str) -> None:
        if self.remote:
            del BUCKET[f"{self.folder}/{name}"]
        else:
            os.remove(os.path.join(self.folder, name))

    def staged(self, files: dict[str, bytes]) -> Output:
        """The output as the steps of a run leave it: its files lie in a staging folder, under other names."""
        staging = stage_in(self.folder)
        self.put({f"{number:03}.jsonl": content for number, content in enumerate(files.values())}, staging)
        found = [Staged("out", f"{staging}/{n:03}.jsonl", "", ".jsonl", 1) for n in range(len(files))]
        return Output(self.folder, staging, found, {"kind": "rows"})

    def publish(self, files: dict[str, bytes]) -> None:
        output = self.staged(files)
        publish([output])
        discard(self.folder, output.staging)

    def seen(self) -> dict[str, bytes] | None:
        """What a reader sees who looks for the manifest first: the files that it names; None where there is none."""
        files = self.files()
        if MANIFEST not in files:
            return None
        return {entry["name"]: files[entry["name"]] for entry in json.loads(files[MANIFEST])["files"]}


@pytest.fixture(params=["disk", "bucket"])
def place(request, tmp_path, monkeypatch):
    """A folder in which strangers keep files too; all that changes it is a step of ``LIFE``."""
    BUCKET.clear()
    LIFE.left = None
    place = Place(str(tmp_path / "out") if request.param == "disk" else "bucket://lab/out")
    place.put(STRANGERS)
    if request.param == "disk":
        for name in ("rename", "remove", "unlink", "rmdir", "mkdir"):
            monkeypatch.setattr(os, name, stepping(getattr(os, name)))
        monkeypatch.setattr(module, "create", Handle)
    yield place
    LIFE.left = None


def stepping(original):
    def step(*arguments, **more):
        LIFE.step()
        return original(*arguments, **more)

    return step


def own(place: Place) -> dict[str, bytes]:
    """What is in a folder besides the files of strangers, which are as they were."""
    files = place.files()
    assert {name: files.pop(name) for name in STRANGERS} == STRANGERS
    return files


def assert_whole(place: Place, content: dict[str, bytes] | None) -> None:
    """An output has this content, or there is none at all; and there is nothing else but the files of strangers."""
    files = own(place)
    assert files.keys() == ({*content, MANIFEST} if content is not None else set())
    assert place.seen() == content


def killed_after(steps: int, act: Any) -> bool:
    """Whether a process that makes so many steps is killed before it is done."""
    LIFE.left = steps
    try:
        act()
    except Killed:
        return True
    finally:
        LIFE.left = None
    return False


# --- kills


@pytest.mark.parametrize("new", [NEW, AGAIN, {}], ids=["fewer parts", "the same names", "nothing"])
def test_a_kill_at_any_step_leaves_the_old_output_or_a_new_one_that_the_next_run_finishes(place, new):
    """Whichever step is the last: a manifest never names what is not whole, and after recovery one output is there."""
    ends: list[str] = []
    for steps in itertools.count():
        place.publish(OLD)
        output = place.staged(new)
        if not killed_after(steps, lambda output=output: publish([output])):
            break
        assert place.seen() in (None, OLD, new)
        turned = JOURNAL in place.files() or place.seen() == new != OLD
        recover(place.folder)
        assert_whole(place, new if turned else OLD)
        ends.append("new" if turned else "old")
    assert_whole(place, new)
    assert ends == sorted(ends, reverse=True), "there is one turning point"
    assert set(ends) == {"old", "new"}


def test_a_kill_of_the_recovery_is_recovered_from_too(place):
    """The run that finishes what another one began may be killed as well, at any step, again and again."""
    for first in itertools.count():
        for second in itertools.count():
            place.publish(OLD)
            output = place.staged(NEW)
            unharmed = not killed_after(first, lambda output=output: publish([output]))
            turned = unharmed or JOURNAL in place.files()
            recovered = not killed_after(second, lambda: recover(place.folder))
            assert place.seen() in (None, OLD, NEW)
            recover(place.folder)
            assert_whole(place, NEW if turned else OLD)
            if recovered:
                break
        if unharmed:
            break
    assert first > 5


def test_a_kill_while_the_first_output_is_published_leaves_all_of_it_or_nothing(place):
    """Where there was no output before there is none after a kill, or the whole one."""
    found = set()
    for steps in itertools.count():
        output = place.staged(NEW)
        killed = killed_after(steps, lambda output=output: publish([output]))
        recover(place.folder)
        found.add(place.seen() is not None)
        assert_whole(place, NEW if place.seen() is not None else None)
        if not killed:
            break
        for name in own(place):
            place.remove(name)
    assert found == {True, False}


def test_a_kill_while_staging_leaves_nothing_behind(place):
    """Staging folders of killed runs go, with files in them or empty."""
    place.publish(OLD)
    place.staged(NEW)
    stage_in(place.folder)
    assert any(name.startswith(STAGED) for name in own(place))
    recover(place.folder)
    assert_whole(place, OLD)


def test_what_was_removed_by_hand_is_not_said_to_be_there(place):
    """Files that somebody removes between a kill and the next run cannot be published: the output is gone, and says so."""
    place.publish(OLD)
    output = place.staged(NEW)
    gone = 0
    for steps in itertools.count():
        if not killed_after(steps, lambda output=output: publish([output])):
            break
        if next(iter(NEW)) in place.files() and MANIFEST not in place.files():
            place.remove(next(iter(NEW)))
            gone += 1
        recover(place.folder)
        assert place.seen() in (None, OLD, NEW)
        assert not any(name.startswith((STAGED, JOURNAL)) for name in own(place))
        output = place.staged(NEW)
    assert gone


# --- what is replaced, and what is not


def test_a_rerun_replaces_its_own_files_and_nothing_else(place):
    """Parts that are no longer written go, the files of strangers stay, even those that are named like parts."""
    for content in (OLD, NEW, {}, OLD, OLD):
        place.publish(content)
        assert_whole(place, content)


def test_a_file_of_a_stranger_with_the_name_of_a_part_stops_the_run(place):
    """Nothing is overwritten that no earlier run wrote; and then nothing at all is published, of no output."""
    place.publish(OLD)
    other = Place(place.folder + "-2")
    other.put({"part-00001-of-00002.jsonl": b"mine"})
    before = place.files(), other.files()
    outputs = [place.staged(NEW), other.staged(NEW)]
    with pytest.raises(PublishError, match=r"holds part-00001-of-00002\.jsonl, which no earlier run wrote"):
        publish(outputs)
    for output in outputs:
        discard(output.folder, output.staging)
    assert (place.files(), other.files()) == before


@pytest.mark.parametrize("name", [MANIFEST, JOURNAL])
@pytest.mark.parametrize(
    "text", ['{"files": [{"name": "notes.txt"}]}', "[]", "{", "", "\x00", '{"made_by": ["xsieve"]}', "null"]
)
def test_a_manifest_of_somebody_else_is_not_obeyed(place, name, text):
    """Many tools write a manifest.json: what such a one names is not ours to remove, and the run stops before it begins."""
    place.put({name: text.encode()})
    before = place.files()
    with pytest.raises(PublishError, match="was not written by xsieve"):
        recover(place.folder)
    assert place.files() == before


def test_files_are_published_in_the_folder_alone(place):
    """A manifest that was tampered with leads to no file elsewhere."""
    place.publish(OLD)
    neighbour = Place(place.folder + "-neighbour")
    neighbour.put({"data.csv": b"mine"})
    manifest = json.loads(place.files()[MANIFEST])
    for path in ("../out-neighbour/data.csv", neighbour.folder + "/data.csv", "..", ".", ""):
        manifest["files"].append({"name": path, "units": 1, "bytes": 4})
    place.put({MANIFEST: json.dumps(manifest).encode()})
    place.publish(NEW)
    assert_whole(place, NEW)
    assert neighbour.files() == {"data.csv": b"mine"}


def test_manifests_say_how_much_is_in_each_file(place):
    """The manifest is JSON: facts about the output, then names, units and bytes of its files."""
    place.publish(NEW)
    manifest = json.loads(place.files()[MANIFEST])
    assert manifest.pop("files") == [{"name": name, "units": 1, "bytes": len(NEW[name])} for name in NEW]
    assert manifest == {"made_by": "xsieve", "kind": "rows"}


def test_parts_are_numbered_in_the_same_order_each_time():
    """Files with a name keep it, the others are numbered; two files never get the same name."""
    staged = [
        Staged("o", f"s/{letter}", name, ".txt", 1)
        for letter, name in zip("dbca", ("", "ids", "", "ids-x"), strict=True)
    ]
    named = [(file.file, name) for file, name in names_of(staged, "part")]
    assert named == [
        ("s/c", "part-00000-of-00002.txt"),
        ("s/d", "part-00001-of-00002.txt"),
        ("s/b", "ids.txt"),
        ("s/a", "ids-x.txt"),
    ]
    assert named == [(file.file, name) for file, name in names_of(reversed(staged), "part")]


# --- file systems that refuse


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_or_read_only_disk_is_one_clear_error_and_the_old_output_stays(tmp_path, monkeypatch, number):
    """What cannot even be prepared leaves everything as it was."""
    place = Place(str(tmp_path / "out"))
    place.put(STRANGERS)
    place.publish(OLD)
    output = place.staged(NEW)

    def refuse(path):
        raise OSError(number, "secret message of a library", path)

    with monkeypatch.context() as broken:
        broken.setattr(module, "create", refuse)
        with pytest.raises(PublishError) as raised:
            publish([output])
    assert str(raised.value) == f"{place.folder} cannot be published ({os.strerror(number)})"
    discard(place.folder, output.staging)
    assert_whole(place, OLD)


def test_a_disk_that_fails_while_files_are_moved_is_said_and_the_next_run_finishes(tmp_path, monkeypatch):
    """After the turning point the new output is not given up: its files wait for a run that can move them."""
    place = Place(str(tmp_path / "out"))
    place.put(STRANGERS)
    place.publish(OLD)
    output = place.staged(NEW)
    rename = os.rename

    def refuse(source, target):
        if target.endswith("1-of-00002.jsonl"):
            raise PermissionError(errno.EACCES, "secret", source)
        rename(source, target)

    with monkeypatch.context() as broken:
        broken.setattr(os, "rename", refuse)
        with pytest.raises(PublishError, match=r"is not whole yet, the next run will finish it.*\(Permission denied\)"):
            publish([output])
    discard(place.folder, output.staging)
    assert place.seen() is None
    recover(place.folder)
    assert_whole(place, NEW)


def test_a_folder_that_cannot_be_is_one_clear_error(tmp_path):
    """A path through a file, or to a file system that Beam does not know, is refused before the run begins."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(PublishError, match=r"cannot be written to \(Not a directory\)"):
        stage_in(str(tmp_path / "file" / "out"))
    with pytest.raises(PublishError, match="/file is a file, and outputs are folders"):
        recover(str(tmp_path / "file"))
    with pytest.raises(PublishError, match="nosuch://bucket/out cannot be"):
        recover("nosuch://bucket/out")


def test_two_runs_at_once_do_not_mix(place):
    """The one whose staged files were cleared away by the other fails, and publishes nothing."""
    place.publish(OLD)
    first = place.staged(NEW)
    recover(place.folder)
    second = place.staged(AGAIN)
    with pytest.raises(PublishError, match="does another run write there at the same time"):
        publish([first])
    discard(place.folder, first.staging)
    publish([second])
    assert_whole(place, AGAIN)
