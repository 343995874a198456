"""The tables of docs/lab from what `munmaek compare` and `munmaek demo` wrote.

    python benchmarks/results_markdown.py DIR/results.json [...]

Prints one section a file: command, data, machine, and a table with every score, its 95 % interval
and the signature that says how it was made.
"""

import json
import sys
from pathlib import Path
from typing import Any

SCORES = {
    "lm": ("bits_per_character", "word_perplexity", "perplexity"),
    "classify": ("accuracy", "macro_f1"),
    "translate": ("bleu", "chrf", "aer"),
    "mlm": ("masked_perplexity", "masked_accuracy"),
    "align": ("aer",),
}


def shown(score: dict[str, Any] | None) -> str:
    if score is None:
        return "–"
    scale = 100 if score["unit"] == "share" else 1
    numbers = [score["value"], score["low"], score["high"]]
    digits = 3 if score["unit"].startswith("bits") else 1
    texts = ["" if each is None else f"{each * scale:.{digits}f}" for each in numbers]
    return texts[0] if not texts[1] else f"{texts[0]} ({texts[1]}–{texts[2]})"


def table(task: str, rows: list[dict[str, Any]]) -> list[str]:
    names = [name for name in SCORES[task] if any(name in row["scores"] for row in rows)]
    heads = [
        "model",
        *names,
        "weights or n-grams",
        "training",
        "epochs",
        "training tokens/s",
        "use",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        speed = row.get("tokens_per_second")
        cells = [
            f"{row['label']} (`{row['stage']}`)",
            *(shown(row["scores"].get(name)) for name in names),
            f"{row['parameters']:,}",
            f"{row['train_seconds']:.0f} s",
            "–" if row.get("epochs") is None else f"{row['epochs']:.2f}",
            "–" if not speed else f"{speed:,.0f}",
            f"{row['use_per_second']:,.0f} {row['use_unit']}/s",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def lengths(rows: list[dict[str, Any]]) -> list[str]:
    rows = [row for row in rows if row.get("by_length")]
    if not rows:
        return []
    buckets = [(part["low"], part["high"], part["count"]) for part in rows[0]["by_length"]]
    heads = ["BLEU by source words", *(f"{low}–{high} ({count})" for low, high, count in buckets)]
    lines = ["", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [row["label"], *(shown(part["bleu"]) for part in row["by_length"])]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def section(results: dict[str, Any]) -> list[str]:
    machine = results["machine"]
    lines = ["```sh", results["command"], "```", ""]
    lines += [
        f"Data: {data['name']}, {data['train']:,} rows to train on, {data['valid']:,} to "
        f"validate, {data['test']:,} to test; sha256 of the training text "
        f"{data['fingerprint'][:12]}…"
        for data in results["data"]
    ]
    lines += [
        f"Machine: {machine['processor']}, {machine['cores']} core(s), {machine['threads']} "
        f"thread(s), torch {machine['torch']}, Python {machine['python']}; {results['created']}",
        "",
    ]
    for task in SCORES:
        rows = [row for row in results["models"] if row["task"] == task]
        if rows:
            lines += [*table(task, rows), *lengths(rows), "", "Signatures:", ""]
            for row in rows:
                signature = row["scores"][SCORES[task][0]]["signature"]
                lines.append(f"- {row['label']}: `{signature}`")
            lines.append("")
    return lines


def main() -> None:
    for path in sys.argv[1:]:
        results = json.loads(Path(path).read_text(encoding="utf-8"))
        print("\n".join(section(results)))


if __name__ == "__main__":
    main()
