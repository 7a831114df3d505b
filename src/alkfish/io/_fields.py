"""From picture files to fields: which files belong together, and which channel plays which role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alkfish.errors import AlkfishError, ChannelError, ImageError, PixelSizeError
from alkfish.io._files import (
    FORMATS_READ,
    PICTURE_SUFFIXES,
    ZARR_SUFFIXES,
    is_picture,
    is_vendor_copy,
    is_zarr,
    is_zarr_image,
    stem_of,
    unsupported_error,
    unsupported_format,
)
from alkfish.io._picture import Picture
from alkfish.io.channels import ROLES, assign_roles, split_channel_name, split_channel_number
from alkfish.model.fov import PIXEL_SIZE_RANGE_UM, Z_STEP_RANGE_UM

_SIZE_TOLERANCE = 0.01


@dataclass(frozen=True)
class FieldPlan:
    """One field: its name, and file and channel of each role."""

    name: str
    planes: Mapping[str, tuple[Picture, int]]
    notes: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The files of the field, each once, in the order of the roles."""
        return tuple(dict.fromkeys(picture for picture, _ in self.planes.values()))


def picture_paths(folder: Path) -> list[Path]:
    """Return the pictures of a folder by name; hidden and other files are left out.

    Raises
    ------
    ImageError
        If there is none, or one is in a format that is not read and has no readable copy.
    """
    files = sorted(
        item
        for item in folder.iterdir()
        if not item.name.startswith(".") and (item.is_file() or is_zarr_image(item))
    )
    exports = [i for i in files if i.name.lower().endswith((*PICTURE_SUFFIXES, *ZARR_SUFFIXES))]
    copies = {stem_of(item) for item in exports}
    files = [item for item in files if not is_vendor_copy(item, copies)]
    pictures = [item for item in files if is_picture(item) or is_zarr(item)]
    stems = {stem_of(item) for item in pictures}
    for item in files:
        if not is_picture(item) and unsupported_format(item) and stem_of(item) not in stems:
            raise unsupported_error(item)
    if not pictures:
        n_folders = sum(item.is_dir() for item in folder.iterdir())
        raise ImageError(
            "the folder holds no pictures",
            where=folder,
            found=f"{len(files)} other files, {n_folders} folders",
            allowed=f"{FORMATS_READ}; directly in the folder",
            remedy="give the folder that holds the pictures of one case; several folders are "
            "several cases",
        )
    return pictures


def plan_fields(
    pictures: Sequence[Picture], *, channels: Mapping[str, int] | None, default_name: str
) -> tuple[list[FieldPlan], list[AlkfishError]]:
    """Sort pictures into fields.

    Parameters
    ----------
    pictures : sequence of Picture
        Headers of the files of a case.
    channels : mapping of str to int, optional
        Channel index by role, as the user says.
    default_name : str
        Name of a field whose files are named by their channel only.

    Returns
    -------
    plans : list of FieldPlan
        Ordered by name.
    errors : list of AlkfishError
        What keeps other pictures from being fields.
    """
    plans, errors = _plan_channel_files(
        [p for p in pictures if p.n_channels == 1], channels, default_name
    )
    bases = {plan.name for plan in plans}
    for picture in pictures:
        if picture.n_channels == 1 or _is_merged_copy(picture, bases):
            continue
        try:
            roles = assign_roles(picture.names, override=channels, where=_place(picture))
        except AlkfishError as error:
            errors.append(error)
        else:
            planes = {role: (picture, roles[role]) for role in ROLES}
            notes = (*picture.notes, *_scene_notes(picture, pictures))
            plans.append(FieldPlan(field_name(picture, pictures), planes, notes))
    errors += _unlike_scenes(pictures)
    errors += [*_tinted_channels(pictures), *_repeated_names(plans)]
    return sorted(plans, key=lambda plan: plan.name), errors


