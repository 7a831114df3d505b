"""From a probe channel to spots with sub-pixel positions, sizes and evidence.

Steps: a band-pass response is judged against local noise and texture; every candidate is fitted
with a round Gaussian on tilted ground; the width and brightness of the field's solid spots are
learned; found spots are subtracted and the rest is searched once more, which separates touching
signals; all spots are fitted again beside each other; what is too narrow, too wide, too unlike a
spot, or too dim for its field is dropped. ``docs/method.md`` explains each choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import DetectConfig
from alkfish.detect.channel_model import ChannelModel, brightness_of
from alkfish.detect.fits import Floats, SpotModel
from alkfish.detect.response import Image, response_peak, sample_grid
from alkfish.detect.search import SpotSearch
from alkfish.model.spots import SpotTable


@dataclass(frozen=True, eq=False)
class ChannelSpots:
    """Spots of one probe channel and how well the channel could have shown them.

    Attributes
    ----------
    table : SpotTable
        The spots.
    model : SpotModel
        What the channel's solid spots look like.
    usual_amplitude : float
        Median amplitude of the spots, in counts; 0 if the channel has none.
    limit_snr : float
        SNR, as `usual_snr` gives it, below which signals are not accepted.
    noise : float
        Median pixel noise, in counts.
    spread : ndarray of float32
        Local noise and texture of the band-pass response, on a grid of blocks.
    peak : float
        Band-pass response at the centre of a usual spot of height 1.
    shape : tuple of int
        Height and width of the picture.
    saturation : float
        Count at which the camera is full; infinity if the channel never is.
    learned_before : bool
        Whether all figures but `spread` come from a `ChannelModel`, of other pictures too. Then a
        picture without spots says nothing about the channel.
    """

    table: SpotTable
    model: SpotModel
    usual_amplitude: float
    limit_snr: float
    noise: float
    spread: Image
    peak: float
    shape: tuple[int, int]
    saturation: float = np.inf
    learned_before: bool = False

    def usual_snr(self, y_px: Floats, x_px: Floats) -> Floats:
        """Return the SNR that a spot of the channel's usual brightness would have at places.

        Parameters
        ----------
        y_px, x_px : ndarray of float64, shape (N,)
            Places.

        Returns
        -------
        ndarray of float64, shape (N,)
            In units of local noise and texture; 0 if the channel has no spots.
        """
        spread = sample_grid(self.spread, self.shape, y_px, x_px)
        return np.asarray(self.usual_amplitude * self.peak / np.maximum(spread, 1e-12))

    def p_missed(self, y_px: Floats, x_px: Floats) -> Floats:
        """Return the probability that a signal at these places would not have been found.

        Signals vary in brightness as the channel's own spots do; those that would stay below the
        detection limit in the noise of the place are missed. 1 if the channel has no spots.
        """
        none = len(self.table) == 0 and not self.learned_before
        if self.model.brightness is None or none:
            return np.ones(len(y_px))
        usual = self.usual_snr(y_px, x_px)
        limit = np.full(len(usual), self.limit_snr)
        return self.model.brightness.p_dimmer(limit, usual)


def detect_channel(
    image: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    config: DetectConfig | None = None,
    model: ChannelModel | None = None,
) -> ChannelSpots:
    """Find the spots of one probe channel and measure what the channel can show.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Probe channel in raw counts.
    pixel_size_um : float or None
        Pixel size; None if unknown: the width limits are then 0.75 to 4.4 px and the table's
        diameters are in pixels.
    config : DetectConfig, optional
        Limits in micrometres and noise units.
    model : ChannelModel, optional
        What `learn_spots` learned from sample pictures of the channel. Nothing is then learned from
        this one: pictures cut out of a slide give the same spots wherever they are cut, if that is
        at multiples of ``ALIGN_PX``, except within `halo_px` of their rim. Without it everything
        is learned from the picture itself.

    Returns
    -------
    ChannelSpots
        Its table is ordered by y, then x, and empty if nothing in the picture is a spot.
    """
    settings = config or DetectConfig()
    search = SpotSearch(image, pixel_size_um, settings, model.levels if model else None)
    candidates, _ = search.candidates(model.faint_snr if model else None)
    fits = search.find(candidates, model.first if model else search.learn(candidates))
    spots = model.spots if model else search.learn(fits)
    fits = fits.take(search.accepted(fits, spots))
    peak = response_peak(search.width_px, spots.width_px)
    usual, limit = (
        (model.usual_amplitude, model.limit_snr)
        if model
        else brightness_of(fits, search.spread_at(fits) / peak, spots)
    )
    search.centre(fits, spots)
    return ChannelSpots(
        table=search.table(fits, spots),
        model=spots,
        usual_amplitude=usual,
        limit_snr=limit,
        noise=search.levels.noise,
        spread=search.spread,
        peak=peak,
        shape=search.image.shape,
        saturation=search.levels.saturation,
        learned_before=model is not None,
    )


def detect_spots(
    image: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    config: DetectConfig | None = None,
    model: ChannelModel | None = None,
) -> SpotTable:
    """Find the spots of one probe channel; see `detect_channel` for the parameters."""
    return detect_channel(image, pixel_size_um=pixel_size_um, config=config, model=model).table
