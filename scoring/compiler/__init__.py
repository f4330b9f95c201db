"""Item declarations to SQL text. Pure: what runs the text, and over which files, is decided in ``service``."""

from scoring.compiler.dialect import DUCKDB, SPARK, Dialect
from scoring.compiler.queries import CompiledQuery, compile_feed, lake_columns
from scoring.compiler.state import FeedState

__all__ = ["DUCKDB", "SPARK", "CompiledQuery", "Dialect", "FeedState", "compile_feed", "lake_columns"]
