"""Simulated cases: several fields of one specimen, and their files with truth beside them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from alkfish.errors import InputError, OutputError
from alkfish.io.labels import write_labels
from alkfish.io.tables import write_table
from alkfish.model.probe import CaseRule, Colour
from alkfish.model.result import PatternCounts
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.score.case_rule import call_counts
from alkfish.synthetic.field import SimulatedField, simulate_field
from alkfish.synthetic.levels import Level, as_level
from alkfish.synthetic.loci import PatternMix
from alkfish.synthetic.stack import simulate_stack
from alkfish.synthetic.truth import TruthNuclei

TRUTH_FORMAT = 1
"""Version of the truth's files; raised when their meaning changes."""

TRUTH_FOLDER = "truth"
"""Folder beside the image folders that holds one folder of truth per case."""

_BACKGROUND_RATE = 0.017
"""Isolated 3' signals that truncation makes among native nuclei (clinical-rules 8.1)."""

FLUOROPHORES = {Colour.RED: "SpectrumOrange", Colour.GREEN: "SpectrumGreen"}
"""Names of the probe channels in the files, by colour."""


@dataclass(frozen=True, eq=False)
class SimulatedCase:
    """Fields of one simulated specimen.

    Attributes
    ----------
    case_id : str
        Name of the case and of its folder.
    fields : tuple of SimulatedField
        At least one; they share level, chromatic shift and pattern mix.
    seed : int
        Seed used.
    positive_fraction : float
        Share of tumour nuclei that are rearranged.
    mix : PatternMix
        Shares of the patterns.
    separation : str
        ``clinical`` or ``published``.
    """

    case_id: str
    fields: tuple[SimulatedField, ...]
    seed: int
    positive_fraction: float
    mix: PatternMix
    separation: str

    @property
    def nuclei(self) -> NucleusRecords:
        """True nuclei of all fields."""
        return NucleusRecords.concatenate([field.nuclei for field in self.fields])

    @property
    def spots(self) -> SpotRecords:
        """True spots of all fields."""
        return SpotRecords.concatenate([field.spots for field in self.fields])

    @property
    def biology(self) -> TruthNuclei:
        """What the nuclei of all fields are."""
        return TruthNuclei.concatenate([field.biology for field in self.fields])

    @property
    def counts(self) -> PatternCounts:
        """True patterns of the scorable nuclei."""
        return PatternCounts.from_patterns(self.nuclei.pattern)


def draw_positive_fraction(rng: np.random.Generator, *, positive: bool) -> float:
    """Draw the share of rearranged nuclei of a positive or a negative case.

    Positive: Beta(1.2, 1.1) above 14.5 %; negative: Beta(1.3, 64.7), less the background that
    truncation adds by itself (clinical-rules 8, fitted to TRIALS18: median 58 % and 2 %).
    """
    if not positive:
        return max(0.0, float(rng.beta(1.3, 64.7)) - _BACKGROUND_RATE)
    fraction = 0.0
    while fraction < 0.145:
        fraction = float(rng.beta(1.2, 1.1))
    return fraction


def draw_mix(rng: np.random.Generator) -> PatternMix:
    """Draw a case's pattern mix: split-dominant 55 %, isolated-3'-dominant 38 %, mixed 7 %.

    Source: DACIC16, GAO15, COMB15 (clinical-rules 3 and 8).
    """
    split = float(rng.choice([0.9, 0.1, 0.5], p=[0.55, 0.38, 0.07]))
    return PatternMix(split=split, isolated_3p=1 - split, isolated_5p=float(rng.beta(1.5, 50)))


