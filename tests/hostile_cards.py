"""What networks say about themselves, where it would end a report after all attacks, or grow when it is read."""

from __future__ import annotations

import json
import struct

from hostile_making import checkpoint, header, hostile, pickled, torch_zip

# Cards that would end a report after all attacks, or grow when they are written again.


@hostile("checkpoint/seconds-in-words.pt")
def _(path):
    checkpoint(path, extra={"seconds": "x"})


@hostile("checkpoint/more-seconds-than-there-are.pt")
def _(path):
    checkpoint(path, extra={"seconds": 1e308})


@hostile("checkpoint/an-age-of-400-digits.pt")
def _(path):
    checkpoint(path, history=[{"epoch": 1, "seconds": 10**400}])


@hostile("checkpoint/a-number-of-5000-digits.pt")
def _(path):
    path.write_bytes(torch_zip(pickled({}, {}, json.dumps(header()).replace('"seed": 0', '"seed": ' + "9" * 5000))))


@hostile("checkpoint/an-endless-loss.pt")
def _(path):
    checkpoint(path, history=[{"epoch": 1, "loss": 1e308}, {"epoch": 2, "loss": -1e308}])


@hostile("checkpoint/settings-that-are-a-list.pt")
def _(path):
    checkpoint(path, extra={"settings": [1, 2], "teachers": 3})


@hostile("checkpoint/a-card-that-grows.pt")
def _(path):
    """Short numbers that are long when they are written out: four megabytes become eleven."""
    text = json.dumps(header(recipe={"x": []})).replace("[]", "[" + ",".join(["1e15"] * 400_000) + "]")
    path.write_bytes(torch_zip(pickled({}, {}, text)))


@hostile("checkpoint/a-million-empty-lists.pt")
def _(path):
    text = json.dumps(header(recipe={"x": []})).replace("[]", "[" + ",".join(["[]"] * 10**6) + "]")
    path.write_bytes(torch_zip(pickled({}, {}, text)))


# Very many wrong values: each would be told, with all that belongs to an error.


@hostile("checkpoint/very-many-words-for-weights.pt")
def _(path):
    whole = pickled(header(), {})
    words = b"".join(b"X" + struct.pack("<I", 6) + b"%06dN" % number for number in range(250_000))
    path.write_bytes(torch_zip(whole[: whole.rindex(b"u.") - 1] + words + b"uu."))


@hostile("checkpoint/a-history-of-lists.pt")
def _(path):
    text = json.dumps(header(history=[])).replace("[]", "[" + ",".join(["[]"] * 250_000) + "]")
    path.write_bytes(torch_zip(pickled({}, {}, text)))


@hostile("checkpoint/one-row-of-lists.pt")
def _(path):
    path.write_bytes(torch_zip(pickled(header(history=[{str(number): [] for number in range(20_000)}]), {})))


@hostile("checkpoint/unknown-facts.pt")
def _(path):
    path.write_bytes(torch_zip(pickled(header(**{f"x{number}": 0 for number in range(200_000)}), {})))


@hostile("checkpoint/words-for-means.pt")
def _(path):
    path.write_bytes(torch_zip(pickled(header(mean=["x"] * 400_000), {})))
