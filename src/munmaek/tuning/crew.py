"""Trials in several processes, which share Optuna's journal."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from munmaek.errors import InputError, MunmaekError, TrainingError
from munmaek.tuning.study import Search, Standing, opened, standing, trials_folder
from munmaek.tuning.worker import Worker

__all__ = ["work_together"]

_EVERY = 0.5
"""Seconds between two looks at the processes."""


def work_together(
    search: Search,
    *,
    report: Callable[[Standing], None] | None,
    should_stop: Callable[[], bool],
) -> None:
    """Make trials in ``search.jobs`` processes until there are as many as wanted.

    Raises:
        InputError: the data is in memory rather than in files.
        MunmaekError: what the first trial of a process raises.
    """
    if not all(isinstance(each, str | Path) for each in (*search.data, *search.valid)):
        raise InputError("--jobs: several processes read files, and the data is in memory; one job")
    context = multiprocessing.get_context("spawn")
    stopping, failed = context.Event(), context.Queue()
    processes = [
        context.Process(target=_work, args=(search, number, stopping, failed))
        for number in range(search.jobs)
    ]
    for each in processes:
        each.start()
    study = opened(search, trials_folder(search.folder))
    try:
        while any(each.is_alive() for each in processes):
            time.sleep(_EVERY)
            if should_stop():
                stopping.set()
            if report is not None:
                report(standing(study, search))
    except BaseException:
        stopping.set()
        raise
    finally:
        for each in processes:
            each.join()
    if not failed.empty():
        raise failed.get()
    if any(each.exitcode for each in processes):
        raise TrainingError("a process of the search ended by itself; is there enough memory?")


def _work(search: Search, number: int, stopping: Any, failed: Any) -> None:
    """Make trials as one of the processes."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it says when to stop
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // search.jobs))
    time.sleep(0.2 * number)  # the options as they are go to the first
    try:
        Worker(search, should_stop=stopping.is_set, worker=number).work()
    except MunmaekError as error:
        stopping.set()
        failed.put(error)
