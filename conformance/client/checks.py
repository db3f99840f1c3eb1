"""Words for clients in Python: features as functions that assert on values, and the lines that conformance/run reads."""

import traceback

FEATURES = []


def feature(name):
    """Registers a function that asserts what `name` says."""
    def register(function):
        FEATURES.append((name, function))
        return function
    return register


def equal(actual, expected):
    assert actual == expected, f"expected {expected!r}, got {actual!r}"


def raises(kind, part, action):
    """The error of `kind` that `action` raises, with `part` in its text."""
    try:
        action()
    except kind as error:
        assert part in str(error), f"no {part!r} in {error}"
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def report(name, error):
    """Prints the outcome of one feature: None or the exception."""
    if error is None:
        print(f"ok {name}", flush=True)
    else:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__} {error} ({place.name})".replace("\n", " ")
        print(f"not ok {name}: {text[:400]}", flush=True)


def run(version, connect, close=lambda connection: connection.close()):
    """Runs every feature with a connection of its own."""
    print(f"version {version}", flush=True)
    for name, function in FEATURES:
        try:
            connection = connect()
            try:
                function(connection)
            finally:
                close(connection)
        except Exception as error:  # A client may raise anything.
            report(name, error)
        else:
            report(name, None)
