"""``munmaek info``."""

from collections.abc import Mapping
from typing import Any

from munmaek.cli.console import seconds_text, size_text, write, write_json
from munmaek.cli.evaluate import write_scores
from munmaek.cli.options import Json, ModelFolder
from munmaek.toml import toml_value

__all__ = ["info"]

UNKNOWN = "not known: it was made by a program, or by a version that did not record it"


def info(model: ModelFolder, *, json: Json = False) -> None:
    """Show a model's task, sizes, data, scores, options and command."""
    from munmaek.tasks import task_named
    from munmaek.tasks.records import read_record

    record = read_record(model)
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    command = record.get("command") or None
    if json:
        known = ("task", "stage", "label", "version", "parameters", "seconds")
        about = {name: record[name] for name in known}
        if (plan := record["training"].get("plan")) and command:
            from munmaek.planning.said import again

            about["again"] = again(plan, command)
        write_json(
            {"model": str(model), **about, "bytes": size, "command": command}
            | {name: record[name] for name in ("sizes", "data", "scores", "config", "training")}
        )
        return
    write(f"{model}: {record['label']}, to {task_named(record['task']).purpose}")
    write(f"task        {record['task']}")
    write(f"stage       {record['stage']}{_context(record['stage'])}")
    write(f"size        {record['parameters']:,} parameters, {size_text(size)}")
    write(f"made in     {seconds_text(record['seconds'])} by munmaek {record['version']}")
    write(f"command     {command or UNKNOWN}")
    for role, corpus in record["data"].items():
        if role in ("train", "valid"):
            write(f"{role:11} {corpus['name']}, {corpus['rows']:,} rows")
    _write_plan(record, command)
    if record["scores"]:
        write("")
        write_scores(record["scores"])
    _write_table("model", record["config"])
    _write_table("train", record["training"].get("config", {}))


def _write_plan(record: Mapping[str, Any], command: str | None) -> None:
    """Write what the budget chose, and the command that chooses it by name anywhere."""
    from munmaek.planning.said import again, language_here, paragraph

    if plan := record["training"].get("plan"):
        write(f"plan        {paragraph(plan, record['stage'], language_here())}")
        if command:
            write(f"again       {again(plan, command)}")


def _context(stage: str) -> str:
    from munmaek.models import stages

    row = stages().get(stage)
    return "" if row is None else f", whose context is {row.context}"


def _write_table(name: str, values: Mapping[str, Any]) -> None:
    if values:
        write(f"\n[{name}]")
    for key, value in values.items():
        write(f"# {key} =" if value is None else f"{key} = {toml_value(value)}")