def field_pixel_size(plan: FieldPlan, given_um: float | None) -> tuple[float, tuple[str, ...]]:
    """Return the pixel size of a field in micrometres, and notes on it.

    Raises
    ------
    PixelSizeError
        If it is unknown, not that of a light microscope, not square, or differs between files.
    """
    sizes = {picture.pixel_size_um for picture in plan.pictures if picture.pixel_size_um}
    own = max(sizes, default=0.0)
    if given_um is not None:
        check_pixel_size(given_um, where="--pixel-size-um")
        contradicted = own and abs(own / given_um - 1) > _SIZE_TOLERANCE
        note = f"pixel size {given_um:g} um was given, although the file says {own:.4g} um"
        return float(given_um), (note,) if contradicted else ()
    where, source = plan.pictures[0].where, plan.pictures[0].size_source
    if not sizes:
        raise _unknown_size(plan.pictures[0])
    if not all(picture.square for picture in plan.pictures):
        raise PixelSizeError(
            "the pixels are not square",
            where=where,
            found=source,
            remedy="resample the picture to square pixels, or if the file is wrong give the true "
            "size with --pixel-size-um",
        )
    if own / min(sizes) - 1 > _SIZE_TOLERANCE:
        raise PixelSizeError(
            "the files of the field have different pixel sizes",
            where=where,
            found=", ".join(f"{p.path.name}: {p.pixel_size_um:.4g} um" for p in plan.pictures),
            remedy="export all channels alike, or give the true size with --pixel-size-um",
        )
    check_pixel_size(own, where=f"{where} ({source})")
    return own, ()


def field_step(
    plan: FieldPlan, given_um: float | None
) -> tuple[float, tuple[str, ...]]:  # fmt: skip
    """Return the distance of the focus planes of a field in micrometres, and notes on it.

    It is 0 for a single plane, and where it is unknown: then stacks are projected, and a note says
    so.

    Raises
    ------
    ImageError
        If the files of the field have different numbers of planes.
    PixelSizeError
        If the files differ in the distance, or the one given is not that of a microscope.
    """
    first = plan.pictures[0]
    counts = {picture.n_planes for picture in plan.pictures}
    if len(counts) > 1:
        raise ImageError(
            "the files of the field have different numbers of focus planes",
            where=first.where,
            found=", ".join(f"{p.path.name}: {p.n_planes}" for p in plan.pictures),
            remedy="export all channels alike",
        )
    if counts == {1}:
        return 0.0, ()
    own = {picture.z_step_um for picture in plan.pictures}
    if given_um is not None:
        check_z_step(given_um)
        contradicted = any(step and abs(step / given_um - 1) > _SIZE_TOLERANCE for step in own)
        note = f"z step {given_um:g} um was given, although the file says {max(own):.4g} um"
        return float(given_um), (note,) if contradicted else ()
    if max(own) > 0 and min(own) > 0 and max(own) / min(own) - 1 > _SIZE_TOLERANCE:
        raise PixelSizeError(
            "the files of the field have different distances of focus planes",
            where=first.where,
            found=", ".join(f"{p.path.name}: {p.z_step_um:.4g} um" for p in plan.pictures),
            remedy="give the true distance with --z-step-um",
        )
    if not max(own):
        return 0.0, (
            f"z-stack of {first.n_planes} planes projected (maximum), because the distance of the "
            f"planes is unknown ({first.step_source}); give it with --z-step-um to score in 3-D",
        )
    return max(own), ()


def check_z_step(step_um: float) -> None:
    """Refuse distances that focus planes cannot have.

    Raises
    ------
    PixelSizeError
        If the distance is not between 0.02 and 20 um.
    """
    low, high = Z_STEP_RANGE_UM
    if not low <= step_um <= high:
        raise PixelSizeError(
            "the distance of the focus planes is not that of a microscope",
            where="--z-step-um",
            found=f"{step_um:.6g} um",
            allowed=f"{low} to {high} um",
            remedy="give the true distance in micrometres",
        )


