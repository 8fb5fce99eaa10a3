"""Google's services as far as a Dataflow job that is submitted meets them, on this machine: a storage emulator, and a jobs endpoint."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN = {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}


class Google(NamedTuple):
    """Where the fakes answer, and the jobs that were submitted, as they came."""

    storage: str
    jobs: str
    bucket: str
    submitted: list[dict[str, Any]]

    def put(self, name: str, content: bytes) -> None:
        """Put an object into the bucket."""
        query = urlencode({"uploadType": "media", "name": name})
        self._ask(Request(f"{self.storage}/upload/storage/v1/b/{self.bucket}/o?{query}", content, method="POST"))

    def get(self, name: str) -> bytes:
        """The content of an object."""
        return self._ask(Request(f"{self.storage}/storage/v1/b/{self.bucket}/o/{quote(name, safe='')}?alt=media"))

    def names(self) -> list[str]:
        """The names of all objects in the bucket."""
        listed = json.loads(self._ask(Request(f"{self.storage}/storage/v1/b/{self.bucket}/o")))
        return sorted(item["name"] for item in listed.get("items", []))

    def account(self) -> str:
        """The key file of a service account, as JSON: without one, each process looks for an identity for half a minute."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        facts = {"type": "service_account", "project_id": "my-project", "client_email": "x@my-project.example"}
        return json.dumps(
            {**facts, "private_key": key.private_bytes(*form).decode(), "token_uri": f"{self.jobs}/token"}
        )

    def _ask(self, request: Request) -> bytes:
        with urlopen(request, timeout=30) as answer:
            return answer.read()


@contextmanager
def fake_google(bucket: str) -> Iterator[Google]:
    """Both services, with an empty bucket, for as long as the context lasts."""
    from gcp_storage_emulator.server import create_server

    submitted: list[dict[str, Any]] = []
    jobs = ThreadingHTTPServer(("localhost", 0), partial(Jobs, submitted))
    threading.Thread(target=jobs.serve_forever, daemon=True).start()
    storage = create_server("localhost", 0, in_memory=True, default_bucket=bucket)
    storage.start()
    port = storage._api._httpd.server_port
    try:
        yield Google(f"http://localhost:{port}", f"http://localhost:{jobs.server_port}", bucket, submitted)
    finally:
        storage.stop()
        jobs.shutdown()
        jobs.server_close()


class Jobs(BaseHTTPRequestHandler):
    """Takes any job, and says that it was created; gives a token to anybody."""

    def __init__(self, submitted: list[dict[str, Any]], *args: Any) -> None:
        self.submitted = submitted
        super().__init__(*args)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps(TOKEN if self.path == "/token" else self._created(json.loads(sent))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _created(self, job: dict[str, Any]) -> dict[str, Any]:
        self.submitted.append(job)
        return {**job, "id": f"job-{len(self.submitted)}"}

    def log_message(self, *args: Any) -> None:
        pass
