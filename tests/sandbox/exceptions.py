"""Where a check of Schemathesis does not hold of the sandbox, and why that is right."""

import re

# (check, operation, what was wrong and sent and answered, why that is right): each a regular
# expression, but for the last.
_REFUSED, _TAKEN = "positive_data_acceptance", "negative_data_rejection"
EXCEPTIONS = [
    (
        "allow_header_conformance",
        r".* /v2/projects/default",
        r"Undocumented methods advertised: DELETE",
        "to delete the default project is refused, as by its id",
    ),
    (
        _TAKEN,
        r"GET /v2/droplets/\{droplet_id\}",
        r"parameter `droplet_id` in path",
        "the test has put an id there that is right",
    ),
    (
        _REFUSED,
        r"(POST|PUT|PATCH|DELETE) .*",
        r"is required\W",
        "the document lets be empty, or not there, what DigitalOcean needs",
    ),
    (
        _REFUSED,
        r"(POST|PUT|PATCH|DELETE) .*",
        r" (must (have|consist|start|be|not|map)|may (hold|be)|is no|is not a valid|cannot)",
        "the document has no bounds or pattern for what its words restrict",
    ),
    (
        _REFUSED,
        r"(POST|PUT|PATCH|DELETE) .*",
        r"not exist|not be found|is not (an available|associated)|has no version|already exists",
        "any text is valid to the document; that there is such a thing is another matter",
    ),
    (
        _REFUSED,
        r"(POST|PUT|DELETE) .*",
        r"(needs at least one|must have at least one|overlaps with)",
        "a rule about several fields, or about what is there",
    ),
    (
        _REFUSED,
        r"GET .*/(kubeconfig|credentials)",
        r"expiry_seconds must be",
        "of seconds there are no more than the sandbox can add to a date",
    ),
    (
        _TAKEN,
        r".*",
        r"[iI]ncorrect type.*\bnull\b|became null|violates `allOf`\s[^\n]* -d [^\n]*\bnull\b",
        "null counts as not given: recorded requests of the official provider have it",
    ),
    (
        _TAKEN,
        r"(POST|PUT|PATCH|DELETE) .*",
        r"Missing (request body|required property)|violates `required`",
        "where nothing is named, nothing is done",
    ),
    (
        _TAKEN,
        r"GET .*",
        r"`per_page` in query .*\bmaximum\b",
        "more than a page can hold is a whole page",
    ),
    (
        _TAKEN,
        r"GET .*",
        r"`per_page` in query .*became object[^?]*\?\S*per_page=\S*per_page=(&|')",
        "of several values the last counts, and an empty one is none",
    ),
    (
        _TAKEN,
        (
            r"GET /v2/(droplets|volumes|vpcs/.*/members"
            r"|kubernetes/.*/(kubeconfig|credentials|status_messages))"
        ),
        r"parameters? .*`(type|resource_type|region|since|expiry_seconds)`",
        "what a list is narrowed by is compared, or not looked at; of two values the last counts",
    ),
    (
        _TAKEN,
        r"DELETE .*/nodes/\{node_id\}",
        r"parameters? `(replace|skip_drain)`",
        "a node is replaced or not, and nothing runs on it that could be drained",
    ),
    (
        _TAKEN,
        r"(POST|PUT) /v2/kubernetes/clusters(/\{cluster_id\})?",
        r"in body - sso",
        "single sign-on is not there to be set up",
    ),
    (
        _TAKEN,
        r"POST /v2/(databases|volumes|kubernetes/clusters)",
        r"in body - (\w+_(uu)?id|filesystem_\w+|autoscale|do_settings|backup_restore)\b",
        "recorded requests have ids empty; what the sandbox does not have, it does not look at",
    ),
]


def excepted(check, operation, words):
    """Return the number of the exception that a failure is, None when it is none."""
    for number, (name, operations, pattern, _) in enumerate(EXCEPTIONS):
        if (
            name == check
            and re.fullmatch(operations, operation)
            and re.search(pattern, words, re.DOTALL)
        ):
            return number
    return None
