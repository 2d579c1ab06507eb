"""How large files and what they hold may be, for both sides: what is written keeps the bounds that readers set.

A bound that only a reader knows is found out too late, when the work that led to the file is done.
"""

from __future__ import annotations

#: Bytes of a checkpoint; the largest architecture has 1.1 GB of weights.
CHECKPOINT = 8 * 2**30

#: Bytes of everything in a checkpoint, or in the state of a training run, that is no tensor; and of a network's card
#: as JSON. A long history takes some hundred kB.
HEADER = 4 * 2**20

#: Bytes of a manifest: the cards of two networks, its suite, and the names of its records.
MANIFEST = 3 * HEADER

#: Bytes of a record: a few numbers per image, its key, and what the attack said.
RECORD = 16 * 2**20

#: Images of all records in one pack together, and the bytes that such a file may have.
PACKED, PACK = 2**24, 2**30

#: Bytes of a bundle, and the files in it: more would need the larger kind of zip archive.
BUNDLE, BUNDLED = 2**32 - 2**16, 65_000

#: Bytes that the arrays of one file may unpack to, together; 250 images of 3×224×224 have 150 million.
ARRAYS = 2**30

#: Bytes of a YAML or CSV file; the largest that comes with the package has some ten thousand.
DOCUMENT = 2**18

#: Characters of one text in a record or manifest.
TEXT = 100_000

#: Characters of an error or a warning that is kept, and how many warnings of one attack are.
MESSAGE, MESSAGES = 1000, 100

#: Characters of a name, and of any other word on a network's card.
NAME = 1000

#: Entries of a mapping in a card, record or manifest, where each must have a form: attacks, libraries, figures.
ENTRIES = 10_000

#: Training images that a data set holds out for validation by itself: a tenth of them, but no more than this.
HELD_OUT = 2000

#: Epochs of a training run: the history of more does not fit into `HEADER`.
EPOCHS = 10_000
