"""Sessions of Spark: opened, checked before any work, and their errors in one line."""

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from munmaek.engines import work
from munmaek.errors import InputError, MunmaekError, UnsupportedError

__all__ = ["check_workers", "explaining", "mapped", "open_session", "parallelism", "spark_module"]

_JAVA = 17
_LOOPBACK = re.compile(r"spark://(127\.|localhost)")
_OURS = re.compile(r"munmaek\.errors\.(\w+): (.+)")
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def spark_module(name: str = "pyspark.sql") -> Any:
    """Return a module of PySpark.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        message = "Spark needs pyspark, which is not installed: pip install 'munmaek[spark]'"
        raise UnsupportedError(message) from None


def open_session(address: str) -> tuple[Any, bool]:
    """Return a session at a master of Spark, and whether it was begun here.

    Raises:
        UnsupportedError: PySpark or Java is missing.
        InputError: nothing answers at the address.
    """
    session_class = spark_module().SparkSession
    if not address.startswith("sc://"):
        _check_java(address)
    running = session_class.getActiveSession()
    builder = session_class.builder.appName("munmaek")
    with explaining(f"--engine {address}"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        if address.startswith("sc://"):
            return builder.remote(address).getOrCreate(), running is None
        local = address.startswith("local")
        if local or address.startswith("spark://"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        if local:
            # Java does little here, and takes longer to compile than to do it.
            builder = builder.config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        if local or _LOOPBACK.match(address):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            for name, value in _LOCAL.items():
                builder = builder.config(name, value)
        builder = builder.config("spark.ui.showConsoleProgress", "false")
        builder = builder.config("spark.log.level", "ERROR")
        return builder.master(_patient(address)).getOrCreate(), running is None


def _patient(address: str) -> str:
    """Return a master whose tasks are tried four times, as on a cluster; Spark tries here once."""
    tasks = re.fullmatch(r"local(?:\[(\d+|\*)\])?", address)
    return address if tasks is None else f"local[{tasks[1] or 1},4]"


def _check_java(address: str) -> None:
    """Make sure of a Java that Spark runs on.

    Raises:
        UnsupportedError: there is none, or an older one.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java") if home is None else str(Path(home) / "bin" / "java")
    wanted = f"--engine {address}: Spark needs Java {_JAVA} or newer"
    install = "install it (openjdk-17-jre-headless), or set JAVA_HOME to where it is"
    try:
        told = subprocess.run([java or "java", "-version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        message = f"{wanted}, and {home or 'PATH'} has none; {install}"
        raise UnsupportedError(message) from None
    found = re.search(rb'version "(?:1\.)?(\d+)', told.stderr)
    if found is not None and int(found[1]) < _JAVA:
        message = f"{wanted}, and {java} is Java {int(found[1])}; {install}"
        raise UnsupportedError(message)


def check_workers(session: Any, address: str) -> None:
    """Make sure that workers have the same Python and munmaek, in one small job.

    Raises:
        UnsupportedError: another version, or none; says which process has which.
    """
    wanted = work.here()
    schema = ", ".join(f"{name} string" for name in wanted)
    with explaining(f"--engine {address}"):
        parts = max(2, parallelism(session))
        asked = mapped(session.range(parts, numPartitions=parts), work.versions, schema)
        rows = asked.distinct().collect()
    for row in rows:
        for name, own in wanted.items():
            if row[name] != own:
                message = (
                    f"--engine {address}: the workers have {name} {row[name]} and this process "
                    f"{own}; give both the same, on a cluster through PYSPARK_PYTHON"
                )
                raise UnsupportedError(message)


def mapped(frame: Any, function: Any, schema: Any) -> Any:
    """Return what a function of Arrow batches makes of a frame, in the workers."""
    with warnings.catch_warnings():
        # PySpark warns of a pandas newer than it; no pandas is used here.
        warnings.simplefilter("ignore", FutureWarning)
        return frame.mapInArrow(function, schema)


def parallelism(session: Any) -> int:
    """Return how many tasks run side by side; of a cluster behind a server it is not known."""
    context = getattr(session, "_sc", None)
    return 8 if context is None else int(context.defaultParallelism)


@contextmanager
def explaining(what: str) -> Generator[None]:
    """Turn errors of Spark into one line; those of our own workers come as they were raised.

    Raises:
        InputError: something that Spark cannot read or do.
        UnsupportedError: workers that cannot run our code.
    """
    try:
        yield
    except MunmaekError:
        raise
    except Exception as error:
        if not _is_sparks(error):
            raise
        raise _explained(what, str(error)) from None


def _is_sparks(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in ("pyspark", "py4j")


def _explained(what: str, text: str) -> MunmaekError:
    own = _OURS.search(text)
    if own is not None:
        return InputError(own[2].strip())
    if "PYTHON_VERSION_MISMATCH" in text or "different minor version" in text:
        found = re.search(r"Python in worker has different (?:minor )?version:? ?(.{0,80})", text)
        detail = f" ({found[0]})" if found else ""
        message = f"{what}: the workers have another Python{detail}; set PYSPARK_PYTHON"
        return UnsupportedError(message)
    missing = re.search(r"No module named '([\w.]+)'", text)
    if missing is not None:
        message = (
            f"{what}: the workers lack the Python package {missing[1]}; install munmaek[spark] "
            "there, or set PYSPARK_PYTHON to a Python that has it"
        )
        return UnsupportedError(message)
    if "Cannot run program" in text:
        python = os.environ.get("PYSPARK_PYTHON", "python3")
        message = f"{what}: the workers have no {python}; set PYSPARK_PYTHON to theirs"
        return UnsupportedError(message)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by:")]
    told = [line for line in lines if not line.startswith("An error occurred while calling")]
    reason = (causes[-1:] or told[:1] or ["no reason given"])[0].removeprefix(": ")
    message = f"{what}: Spark could not go on ({reason[:400]})"
    return InputError(message)
