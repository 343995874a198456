"""The settings of a model as ``config.json``."""

import json
from pathlib import Path

from munmaek.folder.info import Info
from munmaek.folder.manifest import MARK

__all__ = ["save_settings"]


def save_settings(path: Path, info: Info) -> None:
    """Write task, stage, configuration and sizes."""
    content = {**MARK, "stage": info.stage, "task": info.task, **info.config, **info.sizes}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
