"""Runs for tests: settings as a user writes them, and outputs as a user reads them."""

import csv
import gzip
import io
import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq
import zstandard

from xsieve.pipelines.settings import Settings, parse

HEAD = {"policy": "base-2024", "collection": {"access": "app_only"}}


def settings(folder: Path, outputs: dict[str, dict[str, Any]], path: str = "in", **more: Any) -> Settings:
    """Settings that read ``folder/in`` and write each output to ``folder/out/NAME``; an output may say how in ``write``."""
    written = {
        name: {**output, "write": {"path": str(folder / "out" / name), **output.get("write", {})}}
        for name, output in outputs.items()
    }
    data = {**HEAD, "input": {"read": "files", "path": str(folder / path)}, "outputs": written, **more}
    return parse(json.dumps(data))


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def content(path: Path) -> bytes:
    """The bytes of a file, decompressed."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().decompressobj().decompress(data) if path.suffix == ".zst" else data


def lines(folder: Path) -> list[bytes]:
    """The lines of all files that the manifest names, each of which ends in a line feed."""
    found: list[bytes] = []
    for entry in manifest(folder)["files"]:
        data = content(folder / entry["name"])
        assert data.endswith(b"\n")
        found += data.removesuffix(b"\n").split(b"\n")
    return found


def ids(folder: Path) -> list[int]:
    return [int(line) for line in lines(folder)]


def rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all files that the manifest names, whatever their format, as the verbs give them."""
    return [row for entry in manifest(folder)["files"] for row in _rows(folder / entry["name"])]


def in_order(found: list[dict[str, Any]]) -> list[str]:
    """Rows or payloads in an order of their own, to be compared."""
    return sorted(json.dumps(row, ensure_ascii=False) for row in found)


def _rows(path: Path) -> list[dict[str, Any]]:
    data = content(path)
    if ".parquet" in path.suffixes:
        return [{k: _time(v) for k, v in row.items()} for row in pq.read_table(io.BytesIO(data)).to_pylist()]
    if ".avro" in path.suffixes:
        return [{k: _time(v) for k, v in row.items()} for row in fastavro.reader(io.BytesIO(data))]
    if ".csv" in path.suffixes:
        return [{k: _cell(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(data.decode(), ""))]
    return [json.loads(line) for line in data.splitlines()]


def _time(value: Any) -> Any:
    return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def _cell(text: str) -> Any:
    """What a reader of CSV that does not tell text from the rest makes of a cell."""
    if text in ("", "true", "false"):
        return {"": None, "true": True, "false": False}[text]
    return json.loads(text) if text.isdigit() or text[0] == "[" else text


def in_python(program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """A program in an interpreter of its own, with these tests' helpers at hand."""
    known = {"PYTHONPATH": str(Path(__file__).parent), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=known, capture_output=True, text=True, check=False)
