"""Nothing that comes from outside leads to an error that is not this project's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS, Reader
from tests.fuzz.spoiling import spoilt, spoilt_text

EACH = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)


def some_of(reader: Reader) -> st.SearchStrategy[str]:
    """Almost what is real: spoilt as text, and where it has parts, in its parts."""
    texts = st.sampled_from(reader.texts).flatmap(spoilt_text)
    parts: list[Any] = [value for value in reader.values if not isinstance(value, str)]
    return texts | st.sampled_from(parts).flatmap(spoilt).map(reader.shape) if parts else texts


@EACH
def test_what_is_real_is_read(reader: Reader) -> None:
    for text in reader.texts:
        reader.run(text)


@EACH
@settings(max_examples=settings().max_examples * 2 // 5, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_comes_is_read_or_refused_in_words(reader: Reader, data: st.DataObject) -> None:
    reader.run(data.draw(some_of(reader)))
