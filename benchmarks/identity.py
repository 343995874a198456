"""One small model for every task and stage, trained and used by fixed steps: what must not change.

    python benchmarks/identity.py OUT               # trains, uses, writes OUT/identity.json
    python benchmarks/identity.py OUT --against OLD/identity.json
    python benchmarks/identity.py OUT --golden tests/golden/VERSION.tar.xz     # for a release

A refactor keeps every weight, score and answer to the bit: run it before and after, with one thread
on the same machine, and give the file of before as `--against`; each difference is one line, and
the script leaves with 1. Everything goes through the command line, in this process, so that what is
compared is what a person gets.
"""

import argparse
import contextlib
import hashlib
import io
import itertools
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROWS, HELD = 400, 30

SIZES = {
    "ngram": {"order": 3},
    "rnn": {"embedding": 8, "hidden": 12},
    "seq2seq": {"embedding": 8, "hidden": 12},
    "attention": {"embedding": 8, "hidden": 12, "encoder_hidden": 8},
    "self_attention": {"dimension": 16},
    "transformer": {
        "dimension": 16,
        "heads": 2,
        "layers": 1,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "feed_forward": 24,
    },
    "bert": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 256,
    },
}
DATA = {
    "lm": ["ko.txt"],
    "classify": ["labelled.tsv"],
    "regress": ["valued.tsv"],
    "tag": ["tagged.tsv"],
    "translate": ["ko.txt", "en.txt"],
    "mlm": ["ko.txt"],
    "embed": ["ko.txt"],
}
MEASURED = {**DATA, "embed": ["similar.tsv"]}
"""What is validated and tested on, where it is of another form."""
SENTENCE = "나는 학교에서 공부한다"
VERBS: dict[str, list[list[str]]] = {
    "lm": [
        ["score", "MODEL", "test.ko.txt", "--tokens", "--json"],
        ["next", "MODEL", "나는", "--json"],
        ["generate", "MODEL", "나는", "--seed", "3", "--count", "2", "--json"],
    ],
    "classify": [["classify", "MODEL", "test.ko.txt", "--json"]],
    "regress": [["rate", "MODEL", "test.ko.txt", "--json"]],
    "tag": [["tag", "MODEL", "test.ko.txt", "--json"]],
    "translate": [["translate", "MODEL", "test.ko.txt", "--json"]],
    "mlm": [
        ["fill", "MODEL", "나는 <mask> 공부한다", "--json"],
        ["embed", "MODEL", "test.ko.txt", "-o", "OUT.npy"],
    ],
    "embed": [["embed", "MODEL", "test.ko.txt", "-o", "OUT.npy"]],
}
"""What a person does with a model of each task; ``OUT…`` is a file whose content is kept."""
DERIVED: dict[str, tuple[str, list[str]]] = {
    "lm-compact": ("lm", ["export", "MODELS/lm-ngram", "--to", "compact"]),
    "lm-quantised": ("lm", ["export", "MODELS/lm-ngram", "--to", "quantised"]),
    "lm-mixture": ("lm", ["mix", "MODELS/lm-rnn", "MODELS/lm-transformer", "--weights", "0.5,0.5"]),
    "classify-mixture": (
        "classify",
        ["mix", "MODELS/classify-ngram", "MODELS/classify-rnn", "--weights", "1,1", "--log-linear"],
    ),
}
"""Models made of those, with their task and the command that makes them."""
LOOKED_INTO = ("lm", "classify", "regress", "tag", "translate", "mlm", "embed")
"""Tasks whose models ``look`` draws."""
UNSTABLE = ("created", "date", "seconds", "speed", "tokens_per_second", "elapsed", "time")
"""Keys of JSON that tell of the run, not of the model."""


