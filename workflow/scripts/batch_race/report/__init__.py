"""The answer, tables, charts and page."""
