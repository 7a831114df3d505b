"""Cases on disk: a picture or a folder of pictures, opened as fields of view.

Channel roles and pixel sizes are read from the files or said by the user, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alkfish.errors import AlkfishError, ChannelError, ImageError, InputError
from alkfish.io._fields import (
    FieldPlan,
    check_pixel_size,
    field_pixel_size,
    picture_paths,
    plan_fields,
    sizes_missing,
)
from alkfish.io._files import stem_of, unsupported_error, unsupported_format
from alkfish.io._picture import Picture, read_picture, read_planes
from alkfish.io.channels import ROLES
from alkfish.io.probes import load_probe
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeProfile
from alkfish.model.table import Array

_MAX_LISTED = 10


@dataclass(frozen=True)
class FieldSource:
    """One field of a case on disk; its pixels are read by `load`.

    Attributes
    ----------
    name : str
        Name of the field: the file's name without its suffixes.
    planes : mapping of str to (Picture, int)
        File and channel of the roles dapi, red and green.
    pixel_size_um : float
        Micrometres.
    probe : ProbeProfile
        Says which colour labels which probe end.
    notes : tuple of str
        What is done to the picture on reading, and cautions.
    """

    name: str
    planes: Mapping[str, tuple[Picture, int]]
    pixel_size_um: float
    probe: ProbeProfile
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the field, each once."""
        return tuple(dict.fromkeys(picture.path for picture, _ in self.planes.values()))

    def load(self) -> FieldOfView:
        """Read the pixels.

        Raises
        ------
        ImageError
            If a file is damaged, the channels differ in shape, or pixels are NaN or infinite.
        """
        planes = self._read()
        return FieldOfView(
            dapi=planes["dapi"],
            three_prime=planes[self.probe.three_prime_colour.value],
            five_prime=planes[self.probe.five_prime_colour.value],
            pixel_size_um=self.pixel_size_um,
            name=self.name,
            notes=self.notes,
        )

    def _read(self) -> dict[str, Array]:
        read: dict[str, Array] = {}
        for path in self.paths:
            roles = [role for role in ROLES if self.planes[role][0].path == path]
            picture = self.planes[roles[0]][0]
            channels = [self.planes[role][1] for role in roles]
            read.update(zip(roles, read_planes(picture, channels), strict=True))
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
    def paths(self) -> tuple[Path, ...]:
        """All files of the case, in order of the fields."""
        return tuple(path for source in self.fields for path in source.paths)


def open_case(
    path: str | Path,
    *,
    probe: ProbeProfile | None = None,
    channels: Mapping[str, int] | None = None,
    pixel_size_um: float | None = None,
    case_id: str | None = None,
) -> Case:
    """Open the pictures of a case; headers are read and checked, pixels are not.

    Parameters
    ----------
    path : path-like
        A picture is a case of one field, a folder a case of all pictures directly in it. In a
        folder, single-channel files whose names end in channel words (``f1_DAPI.tif``,
        ``f1_SpectrumOrange.tif``, ``f1_SpectrumGreen.tif``) make one field together.
    probe : ProbeProfile, optional
        Says which colour labels which probe end; the default is ``vysis-alk``.
    channels : mapping of str to int, optional
        Channel index (from 0) of the roles dapi, red and green; wins over channel names. With one
        file per channel it is the number in the name (``f1_C0.tif``).
    pixel_size_um : float, optional
        Width of a pixel in micrometres; wins over the files.
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
    """
    source = Path(path)
    if pixel_size_um is not None:
        check_pixel_size(pixel_size_um, where="--pixel-size-um")
    pictures, errors = read_pictures(source)
    name = case_id or default_case_id(source)
    plans, planning_errors = make_plans(source, pictures, channels)
    fields = []
    for plan in plans:
        try:
            size, notes = field_pixel_size(plan, pixel_size_um)
        except AlkfishError as error:
            planning_errors.append(error)
        else:
            kit = probe or load_probe()
            fields.append(FieldSource(plan.name, plan.planes, size, kit, plan.notes + notes))
    planning_errors += sizes_missing(pictures, plans, pixel_size_um)
    raise_all([*errors, *planning_errors], where=source)
    return Case(name, tuple(fields))


def default_case_id(path: Path) -> str:
    """Return the name of the folder, or of the file without its suffixes.

    Raises
    ------
    InputError
        If the path has no name, as ``/``.
    """
    absolute = path.absolute()
    absolute = absolute.resolve() if absolute.name == ".." else absolute
    name = absolute.name if path.is_dir() else stem_of(absolute)
    if not name:
        raise InputError("the path gives the case no name", where=path, remedy="name the case")
    return name


def read_pictures(path: Path) -> tuple[list[Picture], list[AlkfishError]]:
    """Read the headers of a picture or of all pictures of a folder.

    Returns
    -------
    pictures : list of Picture
        Those that can be read.
    errors : list of AlkfishError
        One for each that cannot.

    Raises
    ------
    ImageError
        If there is nothing at `path`, or nothing to read in it.
    """
    if unsupported_format(path) and path.exists():
        raise unsupported_error(path)
    try:
        paths = picture_paths(path) if path.is_dir() else [path]
    except PermissionError as error:
        raise ImageError(
            "the folder may not be read", where=path, remedy="ask for permission to read it"
        ) from error
    if not path.exists():
        raise ImageError(
            "there is no such file or folder", where=path, remedy="check the path and its spelling"
        )
    pictures, errors = [], []
    for item in paths:
        try:
            pictures.append(read_picture(item))
        except AlkfishError as error:
            errors.append(error)
    return pictures, errors


def make_plans(
    path: Path, pictures: Sequence[Picture], channels: Mapping[str, int] | None
) -> tuple[list[FieldPlan], list[AlkfishError]]:
    """Sort pictures into fields; a single-channel file alone cannot be one."""
    if not path.is_dir() and pictures and pictures[0].n_channels == 1:
        return [], [_lonely(pictures[0])]
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


def _lonely(picture: Picture) -> ChannelError:
    return ChannelError(
        "the file holds a single channel",
        where=picture.path,
        found=f"{picture.kind}, axes {picture.axes}, shape {picture.shape}",
        allowed="DAPI and both probe channels",
        remedy="export all channels into one file, or put one file per channel, named for example "
        "case_DAPI.tif, case_SpectrumOrange.tif, case_SpectrumGreen.tif, into a folder and give "
        "the folder",
    )
