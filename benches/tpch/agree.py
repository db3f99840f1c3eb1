"""Whether two systems gave the same answer: the same rows in the same order, numbers equal but for rounding."""

import decimal
import math

# Systems differ in how many digits they keep of a quotient, and DuckDB divides and averages in binary.
RELATIVE_TOLERANCE = 1e-6


def values_agree(one, other):
    numbers = (int, float, decimal.Decimal)
    if isinstance(one, numbers) and isinstance(other, numbers):
        return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-9)
    return type(one) is type(other) and one == other


def difference(one, other):
    """What differs first, or None."""
    if len(one) != len(other):
        return f"{len(one)} rows against {len(other)}"
    for number, (left, right) in enumerate(zip(one, other), 1):
        if len(left) != len(right) or not all(map(values_agree, left, right)):
            return f"row {number}: {left} against {right}"
    return None
