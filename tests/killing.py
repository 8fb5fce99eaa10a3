"""Work that is killed, for good: at any moment, or at any change that it makes to the disk or the ledger.

Run as a program, it forks a process for each piece of work, so that Beam is imported once. It says the number of that
process and, once asked, with which status it has ended: nobody else can have the number until then, so that whoever kills
it never kills a stranger.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

CHANGES = {"os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir"}
WRITES = os.O_WRONLY | os.O_RDWR
RANDOM = re.compile(r"[0-9a-f]{12,32}")
OF_THE_LEDGER = ("open", "offer", "reserve", "published", "all_published", "discard", "void")  # its methods that write
SECONDS = 120  # after which a process that was to be killed is taken for one that hangs


class Workers:
    """Pieces of work one after the other, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        known = {"PYTHONPATH": str(Path(__file__).parent), "TMPDIR": str(self.temporary), "PATH": os.environ["PATH"]}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, __file__], env=known, stdin=pipe, stdout=pipe, text=True, bufsize=1
        )
        assert self._line() == "ready"

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def _say(self, what: object) -> None:
        print(json.dumps(what), file=self._process.stdin)

    def ends(self, house: Path, **work: Any) -> int:
        """Do it to the end; its status."""
        return self._begin(house, work) and self._end()

    def changes(self, house: Path, **work: Any) -> list[str]:
        """Do it to the end; what it changed, one after the other."""
        assert self.ends(house, **work, trace=True) == 0
        return json.loads((house / "trace").read_text())

    def killed_at(self, house: Path, change: int, **work: Any) -> bool:
        """Do it until just before a change; whether it came to that."""
        return self.ends(house, **work, at=change) == signal.SIGKILL

    def killed_when(self, house: Path, when: Callable[[float], bool], **work: Any) -> bool:
        """Do it until ``when``, given the seconds since it began, says so; whether that was before its end."""
        pid, began = self._begin(house, work), time.monotonic()
        try:
            while not when(seconds := time.monotonic() - began):
                assert seconds < SECONDS, "the step never showed"
        finally:
            os.kill(pid, signal.SIGKILL)
            status = self._end()
        return status == signal.SIGKILL

    def _begin(self, house: Path, work: dict[str, Any]) -> int:
        self._say({"house": str(house), **work})
        return int(self._line())

    def _end(self) -> int:
        self._say("end")
        return int(self._line())


# --- in the process that forks, and in its children


def _serve() -> None:
    from xsieve.pipelines import hand_over, run  # noqa: F401  # once, for all
    from xsieve.transforms import ledger  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _child(json.loads(line))
        print(pid, flush=True)
        sys.stdin.readline()
        print(os.waitpid(pid, 0)[1], flush=True)


def _child(work: dict[str, Any]) -> None:
    house = Path(work["house"])
    try:
        changes = _watch(str(house), work.get("at", -1)) if "at" in work or "trace" in work else []
        {"run": _run, "release": _release}[work["do"]](house, work)
        if "trace" in work:
            (house / "trace").write_text(json.dumps(changes))
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def _run(house: Path, work: dict[str, Any]) -> None:
    from xsieve.pipelines.run import run
    from xsieve.pipelines.settings import parse

    run(parse((house / "settings").read_text()), work.get("options", ()))


def _release(house: Path, work: dict[str, Any]) -> None:
    from xsieve.pipelines.hand_over import chosen, hand_over
    from xsieve.pipelines.settings import parse
    from xsieve.transforms.ledger import open_ledger

    settings = parse((house / "settings").read_text())
    with open_ledger(settings.ledger or "", create=False) as ledger:
        for found in chosen(ledger, work["name"]):
            hand_over(ledger, found, "Rita", datetime.now(timezone.utc), settings, work.get("truncate", False))


def _watch(house: str, at: int) -> list[str]:
    """Lists the changes below a folder, and those of the ledger, before they are made; and kills itself before one of them."""
    from sqlalchemy import Engine, event

    changes: list[str] = []

    def before(change: str) -> None:
        if len(changes) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        changes.append(RANDOM.sub("*", change.replace(house, "")))

    def heard(name: str, given: tuple[Any, ...]) -> None:
        writes = name in CHANGES or (name == "open" and isinstance(given[2], int) and given[2] & WRITES)
        if writes and isinstance(given[0], str) and given[0].startswith(house) and "outflow.db" not in given[0]:
            to = f" -> {given[1]}" if name in ("os.link", "os.rename") else ""
            before(f"{name.removeprefix('os.')} {given[0]}{to}")

    def committed(connection: Any) -> None:
        if connection.get_execution_options().get("xsieve_write"):
            before(f"commit {_method()}")

    sys.addaudithook(heard)
    event.listen(Engine, "commit", committed)
    return changes


def _method() -> str:
    frame = sys._getframe()
    while frame and frame.f_code.co_name not in OF_THE_LEDGER:
        frame = frame.f_back
    return frame.f_code.co_name if frame else "?"


if __name__ == "__main__":
    _serve()
