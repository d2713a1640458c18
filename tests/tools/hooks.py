"""What Schemathesis cannot know from the document, because no schema can say it. Loaded by schemathesis.toml."""

import schemathesis

# Shorter texts than this fit everywhere, with or without the white space around them.
LONG_TEXT_CHARS = 60


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes requests that must be accepted acceptable, and those that must be refused refusable."""
    if case.meta is None:
        return
    if case.meta.generation.mode.is_positive:
        make_acceptable(case)
    elif isinstance(case.body, dict):
        case.body = {name: really_long(value) for name, value in case.body.items()}


def make_acceptable(case):
    if case.query:
        # A cursor is what the shop gave, and cannot be made up.
        case.query.pop("after", None)
        if "minPrice" in case.query and "maxPrice" in case.query:
            bounds = sorted((case.query["minPrice"], case.query["maxPrice"]), key=float)
            case.query["minPrice"], case.query["maxPrice"] = bounds
    if isinstance(case.body, dict) and "replaces" in case.body:
        # An order that takes the place of another one needs that one, of the same customer.
        case.body.pop("replaces")
    if isinstance(case.body, dict) and isinstance(case.body.get("items"), list):
        # Lines of one product are merged, and their sum has a limit.
        named = lambda line: line.get("productId", line.get("variantId"))
        case.body["items"] = list({named(line): line for line in case.body["items"]}.values())


def really_long(value):
    """White space around a text does not count towards its length: a text too long by that is not too long."""
    if isinstance(value, str) and len(value) > LONG_TEXT_CHARS:
        return "".join("x" if letter.isspace() else letter for letter in value)
    return value


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def as_it_is(context, value):
    """Lines of JSON are a text already."""
    return value if isinstance(value, bytes) else str(value).encode()
