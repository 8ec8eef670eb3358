"""The engine's refusals as sentences, without any engine."""

from __future__ import annotations

import docker.errors
import pytest
import requests

from lab.backends import containers_engine as calls
from lab.errors import CannotTest


def refusal(text: str, status: int = 500) -> docker.errors.APIError:
    response = requests.Response()
    response.status_code = status
    return docker.errors.APIError("refused", response, explanation=text)


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (refusal("driver failed: Bind for 127.0.0.1:2525 failed: port is already allocated"), "another --port"),
        (refusal("Error starting userland proxy: listen tcp4 127.0.0.1:2525: bind: address already in use"), "another --port"),
        (refusal("Pool overlaps with other one on this address space"), "--subnet"),
        (refusal("Address already in use"), "--subnet"),
        (refusal("could not find an available, non-overlapping IPv4 address pool", 404), "smtplab clean"),
        (docker.errors.ImageNotFound("No such image"), "make image"),
        (refusal("the moon is full"), None),
        (OSError("broken pipe"), None),
    ],
)
def test_each_refusal_is_one_sentence_with_what_to_do(error: Exception, hint: str | None) -> None:
    with pytest.raises(CannotTest, match="the lab cannot be brought up: ") as told, calls.told("the lab cannot be brought up"):
        raise error
    assert (hint is None) is (told.value.hint is None)
    assert hint is None or hint in str(told.value.hint)
