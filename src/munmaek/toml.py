"""Values as TOML writes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

__all__ = ["toml_value"]


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it."""
    if hasattr(value, "model_dump"):
        return toml_value(value.model_dump(exclude_none=True))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        pairs = (f"{json.dumps(key)} = {toml_value(each)}" for key, each in table.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, cast('Sequence[Any]', value)))}]"
    return json.dumps(value, ensure_ascii=False)
