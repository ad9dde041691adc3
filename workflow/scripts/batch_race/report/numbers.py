"""Numbers and intervals as text."""


def number(value: float) -> str:
    """Return a number with three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(low: float | None, high: float | None, kind: str | None = None) -> str:
    """Return an interval as text to append: ` [1, 2]`, or ` [1, 2; 95 %]` with its kind.

    Parameters
    ----------
    low, high : float or None
        An end that is not known is written as `…`.
    kind : str, optional
        Where the text around it does not name it.
    """
    ends = ["…" if end is None else number(end) for end in (low, high)]
    return f" [{ends[0]}, {ends[1]}{'' if kind is None else f'; {kind}'}]"


def bracket(low: float, high: float) -> str:
    """Return two bounds of a number as text: `1–2`, or one number where both read the same."""
    return "–".join(dict.fromkeys((number(low), number(high))))
