"""From a probe channel to spots."""

from alkfish.detect.spots import ChannelSpots, SpotModel, detect_channel, detect_spots

__all__ = ["ChannelSpots", "SpotModel", "detect_channel", "detect_spots"]
