"""Checks of schemathesis that know the envelope: `statuscode` says what became of a call.

A valid call is understood: whatever the state of the server makes of it, the answer is not 400
(a parameter is missing, or of the wrong type). A call that is not valid is refused, but for what
the API takes as PHP does: numbers and booleans for texts, and the last of several values.
"""

import schemathesis

MALFORMED = {400, 415}


def code(response):
    try:
        return response.json()["ocs"]["meta"]["statuscode"]
    except (ValueError, KeyError, TypeError):
        return None


@schemathesis.check
def valid_call_is_understood(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # Preferences are 400 for every app: none takes any here. Not every two letters are a country.
    if "/config/users/" in case.path or case.path.endswith("/by-phone"):
        return
    # The name of a parameter that no one knows, with control characters, spoils a whole form.
    if "is not valid multipart" in response.text.replace("\\", ""):
        return
    if code(response) in MALFORMED:
        raise AssertionError(f"a valid call is not understood: {response.text}")


@schemathesis.check
def invalid_call_is_refused(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_negative or is_lenient(case):
        return
    if response.status_code < 300:
        raise AssertionError(f"a call that is not valid is accepted: {response.text}")


def is_lenient(case):
    """Whether all that is wrong may be something that PHP would take."""
    # Without a body, what is wrong is a header that no one reads, a path that leads nowhere, or a
    # number of the query, of which PHP takes the digits.
    if not isinstance(case.body, dict):
        return True
    # A parameter that no one knows, and an empty map for an empty list.
    if set(case.query or {}) - {"format"} or any(value in ({}, []) for value in case.body.values()):
        return True
    # What a form cannot say: a map in one field.
    if case.path.endswith("/by-phone"):
        return True
    body = case.body
    scalars = any(isinstance(value, (bool, int, float, type(None))) for value in body.values())
    lists = any(
        isinstance(inner, (bool, int, float, type(None)))
        for value in body.values()
        if isinstance(value, (list, dict))
        for inner in (value if isinstance(value, list) else value.values())
    )
    return scalars or lists
