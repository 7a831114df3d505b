"""What is measured once for a slide, so that its fields may have any size and place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DapiLevels:
    """Figures of the DAPI channel that belong to a slide; see `measure_dapi`.

    Without them each picture is measured by itself. With them, what is found at a place depends
    on its surroundings alone, no farther than `halo_px`.

    Attributes
    ----------
    diam_px : float
        Typical width of nuclei, in pixels of the picture; sets the working resolution.
    joined_diam_px : float
        Typical width of nuclei among touching ones, in pixels of the picture.
    noise : float
        Pixel noise at the working resolution, in counts.
    cut : float
        Global threshold, in counts over the background; infinity if no nuclei stand out.
    brightness : float
        Mean signal of the foreground, in counts over the background.
    nucleus_signal : float
        Mean signal of the typical nucleus, in counts over the background.
    rim_slope : float
        Slope of the typical outline, in counts per pixel of the working resolution.
    ceiling : float
        Counts at which the camera clips; infinity for floating point.
    largest_um2 : float
        Area beyond which a region is a clump; infinity with few nuclei to compare with.
    """

    diam_px: float
    joined_diam_px: float
    noise: float
    cut: float
    brightness: float
    nucleus_signal: float
    rim_slope: float
    ceiling: float
    largest_um2: float
