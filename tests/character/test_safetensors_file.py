"""Named arrays in bytes: round trips, and whatever a stranger may write instead."""

import contextlib
import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from dance_now.character.safetensors_file import pack_arrays, unpack_arrays

DTYPES = ("float32", "float16", "int32", "uint32", "uint16", "uint8", "bool")


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4))
        ),
        max_size=5,
    )
)
def test_arrays_come_back_as_they_were(arrays):
    back = unpack_arrays(pack_arrays(arrays))
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(back[name], array)
        assert back[name].flags.aligned


def test_other_dtypes_are_not_written():
    with pytest.raises(ValueError, match="float64"):
        pack_arrays({"a": np.zeros(2)})


def file_of(header: object, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut off"),
        (b"\xff" * 8, "longer than any"),
        (file_of(b"{}")[:9], "cut off"),
        (file_of(b"\xff\xfe{}"), "malformed"),
        (file_of(b"[" * 3000), "malformed|Expecting"),
        (file_of([1]), "malformed"),
        (file_of({"a": 3}), "malformed"),
        (file_of({"a": {"dtype": "F32"}}), "malformed"),
        (file_of(entry(), b"1234567"), "not where the header says"),
        (file_of(entry(), b"123456789"), "belong to no array"),
        (file_of(entry(offsets=[1, 9]), b"123456789"), "not where"),
        (file_of(entry(shape=[3]), b"12345678"), "not where"),
        (file_of(entry(shape=[1 << 39, 1 << 39]), b"12345678"), "not where"),
        (file_of(entry(shape=[-2]), b"12345678"), "whole numbers"),
        (file_of(entry(shape=[True, 2]), b"12345678"), "whole numbers"),
        (file_of(entry(shape=2), b"12345678"), "lists"),
        (file_of(entry(shape=[1] * 9), b"1234"), "9 dimensions"),
        (file_of(entry(dtype="F64"), b"12345678"), "dtype"),
        (file_of(entry(dtype=["F32"]), b"12345678"), "dtype"),
        (file_of(entry() | {"b": entry()["a"]}, b"12345678"), "not where"),
    ],
)
def test_what_is_no_safetensors_file_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        unpack_arrays(data)


def test_mutations_are_refused_or_read():
    sound = pack_arrays({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(3, np.uint8)})
    chance = random.Random(0)
    for _ in range(3000):
        data = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice([0, 1, 34, 45, 57, 91, 125, 255])
        with contextlib.suppress(ValueError):
            unpack_arrays(bytes(data[: chance.choice([len(data), chance.randrange(len(data))])]))
