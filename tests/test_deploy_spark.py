"""The files of ``deploy/spark``: each is read, and its commands are run on another engine."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT, Run
from engines_support import write_corpus
from munmaek.engines.address import is_master

DEPLOY = ROOT / "deploy" / "spark"


def manifests() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
    return {each["kind"]: each for each in found}


def settings(text: str) -> dict[str, str]:
    """Read a file of Spark's defaults: a name and a value on each line."""
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
    assert all(len(line) == 2 and line[0].startswith("spark.") for line in lines), lines
    return {name: value.strip() for name, value in lines}


def commands() -> dict[str, list[str]]:
    """Return the commands of munmaek in all files."""
    compose = yaml.safe_load((DEPLOY / "standalone.yaml").read_text(encoding="utf-8"))
    job = manifests()["Job"]["spec"]["template"]["spec"]["containers"][0]["command"]
    yarn = (DEPLOY / "yarn.conf").read_text(encoding="utf-8")
    line = re.search(r"(?m)^# .*?\bmunmaek (train .*)$", yarn)
    assert line is not None
    assert job[0] == "munmaek"
    return {
        "compose": compose["services"]["driver"]["command"],
        "kubernetes": job[1:],
        "yarn": line[1].replace("'", "").split(),
    }


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
@pytest.mark.parametrize("name", ["compose", "kubernetes", "yarn"])
def test_the_commands_count(name: str, tmp_path: Path, run: Run) -> None:
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    written = " ".join(commands()[name]).replace("--engine=", "--engine ")
    engine = re.search(r"--engine (\S+)", written)
    assert engine is not None
    assert is_master(engine[1])
    changed = re.sub(r"--engine \S+", "--engine duckdb", written)
    changed = re.sub(r"--output=\S+|-o \S+", f"--output={tmp_path / 'model'}", changed)
    changed = re.sub(r"\S*(?:://|:///|/data/)\S*\.txt", "TEXT", changed)
    arguments = [tmp_path / "b.txt" if each == "TEXT" else each for each in changed.split()]
    write_corpus(tmp_path)
    done = run(*arguments)
    assert done.code == 0, done.err
    assert (tmp_path / "model" / "munmaek.json").is_file()


def test_the_manifests_of_kubernetes_fit_together() -> None:
    kinds = manifests()
    pod = kinds["Job"]["spec"]["template"]
    account = kinds["ServiceAccount"]["metadata"]["name"]
    assert pod["spec"]["serviceAccountName"] == account
    assert kinds["RoleBinding"]["subjects"][0]["name"] == account
    assert kinds["RoleBinding"]["roleRef"]["name"] == kinds["Role"]["metadata"]["name"]
    assert kinds["Service"]["spec"]["selector"] == pod["metadata"]["labels"]
    defaults = settings(kinds["ConfigMap"]["data"]["spark-defaults.conf"])
    ports = {each["port"] for each in kinds["Service"]["spec"]["ports"]}
    assert {
        int(defaults["spark.driver.port"]),
        int(defaults["spark.driver.blockManager.port"]),
    } == (ports)
    assert defaults["spark.driver.host"] == kinds["Service"]["metadata"]["name"]
    container = pod["spec"]["containers"][0]
    assert container["image"] == defaults["spark.kubernetes.container.image"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["spec"]["volumes"]}


def test_the_settings_of_yarn_are_settings_of_spark() -> None:
    found = settings((DEPLOY / "yarn.conf").read_text(encoding="utf-8"))
    assert found["spark.archives"].endswith("#environment")


def test_the_image_installs_extras_of_the_project_without_root_at_the_end() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
    known = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "ENV", "ENTRYPOINT"}
    assert {name for name, _ in lines} == known
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = re.findall(r"\.\[([\w,]+)\]", text)
    assert {*asked[0].split(",")} <= {*project["optional-dependencies"]}
    assert next(rest for name, rest in reversed(lines) if name == "USER") == "munmaek"
    for name, rest in lines:
        if name == "COPY" and "--from" not in rest:
            assert all((ROOT / each).exists() for each in rest.split()[:-1]), rest
