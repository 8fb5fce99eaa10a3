"""What is measured: each tool as a command line that does one job on one file; how to install the peers."""

import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

JOBS = ("ids", "rows", "rows_text", "store")
HERE = Path(__file__).parent / "jobs"
ALL_CORES = str(os.cpu_count() or 1)
JQ_SDIST = "jq==1.13.0"  # the sdist of the Python binding carries the source release of jq 1.8
PACKAGES = {  # environment -> packages; twarc imports six without asking for it
    "peers": ["duckdb", "polars", "twarc", "six"],
    "presidio": ["presidio-analyzer", "presidio-anonymizer", "spacy", "tldextract"],
}


@dataclass(frozen=True)
class Run:
    """One job on one file."""

    job: str
    shape: str
    source: Path
    out: Path
    work: Path


@dataclass(frozen=True)
class Tool:
    """A tool, or one way to use it.

    Attributes:
        name: how the table calls it; what stands before an underscore is the peer that ``--peers`` chooses.
        command: the command line, or None if the tool is not there.
        version: of what runs, for a work folder.
        jobs: the jobs that it can do.
        note: what a reader must know to compare.
        sample: bytes to measure on if the tool is too slow for more; the rest is extrapolated.
        same: whether it does the whole job, so that its results must be those of the reference.
    """

    name: str
    command: Callable[[Run], list[str] | None]
    version: Callable[[Path], str]
    jobs: tuple[str, ...] = JOBS
    note: str = ""
    sample: int | None = None
    same: bool = True


def python_with(module: str, work: Path) -> str | None:
    """An interpreter that can import the module: one of those that ``install`` made, or this one."""
    for environment in PACKAGES:
        python = work / environment / "bin" / "python"
        if python.exists() and any(python.parent.parent.glob(f"lib/python*/site-packages/{module}")):
            return str(python)
    return sys.executable if importlib.util.find_spec(module) else None


def script(name: str, module: str, *extra: str, more: str = "") -> Callable[[Run], list[str] | None]:
    """The command of one of our scripts under jobs/, on an interpreter that has the module."""

    def command(run: Run) -> list[str] | None:
        python = python_with(module, run.work)
        arguments = [run.job + more, run.shape, str(run.source), str(run.out), *extra]
        return [python, str(HERE / name), *arguments] if python else None

    return command


def package_version(package: str, module: str) -> Callable[[Path], str]:
    """The version of an installed package, asked of the interpreter that would run it."""

    def version(work: Path) -> str:
        ask = f"from importlib.metadata import version; print(version({package!r}))"
        python = python_with(module, work)
        return f"{package} {_output([python, '-c', ask])}" if python else ""

    return version


def jq(build: str) -> Callable[[Run], list[str] | None]:
    """jq as a shell pipeline; ids are made distinct by sort -u."""

    def command(run: Run) -> list[str] | None:
        program = jq_path(build, run.work)
        distinct = " | LC_ALL=C sort -u" if run.job == "ids" else ""
        query = f"""'include "{run.shape}"; {run.job}'"""
        line = f"'{program}' -cr -L '{HERE}' {query} '{run.source}'{distinct} > '{run.out}'"
        return ["bash", "-o", "pipefail", "-c", line] if program else None

    return command


def jq_path(build: str, work: Path) -> str | None:
    """The system's jq, or the one built from source."""
    built = work / "jq18" / "bin" / "jq"
    return shutil.which("jq") if build == "system" else str(built) if built.exists() else None


def twarc(run: Run) -> list[str] | None:
    """twarc's own dehydrate commands."""
    python = python_with("twarc", run.work)
    if not python:
        return None
    program, log = str(Path(python).parent / "twarc"), str(run.work / "twarc.log")
    if run.shape == "v2":
        quiet = ["--log", log, "--bearer-token", "x", "dehydrate", "--hide-progress"]
        return ["env", f"HOME={run.work}", program + "2", *quiet, str(run.source), str(run.out)]
    keys = " ".join(f"--{key} x" for key in ("consumer_key", "consumer_secret", "access_token", "access_token_secret"))
    line = f"'{program}' --skip_key_validation {keys} --log '{log}' dehydrate '{run.source}' > '{run.out}'"
    return ["env", f"HOME={run.work}", "bash", "-c", line]