def simulate_case(
    level: str | Level = "typical", *, seed: int, n_fields: int = 6, case_id: str = "",
    positive_fraction: float | None = None, positive: bool = True, mix: PatternMix | None = None,
    shape: tuple[int, int] = (1024, 1024), pixel_size_um: float = 0.1,
    separation: str = "clinical", three_prime_colour: Colour = Colour.RED,
    n_planes: int = 1, z_step_um: float = 0.4,
) -> SimulatedCase:  # fmt: skip
    """Simulate the fields of one case.

    Parameters
    ----------
    level : str or Level
        Difficulty.
    seed : int
        The same seed and arguments give the same bytes; field k of the case depends on `seed` and
        k alone, so more fields leave the first ones as they were.
    n_fields : int
        Fields, at least 1.
    case_id : str
        Name; made of level and seed if empty.
    positive_fraction : float, optional
        Share of rearranged tumour nuclei; drawn by `draw_positive_fraction` if not given.
    positive : bool
        Which of its distributions to draw from.
    mix : PatternMix, optional
        Shares of the patterns; drawn by `draw_mix` if not given.
    shape, pixel_size_um, separation, three_prime_colour
        As in `simulate_field`.
    n_planes, z_step_um : int, float
        Focus planes and their distance, as in `simulate_stack`; 1 simulates single planes.

    Returns
    -------
    SimulatedCase
        Fields named ``field_01``, ``field_02``, ...

    Raises
    ------
    InputError
        If there is no field, or an argument of `simulate_field` is impossible.

    Examples
    --------
    >>> case = simulate_case("typical", seed=17, n_fields=1, shape=(512, 512))
    >>> field = case.fields[0]
    >>> field.fov.dapi.shape, field.fov.dapi.dtype.name, len(field.nuclei) == len(case.nuclei)
    ((512, 512), 'uint16', True)
    """
    if n_fields < 1:
        raise InputError("a case needs at least one field", found=n_fields, allowed="1 or more")
    figures = as_level(level)
    rng = np.random.default_rng([seed, 0])
    drawn_fraction, drawn_mix = draw_positive_fraction(rng, positive=positive), draw_mix(rng)
    fraction = drawn_fraction if positive_fraction is None else positive_fraction
    shares = drawn_mix if mix is None else mix
    simulate: Callable[..., SimulatedField] = simulate_field
    if n_planes != 1:
        simulate = partial(simulate_stack, n_planes=n_planes, z_step_um=z_step_um)
    fields = tuple(
        simulate(
            figures, seed=_field_seed(seed, k), shape=shape, pixel_size_um=pixel_size_um,
            positive_fraction=fraction, mix=shares, separation=separation,
            three_prime_colour=three_prime_colour, name=f"field_{k + 1:02d}", shift_seed=seed,
        )
        for k in range(n_fields)
    )  # fmt: skip
    name = case_id or f"{figures.name}_{seed:03d}"
    return SimulatedCase(name, fields, seed, fraction, shares, separation)


def _field_seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, index + 1]).generate_state(1)[0])


def write_case(case: SimulatedCase, out_dir: str | Path) -> Path:
    """Write the pictures of a case and the truth beside them.

    ``OUT/<case>/<field>.ome.tif`` holds the pictures alone, so that the folder can be scored as
    it is. ``OUT/truth/<case>/`` holds ``nuclei.parquet``, ``spots.parquet``, ``labels.zarr`` in
    the form of results, ``biology.parquet``, and ``truth.json`` with level, seed, true rate, call.

    Parameters
    ----------
    case : SimulatedCase
        What to write.
    out_dir : path-like
        Folder to write into; made if need be.

    Returns
    -------
    Path
        The folder of the pictures.

    Raises
    ------
    OutputError
        If the case exists there already, or the folder cannot be written.
    """
    images, truth = make_case_folders(out_dir, case.case_id)
    for field in case.fields:
        write_field(field, images / f"{field.fov.name}.ome.tif")
    write_table(case.nuclei, truth / "nuclei.parquet")
    write_table(case.spots, truth / "spots.parquet")
    write_table(case.biology, truth / "biology.parquet")
    sizes = {field.fov.name: field.fov.pixel_size_um for field in case.fields}
    write_labels(truth / "labels.zarr", {f.fov.name: f.labels for f in case.fields}, sizes)
    write_record(describe_case(case), truth)
    return images


def make_case_folders(out_dir: str | Path, case_id: str) -> tuple[Path, Path]:
    """Make the folders of the pictures and of the truth of a case; neither may be there yet.

    Raises
    ------
    OutputError
        If one exists or cannot be made.
    """
    images, truth = Path(out_dir) / case_id, Path(out_dir) / TRUTH_FOLDER / case_id
    for folder in (images, truth):
        try:
            folder.mkdir(parents=True, exist_ok=False)
        except OSError as error:
            raise OutputError(
                "the simulated case cannot be written",
                where=folder,
                found=error.strerror,
                remedy="choose another folder or name, or remove the old case first",
            ) from error
    return images, truth


