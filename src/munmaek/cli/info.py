"""``munmaek info``."""

from collections.abc import Mapping
from typing import Any

from munmaek.cli.config import toml_value
from munmaek.cli.console import put, put_json, seconds_text, size_text
from munmaek.cli.evaluate import put_scores
from munmaek.cli.options import Json, ModelFolder

__all__ = ["info"]

UNKNOWN = "not known: it was made by a program, or by a version that did not record it"


def info(model: ModelFolder, *, json: Json = False) -> None:
    """Write what a model is: task, sizes, data, scores, configuration, and its command."""
    from munmaek.folder.manifest import read_manifest
    from munmaek.tasks import task_named

    record = read_manifest(model)
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    command = record.get("command") or None
    if json:
        known = ("task", "stage", "label", "version", "parameters", "seconds")
        about = {name: record[name] for name in known}
        put_json(
            {"model": str(model), **about, "bytes": size, "command": command}
            | {name: record[name] for name in ("sizes", "data", "scores", "config", "training")}
        )
        return
    put(f"{model}: {record['label']}, answers with {task_named(record['task']).answers}")
    put(f"task        {record['task']}")
    put(f"stage       {record['stage']}{_context(record['stage'])}")
    put(f"size        {record['parameters']:,} parameters, {size_text(size)}")
    put(f"made in     {seconds_text(record['seconds'])} by munmaek {record['version']}")
    put(f"command     {command or UNKNOWN}")
    for role, corpus in record["data"].items():
        if role in ("train", "valid"):
            put(f"{role:11} {corpus['name']}, {corpus['rows']:,} rows")
    if record["scores"]:
        put("")
        put_scores(record["scores"])
    _put_table("model", record["config"])
    _put_table("train", record["training"].get("config", {}))


def _context(stage: str) -> str:
    from munmaek.models import stages

    row = stages().get(stage)
    return "" if row is None else f", whose context is {row.context}"


def _put_table(name: str, values: Mapping[str, Any]) -> None:
    if values:
        put(f"\n[{name}]")
    for key, value in values.items():
        put(f"# {key} =" if value is None else f"{key} = {toml_value(value)}")