def field_name(picture: Picture, pictures: Sequence[Picture]) -> str:
    """Return the name of a field: its file's, with its scene's if several scenes are read."""
    stem = stem_of(picture.path)
    siblings = [p for p in pictures if p.where == picture.where]
    if len(siblings) < 2:
        return stem
    scenes = [p.scene.casefold() for p in siblings]
    plain = picture.scene if scenes.count(picture.scene.casefold()) == 1 else ""
    return f"{stem}_{plain or f'scene{picture.scene_index}'}"


def _scene_notes(picture: Picture, pictures: Sequence[Picture]) -> tuple[str, ...]:
    if picture.n_scenes < 2:
        return ()
    read = sum(p.where == picture.where for p in pictures)
    which = "each is a field" if read > 1 else "it was chosen"
    scene = f"scene {picture.scene_index} {picture.scene!r}"
    return (f"{scene} of a file with {picture.n_scenes} scenes; {which}",)


def _unlike_scenes(pictures: Sequence[Picture]) -> Iterator[ImageError]:
    """Yield an error for each file whose scenes are not pictures of the same kind."""
    groups: dict[object, list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.where].append(picture)
    for where, scenes in groups.items():
        if len({(p.names, p.dtype, round(p.pixel_size_um, 4)) for p in scenes}) > 1:
            yield ImageError(
                "the file holds several pictures of different kinds",
                where=where,
                found="; ".join(
                    f"{p.scene_index} {p.scene!r}: {p.axes} {'x'.join(map(str, p.shape))}"
                    for p in scenes[:8]
                ),
                allowed="scenes with the same channels and pixel size, each a field",
                remedy="choose one with --scene (scene=)",
            )


def _place(picture: Picture) -> object:
    return f"{picture.where}, scene {picture.scene}" if picture.scene else picture.where


def sizes_missing(
    pictures: Sequence[Picture], plans: Sequence[FieldPlan], given_um: float | None
) -> list[AlkfishError]:
    """Return an error for the first picture that has no role yet and no pixel size either.

    So a user learns of both gaps at once.
    """
    planned = {picture.path for plan in plans for picture in plan.pictures}
    lacking = [p for p in pictures if p.path not in planned and not p.pixel_size_um]
    return [_unknown_size(lacking[0])] if lacking and given_um is None and not plans else []


def check_pixel_size(size_um: float, *, where: object) -> None:
    """Refuse sizes that are not those of a light microscope.

    Raises
    ------
    PixelSizeError
        If the size is not between 0.02 and 2 um.
    """
    low, high = PIXEL_SIZE_RANGE_UM
    if not low <= size_um <= high:
        raise PixelSizeError(
            "the pixel size is not that of a light microscope",
            where=where,
            found=f"{size_um:.6g} um",
            allowed=f"{low} to {high} um",
            remedy="give the true size with --pixel-size-um (pixel_size_um=)",
        )


def _unknown_size(picture: Picture) -> PixelSizeError:
    return PixelSizeError(
        "the pixel size is unknown",
        where=picture.where,
        found=picture.size_source,
        remedy="give the width of a pixel in micrometres: --pixel-size-um 0.1 "
        "(pixel_size_um=0.1), with your own figure",
    )


def _plan_channel_files(
    pictures: Sequence[Picture], channels: Mapping[str, int] | None, default_name: str
) -> tuple[list[FieldPlan], list[AlkfishError]]:
    """Group single-channel files by what precedes the channel in their names."""
    groups: dict[str, dict[str, list[Picture]]] = defaultdict(lambda: defaultdict(list))
    strangers: list[Picture] = []
    for picture in pictures:
        base, role = _role_by_name(picture, channels)
        if role in ROLES:
            groups[base or default_name][role].append(picture)
        else:
            strangers.append(picture)
    plans: list[FieldPlan] = []
    errors: list[AlkfishError] = []
    for base, by_role in groups.items():
        if all(len(by_role[role]) == 1 for role in ROLES):
            notes = dict.fromkeys(note for role in ROLES for note in by_role[role][0].notes)
            planes = {role: (by_role[role][0], 0) for role in ROLES}
            plans.append(FieldPlan(base, planes, tuple(notes)))
        else:
            errors.append(_incomplete(base, by_role))
    bases = {plan.name for plan in plans}
    lost = [p for p in strangers if not _is_extra_channel(p, bases)]
    return plans, errors + ([_nameless(lost, channels)] if lost else [])