def write_record(record: Mapping[str, Any], truth: Path) -> None:
    """Write ``truth.json`` into the folder of a case's truth."""
    text = json.dumps(record, indent=2, sort_keys=True)
    (truth / "truth.json").write_text(text + "\n", "utf-8")


def write_field(field: SimulatedField, path: str | Path) -> None:
    """Write one field as OME-TIFF: DAPI, red, green; the description says that it is simulated."""
    fov = field.fov
    three_is_red = field.three_prime_colour == Colour.RED
    red, green = (
        (fov.three_prime, fov.five_prime) if three_is_red else (fov.five_prime, fov.three_prime)
    )
    metadata = {
        "UUID": f"urn:uuid:{_stable_uuid(field)}",
        "axes": "ZCYX" if fov.is_stack else "CYX",
        "Name": fov.name,
        "Description": f"simulated, not a specimen; level {field.level.name}, seed {field.seed}",
        "Channel": {"Name": ["DAPI", *(FLUOROPHORES[c] for c in (Colour.RED, Colour.GREEN))]},
        "PhysicalSizeX": fov.pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": fov.pixel_size_um,
        "PhysicalSizeYUnit": "µm",
    }
    if fov.is_stack:
        metadata |= {"PhysicalSizeZ": fov.z_step_um, "PhysicalSizeZUnit": "µm"}
    per_cm = 1e4 / fov.pixel_size_um
    tifffile.imwrite(
        path, np.stack([fov.dapi, red, green], axis=-3), photometric="minisblack",
        compression="zlib", compressionargs={"level": 9}, metadata=metadata, ome=True,
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER", software="alkfish simulate",
    )  # fmt: skip


def _stable_uuid(field: SimulatedField) -> uuid.UUID:
    """Return an identifier that depends on the content alone: the same field, the same file."""
    digest = hashlib.sha256(field.fov.name.encode())
    for plane in (field.fov.dapi, field.fov.three_prime, field.fov.five_prime):
        digest.update(plane.tobytes())
    return uuid.UUID(bytes=digest.digest()[:16], version=5)


def describe_case(case: SimulatedCase) -> Mapping[str, Any]:
    """Return what ``truth.json`` says of a case: plain values only."""
    first = case.fields[0]
    return describe_truth(
        case_id=case.case_id, seed=case.seed, level=first.level,
        positive_fraction=case.positive_fraction, mix=case.mix, separation=case.separation,
        three_prime_colour=first.three_prime_colour, pixel_size_um=first.fov.pixel_size_um,
        shift_um=first.shift_um, fields=[field.fov.name for field in case.fields],
        nuclei=case.nuclei,
    )  # fmt: skip


def describe_truth(
    *, case_id: str, seed: int, level: Level, positive_fraction: float, mix: PatternMix,
    separation: str, three_prime_colour: Colour, pixel_size_um: float,
    shift_um: tuple[float, float], fields: list[str], nuclei: NucleusRecords,
) -> dict[str, Any]:  # fmt: skip
    """Return the record that ``truth.json`` holds of a case or slide: plain values only."""
    counts = PatternCounts.from_patterns(nuclei.pattern)
    call, reason = call_counts(counts, CaseRule())
    total = counts.n_enumerated
    return {
        "format": TRUTH_FORMAT,
        "simulated": True,
        "case": case_id,
        "seed": seed,
        "level": asdict(level),
        "positive_fraction": positive_fraction,
        "pattern_mix": mix._asdict(),
        "separation": separation,
        "three_prime_colour": three_prime_colour.value,
        "pixel_size_um": pixel_size_um,
        "shift_um": list(shift_um),
        "fields": fields,
        "n_nuclei": len(nuclei),
        "n_scorable": total,
        "counts": counts.by_pattern(),
        "true_rate": counts.n_positive / total if total else 0.0,
        "true_call": call.value,
        "reason": reason,
    }
