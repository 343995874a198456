"""Tasks of MTEB, made of the built-in phrasebook, with an encoder of ours as it is.

    pip install mteb
    python benchmarks/mteb_task.py [models/sentences]

No data is fetched: a similarity task asks whether Korean sentences of one English sentence are
nearer than others, a retrieval task looks for a sentence by its beginning. Each is evaluated by
``mteb.evaluate`` on the model that ``munmaek.load`` gives and on sentence-transformers' own model
of the same weights, exported; the main scores of both are printed. Without a folder a small encoder
is trained.
"""

import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datasets
import mteb
from mteb.abstasks import AbsTaskRetrieval, AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from sentence_transformers import SentenceTransformer

import munmaek
from munmaek.tasks.publishing import export_sentences

PHRASES = munmaek.phrasebook(pairs=400, valid=20, test=20).train
ABOUT: dict[str, Any] = {
    "dataset": {"path": "munmaek/phrasebook", "revision": "1"},
    "description": "Made of the phrasebook of munmaek.",
    "eval_splits": ["test"],
    "eval_langs": ["kor-Hang"],
    "modalities": ["text"],
    "category": "t2t",
}


class Phrases(AbsTaskSTS):
    metadata = TaskMetadata(name="Phrases", type="STS", main_score="cosine_spearman", **ABOUT)
    min_score, max_score = 0, 1

    def load_data(self, **_: Any) -> None:
        rows = [
            {
                "sentence1": one.korean,
                "sentence2": other.korean,
                "score": float(one.label == other.label),
            }
            for one, other in pairwise(PHRASES[:151])
        ]
        self.dataset = datasets.DatasetDict({"test": datasets.Dataset.from_list(rows)})
        self.data_loaded = True


class Beginnings(AbsTaskRetrieval):
    metadata = TaskMetadata(name="Beginnings", type="Retrieval", main_score="ndcg_at_10", **ABOUT)

    def load_data(self, **_: Any) -> None:
        texts = [each.korean for each in PHRASES[:150]]
        corpus = [{"id": f"d{n}", "title": "", "text": text} for n, text in enumerate(texts)]
        queries = [{"id": f"q{n}", "text": text[: len(text) // 2]} for n, text in enumerate(texts)]
        self.dataset = {
            "default": {
                "test": {
                    "corpus": datasets.Dataset.from_list(corpus),
                    "queries": datasets.Dataset.from_list(queries),
                    "relevant_docs": {f"q{n}": {f"d{n}": 1} for n in range(len(texts))},
                    "top_ranked": None,
                }
            }
        }
        self.data_loaded = True


def trained(folder: Path) -> Path:
    texts = [each.korean for each in PHRASES]
    small: dict[str, Any] = {"layers": 2, "hidden_size": 64, "heads": 4, "steps": 60}
    munmaek.train("mlm", texts, model="bert", save=folder / "bert", **small)
    place = folder / "sentences"
    munmaek.train("embed", texts, model="bert", init=folder / "bert", steps=40, save=place)
    return place


def main() -> None:
    with TemporaryDirectory() as work:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else trained(Path(work))
        ours: Any = munmaek.load(folder)
        export_sentences(ours, Path(work) / "exported")
        theirs = SentenceTransformer(str(Path(work) / "exported"), device="cpu")
        for task in (Phrases, Beginnings):
            found = []
            for model in (ours, theirs):
                result = mteb.evaluate(model, task(), cache=None, show_progress_bar=False)
                found.append(result.task_results[0].get_score())
            print(f"{task.metadata.name}: munmaek {found[0]:.6f}, exported {found[1]:.6f}")
            assert abs(found[0] - found[1]) < 1e-4, task.metadata.name


if __name__ == "__main__":
    main()
