"""The files of ``deploy/``: each is read, and the commands in them are run."""

import configparser
import json
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT
from munmaek.serve.options import ServerOptions
from munmaek.serve.running import listen
from test_records import model

DEPLOY = ROOT / "deploy"
TOKEN = "0123456789abcdef0123456789abcdef"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile."""
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    found = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in found]


def command() -> list[str]:
    """Return what the image runs."""
    return next(json.loads(rest) for name, rest in instructions() if name == "CMD")


def manifests() -> list[dict[str, Any]]:
    """Return the documents of the Kubernetes file."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))


def test_the_image_runs_without_root_and_has_no_instruction_that_is_unknown() -> None:
    names = [name for name, _ in instructions()]
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "CMD"}
    assert set(names) <= known | {"HEALTHCHECK"}
    assert names.index("USER") < names.index("CMD")
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            assert all((ROOT / each).exists() for each in rest.split()[:-1]), rest


def test_what_the_image_installs_is_an_extra_of_the_project() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = re.findall(r"\.\[([\w,]+)\]", " ".join(rest for _, rest in instructions()))
    assert set(asked[0].split(",")) <= set(extras["project"]["optional-dependencies"])


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_the_command_of_the_image_serves_a_model_and_ends_in_order(tmp_path: Path) -> None:
    model("lm", "ngram").save(tmp_path / "model")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    places = {
        "/models/model": str(tmp_path / "model"),
        "/run/secrets/munmaek-token": str(tmp_path / "token"),
        "0.0.0.0": "127.0.0.1",
        "8000": str(port),
    }
    program, *arguments = (places.get(each, each) for each in command())
    assert program == "munmaek"
    process = subprocess.Popen(
        [sys.executable, "-m", "munmaek", *arguments], stderr=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/ready", timeout=5)
            break
        except OSError:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.1)
    body = json.dumps({"inputs": "나는"}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
    asked = urllib.request.Request(f"{url}/score", body, headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert json.load(answer)["outputs"]["logprob"] < 0
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {"POST", "/score", 200} <= set(rows[-1].values())
    assert "나는" not in said


def test_the_unit_of_systemd_runs_a_command_that_is_understood() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(DEPLOY / "munmaek.service", encoding="utf-8")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    check_options(shlex.split(unit["Service"]["ExecStart"]))


def check_options(arguments: list[str]) -> None:
    """Check that every option of ``munmaek serve`` is one."""
    from munmaek.cli.serve import parameters

    known = {f"--{name.replace('_', '-')}" for name in parameters()}
    given = {each.partition("=")[0] for each in arguments if each.startswith("--")}
    assert given <= known


def test_the_manifests_of_kubernetes_fit_together() -> None:
    kinds = {each["kind"]: each for each in manifests()}
    pod = kinds["Deployment"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    check_options(container["args"])
    assert kinds["Service"]["spec"]["selector"] == pod["metadata"]["labels"]
    assert kinds["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "munmaek"
    paths = {container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness")}
    assert paths == {"/ready", "/health"}
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["spec"]["volumes"]}


def test_the_services_of_compose_name_files_that_are_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    built = compose["services"]["munmaek"]["build"]
    assert (DEPLOY / built["context"] / built["dockerfile"]).is_file()
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            place = volume.split(":")[0]
            assert not place.startswith("./") or (DEPLOY / place).is_file()
    scraped = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text(encoding="utf-8"))
    targets = scraped["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == ["munmaek:8000"]
    (site,) = caddy_blocks((DEPLOY / "Caddyfile").read_text(encoding="utf-8"))
    names, inside = site
    assert names == ["localhost"]
    assert [words for words, _ in inside] == [["request_body"], ["reverse_proxy", "munmaek:8000"]]
    limit, proxy = ({words[0]: words[1:] for words, _ in block} for _, block in inside)
    assert limit == {"max_size": [f"{ServerOptions().body // 10**6}MB"]}
    assert proxy == {"flush_interval": ["-1"]}  # events of a stream are passed on at once


Block = list[tuple[list[str], "Block"]]


def caddy_blocks(text: str) -> Block:
    """Read a Caddyfile: directives, each its words and the block behind it.

    Raises:
        ValueError: a brace that is not closed, or that nothing has opened.
    """
    whole: Block = []
    within = [whole]
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words == ["}"]:
            within.pop()
            if not within:
                raise ValueError("a brace too many")
        elif words:
            block: Block = []
            opens = words[-1] == "{"
            within[-1].append((words[:-1] if opens else words, block))
            if opens:
                within.append(block)
            elif {"{", "}"} & set(words):
                message = f"a brace within a line: {line}"
                raise ValueError(message)
    if len(within) > 1:
        raise ValueError("a block is not closed")
    return whole


@pytest.mark.parametrize("text", ["a {", "}", "a {\n}\n}", "a { b }"])
def test_a_caddyfile_whose_braces_do_not_fit_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|block"):
        caddy_blocks(text)


def test_the_proxy_of_compose_reads_the_caddyfile() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    mounts = [each for row in composed["services"].values() for each in row.get("volumes", [])]
    assert any("Caddyfile:/etc/caddy/Caddyfile" in str(each) for each in mounts)
