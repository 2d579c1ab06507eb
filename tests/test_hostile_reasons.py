"""A file that makes no sense is refused for what is wrong with it, not for something else that is wrong, too."""

from __future__ import annotations

import json
from pathlib import Path

import hostile
import pytest
from synthetic import WORKED_CLEAN_ERRORS, add_evaluation

from benchmark.documents import LARGEST, parse_yaml
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.ledger.record import Damaged
from benchmark.ledger.schema import suite_digest
from benchmark.storage import check_writable, digest, read_text

#: Only what does no harm if it is not refused: this program has no bounds on its memory, as the watched one has.
REASONS = {
    "checkpoint/no-pickle.pt": "is a zip archive but not a checkpoint",
    "checkpoint/long-pickle.pt": "has a header of more than 4,194,304 bytes",
    "checkpoint/header-of-spaces.safetensors": "has a header of more than 4,194,304 bytes",
    "checkpoint/much-junk.pt": "is not a checkpoint of this benchmark",
    "checkpoint/false-sizes.pt": "claims to hold more than its own",
    "checkpoint/second-pickle.pt": "'archive/data.pkl' is there twice",
    "checkpoint/two-lists-of-contents.pt": "its list of contents is not at its end",
    "checkpoint/two-lists-and-one-end.pt": "its list of contents is not at its end",
    "checkpoint/behind-another.pt": "it ends in two ways",
    "checkpoint/capitals.pt": "is a zip archive but not a checkpoint .'capitals/DATA.PKL'",
    "checkpoint/another-name-before-its-content.pt": "an entry is not the one that is listed",
    "checkpoint/one-content-for-many.pt": "an entry is not the one that is listed",
    "checkpoint/nested-key.pt": "a key that is neither a word nor a small number: tuple",
    "checkpoint/colliding-keys.pt": "a key that is neither a word nor a small number: int",
    "checkpoint/holds-itself.pt": "'state.format' is wrong: no tensor with a name",
    "checkpoint/lists-in-lists.pt": "is damaged and can't be read",
    "checkpoint/very-many-words-for-weights.pt": "'state.000000' is wrong: no tensor with a name",
    "checkpoint/a-history-of-lists.pt": "'history.0' is wrong: Input should be a valid dictionary",
    "checkpoint/one-row-of-lists.pt": "'history.0' is wrong: 20,000 entries, 10,000 are the most",
    "checkpoint/unknown-facts.pt": "'x0' is wrong: nobody knows what it is",
    "checkpoint/words-for-means.pt": "'mean.0' is wrong: Input should be a valid number",
    "checkpoint/steps-beyond-all-bounds.pt": "is damaged and can't be read",
    "checkpoint/many-small-things.pt": "more than 1,048,576 instructions",
    "checkpoint/a-storage-of-a-terabyte.pt": "has 1,152 bytes, 1,099,511,627,776 are asked for",
    "checkpoint/beyond-its-storage.pt": "a tensor up to number 289, 288 are stored",
    "checkpoint/before-its-storage.pt": "a tensor of impossible shape",
    "checkpoint/one-number-for-all.pt": "shows its numbers more than once",
    "checkpoint/numbers-that-overlap.pt": "shows its numbers more than once",
    "checkpoint/a-storage-that-is-not-there.pt": "its data/../0 has 0 bytes",
    "checkpoint/one-storage-for-all.pt": "claims to hold more than its own",
    "checkpoint/seconds-in-words.pt": "'extra.seconds' is wrong: Input should be a valid number",
    "checkpoint/more-seconds-than-there-are.pt": "'extra.seconds' is wrong",
    "checkpoint/an-age-of-400-digits.pt": "'history.0.seconds' is wrong",
    "checkpoint/a-number-of-5000-digits.pt": "is damaged and can't be read",
    "checkpoint/an-endless-loss.pt": "'history.0.loss' is wrong: must be a number that float32 knows, or a word",
    "checkpoint/settings-that-are-a-list.pt": "'extra.settings' is wrong",
    "checkpoint/a-card-that-grows.pt": "has a header of more than 4,194,304 bytes",
    "checkpoint/a-million-empty-lists.pt": "2,000,0.. values, 524,288 are the most",
    "checkpoint/not-numbers.safetensors": "weights 'network.0.weight' are not finite",
    "checkpoint/climbing-names.safetensors": r"surplus '../../\.\.",
    "checkpoint/whole-numbers.pt": "is torch.int64",
    "checkpoint/complex.pt": "is torch.complex64",
    "records/folder.safetensors": "not a regular file",
    "records/wrong-length.safetensors": "broken is bool .3. for 1000000000000 images",
    "records/backwards.safetensors": "broken is bool .3. for -3 images",
    "records/key-is-a-list.safetensors": "valid dictionary or instance of Key",
    "records/no-info.safetensors": "error: Field required",
    "records/words-for-numbers.safetensors": "seconds: Input should be",
    "records/longer-than-any.safetensors": "16,777,216 are the most",
    "records/much-of-an-error.safetensors": "error: String should have at most 100000 characters",
    "records/numbers-for-warnings.safetensors": "warnings.0: Input should be a valid string",
    "records/not-a-number.safetensors": "a distance is negative or not a number",
    "records/other-types.safetensors": "broken is float64",
    "records/not-a-number-in-words.safetensors": "NaN is not allowed here",
    "records/of-another-version.safetensors": "written by another version",
    "manifest/a-trillion-images.json": "not enough records for 1000000000000 images",
    "manifest/climbing-records.json": "not enough records for 3 images",
    "manifest/records-of-others.json": "its records are not those of its suite",
    "manifest/words-for-numbers.json": "dataset.images: Input should be a valid integer",
    "manifest/a-list-as-name.json": "model.name: Input should be a valid string",
    "manifest/under-the-digest-of-another-suite.json": "the digest of its suite is not that of its attacks",
    "manifest/a-radius-beyond-all-bounds.json": "suite.items.0.epsilon: Input should be less than",
    "manifest/seconds-in-words.json": "model.extra.seconds: Input should be a valid number",
    "manifest/a-size-of-400-digits.json": "model.numbers: Input should be less than",
    "manifest/versions-that-are-a-list.json": "model.versions: Input should be a valid dictionary",
    "manifest/deep-settings.json": "maximum validation depth exceeded|Recursion error",
    "manifest/a-million-empty-lists.json": "values, 1,572,864 are the most",
    "manifest/numbers-for-notes.json": "notes.0: Input should be a valid string",
    "manifest/numbers-for-records.json": "records: 100,000 entries, 10,000 are the most",
    "manifest/one-record-twice.json": "it lists a record twice",
    "manifest/a-link-to-nothing.json": "a broken link",
    "keepsake/one-image-twice.npz": "does not hold images and their positions",
    "keepsake/of-another-layout.npz": "Cannot parse header|null bytes",  # as NumPy, or an older Python, says it
    "keepsake/longer-than-it-says.npz": "claims to hold 16 bytes and has 1,000,016",
    "keepsake/encrypted.npz": "can't be read",
    "keepsake/packed-as-nobody-does.npz": "can't be read .NotImplementedError",
    "suite/very-many-mistakes.yaml": "and 11,980 mistakes more",
    "suite/very-many-keys.yaml": r"unknown key 'x19';.*\nand 5,980 mistakes more",
    "suite/endless-steps.yaml": "endless-steps.yaml:5: parameter 'relative_step_size' of attack 'pgd' must be finite",
    "suite/no-number.yaml": "no-number.yaml: not valid YAML: IndexError",
    "suite/no-date.yaml": "no-date.yaml: not valid YAML: AttributeError",
    "suite/no-truth.yaml": "no-truth.yaml: not valid YAML: KeyError",
    "keepsake/folder.npz": "not a regular file",
    "keepsake/objects.npz": "Object arrays cannot be loaded",
    "keepsake/other-numbers.npz": "does not hold images and their positions",
    "keepsake/false-shape.npz": "rows.npy claims to hold more than 1,073,741,824 bytes",
    "suite/digits.yaml": "digits.yaml:1: a number of 250,000 digits",
    "recipe/folder.yaml": "not a regular file",
}


