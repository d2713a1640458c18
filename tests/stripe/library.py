"""Stripe's own library, asked over standard input: one JSON question a line, one JSON answer a line.

It makes and checks signatures of webhooks, and knows the parameters of requests and the members of objects in the
version of the API that it was generated from.
"""

import json
import re
import sys

import stripe
from stripe.params import _refund_create_params
from stripe.params.checkout import _session_create_params

REQUESTS = {
    "checkout.session": (_session_create_params, "SessionCreateParams"),
    "refund": (_refund_create_params, "RefundCreateParams"),
}
OBJECTS = {
    "checkout.session": stripe.checkout.Session,
    "charge": stripe.Charge,
    "dispute": stripe.Dispute,
    "refund": stripe.Refund,
}


def sign(question):
    return stripe.WebhookSignature.generate_signature_header(
        question["body"], question["secret"], question.get("time")
    )


def verify(question):
    """The event's type, or null when the library refuses it."""
    try:
        event = stripe.Webhook.construct_event(
            question["body"], question["signature"], question["secret"]
        )
    except stripe.SignatureVerificationError:
        return None
    return event.type


def unknown_parameters(question):
    """Those names of a form that the library has no parameter for."""
    module, name = REQUESTS[question["request"]]
    return [
        field
        for field in question["fields"]
        if not has_parameter(module, getattr(module, name), re.findall(r"[^\[\]]+", field))
    ]


def has_parameter(module, parameters, segments):
    annotation = str(parameters.__annotations__.get(segments[0], ""))
    rest = segments[1:]
    if not annotation:
        return False
    if "List[" in annotation and rest and rest[0].isdigit():
        rest = rest[1:]
    nested = [getattr(module, name) for name in re.findall(r"\w+Params\w+", annotation)]
    if nested:
        return bool(rest) and any(has_parameter(module, inner, rest) for inner in nested)
    return len(rest) == (1 if "Dict[" in annotation else 0)


def unknown_members(question):
    """Those members of an object that the library's class has not."""
    known = OBJECTS[question["object"]["object"]].__annotations__
    return [name for name in question["object"] if name not in known]


def version(_):
    return stripe.api_version


ANSWERS = {
    answer.__name__: answer
    for answer in (sign, verify, unknown_parameters, unknown_members, version)
}

for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(ANSWERS[question["ask"]](question)), flush=True)
