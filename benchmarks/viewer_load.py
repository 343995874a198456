"""The viewer's server under many clients: resident memory before, at most and after, and answers.

    python benchmarks/viewer_load.py MODEL [--clients 50] [--requests 6]

Starts `munmaek look MODEL` on this machine and lets every client ask for records of sentences of
its own, again after a 503; every tenth goes away before its answer. Bounded in count and time.
"""

import argparse
import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

WORDS = ["나는", "오늘", "학교에서", "친구와", "책을", "읽고", "집으로", "돌아와", "저녁을"]
SECONDS_MOST = 300


def resident(pid: int, field: str) -> float:
    """Return MiB of `field` of /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    message = f"no {field} in /proc/{pid}/status"
    raise SystemExit(message)


def client(port: int, number: int, requests: int, until: float, answers: Counter[int]) -> None:
    for turn in range(requests):
        words = [WORDS[(number + turn + place) % len(WORDS)] for place in range(8 + number % 24)]
        body = json.dumps({"model": "0", "text": " ".join(words)}).encode()
        while time.monotonic() < until:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            link.request("POST", "/api/records", body, {
                "content-type": "application/json", "x-munmaek": "1",
                "host": f"127.0.0.1:{port}",
            })  # fmt: skip
            if (number + turn) % 10 == 9:
                link.close()
                answers[0] += 1
                break
            try:
                answer = link.getresponse()
                answer.read()
            except TimeoutError:
                answers[-1] += 1
                break
            finally:
                link.close()
            answers[answer.status] += 1
            if answer.status != 503:
                break
            time.sleep(float(answer.headers["retry-after"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=6)
    given = parser.parse_args()
    command = [sys.executable, "-m", "munmaek", "look", str(given.model), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = urlsplit(server.stdout.readline().strip()).port or 0
        answers: Counter[int] = Counter()
        until = time.monotonic() + SECONDS_MOST
        try:
            client(port, 0, 1, until, answers)
            before = resident(server.pid, "VmRSS")
            began = time.monotonic()
            for round_ in range(2):
                threads = [
                    threading.Thread(
                        target=client, args=(port, number, given.requests, until, answers)
                    )
                    for number in range(given.clients)
                ]
                for each in threads:
                    each.start()
                for each in threads:
                    each.join()
                after = resident(server.pid, "VmRSS")
                print(f"round {round_ + 1}: {after:.0f} MiB resident after it")
            most = resident(server.pid, "VmHWM")
            names = {0: "gone", -1: "timed out"}
            told = ", ".join(
                f"{names.get(status, status)}: {count}" for status, count in answers.items()
            )
            print(f"resident: {before:.0f} MiB after the first record, at most {most:.0f} MiB")
            print(f"{time.monotonic() - began:.0f} s; answers {told}")
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
