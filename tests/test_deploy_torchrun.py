"""The files that start training on machines: read, their scripts and options checked."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from conftest import ROOT

DEPLOY = ROOT / "deploy" / "torchrun"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def job() -> dict[str, Any]:
    return next(each for each in documents("kubernetes.yaml") if each["kind"] == "Job")


def scripts() -> dict[str, str]:
    slurm = re.findall(r"```sh\n(#!/bin/bash.*?)```", (ROOT / "docs/torchrun.md").read_text(), re.S)
    (sky,) = documents("skypilot.yaml")
    container = job()["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][:2] == ["bash", "-c"]
    return {"slurm": slurm[0], "kubernetes": container["command"][2], "skypilot": sky["run"]}


@pytest.mark.parametrize("name", ["slurm", "kubernetes", "skypilot"])
def test_the_scripts_are_shell_and_their_options_are_of_the_command(name: str) -> None:
    script = scripts()[name]
    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0
    command = re.sub(r"\\\n", " ", script)
    given = re.search(r"torchrun (.*) -m munmaek train lm (.*)", command)
    assert given is not None
    reference = (ROOT / "docs/en/reference.md").read_text(encoding="utf-8")
    ours = re.findall(r"--[a-z-]+", given[2])
    assert ours
    assert [option for option in ours if f"`{option}" not in reference] == []
    assert 'again="--resume"' in script
    from torch.distributed.run import get_args_parser

    # Of 8 processes a machine, as where they are counted by a variable.
    words = re.sub(r'"?\$[A-Z_]*(GPUS)\w*"?', "8", given[1])
    words = re.sub(r'"\$[A-Z_]*(RANK)"', "0", re.sub(r'"\$\w*(NNODES|NODES|MACHINES)"', "2", words))
    read = get_args_parser().parse_args([*words.replace('"', "").split(), "munmaek"])
    assert (read.nnodes, read.nproc_per_node) == ("2", "8")


def test_shards_are_as_many_as_processes() -> None:
    for name, machines in (("kubernetes", job()["spec"]["completions"]), ("skypilot", None)):
        count = documents("skypilot.yaml")[0]["num_nodes"] if machines is None else machines
        shards = re.search(r"--shards (\d+)", scripts()[name])
        assert shards is not None
        assert int(shards[1]) == 8 * count


def test_the_pods_find_each_other() -> None:
    service = next(each for each in documents("kubernetes.yaml") if each["kind"] == "Service")
    spec, pod = job()["spec"], job()["spec"]["template"]["spec"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": job()["metadata"]["name"]}
    assert pod["subdomain"] == service["metadata"]["name"]
    first = f"{job()['metadata']['name']}-0.{pod['subdomain']}"
    port = service["spec"]["ports"][0]["port"]
    assert f"--rdzv-endpoint {first}:{port}" in scripts()["kubernetes"]
    assert spec["completionMode"] == "Indexed"
    machines = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}["MACHINES"]
    assert int(machines) == spec["completions"] == spec["parallelism"]
    claims = [each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"][:1]]
    assert claims == [
        each["metadata"]["name"]
        for each in documents("kubernetes.yaml")
        if each["kind"] == "PersistentVolumeClaim"
    ]
