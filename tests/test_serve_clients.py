"""Clients that others wrote for other servers, unchanged: what they get is what the model says.

Those that are too large to be installed for tests run where they are installed, and say so where
they are not; the requests that they make are made here in any case.
"""

import json
import math
import re
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from libretranslatepy import LibreTranslateAPI

import munmaek
from serve_support import Running
from test_records import TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

LINES = [TEXT, "너는 집에 온다", "나는 간다"]
STAGES = ("ngram", "rnn", "transformer")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    running = Running(
        {
            "chain": model("lm", "ngram"),
            "masks": model("mlm", "bert"),
            "ko-en": model("translate", "attention"),
        }
    )
    yield running
    running.stop()


def test_a_client_of_libretranslate_translates(server: Running) -> None:
    client = LibreTranslateAPI(server.url)
    wanted = model("translate", "attention").translate([TEXT])[0].translation
    assert client.translate(TEXT, "ko", "en") == wanted
    assert client.languages() == [{"code": "ko", "name": "ko", "targets": ["en"]}]


def test_a_form_is_read_as_json_is(server: Running) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    form = b"q=%EB%82%98%EB%8A%94&source=ko&target=en&alternatives=1&alignment=true"
    asked = {"q": "나는", "source": "ko", "target": "en", "alternatives": 1, "alignment": True}
    assert server.ask("/translate", form, kind) == server.ask("/translate", asked)
    assert server.ask("/translate", b"q=a&beam=many", kind)[0] == 422
    assert server.ask("/translate", b"&".join([b"q=a"] * 2000), kind)[0] == 400
    assert server.ask("/classify", form, kind)[0] in (404, 405, 415)


@pytest.mark.parametrize("stage", STAGES)
def test_the_requests_of_evaluation_harnesses_give_the_perplexity_of_evaluate(stage: str) -> None:
    """Make the requests that lm-evaluation-harness 0.4's ``local-completions`` makes."""
    trained = model("lm", stage)
    running = Running({"lm": trained})
    try:
        told = running.ask("/tokenizer_info")[1]

        def encode(text: str) -> list[int]:
            found = running.ask("/tokenize", {"prompt": text, "add_special_tokens": False})[1]
            assert found["count"] == len(found["tokens"])
            return found["tokens"]

        first = encode(told["bos_token"] or told["eos_token"])[0]
        assert running.ask("/detokenize", {"tokens": encode(TEXT)})[1] == {"prompt": TEXT}
        total, words = 0.0, 0
        for line in LINES:
            text = f"{line} {told['eos_token']}"
            ids = [first, *encode(text)]
            answer = completed(running, [ids])
            logprobs = answer["choices"][0]["logprobs"]
            total += sum(logprobs["token_logprobs"][1:-1])
            words += len(re.split(r"\s+", text))
            for logprob, top in zip(
                logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
            ):
                assert max(top.values()) >= logprob - 1e-9
    finally:
        running.stop()
    wanted = munmaek.evaluate(trained, LINES)["word_perplexity"].value
    assert math.exp(-total / words) == pytest.approx(wanted, rel=1e-6)


def completed(running: Running, prompts: Sequence[Sequence[int]]) -> Mapping[str, Any]:
    body = {
        "model": "lm",
        "prompt": prompts,
        "temperature": 0,
        "max_tokens": 1,
        "logprobs": 1,
        "seed": 1234,
        "echo": True,
    }
    status, answer = running.ask("/v1/completions", body)
    assert status == 200, answer
    return answer


def test_the_end_of_a_sentence_is_among_the_logprobs(server: Running) -> None:
    body = {"model": "chain", "prompt": TEXT, "max_tokens": 40, "temperature": 0, "logprobs": 1}
    answer = server.ask("/v1/completions", body)[1]
    told = answer["choices"][0]["logprobs"]
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert told["tokens"][-1] == "</s>"
    assert len(told["token_logprobs"]) == answer["usage"]["completion_tokens"]


def test_lm_evaluation_harness_measures_what_evaluate_measures(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: the harness itself NOT run")
    from lm_eval import simple_evaluate
    from lm_eval.api.task import ConfigurableTask

    rows = "".join(json.dumps({"text": line}) + "\n" for line in LINES)
    (tmp_path / "lines.jsonl").write_text(rows, encoding="utf-8")
    config = {
        "task": "lines",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "lines.jsonl")}},
        "test_split": "test",
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}} </s>",
        "metric_list": [{"metric": "word_perplexity"}],
    }
    for stage in STAGES:
        trained = model("lm", stage)
        running = Running({"lm": trained})
        try:
            found = simple_evaluate(
                model="local-completions",
                model_args=f"model=lm,base_url={running.url}/v1/completions,num_concurrent=1",
                tasks=[ConfigurableTask(config=dict(config))],
                bootstrap_iters=0,
            )
        finally:
            running.stop()
        assert found is not None
        wanted = munmaek.evaluate(trained, LINES)["word_perplexity"].value
        assert found["results"]["lines"]["word_perplexity,none"] == pytest.approx(wanted, rel=1e-6)


def test_langchain_embeds_and_completes(server: Running) -> None:
    reason = "langchain-openai is not installed: the client itself NOT run"
    langchain: Any = pytest.importorskip("langchain_openai", reason=reason)
    common = {"base_url": f"{server.url}/v1", "api_key": "none"}
    embedding = langchain.OpenAIEmbeddings(
        model="masks", check_embedding_ctx_length=False, **common
    )
    found = embedding.embed_documents([TEXT, "너"])
    wanted = model("mlm", "bert").embed([TEXT, "너"])
    np.testing.assert_allclose(np.array(found), wanted, atol=1e-6)
    language = langchain.OpenAI(model="chain", temperature=0, max_tokens=4, **common)
    assert language.invoke("나는") == "".join(language.stream("나는"))


def test_a_client_that_knows_nothing_reads_the_description(server: Running) -> None:
    with urllib.request.urlopen(f"{server.url}/openapi.json", timeout=30) as answer:
        description = json.load(answer)
    for path, methods in description["paths"].items():
        schema = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
        required = set(schema.get("required", ()))
        assert required <= set(schema["properties"]), path