def xsieve(cores: str) -> Callable[[Run], list[str] | None]:
    """The command beside this interpreter, on a pipeline written for the job."""

    def command(run: Run) -> list[str] | None:
        program = Path(sys.executable).with_name("xsieve")
        kind, _, text = run.job.partition("_")
        output = f"kind: {kind}, " + ("text: scrub, " if text else "") + f"write: {{path: {run.out}"
        output += "}" if kind == "ids" else ", format: jsonl}"
        pipeline = run.work / f"{run.job}.yaml"
        pipeline.write_text(
            f"policy: base-2024\nrejects: {run.work / 'rejects'}\n"
            f"input: {{read: files, path: {run.source}}}\n"
            f"outputs:\n  out: {{{output}}}\n",
            "utf-8",
        )
        return [str(program), "run", str(pipeline), "--cores", cores] if program.exists() else None

    return command


DUCKDB, POLARS = package_version("duckdb", "duckdb"), package_version("polars", "polars")
XSIEVE, BEAM = package_version("xsieve", "xsieve"), package_version("apache-beam", "apache_beam")
TOOLS = [
    Tool("xsieve", xsieve("1"), XSIEVE),
    Tool("xsieve_cores", xsieve("all"), XSIEVE, note=f"all cores ({ALL_CORES})"),
    Tool("duckdb", script("with_duckdb.py", "duckdb", "1"), DUCKDB),
    Tool("duckdb_threads", script("with_duckdb.py", "duckdb", ALL_CORES), DUCKDB,
         note=f"{ALL_CORES} threads"),
    Tool("duckdb_handles", script("with_duckdb.py", "duckdb", "1", more="_handles"), DUCKDB,
         jobs=("rows", "rows_text"), note="without hashtags and clients that are handles, as xsieve"),
    Tool("duckdb_removed", script("with_duckdb.py", "duckdb", "1", more="_removed"), DUCKDB,
         jobs=("store",), note="removes by name: unknown fields pass"),
    Tool("polars", script("with_polars.py", "polars", "1"), POLARS),
    Tool("polars_threads", script("with_polars.py", "polars", ALL_CORES), POLARS,
         note=f"{ALL_CORES} threads"),
    Tool("jq", jq("system"), lambda work: _output([jq_path("system", work), "--version"]),
         note="1.6 rounds ids that are numbers"),
    Tool("jq_18", jq("built"), lambda work: _output([jq_path("built", work), "--version"])),
    Tool("twarc2", twarc, package_version("twarc", "twarc"), jobs=("ids",), same=False,
         note="neither visibility nor distinct; v1.1 by twarc 1"),
    Tool("beam", script("with_beam.py", "apache_beam"), BEAM, note="FnApiRunner"),
    Tool("python", script("plain.py", "json"), lambda work: f"python {sys.version.split()[0]}",
         note="json, line by line"),
    Tool("presidio", script("with_presidio.py", "presidio_analyzer"),
         package_version("presidio-analyzer", "presidio_analyzer"), jobs=("rows_text",), sample=20_000_000,
         note="extrapolated from 20 and 40 MB"),
]  # fmt: skip
PEERS = tuple(dict.fromkeys(tool.name.split("_")[0] for tool in TOOLS if not tool.name.startswith("xsieve")))


def install(work: Path) -> None:
    """Put the peers under ``work``: two environments with packages by name, and jq 1.8 from source."""
    for environment, packages in PACKAGES.items():
        if not (work / environment).exists():
            venv.create(work / environment, with_pip=True)
        _pip(work / environment, "install", *packages)
    build, prefix = work / "jq-build", work / "jq18"
    if not (prefix / "bin" / "jq").exists():
        build.mkdir(exist_ok=True)
        _pip(work / "peers", "download", "--no-deps", "--no-binary", "jq", "--dest", str(build), JQ_SDIST)
        configure = "--with-oniguruma=builtin --disable-docs --disable-shared --enable-static --enable-all-static"
        steps = f"""tar xzf jq-*.tar.gz && cd jq-*/ && tar xzf deps/jq-1.8*.tar.gz && cd jq-1.8*/ &&
            ./configure {configure} --prefix='{prefix}' && make -j{ALL_CORES} && make install"""
        subprocess.run(["bash", "-c", f"({steps}) > build.log 2>&1"], cwd=build, check=True)


def _pip(environment: Path, *arguments: str) -> None:
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, arguments[0], "-q", *arguments[1:]], check=True)


@cache
def _cached_output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _output(command: list[str | None]) -> str:
    return _cached_output(*(part for part in command if part)) if command[0] else ""
