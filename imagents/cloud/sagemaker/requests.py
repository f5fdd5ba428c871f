"""Requests to AWS, kept instead of sent: for `--dry-run`, and for tests that compare them with golden files.

boto3 asks its handlers before each call; whatever changes something is answered here, so that nothing is created,
uploaded or deleted. What only reads goes through.
"""

import contextlib
import dataclasses
import json
import re
from typing import Any

_CHANGES = re.compile(r"(Create|Put|Delete|Stop|Update|Upload|Complete|Abort|Add|Copy|Invoke)")


# Whether the default bucket exists does not matter to a request that is not sent.
_SOMETHING = {"ListBuckets": {"Buckets": []}, "HeadBucket": {}}


@dataclasses.dataclass(frozen=True)
class Request:
    """A request that was not sent.

    Attributes:
      service: such as "sagemaker".
      operation: such as "CreateTrainingJob".
      body: what it would have said; of a file for S3, where it would have gone.
    """

    service: str
    operation: str
    body: dict[str, Any]


@contextlib.contextmanager
def kept(boto_session, answers: dict[str, dict] | None = None):
    """Within this context a boto3 session sends nothing that changes anything.

    Args:
      boto_session: its clients must not have been made yet.
      answers: what operations answer, by name; nothing if not given.

    Yields:
      A list that each request is added to.
    """
    requests, answers = [], _SOMETHING | (answers or {})

    def keep(model, params, **_):
        if not _CHANGES.match(model.name) and model.name not in answers:
            return None
        if model.name not in _SOMETHING:
            requests.append(Request(model.service_model.service_name, model.name, _body(params)))
        return _Answered(), answers.get(model.name, {})

    events = boto_session.events
    events.register("before-call", keep)
    try:
        yield requests
    finally:
        events.unregister("before-call", keep)


class _Answered:
    """As much of an HTTP response as boto3 looks at."""

    status_code = 200
    headers: dict = {}


def _body(params: dict) -> dict:
    body = params.get("body")
    if isinstance(body, (bytes, str)) and body[:1] in (b"{", "{"):
        return json.loads(body)
    said = {"path": params["url_path"]}
    if isinstance(body, bytes) and body[:1] == b"<":  # S3 speaks XML
        said["body"] = body.decode()
    return said
