"""A server within a test."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import httptools
import uvicorn

from munmaek.serve.application import application
from munmaek.serve.running import listen

__all__ = ["Running"]

assert httptools  # what answers here is what answers where the extra is installed


class Running:
    """A server in a thread of its own."""

    def __init__(self, models: Mapping[str, Any], **options: Any) -> None:
        self.listener = listen("127.0.0.1", 0)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        hosts = [] if options.get("tokens") else [f"127.0.0.1:{self.port}"]
        app = application(models, hosts=hosts, **options)
        config = uvicorn.Config(app, log_level="error", lifespan="on")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.listener.close()

    def ask(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"content-type": "application/json", **(headers or {})}
        connection.request("GET" if body is None else "POST", path, raw, given)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        is_json = "json" in answer.headers["content-type"]
        return answer.status, json.loads(text) if is_json else text
