"""Beyond one machine's memory: n-grams that DuckDB or Spark adds up, any model over their tables.

An engine is an address: ``duckdb``, ``duckdb:FILE``, or a master of Spark. Nothing but integers is
left to it, so that what comes out is the same to the bit as from one process.
"""

from munmaek.engines.address import Engine, open_engine
from munmaek.engines.training import train_on

__all__ = ["Engine", "open_engine", "train_on"]
