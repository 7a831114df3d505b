"""Cases on disk: a picture or a folder of pictures, opened as fields of view.

Channel roles and pixel sizes are read from the files or said by the user, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from alkfish.errors import AlkfishError, ChannelError, ImageError, InputError
from alkfish.io._fields import (
    FieldPlan,
    check_pixel_size,
    check_z_step,
    field_pixel_size,
    field_step,
    picture_paths,
    plan_fields,
    sizes_missing,
)
from alkfish.io._files import is_zarr, stem_of, unsupported_error, unsupported_format
from alkfish.io._headers import read_headers
from alkfish.io._picture import Level, Picture, read_window
from alkfish.io.channels import ROLES
from alkfish.io.probes import load_probe
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeProfile
from alkfish.model.table import Array
from alkfish.model.window import Window

_MAX_LISTED = 10
_URL = re.compile(r"^[a-z][a-z0-9+.]+://", re.IGNORECASE)
_SQUEEZED_URL = re.compile(r"^(https?|s3|gs|gcs|az|abfs|memory|file):/(.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class FieldSource:
    """One field of a case; its pixels are read by `load` or `load_region`.

    It holds no open files: it can be sent to other processes, which open the files themselves.

    Attributes
    ----------
    name : str
        Name of the field: the file's name without its suffixes, with the scene if there are more.
    planes : mapping of str to (Picture, int)
        File and channel of the roles dapi, red and green.
    pixel_size_um : float
        Micrometres, of level 0.
    probe : ProbeProfile
        Says which colour labels which probe end.
    notes : tuple of str
        What is done to the picture on reading, and cautions.
    z_step_um : float
        Distance of the focus planes; 0 for one plane, and if unknown: then stacks are projected.
    """

    name: str
    planes: Mapping[str, tuple[Picture, int]]
    pixel_size_um: float
    probe: ProbeProfile
    notes: tuple[str, ...] = ()
    z_step_um: float = 0.0

    @property
    def paths(self) -> tuple[Path | str, ...]:
        """The files of the field, each once; URLs are texts."""
        return tuple(dict.fromkeys(picture.where for picture, _ in self.planes.values()))

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that all files of the field have, full resolution first."""
        of_dapi = self.planes["dapi"][0].levels
        shapes = [[level.shape for level in p.levels] for p, _ in self.planes.values()]
        common = sum(len(set(each)) == 1 for each in zip(*shapes, strict=False))
        return of_dapi[: max(1, common)]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the full resolution, in pixels."""
        return self.levels[0].shape

    @property
    def n_planes(self) -> int:
        """Focus planes in the file, also where they are projected."""
        return self.planes["dapi"][0].n_planes

    def load(self) -> FieldOfView:
        """Read the whole field: planes (H, W), or stacks (Z, H, W) if the z step is known.

        Raises
        ------
        ImageError
            If a file is damaged, the channels differ in shape, or pixels are NaN or infinite.
        """
        return self._view(self._read(0, None), 1.0)

    def load_region(
        self, top: int, left: int, height: int, width: int, *, level: int = 0
    ) -> FieldOfView:
        """Read a window of a level, decoding only the tiles it touches.

        Parameters
        ----------
        top, left, height, width : int
            The window, in pixels of the level; it must lie inside the level.
        level : int
            Number of the level; 0 is the full resolution.

        Returns
        -------
        FieldOfView
            Planes (height, width), or stacks (Z, height, width); its pixel size is the level's.

        Raises
        ------
        ValueError
            If there is no such level, or the window does not lie inside it.
        ImageError
            If a file is damaged, or pixels are NaN or infinite.
        """
        if not 0 <= level < len(self.levels):
            raise ValueError(f"level {level} of {len(self.levels)}")
        rows, columns = self.levels[level].shape
        if min(top, left) < 0 or min(height, width) < 1:
            raise ValueError(f"window at {top}, {left} of {height} x {width} pixels")
        if top + height > rows or left + width > columns:
            raise ValueError(
                f"window {height} x {width} at {top}, {left} in a level of {rows} x {columns}"
            )
        window = Window(int(top), int(left), int(height), int(width))
        return self._view(self._read(level, window), self.levels[level].downsample)

    def load_dapi(self, *, level: int) -> Array:
        """Read the DAPI channel of a whole level as (H, W); stacks are projected (maximum).

        Unlike `load_region` it also reads levels too coarse to be a field.

        Raises
        ------
        ValueError
            If there is no such level.
        ImageError
            If the file is damaged.
        """
        if not 0 <= level < len(self.levels):
            raise ValueError(f"level {level} of {len(self.levels)}")
        picture, channel = self.planes["dapi"]
        return read_window(picture, [channel], level=level)[0]

    def _view(self, planes: Mapping[str, Array], downsample: float) -> FieldOfView:
        return FieldOfView(
            dapi=planes["dapi"],
            three_prime=planes[self.probe.three_prime_colour.value],
            five_prime=planes[self.probe.five_prime_colour.value],
            pixel_size_um=self.pixel_size_um * downsample,
            z_step_um=self.z_step_um,
            name=self.name,
            notes=self.notes,
        )

    def _read(self, level: int, window: Window | None) -> dict[str, Array]:
        read: dict[str, Array] = {}
        for place in self.paths:
            roles = [role for role in ROLES if self.planes[role][0].where == place]
            picture = self.planes[roles[0]][0]
            channels = [self.planes[role][1] for role in roles]
            pixels = read_window(
                picture, channels, level=level, window=window, stack=self.z_step_um > 0
            )
            read.update(zip(roles, pixels, strict=True))
        return read


@dataclass(frozen=True)
class Case:
    """A case on disk. Iterating over it yields its fields of view, read one at a time."""

    case_id: str
    fields: tuple[FieldSource, ...]

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[FieldOfView]:
        for source in self.fields:
            yield source.load()

    @property
    def paths(self) -> tuple[Path | str, ...]:
        """All files of the case, each once, in order of the fields; URLs are texts."""
        return tuple(dict.fromkeys(path for source in self.fields for path in source.paths))


def open_case(
    path: str | Path,
    *,
    probe: ProbeProfile | None = None,
    channels: Mapping[str, int] | None = None,
    pixel_size_um: float | None = None,
    z_step_um: float | None = None,
    scene: str | int | None = None,
    case_id: str | None = None,
) -> Case:
    """Open the pictures of a case; headers are read and checked, pixels are not.

    Parameters
    ----------
    path : path-like or str
        A path, or the URL of an OME-Zarr (``https://``, ``s3://``, ...). A picture is a case of
        one field, or of a field for each of its scenes; a folder is a case of all pictures directly
        in it. In a folder, single-channel files whose names end in channel words (``f1_DAPI.tif``,
        ``f1_SpectrumOrange.tif``, ``f1_SpectrumGreen.tif``) make one field together.
    probe : ProbeProfile, optional
        Says which colour labels which probe end; the default is ``vysis-alk``.
    channels : mapping of str to int, optional
        Channel index (from 0) of the roles dapi, red and green; wins over channel names. With one
        file per channel it is the number in the name (``f1_C0.tif``).
    pixel_size_um : float, optional
        Width of a pixel in micrometres; wins over the files.
    z_step_um : float, optional
        Distance of the focus planes of stacks in micrometres; wins over the files. Stacks whose
        distance is unknown are projected.
    scene : str or int, optional
        Name, or number from 0, of the scene (series) to read of files with several; by default
        each scene is a field.
    case_id : str, optional
        Identifier; by default the name of the folder, or of the file without its suffixes.

    Returns
    -------
    Case
        At least one field, ordered by name.

    Raises
    ------
    ImageError, ChannelError, PixelSizeError
        For a single problem.
    InputError
        For several; all are listed.

    Examples
    --------
    >>> case = open_case("case_17")
    >>> case.case_id, [field.name for field in case.fields]
    ('case_17', ['field_01', 'field_02', 'field_03'])
    """
    source = as_source(path)
    if pixel_size_um is not None:
        check_pixel_size(pixel_size_um, where="--pixel-size-um")
    if z_step_um is not None:
        check_z_step(z_step_um)
    pictures, errors = read_pictures(source, None if scene is None else str(scene))
    name = case_id or default_case_id(source)
    plans, planning_errors = make_plans(source, pictures, channels)
    fields = []
    for plan in plans:
        try:
            size, notes = field_pixel_size(plan, pixel_size_um)
            step, step_notes = field_step(plan, z_step_um)
        except AlkfishError as error:
            planning_errors.append(error)
        else:
            kit = probe or load_probe()
            notes = (*plan.notes, *notes, *step_notes)
            fields.append(FieldSource(plan.name, plan.planes, size, kit, notes, step))
    planning_errors += sizes_missing(pictures, plans, pixel_size_um)
    raise_all([*errors, *planning_errors], where=source)
    return Case(name, tuple(fields))


def as_source(path: str | Path) -> Path | str:
    """Return a URL as text and anything else as a path.

    A URL that was made a `Path`, which drops one of its slashes, is mended.
    """
    text = str(path)
    if _URL.match(text):
        return text
    squeezed = _SQUEEZED_URL.match(text) if isinstance(path, Path) else None
    if squeezed and not path.exists():  # type: ignore[union-attr]
        scheme, rest = squeezed.groups()
        return f"{scheme}://{rest}"
    return Path(path)


def default_case_id(path: Path | str) -> str:
    """Return the name of the folder, or of the file or URL without its suffixes.

    Raises
    ------
    InputError
        If the path has no name, as ``/``.
    """
    source = as_source(path)
    if isinstance(source, str):
        return stem_of(Path(urlsplit(source).path.rstrip("/") or urlsplit(source).netloc))
    absolute = source.absolute()
    absolute = absolute.resolve() if absolute.name == ".." else absolute
    plain_folder = source.is_dir() and not is_zarr(source)
    name = absolute.name if plain_folder else stem_of(absolute)
    if not name:
        raise InputError("the path gives the case no name", where=path, remedy="name the case")
    return name


def read_pictures(
    path: Path | str, scene: str | None = None
) -> tuple[list[Picture], list[AlkfishError]]:
    """Read the headers of a picture or of all pictures of a folder.

    Returns
    -------
    pictures : list of Picture
        Those that can be read; one for each scene that is read.
    errors : list of AlkfishError
        One for each file that cannot.

    Raises
    ------
    ImageError
        If there is nothing at `path`, or nothing to read in it.
    """
    paths: Sequence[Path | str] = [path] if isinstance(path, str) else _files_of(path)
    pictures, errors = [], []
    for item in paths:
        try:
            pictures += read_headers(item, scene)
        except AlkfishError as error:
            errors.append(error)
    return pictures, errors


def _files_of(path: Path) -> list[Path]:
    if unsupported_format(path) and path.exists():
        raise unsupported_error(path)
    try:
        paths = picture_paths(path) if path.is_dir() and not is_zarr(path) else [path]
    except PermissionError as error:
        raise ImageError(
            "the folder may not be read", where=path, remedy="ask for permission to read it"
        ) from error
    if not path.exists():
        raise ImageError(
            "there is no such file or folder", where=path, remedy="check the path and its spelling"
        )
    return paths


def make_plans(
    path: Path | str, pictures: Sequence[Picture], channels: Mapping[str, int] | None
) -> tuple[list[FieldPlan], list[AlkfishError]]:
    """Sort pictures into fields; a single-channel file alone cannot be one."""
    is_folder = isinstance(path, Path) and path.is_dir() and not is_zarr(path)
    if not is_folder and pictures and pictures[0].n_channels == 1:
        return [], [_lonely(pictures)]
    return plan_fields(pictures, channels=channels, default_name=default_case_id(path))


def raise_all(errors: Sequence[AlkfishError], *, where: object) -> None:
    """Raise nothing, the only error, or one InputError that lists all.

    Raises
    ------
    AlkfishError
        The only error of `errors`.
    InputError
        If there are several.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        texts = [str(error).replace("\n", "\n    ") for error in errors[:_MAX_LISTED]]
        more = len(errors) - _MAX_LISTED
        raise InputError(
            f"{len(errors)} problems keep the case from being read",
            where=where,
            found="\n    " + "\n    ".join([*texts, *([f"and {more} more"] if more > 0 else [])]),
        )


def _lonely(pictures: Sequence[Picture]) -> AlkfishError:
    picture = pictures[0]
    if len(pictures) > 1:
        return ImageError(
            "the file holds several pictures of a single channel each",
            where=picture.where,
            found=f"{len(pictures)} of {picture.kind}, axes {picture.axes}",
            allowed="DAPI and both probe channels in each scene",
            remedy="export all channels into one picture",
        )
    return ChannelError(
        "the file holds a single channel",
        where=picture.where,
        found=f"{picture.kind}, axes {picture.axes}, shape {picture.shape}",
        allowed="DAPI and both probe channels",
        remedy="export all channels into one file, or put one file per channel, named for example "
        "case_DAPI.tif, case_SpectrumOrange.tif, case_SpectrumGreen.tif, into a folder and give "
        "the folder",
    )
