"""The file of weights: one line of JSON that says what it is, then the weights, a byte each, packed and in base64."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.classifier.learned.features import BUCKETS
from gateway.errors import SettingsError

BUILT_IN = Path(__file__).parent / "weights.txt"
VERSION = 1
_MAX_FILE = 300_000


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One linear model: `weights` are multiplied by `scale`; `slope` and `offset` make log-odds of its sum."""

    weights: array[int]
    scale: float
    bias: float
    slope: float
    offset: float

    def log_odds(self, buckets: Sequence[int]) -> float:
        """The log-odds of a name with these buckets."""
        weights = self.weights
        total = sum([weights[bucket] for bucket in buckets])
        return self.slope * (self.bias + self.scale * total / math.sqrt(len(buckets) or 1)) + self.offset

    def share(self, bucket: int, of: int) -> float:
        """What one of `of` buckets adds to the log-odds."""
        return self.slope * self.scale * self.weights[bucket] / math.sqrt(of or 1)


@dataclass(frozen=True, slots=True)
class Weights:
    """`tracks` tells trackers from other names, `advertises` advertising from measuring; `trained` is the training's
    own account, in words and numbers, of what it read.
    """

    tracks: LinearModel
    advertises: LinearModel
    trained: str


def compress(weights: Sequence[float], bias: float, calibrated: tuple[float, float]) -> LinearModel:
    """The nearest head whose weights are whole numbers from -127 to 127."""
    scale = max(1e-9, *map(abs, weights)) / 127
    return LinearModel(array("b", (round(weight / scale) for weight in weights)), scale, bias, *calibrated)


def write(weights: Weights) -> str:
    """The text of the file; the same weights make the same text."""
    heads = (weights.tracks, weights.advertises)
    packed = zlib.compress(b"".join(head.weights.tobytes() for head in heads), 9)
    about = {
        "what": "telltale weights for unknown names",
        "version": VERSION,
        "buckets": BUCKETS,
        "sha256": hashlib.sha256(packed).hexdigest(),
        "heads": [[head.scale, head.bias, head.slope, head.offset] for head in heads],
        "trained": weights.trained,
    }
    text = base64.b64encode(packed).decode()
    lines = [text[at : at + 120] for at in range(0, len(text), 120)]
    return "\n".join([json.dumps(about), *lines]) + "\n"


def parse(text: str) -> Weights:
    """Raises ValueError for a file that is not whole or not of this version."""
    first, _, rest = text.partition("\n")
    try:
        about = json.loads(first)
        if about["version"] != VERSION or about["buckets"] != BUCKETS:
            raise ValueError("they are of another version")
        packed = base64.b64decode("".join(rest.split()), validate=True)
        if hashlib.sha256(packed).hexdigest() != about["sha256"]:
            raise ValueError("their checksum is wrong")
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, 2 * BUCKETS)
        if len(raw) != 2 * BUCKETS or unpacker.unconsumed_tail:
            raise ValueError("their number is wrong")
        heads = []
        for at, numbers in enumerate(about["heads"]):
            scale, bias, slope, offset = map(float, numbers)
            if not all(map(math.isfinite, (scale, bias, slope, offset))):
                raise ValueError("a number is not finite")
            heads.append(LinearModel(array("b", raw[at * BUCKETS : (at + 1) * BUCKETS]), scale, bias, slope, offset))
        return Weights(heads[0], heads[1], str(about["trained"]))
    except (KeyError, TypeError, IndexError, RecursionError, OverflowError, zlib.error) as error:
        raise ValueError(f"they cannot be read ({type(error).__name__})") from None


def load(path: Path = BUILT_IN) -> Weights:
    """The weights that we ship, or others. Raises SettingsError with what to do."""
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(_MAX_FILE + 1)
        if len(text) > _MAX_FILE:
            raise ValueError(f"they have more than {_MAX_FILE} bytes")
        return parse(text)
    except OSError as error:
        problem = f"they cannot be read ({error.strerror})"
    except ValueError as error:
        problem = str(error)
    raise SettingsError("knowledge.weights-unknown-names", name=path.name, problem=problem)
