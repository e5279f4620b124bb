"""Cancelling throws the answer away; stopping asks for what there is."""

from __future__ import annotations

import pytest

from fcn_studio.core.cancel import CancelToken
from fcn_studio.core.errors import Cancelled, FcnStudioError


def test_a_cancelled_job_is_told_when_it_looks() -> None:
    token = CancelToken()
    token.raise_if_cancelled()
    token.cancel()
    assert token.cancelled
    assert not token.stop_requested
    with pytest.raises(Cancelled):
        token.raise_if_cancelled()


def test_a_request_to_stop_does_not_throw_the_answer_away() -> None:
    token = CancelToken()
    token.request_stop()
    assert token.stop_requested
    token.raise_if_cancelled()
    assert not token.cancelled


def test_being_cancelled_is_no_error_of_the_program() -> None:
    assert not issubclass(Cancelled, FcnStudioError)
