"""From probe channels to spots."""

from alkfish.detect.channel_model import ALIGN_PX, ChannelModel, halo_px, learn_spots
from alkfish.detect.crosstalk import (
    Crosstalk,
    bleed_ratios,
    estimate_crosstalk,
    find_granules,
    noise_correlation,
    remove_crosstalk,
)
from alkfish.detect.fits import SpotModel
from alkfish.detect.levels import median_count, saturation_level
from alkfish.detect.projection import project_maximum
from alkfish.detect.spots import ChannelSpots, detect_channel, detect_spots
from alkfish.detect.stack import StackSpots, detect_stack
from alkfish.detect.unresolved import unresolved_spots

__all__ = [
    "ALIGN_PX",
    "ChannelModel",
    "ChannelSpots",
    "Crosstalk",
    "SpotModel",
    "StackSpots",
    "bleed_ratios",
    "detect_channel",
    "detect_spots",
    "detect_stack",
    "estimate_crosstalk",
    "find_granules",
    "halo_px",
    "learn_spots",
    "median_count",
    "noise_correlation",
    "project_maximum",
    "remove_crosstalk",
    "saturation_level",
    "unresolved_spots",
]
