"""Reads the data set of dataset_file_test.cpp with h5py alone and compares every value."""

import sys

import h5py
import numpy as np


def same(found, expected):
    found = np.asarray(found)
    assert found.dtype == expected.dtype, (found.dtype, expected.dtype)
    np.testing.assert_array_equal(found, expected)


with h5py.File(sys.argv[1], "r") as f:
    assert f.attrs["format"] == b"ncf_dist data set" and f.attrs["format_version"] == 1
    assert f.attrs["source"] == b"made up" and len(f.attrs["digest"]) == 16
    same(f["users/id"], np.array([-3, 5, 6, 70]))
    assert [x.decode() for x in f["items/id"]] == ["a", "b c", "é"]
    r = f["ratings"]
    same(r["offsets"], np.array([0, 2, 2, 5, 6]))
    same(r["item"], np.array([0, 2, 0, 1, 2, 1], np.int32))
    same(r["value"], np.array([1, 2.5, -3, 0.1, 5, 4], np.float32))
    same(r["time"], np.array([10, -20, 2**40, 40, 50, 60]))
    same(r["valid"], np.array([0, 1, 0, 0, 1, 0], np.uint8))
    same(f["users/columns/age"], np.array([1.5, np.nan, 3, 4]))
    assert list(f["users/columns/gender"]) == [b"F", b"", b"M", b"F"]
    assert [x.decode() for x in f["items/columns/title"]] == ["Amélie (2001)", "", "c"]
    same(f["items/columns/genres/offsets"], np.array([0, 2, 2, 3]))
    assert list(f["items/columns/genres/values"]) == [b"Drama", b"Comedy", b"Sci-Fi"]
print("all values are right")
