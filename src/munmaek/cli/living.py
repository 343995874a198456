"""The pages of ``munmaek look --live``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from munmaek.cli.console import write_message
from munmaek.cli.outputs import claimed_file, is_module, is_page
from munmaek.cli.parameters import Given
from munmaek.errors import ConfigError
from munmaek.writing import write_text

__all__ = ["write_living"]

WITHOUT = ("pairs", "links", "marks", "figures", "json")
"""Options of a page that a server answers, or of none."""


def write_living(model: Path, texts: Sequence[str], given: Given) -> None:
    """Write a page, or with ``-o FILE.mjs`` a module, in which the models compute.

    Args:
        model: the first model's folder.
        texts: more folders, and the sentence to begin with.
        given: the command's options.

    Raises:
        ConfigError: options that do not go together, or a model too large for a page.
        UnsupportedError: a model that does not compute in a page.
    """
    _check(given)
    output = cast("Path", given["output"])
    folders = [model, *(Path(each) for each in texts if Path(each).is_dir())]
    folders += cast("list[Path]", given["beside"] or [])
    sentences = [each for each in texts if not Path(each).is_dir()]
    if len(sentences) > 1:
        message = (
            f"--live begins with one sentence, and its reader types others; got "
            f"{' and '.join(map(repr, sentences[:3]))}, which are no models' folders"
        )
        raise ConfigError(message)
    module = output.suffix == ".mjs"
    if module and len(folders) > 1:
        message = f"{output}: a module holds one model, got {len(folders)}; write one for each"
        raise ConfigError(message)
    written = is_module if module else is_page
    with claimed_file(output, force=given["force"], written=written):
        write_text(output, _made(folders, sentences, given, module=module))
    use = "import it in a page" if module else "open it in a browser"
    write_message(f"{output}: written; {use}")


def _check(given: Given) -> None:
    """Check that what is given goes together."""
    if not given["living"]:
        raise ConfigError("--weights is for the page of --live")
    if given["output"] is None:
        raise ConfigError("--live writes a page: give its name with -o FILE.html")
    for option in WITHOUT:
        if given[option]:
            message = f"--{option} does not go with --live, whose page computes by itself"
            raise ConfigError(message)
    from munmaek.look.living import PRECISIONS
    from munmaek.text.catalogue import LANGUAGES

    if given["language"] not in LANGUAGES:
        message = f"--language {given['language']}: one of {', '.join(LANGUAGES)} is wanted"
        raise ConfigError(message)
    if given["weights"] not in (None, *PRECISIONS):
        message = f"--weights {given['weights']}: one of {', '.join(PRECISIONS)} is wanted"
        raise ConfigError(message)


def _made(folders: Sequence[Path], sentences: Sequence[str], given: Given, *, module: bool) -> str:
    """Return the page or the module; what it holds of the training text is said before."""
    from munmaek.folder.naming import told_apart
    from munmaek.look.capture import inspectable
    from munmaek.look.living import living_model, living_module, living_page, still_figures
    from munmaek.look.workbench import example_sentences
    from munmaek.tasks.loading import load

    loaded: list[Any] = [load(each) for each in folders]
    names = [each.resolve().name for each in folders]
    labels = told_apart([each.info.label for each in loaded], folders)
    made = [
        living_model(each, name=name, label=label, precision=given["weights"])
        for each, name, label in zip(loaded, names, labels, strict=True)
    ]
    for each in made:
        held = "; ".join((*each.contains, f"{each.size / 1e6:.1f} MB of {each.precision} weights"))
        write_message(f"{each.name}: the file holds {held}; whoever has it can read them")
    if module:
        return living_module(made[0])
    accepts = inspectable(loaded[0], names[0]).accepts
    first, other = example_sentences(accepts.reader)
    example = sentences[0] if sentences else first
    target = given["target"] if accepts.writer is not None else None
    pair = given["pair"] if given["pair"] or not accepts.pairs else other
    still = still_figures(
        loaded, example, names=names, second=pair, target=target, language=given["language"]
    )
    if not still:
        write_message("without the extra 'figures' the page shows nothing where scripts are off")
    return living_page(
        made,
        title=" · ".join(dict.fromkeys(labels)),
        example=example,
        second=target or pair,
        still=still,
        language=given["language"],
    )
