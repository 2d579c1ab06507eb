"""What is known about the data sets that come by name, without their files and without torch."""

from __future__ import annotations

from dataclasses import dataclass

_TEN = tuple("0123456789")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_CIFAR = "https://www.cs.toronto.edu/~kriz/cifar.html"
_KRIZHEVSKY = "Krizhevsky 2009, Learning multiple layers of features from tiny images, technical report, Toronto"


@dataclass(frozen=True)
class Facts:
    """One data set as its authors published it.

    Attributes:
        classes: names, in the order of the labels; a number of them where they are too many to name.
        shape: (channels, height, width).
        train, test: how many images were published.
        held_out: how many of the former are for validation, see `benchmark.data.splits`.
        mean, std: of each channel over the published training images, without those held out where nothing is
            fetched, in units of [0, 1], to four digits.
        scale: the row of radii that suites and recipes have for these images.
        paper, source: where they come from.
        licence: as the authors state it.
        download: bytes that are fetched, 0 where nothing is.
    """

    classes: tuple[str, ...] | int
    shape: tuple[int, int, int]
    train: int
    test: int
    held_out: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: str
    paper: str
    source: str
    licence: str
    download: int = 0


PUBLISHED = {
    "digits": Facts(
        classes=_TEN,
        shape=(1, 8, 8),
        train=1347,
        test=450,
        held_out=136,
        mean=(0.3049,),
        std=(0.3760,),
        scale="digits",
        paper="Kaynak 1995, Methods of combining multiple classifiers, MSc thesis, Boğaziçi University",
        source="https://archive.ics.uci.edu/dataset/80 (its test images), as scikit-learn ships them",
        licence="CC BY 4.0",
    ),
    "cifar10": Facts(
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        shape=(3, 32, 32),
        train=50_000,
        test=10_000,
        held_out=2_000,
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
        scale="cifar10",
        paper=_KRIZHEVSKY,
        source=_CIFAR,
        licence="none stated by the authors",
        download=170_498_071,
    ),
    "cifar100": Facts(
        classes=100,
        shape=(3, 32, 32),
        train=50_000,
        test=10_000,
        held_out=2_000,
        mean=(0.5071, 0.4865, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
        scale="cifar10",
        paper=_KRIZHEVSKY,
        source=_CIFAR,
        licence="none stated by the authors",
        download=169_001_437,
    ),
    "mnist": Facts(
        classes=tuple(f"{digit} - {word}" for digit, word in enumerate(_WORDS)),
        shape=(1, 28, 28),
        train=60_000,
        test=10_000,
        held_out=2_000,
        mean=(0.1307,),
        std=(0.3081,),
        scale="mnist",
        paper="LeCun et al. 1998, Gradient-based learning applied to document recognition, Proceedings of the IEEE",
        source="http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        download=11_594_722,
    ),
    "fashion-mnist": Facts(
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        shape=(1, 28, 28),
        train=60_000,
        test=10_000,
        held_out=2_000,
        mean=(0.2860,),
        std=(0.3530,),
        scale="mnist",
        paper="Xiao et al. 2017, arXiv:1708.07747",
        source="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        download=30_878_645,
    ),
    "svhn": Facts(
        classes=_TEN,
        shape=(3, 32, 32),
        train=73_257,
        test=26_032,
        held_out=2_000,
        mean=(0.4377, 0.4438, 0.4728),
        std=(0.1980, 0.2010, 0.1970),
        scale="cifar10",
        paper="Netzer et al. 2011, Reading digits in natural images, NIPS workshop on deep learning",
        source="http://ufldl.stanford.edu/housenumbers/",
        licence="non-commercial use only, as the authors' page says",
        download=246_316_188,
    ),
}
