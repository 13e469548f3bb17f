"""Who takes what is posted? An HTTP server in a thread that keeps every request, and answers as a test tells it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Posted:
    """One request."""

    path: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes


@dataclass
class Receiver:
    """What came. Any thread."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    """What to answer next: status, headers and body; then 200."""
    hold: threading.Event | None = None
    """No answer is given before it is set."""
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int) -> list[Posted]:
        """Return what came, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.posted) >= count, WAIT_S), f"{len(self.posted)} came"
            return list(self.posted)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Serve on a free port of loopback."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if kept.hold is not None:
                kept.hold.wait(WAIT_S)
            with kept.came:
                kept.posted.append(Posted(self.path, headers, body))
                status, more, text = kept.answers.pop(0) if kept.answers else (200, {}, b"")
                kept.came.notify_all()
            try:
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except ConnectionError:
                pass  # Whoever asked did not wait.

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kept
    finally:
        if kept.hold is not None:
            kept.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
