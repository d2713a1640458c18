"""What Schemathesis cannot know from the document: loaded by schemathesis.toml."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves `after` out of requests that must be accepted: a cursor is what the shop gave, and cannot be made up.

    Requests that must be refused keep it.
    """
    if case.meta is not None and case.meta.generation.mode.is_positive and case.query:
        case.query.pop("after", None)
