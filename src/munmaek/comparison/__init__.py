"""Several stages on the same data under the same budget, side by side."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from munmaek.comparison.demonstration import demo
    from munmaek.comparison.run import CompareSettings, compare, parse_candidate

__all__ = ["CompareSettings", "compare", "demo", "parse_candidate"]


def __getattr__(name: str) -> object:
    # Networks are imported when something is compared: the report alone needs none.
    if name == "demo":
        from munmaek.comparison.demonstration import demo

        return demo
    if name in __all__:
        from munmaek.comparison import run

        return getattr(run, name)
    message = f"module 'munmaek.comparison' has no attribute '{name}'"
    raise AttributeError(message)
