"""What a nucleus segmenter must look like to take the place of the built-in one."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt


@runtime_checkable
class Segmenter(Protocol):
    """Anything that turns a DAPI picture into a label image.

    Learned segmenters (StarDist, Cellpose, InstanSeg) fit in behind a small function of this form.
    """

    def __call__(
        self, dapi: npt.NDArray[Any], *, pixel_size_um: float | None
    ) -> npt.NDArray[np.int32]:
        """Label the nuclei of a picture.

        Parameters
        ----------
        dapi : ndarray of uint8, uint16 or float32, shape (H, W)
            Raw counts.
        pixel_size_um : float or None
            Width of a pixel in um; None if it is not known.

        Returns
        -------
        ndarray of int32, shape (H, W)
            0 is background, each nucleus has its own positive number. All 0 if none is found.
        """
        ...
