"""Figures of the simulation, as named levels of difficulty.

Each figure is declared once with its unit, meaning and source. Brightness is given per area, so
that a level means the same specimen and microscope at every pixel size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from alkfish.errors import InputError


def figure(default: Any, unit: str, meaning: str, source: str = "chosen") -> Any:
    """Declare one figure of a `Level` with its unit, meaning and source."""
    return field(default=default, metadata={"unit": unit, "meaning": meaning, "source": source})


@dataclass(frozen=True, kw_only=True)
class Level:
    """Specimen, probe, optics, artefacts and camera of a simulated field.

    `figures` lists each attribute with unit, meaning and source; source tags are those of
    ``docs/method`` (``chosen`` marks a figure without a published source).
    """

    name: str = figure("typical", "", "name written to the truth")

    coverage: float = figure(0.35, "share", "area of the field covered by nuclei")
    lymphocyte_share: float = figure(0.15, "share", "nuclei that are lymphocytes, by number")
    touching_share: float = figure(0.25, "share", "nuclei placed against a neighbour")
    overlapping_share: float = figure(0.05, "share", "nuclei placed partly over a neighbour")
    tumour_diam_um: tuple[float, float] = figure(
        (12.8, 2.2), "um", "mean and SD of the diameter of tumour nuclei",
        "Anal Quant Cytol Histol 1990;12:275",
    )  # fmt: skip
    lymphocyte_diam_um: tuple[float, float] = figure(
        (6.8, 0.4), "um", "mean and SD of the diameter of lymphocyte nuclei", "common practice"
    )
    section_um: tuple[float, float] = figure(
        (5.0, 0.3), "um", "mean and SD of the section thickness: loci outside are lost",
        "ATLAS2 tab 1 (5 +/- 1 um)",
    )  # fmt: skip

    dapi_photons: float = figure(40_000.0, "photons/um2", "DAPI of a nucleus of full thickness")
    dapi_log_sd: float = figure(0.3, "log", "spread of DAPI brightness between nuclei")
    dapi_background: float = figure(3_000.0, "photons/um2", "DAPI between nuclei")
    dapi_halo: float = figure(0.10, "share", "DAPI spread over some um by out-of-focus light")
    dapi_blur_um: float = figure(0.20, "um", "Gaussian sigma of the DAPI picture")
    texture_log_sd: float = figure(0.24, "log", "contrast of chromatin")
    texture_um: float = figure(0.4, "um", "grain size (Gaussian sigma) of chromatin")

    gain_share: float = figure(0.25, "share", "tumour nuclei with 3 to 8 copies", "ATLAS2 p46")
    doublet_share: float = figure(0.05, "share", "signals seen as two resolved sister spots")
    three_prime_efficiency: float = figure(1.0, "share", "3' targets that show a signal")
    five_prime_efficiency: float = figure(1.0, "share", "5' targets that show a signal")
    spot_photons: float = figure(8_000.0, "photons", "median light of one spot")
    spot_log_sd: float = figure(0.35, "log", "spread of the light of spots")
    spot_sigma_um: tuple[float, float] = figure(
        (0.26, 0.02), "um", "mean and SD of the Gaussian sigma of a spot in focus (FWHM 0.61 um)",
        "common practice: spots of 0.5 to 0.8 um in tissue",
    )  # fmt: skip
    focus_depth_um: float = figure(4.0, "um", "depth within which spots are sharp")
    defocus_slope: float = figure(0.3, "um/um", "blur sigma gained per um outside that depth")
    psf: str = figure("gaussian", "", "profile of a spot: gaussian or airy")

    probe_background: float = figure(5_000.0, "photons/um2", "probe channels between nuclei")
    nuclear_haze: float = figure(2_500.0, "photons/um2", "probe channels over nuclei, added")
    autofluorescence: float = figure(0.25, "share", "relative waviness of the background")
    granules: float = figure(4.0, "per 10^4 um2", "autofluorescent granules, in both channels")
    debris: float = figure(5.0, "per 10^4 um2", "out-of-focus specks in one channel")
    granule_photons: float = figure(9_000.0, "photons", "median light of a granule")
    debris_photons: float = figure(27_000.0, "photons", "median light of a speck")
    debris_sigma_um: tuple[float, float] = figure((0.6, 1.2), "um", "smallest and largest sigma")
    shift_um: float = figure(
        0.06, "um", "length of the lateral shift between the probe channels",
        "10.1038/s41598-018-25922-7 (order of a pixel)",
    )  # fmt: skip
    red_into_green: float = figure(0.02, "share", "red light seen in the green channel")
    green_into_red: float = figure(0.02, "share", "green light seen in the red channel")
    dapi_into_green: float = figure(0.005, "share", "DAPI light seen in the green channel")
    vignetting: float = figure(0.15, "share", "loss of illumination in the corners")
    gradient: float = figure(0.15, "share", "rise of the background across the field")
    hot_pixels: float = figure(8.0, "per 10^6 px", "single bright camera pixels per channel")

    camera_gain: float = figure(1.0, "counts/photon", "camera conversion")
    camera_offset: float = figure(100.0, "counts", "camera offset")
    read_noise: float = figure(2.0, "counts", "camera read noise, SD")
    full_scale: int = figure(65_535, "counts", "counts are clipped here")

    def with_(self, **changes: Any) -> Level:
        """Return a copy with some figures changed."""
        return replace(self, **changes)

    @classmethod
    def figures(cls) -> Iterator[tuple[str, Any, str, str, str]]:
        """Yield name, default, unit, meaning and source of every figure."""
        for item in fields(cls):
            meta = item.metadata
            yield item.name, item.default, meta["unit"], meta["meaning"], meta["source"]


_TYPICAL = Level()

_EASY = _TYPICAL.with_(
    name="easy", coverage=0.25, touching_share=0.05, overlapping_share=0.0, lymphocyte_share=0.1,
    dapi_log_sd=0.15, texture_log_sd=0.15, spot_photons=14_000.0, spot_log_sd=0.2,
    probe_background=3_000.0, nuclear_haze=1_000.0, autofluorescence=0.1, granules=0.0, debris=0.0,
    shift_um=0.0, red_into_green=0.0, green_into_red=0.0, dapi_into_green=0.0, vignetting=0.05,
    gradient=0.05, hot_pixels=2.0, gain_share=0.1, doublet_share=0.0,
)  # fmt: skip

_HARD = _TYPICAL.with_(
    name="hard", coverage=0.42, touching_share=0.4, overlapping_share=0.1, lymphocyte_share=0.25,
    dapi_photons=15_000.0, dapi_log_sd=0.5, dapi_halo=0.2, dapi_blur_um=0.3, texture_log_sd=0.3,
    spot_photons=6_000.0, spot_log_sd=0.4, focus_depth_um=3.0, probe_background=9_000.0,
    nuclear_haze=6_000.0, autofluorescence=0.35, granules=12.0, debris=14.0, shift_um=0.16,
    red_into_green=0.06, green_into_red=0.04, dapi_into_green=0.02, vignetting=0.35, gradient=0.4,
    hot_pixels=30.0, gain_share=0.35, doublet_share=0.08, five_prime_efficiency=0.99,
)  # fmt: skip

_NO_TARGETS = {"three_prime_efficiency": 0.0, "five_prime_efficiency": 0.0}

LEVELS: dict[str, Level] = {
    level.name: level
    for level in (
        _EASY,
        _TYPICAL,
        _HARD,
        _TYPICAL.with_(
            name="empty", coverage=0.0, granules=0.0, debris=0.0, dapi_halo=0.0, hot_pixels=20.0
        ),
        _HARD.with_(name="dim", spot_photons=3_000.0),
        _HARD.with_(name="haze", nuclear_haze=15_000.0, granules=0.0, **_NO_TARGETS),
        _TYPICAL.with_(name="failed_five_prime", five_prime_efficiency=0.0),
        _TYPICAL.with_(name="failed_both", **_NO_TARGETS),
        _TYPICAL.with_(
            name="other_camera", psf="airy", camera_gain=0.46, camera_offset=412.0, read_noise=5.5,
            texture_um=0.3, section_um=(4.0, 0.3), spot_sigma_um=(0.23, 0.025), full_scale=16_383,
        ),
        _HARD.with_(name="saturated", camera_gain=14.0, full_scale=4_095, camera_offset=40.0),
    )
}  # fmt: skip
"""Named levels. ``empty``, ``haze``, ``failed_*``, ``dim`` and ``saturated`` each isolate one
artefact; ``other_camera`` is rendered on purpose unlike the rest, to show what was tuned to one
simulator."""


def as_level(level: str | Level) -> Level:
    """Return the level of that name, or `level` itself.

    Raises
    ------
    InputError
        If no level has that name.
    """
    if isinstance(level, Level):
        return level
    if level not in LEVELS:
        raise InputError(
            "unknown level of simulation",
            found=level,
            allowed=", ".join(LEVELS),
            remedy="name one of these, or pass a Level",
        )
    return LEVELS[level]
