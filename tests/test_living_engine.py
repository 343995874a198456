"""Living models: what JavaScript computes is what Python computes, for every stage and task."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from living_support import Engine, engine, tensor
from munmaek.look import Looking, Record, capture
from test_records import TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

EVERY = [("lm", "ngram"), ("lm", "rnn"), ("classify", "ngram"), ("classify", "rnn")]
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(scope="module")
def living() -> Iterator[Engine]:
    with engine() as found:
        yield found


def plain(record: Record) -> dict[str, Any]:
    return record.to_dict(room=None)


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_a_record_of_the_page_is_the_one_that_python_makes(
    task: str, stage: str, living: Engine
) -> None:
    trained = model(task, stage)
    record = capture(trained, TEXT, how=Looking(measures=False))
    wanted = plain(record)
    found = living.open(f"{task}-{stage}", trained).record(TEXT)
    for field in ("source", "output", "written", "segments", "unit", "gates", "rollout", "text"):
        assert found[field] == wanted[field], field
    assert np.allclose(found["logprobs"], wanted["logprobs"], **CLOSE)
    assert found["tensors"].keys() == wanted["tensors"].keys()
    for name in wanted["tensors"]:
        assert np.allclose(tensor(found, name), record.tensors[name], rtol=1e-4, atol=1e-5), name
    for mine, theirs in zip(found["attentions"], wanted["attentions"], strict=True):
        summary, other = mine.pop("summary"), theirs.pop("summary")
        assert mine == theirs
        assert summary["roles"] == list(other["roles"])
        assert np.allclose(summary["entropy"], other["entropy"], **CLOSE)
    assert _alike(found["outcome"], wanted["outcome"])
    assert _alike(found["probabilities"], wanted["probabilities"])
    assert _alike(_counted(found), _counted(wanted))


def _counted(record: Any) -> Any:
    tokens = (record["ngram"] or {}).get("tokens", [])
    told = ("piece", "order", "context", "logprob", "unknown", "backoffs")
    return [{key: each[key] for key in told} for each in tokens]


def _alike(mine: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_alike(mine[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list | tuple):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    return mine == pytest.approx(theirs, abs=1e-5) if isinstance(theirs, float) else mine == theirs