#: Seconds each; that they are refused at all, and in few words, is among the quick tests in test_hostile_files.py.
LONG = ("checkpoint/many-small-things.pt",)


@pytest.mark.parametrize(
    "file", [pytest.param(file, marks=pytest.mark.slow) if file in LONG else file for file in REASONS]
)
def test_each_is_refused_for_what_is_wrong_with_it(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    (tmp_path / "mark").mkdir()
    path.parent.mkdir()
    hostile.CORPUS[file](path)
    (made,) = path.parent.iterdir()  # records rename themselves
    with pytest.raises((BadInput, Damaged, LookupError), match=REASONS[file]):
        hostile.doors()[path.parent.name](made)
    assert not list((tmp_path / "mark").iterdir())


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        (len(WORKED_CLEAN_ERRORS) - 1, "a record goes beyond the 5 images"),
        (len(WORKED_CLEAN_ERRORS) + 1, "the records of 1 of 7 images are gone; evaluate again"),
    ],
)
def test_an_evaluation_of_other_images_than_its_records(tmp_path: Path, images: int, problem: str) -> None:
    """Its checksum is right, and every record is whole."""
    content = add_evaluation(tmp_path, "at")
    (path,) = (tmp_path / "evaluations").iterdir()
    content["dataset"]["images"] = images
    content["suite"]["digest"] = suite_digest(content["suite"], images)
    path.write_text(json.dumps({"sha256": digest(content), **content}))
    ledger = Ledger.open(tmp_path)
    assert ledger.evaluations() == []
    assert ledger.problems == [f"{path}: {problem}"]


def test_a_link_in_a_results_folder_that_leads_out_is_not_written_through(tmp_path: Path) -> None:
    content = add_evaluation(tmp_path / "results", "at")
    evaluations = tmp_path / "results" / "evaluations"
    evaluations.rename(tmp_path / "elsewhere")
    evaluations.symlink_to(tmp_path / "elsewhere")
    (path,) = evaluations.iterdir()
    path.unlink()
    with pytest.raises(BadInput, match=r"leads out of .* by a link"):
        Ledger.open(tmp_path / "results").write_evaluation(content)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_places_that_can_not_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"can't read the folder long.*: File name too long"):
        Ledger.open("long" * 1000)
    with pytest.raises(BadInput, match=r"can't read null"):
        read_text("null\0character")
    with pytest.raises(BadInput, match="can't write to the folder"):
        check_writable("null\0character")
    (tmp_path / "long").write_bytes(bytes(11))
    with pytest.raises(BadInput, match="it has 11 bytes, 10 are the most"):
        read_text(tmp_path / "long", 10)
    assert read_text(tmp_path / "long", 11) == "\0" * 11
    with pytest.raises(BadInput, match=f"can't write to the folder {tmp_path / 'long' / 'below'}"):
        check_writable(tmp_path / "long" / "below")
    assert list(tmp_path.iterdir()) == [tmp_path / "long"]


def test_a_file_of_very_many_values_is_taken_for_another() -> None:
    text = "a: [" + "1," * 50_000 + "]\nb: [" + "1," * 50_000 + "]"
    assert len(text) < LARGEST
    with pytest.raises(BadInput, match=r"many\.yaml: more than 100,000 values"):
        parse_yaml(text, "many.yaml")
