"""The counts of a server, in Prometheus's form."""

import os
from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE", "SHARED", "Metrics", "forget"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder where several processes keep their counts."""


def forget(process: int) -> None:
    """Forget what waits in a process that has died, one of several."""
    library: Any = multiprocess
    library.mark_process_dead(process)


class Metrics:
    """Counts of a server, of all its processes together where ``SHARED`` is set."""

    def __init__(self) -> None:
        """Begin at nothing."""
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "munmaek_requests", "Requests answered.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "munmaek_request_seconds",
            "Seconds from a request to its answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.under_way = Gauge(
            "munmaek_requests_under_way",
            "Requests not yet answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._batches = Histogram(
            "munmaek_batch_texts",
            "Texts that were computed together.",
            ["model", "service"],
            buckets=SIZES,
            registry=registry,
        )
        self._characters = Counter(
            "munmaek_characters",
            "Characters of the texts that were computed.",
            ["model", "service"],
            registry=registry,
        )
        self._waiting = Gauge(
            "munmaek_waiting_texts",
            "Texts that wait for a model.",
            ["model", "service"],
            registry=registry,
            multiprocess_mode="livesum",
        )

    def batches(self, model: str, service: str) -> Callable[[int, int], None]:
        """Return what is told the texts and characters of each batch of a model's service."""
        texts = self._batches.labels(model, service)
        characters = self._characters.labels(model, service)

        def report(count: int, size: int) -> None:
            texts.observe(count)
            characters.inc(size)

        return report

    def waiting(self, model: str, service: str) -> Callable[[float], None]:
        """Return what is told how many texts wait for a model's service."""
        return self._waiting.labels(model, service).set

    def written(self) -> bytes:
        """Return all counts in Prometheus's text form."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)
        return generate_latest(together)
