"""What would be read from a path, and what is missing: the facts behind ``alkfish info``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alkfish.errors import AlkfishError
from alkfish.io._fields import FieldPlan, field_pixel_size, field_step, sizes_missing
from alkfish.io._picture import Level, Picture
from alkfish.io.channels import ROLES, find_roles
from alkfish.io.images import as_source, default_case_id, make_plans, read_pictures
from alkfish.io.probes import load_probe
from alkfish.model.probe import Colour, ProbeProfile


@dataclass(frozen=True)
class ChannelInfo:
    """One channel of a file.

    ``role`` is dapi, red, green or empty (plays none, or unclear); ``end`` is 3p, 5p or empty.
    """

    index: int
    name: str
    role: str
    end: str


@dataclass(frozen=True)
class FileInfo:
    """One picture file.

    ``pixel_size_um`` is 0 if the file gives none; ``pixel_size_source`` says where it comes from
    or why there is none. ``n_planes`` counts focus planes; ``z_step_um`` is their distance, 0 if
    unknown. ``levels`` are those of the pyramid, the full resolution first. ``scene`` is the name
    of the scene described, empty if the file holds one only. URLs stand in ``path`` as texts.
    """

    path: Path | str
    kind: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    channels: tuple[ChannelInfo, ...]
    n_planes: int
    z_step_um: float
    z_step_source: str
    levels: tuple[Level, ...]
    scene: str
    n_scenes: int
    pixel_size_um: float
    pixel_size_source: str
    field: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImageInfo:
    """What would be read from a path.

    Attributes
    ----------
    path : Path or str
        What was described.
    case_id : str
        Identifier the case would have.
    probe : str
        Name of the probe profile that gives colours their ends.
    fields : tuple of str
        Names of the fields that could be read.
    files : tuple of FileInfo
        Every picture whose header can be read.
    problems : tuple of str
        What is missing or wrong, each with what to do; empty if the case can be scored.
    """

    path: Path | str
    case_id: str
    probe: str
    fields: tuple[str, ...]
    files: tuple[FileInfo, ...]
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether `alkfish.io.images.open_case` would succeed."""
        return not self.problems


def describe(
    path: str | Path,
    *,
    channels: Mapping[str, int] | None = None,
    pixel_size_um: float | None = None,
    z_step_um: float | None = None,
    scene: str | int | None = None,
    probe: ProbeProfile | None = None,
) -> ImageInfo:
    """Describe a picture or a folder of pictures without reading pixels.

    Works also while channel roles or the pixel size are unknown: then `ImageInfo.problems` says
    what is missing and how to say it.

    Parameters
    ----------
    path, channels, pixel_size_um, z_step_um, scene, probe
        As for `alkfish.io.images.open_case`.

    Raises
    ------
    ImageError
        If there is nothing at `path`, or none of its files can be read.
    """
    source, kit = as_source(path), probe or load_probe()
    pictures, errors = read_pictures(source, None if scene is None else str(scene))
    if not pictures:
        raise errors[0]
    plans, planning_errors = make_plans(source, pictures, channels)
    errors += planning_errors
    for plan in plans:
        try:
            field_pixel_size(plan, pixel_size_um)
            field_step(plan, z_step_um)
        except AlkfishError as error:
            errors.append(error)
    errors += sizes_missing(pictures, plans, pixel_size_um)
    return ImageInfo(
        path=source,
        case_id=default_case_id(source),
        probe=kit.name,
        fields=tuple(plan.name for plan in plans),
        files=tuple(
            _file_info(picture, plans, kit, pixel_size_um, z_step_um) for picture in pictures
        ),
        problems=tuple(dict.fromkeys(map(str, errors))),
    )


def _file_info(
    picture: Picture, plans: list[FieldPlan], kit: ProbeProfile, given_um: float | None,
    given_step: float | None,
) -> FileInfo:  # fmt: skip
    roles = _clear_roles(picture)
    field = ""
    for plan in plans:
        if picture in plan.pictures:
            field = plan.name
            roles = {
                index: role for role, (owner, index) in plan.planes.items() if owner == picture
            }
    return FileInfo(
        path=picture.where,
        kind=picture.kind,
        axes=picture.axes,
        shape=picture.shape,
        dtype=picture.dtype,
        channels=tuple(
            ChannelInfo(index, name, role := roles.get(index, ""), _end(role, kit))
            for index, name in enumerate(picture.names)
        ),
        n_planes=picture.n_planes,
        z_step_um=given_step if given_step is not None else picture.z_step_um,
        z_step_source="given" if given_step is not None else picture.step_source,
        levels=picture.levels,
        scene=picture.scene,
        n_scenes=picture.n_scenes,
        pixel_size_um=given_um if given_um is not None else picture.pixel_size_um,
        pixel_size_source="given" if given_um is not None else picture.size_source,
        field=field,
        notes=picture.notes,
    )


def _clear_roles(picture: Picture) -> dict[int, str]:
    """Return the roles that the names leave no doubt about."""
    found = find_roles(picture.names)
    return {found[role][0]: role for role in ROLES if len(found[role]) == 1}


def _end(role: str, kit: ProbeProfile) -> str:
    return kit.end_of(Colour(role)).value if role in (Colour.RED, Colour.GREEN) else ""