def write_data(folder: Path) -> None:
    """Write small files of each task's form from the built-in phrasebook."""
    import munmaek

    book = munmaek.phrasebook(pairs=ROWS, valid=HELD, test=HELD)
    for prefix, phrases in (("", book.train), ("valid.", book.valid), ("test.", book.test)):
        rows = [(each.korean, each.english, str(each.label)) for each in phrases]
        texts = {
            "ko.txt": [korean for korean, _, _ in rows],
            "en.txt": [english for _, english, _ in rows],
            "labelled.tsv": ["text\tlabel", *(f"{ko}\t{label}" for ko, _, label in rows)],
            "valued.tsv": ["text\tlabel", *(f"{ko}\t{len(ko.split()) / 10}" for ko, _, _ in rows)],
            "similar.tsv": [
                f"{one[0]}\t{two[0]}\t{len({*one[0].split()} & {*two[0].split()})}"
                for one, two in itertools.pairwise(rows)
            ],
            "tagged.tsv": [
                line
                for ko, _, _ in rows
                for line in (*(f"{w}\t{'LONG' if len(w) > 2 else 'SHORT'}" for w in ko.split()), "")
            ],
        }
        for name, lines in texts.items():
            (folder / (prefix + name)).write_text("\n".join(lines) + "\n", encoding="utf-8")


def command(*arguments: str) -> str:
    """Run a command of munmaek here and return what it prints.

    Raises:
        SystemExit: it failed; its message stands before.
    """
    from munmaek.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    if code:
        message = f"munmaek {' '.join(arguments)}: exit {code}\n{err.getvalue()}"
        raise SystemExit(message)
    return out.getvalue()


def configuration(stage: str) -> str:
    """Return a TOML of fixed steps and small sizes."""
    sizes = "\n".join(f"{key} = {value}" for key, value in SIZES[stage].items())
    train = "" if stage == "ngram" else "[train]\nsteps = 12\nvalidations = 2\n"
    return f"vocab_size = 300\nmax_tokens = 512\n[model]\n{sizes}\n{train}"


def pairs() -> Iterator[tuple[str, str]]:
    """Yield every task with every stage that does it."""
    from munmaek.models import stages_for
    from munmaek.tasks import TASKS

    for task in (each.name for each in TASKS):
        for stage in stages_for(task):
            if stage.name in SIZES:
                yield str(task), stage.name


def stable(value: Any) -> Any:
    """Return ``value`` without what a clock or a path has to do with."""
    if isinstance(value, dict):
        return {key: stable(each) for key, each in value.items() if key not in UNSTABLE}
    if isinstance(value, list):
        return [stable(each) for each in value]
    return value


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def weights_of(model: Path) -> dict[str, str]:
    """Return a hash of every tensor and of every table of a model, by name."""
    from safetensors.numpy import load_file

    found = {}
    for path in sorted(model.rglob("*.safetensors")):
        for name, tensor in sorted(load_file(path).items()):
            kind = f"{tensor.dtype}{list(tensor.shape)}".encode()
            found[f"{path.name}:{name}"] = digest(kind + tensor.tobytes())
    for path in sorted(model.rglob("*.npy")):
        found[path.name] = digest(path.read_bytes())
    return found


def answer(arguments: list[str], model: Path, data: Path, out: Path) -> str:
    """Run one verb and return what it gave: JSON, lines, or the hash of a file's content."""
    made: list[Path] = []
    given: list[str] = []
    for each in arguments:
        if each.startswith("OUT"):
            made.append(out / each)
            each = str(made[-1])
        elif each == "MODEL":
            each = str(model)
        elif (data / each).is_file():
            each = str(data / each)
        given.append(each)
    for path in made:
        path.unlink(missing_ok=True)
    printed = command(*given)
    if made:
        return digest(made[0].read_bytes())
    return printed.replace(str(data), "DATA").replace(str(model), "MODEL")


def record_of(page: Path) -> Any:
    """Return the records that a page of ``look`` carries, without what is of the run."""
    text = page.read_text(encoding="utf-8")
    begin = text.index('{"munmaek_record"')
    record = json.JSONDecoder().raw_decode(text[begin:])[0]
    return stable({key: each for key, each in record.items() if key not in ("id", "model")})


