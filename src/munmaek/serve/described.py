"""The description of a server, for programs (OpenAPI) and for readers, whole in itself."""

import html
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from munmaek.serve import inference, libretranslate, openai, vllm
from munmaek.serve.models import CONTINUES, Models

__all__ = ["SERVICES", "description", "page"]

BODIES: Mapping[str, Any] = {
    "/v1/embeddings": openai.EmbeddingsBody,
    "/v1/completions": openai.CompletionsBody,
    "/embed": inference.EmbedBody,
    "/predict": inference.PredictBody,
    "/rerank": inference.RerankBody,
    "/tokenize": inference.TokenizeBody,
    "/detokenize": vllm.TokensBody,
    "/translate": libretranslate.TranslateBody,
}


def _schema(served: Models, path: str) -> dict[str, Any]:
    """Return the JSON schema of a route's body."""
    if path in BODIES:
        return BODIES[path].model_json_schema()
    name = path.rpartition("/")[2]
    services = [each.queues[name].service for each in served.served if name in each.queues]
    texts = services[0].texts
    one = {"type": "string"} if len(texts) == 1 else {"anyOf": [{"type": "string"}, _listed()]}
    fields: dict[str, Any] = services[0].options.model_json_schema().get("properties", {})
    options = {name: fields[name] for name in services[0].names}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"anyOf": [one, {"type": "array", "items": one}]},
            "model": {"type": "string"},
            **options,
        },
    }


def _listed() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}}


def description(served: Models, paths: Sequence[str]) -> dict[str, Any]:
    """Return the OpenAPI description of what is served."""
    answers = {
        "200": {"description": "the answer"},
        "4XX": {"description": "an error that says what was wanted"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "munmaek", "version": version("munmaek")},
        "paths": {
            path: {
                "post": {
                    "operationId": path.strip("/").replace("/", "_"),
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": _schema(served, path)}},
                    },
                    "responses": answers,
                }
            }
            for path in paths
        },
    }


STYLE = """
body { font: 16px/1.5 system-ui, "Noto Sans KR", sans-serif; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem; color: #222; background: #fdfcf9 }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left }
pre { background: #f1efe8; padding: .8rem; overflow-x: auto; font-size: 14px }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1a }
  pre { background: #2a2a28 } }
"""
SERVICES: Mapping[str, str] = {"/v1/embeddings": "embed", "/v1/completions": CONTINUES}
"""Services of routes whose requests must name their model."""
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "/v1/embeddings": {"input": ["나는 학교에 간다"]},
    "/v1/completions": {"prompt": "나는 ", "max_tokens": 16},
    "/translate": {"q": "나는 너를 사랑해"},
    "/predict": {"inputs": "재미있는 영화"},
    "/detokenize": {"tokens": [5, 6]},
    "/rerank": {"query": "재미있는 영화", "texts": ["좋은 영화", "느린 책"]},
}


def page(served: Models, paths: Sequence[str]) -> str:
    """Return the page that says what is served and how it is asked."""
    rows = "".join(
        f"<tr><td><code>{html.escape(each.name)}</code></td>"
        f"<td>{html.escape(each.model.info.task)}</td>"
        f"<td>{html.escape(each.model.info.label)}</td>"
        f"<td>{html.escape(', '.join(each.queues))}</td></tr>"
        for each in served.served
    )
    shown = "".join(
        f"<h3><code>POST {path}</code></h3><pre>{html.escape(_example(served, path))}</pre>"
        for path in paths
        if not path.startswith("/ask/")
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>munmaek</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><h1>munmaek 문맥</h1><h2>Models</h2><table><tr><th>name<th>task"
        f"<th>model<th>answers</tr>{rows}</table><h2>Requests</h2>{shown}"
        "<p>Each verb is at <code>/ask/VERB</code>, too, in munmaek's own form.</p>"
        '<p><a href="openapi.json">openapi.json</a> has every field, '
        '<a href="metrics">metrics</a> what was asked.</p></html>'
    )


def _example(served: Models, path: str) -> str:
    body = dict(EXAMPLES.get(path, {"inputs": "나는 학교에 간다"}))
    if path in SERVICES:
        able = (each.name for each in served.served if each.does(SERVICES[path]))
        body = {"model": next(able), **body}
    written = json.dumps(body, ensure_ascii=False)
    return f"curl -H 'Content-Type: application/json' -d '{written}' \\\n  http://HOST:PORT{path}"
