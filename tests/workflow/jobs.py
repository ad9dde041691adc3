"""The jobs that follow from a change, by rule."""

from batch_race.report.charts import CHARTS as TABLES


def charts(*tables):
    """The jobs that draw the charts of some tables."""
    return {f"plot_{chart}": 1 for chart, table in TABLES.items() if table in tables}


CURVES, SUMMARY_CHARTS = charts("histories"), charts("summary")
MISTAKES_CHARTS = charts("confusion", "mistakes")
CHARTS = CURVES | SUMMARY_CHARTS | MISTAKES_CHARTS
PAGE = {"write_page": 1}
DATA = {"parse": 1, "prepare": 1}
MISTAKES = {"find_mistakes": 1} | MISTAKES_CHARTS | PAGE
ANSWERS = {"summarize": 1, "compare": 1, "forecast": 1} | SUMMARY_CHARTS | MISTAKES
AGGREGATES = {"collect": 1, "collect_crossings": 1} | ANSWERS | CURVES


def trained(count):
    """Count the jobs of so many runs that are trained, and their replays."""
    return {"train": count, "find_crossings": count}