def train(task: str, stage: str, out: Path) -> Path:
    """Train the small model of ``task`` and ``stage`` and return its folder."""
    data, model = out / "data", out / "models" / f"{task}-{stage}"
    toml = out / f"{stage}.toml"
    toml.write_text(configuration(stage), encoding="utf-8")
    files = [str(data / name) for name in DATA[task]]
    valid = [part for name in MEASURED[task] for part in ("--valid", str(data / f"valid.{name}"))]
    command(
        "train", task, *files, *valid, "--model", stage, "--config", str(toml),
        "-o", str(model), "--device", "cpu", "--force",
    )  # fmt: skip
    return model


def derive(name: str, out: Path) -> Path:
    """Make a model of ``DERIVED`` from those that are trained and return its folder."""
    model = out / "models" / name
    given = [each.replace("MODELS", str(out / "models")) for each in DERIVED[name][1]]
    command(*given, "-o", str(model), "--force")
    return model


def identity(task: str, model: Path, data: Path, out: Path) -> dict[str, Any]:
    """Return all of one model that must not change: weights, scores and answers."""
    tests = [str(data / f"test.{name}") for name in MEASURED[task]]
    scores = json.loads(command("evaluate", str(model), *tests, "--json"))
    answers = {
        " ".join(verb[:1] + verb[2:]): answer(verb, model, data, out) for verb in VERBS[task]
    }
    if task in LOOKED_INTO and "mixture" not in model.name:
        page = out / "look.html"
        command("look", str(model), SENTENCE, "-o", str(page), "--force")
        answers["look"] = digest(json.dumps(record_of(page), sort_keys=True).encode())
    return {"weights": weights_of(model), "scores": numbers(scores), "answers": answers}


def measure(out: Path, *, keep: bool) -> dict[str, Any]:
    """Make every model, unless it is kept, and return the identity of each by its name."""
    models, found = out / "models", {}
    for task, stage in pairs():
        name = f"{task}-{stage}"
        model = models / name if keep else train(task, stage, out)
        found[name] = identity(task, model, out / "data", out)
    for name, (task, _) in DERIVED.items():
        model = models / name if keep else derive(name, out)
        found[name] = identity(task, model, out / "data", out)
    return found


def numbers(scores: Any) -> dict[str, float]:
    """Return the value of every score by name, however the JSON around them is built."""
    found: dict[str, float] = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("value"), int | float):
                found[name] = value["value"]
            for key, each in value.items():
                walk(str(key), each)
        elif isinstance(value, list):
            for each in value:
                walk(name, each)

    walk("", scores)
    return found


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Yield one line for each place where ``after`` is not ``before``."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from differences(before.get(key), after.get(key), f"{where}/{key}")
    elif before != after:
        yield f"{where}: before {str(before)[:120]!r}, now {str(after)[:120]!r}"


def write_golden(archive: Path, out: Path, found: dict[str, Any]) -> None:
    """Pack models, test data and scores, which later versions must open and give."""
    scores = {name: each["scores"] for name, each in found.items()}
    text = json.dumps(scores, indent=1, sort_keys=True) + "\n"
    (out / "scores.json").write_text(text, encoding="utf-8")

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return member

    version = archive.name.removesuffix(".tar.xz")
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for path in (*sorted((out / "data").glob("test.*")), out / "models", out / "scores.json"):
            packed.add(path, f"{version}/{path.relative_to(out)}", filter=plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path, help="identity.json of before")
    parser.add_argument("--golden", type=Path, help="an archive of models to be made")
    parser.add_argument(
        "--keep", action="store_true", help="use the models that are there: only answers are new"
    )
    given = parser.parse_args()
    data = given.out / "data"
    data.mkdir(parents=True, exist_ok=True)
    if not given.keep:
        shutil.rmtree(given.out / "models", ignore_errors=True)
        write_data(data)
    found = measure(given.out, keep=given.keep)
    path = given.out / "identity.json"
    path.write_text(
        json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    print(f"{len(found)} models: {path}")
    if given.golden is not None:
        write_golden(given.golden, given.out, found)
    if given.against is not None:
        before = json.loads(given.against.read_text(encoding="utf-8"))
        lines = list(differences(before, found))
        print("\n".join(lines) or "identical")
        raise SystemExit(1 if lines else 0)


if __name__ == "__main__":
    main()
