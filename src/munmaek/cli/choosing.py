"""The work of ``munmaek train`` where no stage is named."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from munmaek.cli.chosen import Chosen
from munmaek.cli.console import seconds_text, write, write_message
from munmaek.cli.parameters import Given
from munmaek.cli.stopping import listening
from munmaek.cli.training import sum_up, write_plan
from munmaek.errors import ConfigError
from munmaek.fit.devices import usable_device
from munmaek.terminal import told

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["choose_and_train", "write_tried"]

_STAGED: Final = ("init", "resume", "seeds", "folds", "log_to", "curve", "dry_run")
"""Options that go with a stage that is named."""


def choose_and_train(chosen: Chosen, given: Given, besides: Sequence[str]) -> None:
    """Try what suits the task, keep the best, and sum it up with the table of what was tried.

    Raises:
        ConfigError: an option that goes with a stage that is named, or no budget.
    """
    for name in (*_STAGED, *besides):
        if given.get(name):
            message = f"--{name.replace('_', '-')} goes with a stage that is named; give --model"
            raise ConfigError(message)
    values = chosen.unstaged()
    from munmaek.choosing import budget_of, choose
    from munmaek.fit.running import Running

    budget_of(chosen.task, values)
    if given["output"] is None:
        message = f"Missing option '--output' / '-o'; see 'munmaek train {chosen.task.name} --help'"
        raise ConfigError(message)
    folder: Path = given["output"]
    with listening() as stopper, told(chosen.task.name) as tell:

        def should_stop() -> bool:
            stopper.running = True
            return stopper.asked

        running = Running(
            force=given["force"],
            device=usable_device(given["device"]),
            report=tell,
            should_stop=should_stop,
            planned=write_plan,
        )
        found = choose(
            chosen.task.name,
            given["data"],
            values,
            folder=folder,
            valid=given["valid"] or (),
            running=running,
        )
    json = given["json"]
    if not json:
        write_tried([each.to_json() for each in found.tried])
    tried = {"tried": [each.to_json() for each in found.tried]}
    sum_up(found.model.info, folder, json=json, besides=tried)


def write_tried(rows: Sequence[dict[str, Any]]) -> None:
    """Write the table of what was tried, and which of it is the model."""
    from munmaek.planning.said import language_here
    from munmaek.text.catalogue import Catalogue

    texts = Catalogue(language_here())
    metric = str(rows[0]["metric"])
    write(f"{texts.text('plan.tried'):34} {texts.text('plan.time'):>12}  {metric}")
    for row in rows:
        p_value = "" if row["p_value"] is None else f"  p = {row['p_value']:.3f}"
        kept = f"  {texts.text('plan.kept')}" if row["kept"] else ""
        time = seconds_text(row["seconds"])
        write(f"{row['name'][:34]:34} {time:>12}  {row['score']:.4f}{p_value}{kept}")
    write("")
    write_message(texts.text("plan.judged"))
