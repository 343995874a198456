"""Spark, for programs: any model over a data frame, n-grams counted on a cluster.

from munmaek.spark import apply
answered = apply("models/reviews", frame, text="body")
"""

from munmaek.engines.tables import apply

__all__ = ["apply"]