def _role_by_name(picture: Picture, channels: Mapping[str, int] | None) -> tuple[str, str]:
    stem = stem_of(picture.path)
    if channels:
        base, number = split_channel_number(stem)
        roles = [role for role, index in channels.items() if index == number]
        return (base, roles[0]) if roles else (stem, "")
    return split_channel_name(stem)


def _is_extra_channel(picture: Picture, bases: set[str]) -> bool:
    """Whether the file is a further channel of a complete field, such as a transmitted image."""
    stem = stem_of(picture.path)
    return any(
        stem.startswith(base) and stem[len(base) : len(base) + 1] in " _-." for base in bases
    )


def _is_merged_copy(picture: Picture, bases: set[str]) -> bool:
    """Whether the file is the merged view of a field that is read from its channel files."""
    base, role = split_channel_name(stem_of(picture.path))
    return role == "merged" and base in bases


def _tinted_channels(pictures: Sequence[Picture]) -> Iterator[AlkfishError]:
    """Yield an error where colour captures are named as the single channels of one field."""
    groups: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        base, role = split_channel_name(stem_of(picture.path))
        if picture.rgb and role in ROLES:
            groups[base].append(picture)
    for group in groups.values():
        if len(group) > 1:
            yield ImageError(
                "the files are named as single channels but hold red, green and blue each",
                where=group[0].path.parent,
                found=", ".join(picture.path.name for picture in group),
                remedy="export each channel as a grey picture, or the field as one RGB picture",
            )


def _repeated_names(plans: Sequence[FieldPlan]) -> Iterator[AlkfishError]:
    # Names that differ in case only would share one file on some systems.
    groups: dict[str, list[FieldPlan]] = defaultdict(list)
    for plan in plans:
        groups[plan.name.casefold()].append(plan)
    for group in groups.values():
        if len(group) > 1:
            yield ImageError(
                "two fields of a case have the same name",
                where=group[0].pictures[0].path.parent,
                found=", ".join(picture.path.name for plan in group for picture in plan.pictures),
                remedy="keep one copy of each field, or rename one",
            )


def _incomplete(base: str, by_role: Mapping[str, Sequence[Picture]]) -> ChannelError:
    files = [picture for pictures in by_role.values() for picture in pictures]
    missing = [role for role in ROLES if not by_role.get(role)]
    double = [role for role in ROLES if len(by_role.get(role, ())) > 1]
    problems = [f"no file for {role}" for role in missing]
    problems += [f"several files for {role}" for role in double]
    return ChannelError(
        f"the channels of field {base!r} are not complete: {', '.join(problems)}",
        where=files[0].path.parent,
        found=", ".join(picture.path.name for picture in files),
        allowed="one file each for dapi, red and green, named for example field_DAPI.tif, "
        "field_SpectrumOrange.tif, field_SpectrumGreen.tif",
        remedy="add or rename the files, or move those that do not belong to the case",
    )


def _nameless(pictures: Sequence[Picture], channels: Mapping[str, int] | None) -> ChannelError:
    listed = ", ".join(picture.path.name for picture in pictures[:6])
    said = "their number is not one of --channels" if channels else "their names do not say which"
    return ChannelError(
        f"files hold a single channel, and {said}",
        where=pictures[0].path.parent,
        found=listed + (f" and {len(pictures) - 6} more" if len(pictures) > 6 else ""),
        allowed="names ending in DAPI, SpectrumOrange, SpectrumGreen, ..., or in C0, ch01, ... "
        "together with --channels",
        remedy="rename the files, or for field_C0.tif, field_C1.tif, field_C2.tif say "
        "--channels dapi=0,red=1,green=2",
    )
