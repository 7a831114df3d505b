"""From a sheet or a folder to the cases of a batch; all problems are reported at once."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alkfish.batch.cases import BatchCase, Control, Reading
from alkfish.errors import AlkfishError, InputError
from alkfish.io._files import is_picture
from alkfish.io.bundle import folder_key, folder_name
from alkfish.io.channels import parse_channels
from alkfish.io.images import as_source, default_case_id
from alkfish.io.probes import DEFAULT_PROBE, load_probe, require_confirmed
from alkfish.io.sheet import SheetProblem, raise_problems, read_sheet
from alkfish.model.fov import PIXEL_SIZE_RANGE_UM, Z_STEP_RANGE_UM

COLUMNS: Mapping[str, str] = {
    "case_id": "Names the case and the folder of its result; no identifier of the patient.",
    "images": "Picture, slide, URL of an OME-Zarr, or folder; several are separated by |.",
    "probe": "Probe profile, a shipped name or a TOML file; by default that of --probe.",
    "lot": "Lot of the probe.",
    "roi": "Outlined areas (GeoJSON), or a folder with one <field>.geojson each.",
    "block": "Block or slide; on pages only.",
    "notes": "Free words; on pages only.",
    "control": "none, negative or positive.",
    "details": "TOML file with what the report shows of patient, specimen and assay.",
    "channels": "Roles of the channels, as --channels: dapi=0,red=1,green=2.",
    "pixel_size_um": "Width of a pixel in micrometres, as --pixel-size-um.",
    "z_step_um": "Distance of the focus planes in micrometres, as --z-step-um.",
    "scene": "Scene of a file with several, as --scene.",
}
"""Columns of the sheet, in the order of the documentation; only the first two are required."""

REQUIRED = ("case_id", "images")
SEPARATOR = "|"
RESERVED = frozenset(
    {"summary.csv", "summary.html", "batch.log", "watch.json", "pictures.json", "review.sqlite",
     "review.sqlite-wal", "review.sqlite-shm"}
)  # fmt: skip
"""Names in the folder of results that are not cases."""

_MAX_TEXT = 4000
REMEDY = "correct the sheet: its columns are described in docs/batch.md; nothing was scored"
_PATIENT = ("name", "patient", "birth", "dob", "mrn", "sex", "surname")


@dataclass(frozen=True)
class Defaults:
    """What holds for cases whose row does not say otherwise, from the command line.

    Attributes
    ----------
    probe : str
        Name or file of the probe profile.
    reading : Reading
        How pictures are read.
    """

    probe: str = DEFAULT_PROBE
    reading: Reading = field(default_factory=Reading)


def read_cases(path: str | Path, *, defaults: Defaults | None = None) -> tuple[BatchCase, ...]:
    """Return the cases of a sheet, or of a folder of case folders.

    Parameters
    ----------
    path : path-like
        A CSV or Excel file with the columns of `COLUMNS`, paths relative to it; or a folder, in
        which every folder and every picture is a case.
    defaults : Defaults, optional
        What holds where a row says nothing.

    Returns
    -------
    tuple of BatchCase
        In the order of the sheet, or of the names.

    Raises
    ------
    InputError
        Naming all problems with row and column.
    """
    source = Path(path)
    if source.is_dir():
        return _cases_of_folder(source, defaults or Defaults())
    sheet = read_sheet(source)
    columns, problems = _columns(sheet.header)
    reader = _RowReader(source.absolute().parent, defaults or Defaults())
    cases = []
    for number, cells in sheet.rows:
        values, extra = _values(columns, cells)
        if extra:
            problems.append(SheetProblem(number, "", f"a cell without a column: {extra!r}"))
        cases.append(reader.read(number, values))
    problems += [item for item in reader.problems if item.column in columns]
    if not sheet.rows:
        problems.append(SheetProblem(2, "", "there is no case: the sheet has a header only"))
    problems += _shared(cases)
    raise_problems(problems, where=source, remedy=REMEDY)
    return tuple(cases)


def _columns(header: Sequence[str]) -> tuple[list[str], list[SheetProblem]]:
    """Return the known name of each column, empty for an unknown one, and what is wrong."""
    names = [text.strip().casefold().replace(" ", "_").replace("-", "_") for text in header]
    problems = []
    for name, text in zip(names, header, strict=True):
        if name and name not in COLUMNS:
            problems.append(SheetProblem(1, text, _unknown_column(name)))
        elif name and names.count(name) > 1:
            problems.append(SheetProblem(1, text, "the column stands twice"))
    problems += [
        SheetProblem(1, name, "the column is missing") for name in REQUIRED if name not in names
    ]
    return [name if name in COLUMNS else "" for name in names], list(dict.fromkeys(problems))


def _unknown_column(name: str) -> str:
    near = difflib.get_close_matches(name, COLUMNS, n=1)
    if near:
        return f"unknown column; did you mean {near[0]}?"
    if any(word in name for word in _PATIENT):
        return (
            "unknown column; what identifies a patient goes into the file that the column details "
            "names"
        )
    return f"unknown column; known are {', '.join(COLUMNS)}"


def _values(columns: Sequence[str], cells: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the cells by column, and the first text that stands beyond the last column."""
    values = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    return values, next((cell for cell in cells[len(columns) :] if cell), "")


@dataclass
class _RowReader:
    """Makes cases of rows and collects what is wrong with them."""

    folder: Path
    defaults: Defaults
    problems: list[SheetProblem] = field(default_factory=list)
    probes: dict[str, str] = field(default_factory=dict)

    def read(self, row: int, values: Mapping[str, str]) -> BatchCase:
        """Return the case of a row; it is of use only if nothing was wrong."""

        def get(name: str) -> str:
            return values.get(name, "")

        def told(name: str, problem: str) -> None:
            self.problems.append(SheetProblem(row, name, problem))

        for name, text in values.items():
            if len(text) > _MAX_TEXT or any(
                not c.isprintable() and c not in "\r\n\t" for c in text
            ):
                told(name, f"longer than {_MAX_TEXT} characters, or control characters in it")
        return BatchCase(
            case_id=_case_id(get("case_id"), told),
            images=self._images(get("images"), told),
            control=_control(get("control"), told),
            probe=self._probe(get("probe"), told),
            lot=get("lot"),
            block=get("block"),
            notes=get("notes"),
            roi=self._file("roi", get("roi"), told),
            details=self._details(get("details"), told),
            reading=_reading(values, self.defaults.reading, told),
            row=row,
        )

    def _images(self, text: str, told: _Told) -> tuple[Path | str, ...]:
        parts = [part.strip() for part in text.split(SEPARATOR) if part.strip()]
        if not parts:
            told("images", "empty: name a picture or a folder")
        found = [self._place(part) for part in parts]
        for part, place in zip(parts, found, strict=True):
            if isinstance(place, Path) and not place.exists():
                told("images", f"there is no such file or folder: {part}")
        return tuple(found)

    def _place(self, text: str) -> Path | str:
        source = as_source(text)
        if isinstance(source, str):
            return source
        place = (self.folder / source).absolute()
        if not place.exists() and "\\" in text:
            place = (self.folder / text.replace("\\", "/")).absolute()
        return place

    def _file(self, name: str, text: str, told: _Told) -> Path | None:
        if not text:
            return None
        place = self._place(text)
        if isinstance(place, str) or not place.exists():
            told(name, f"there is no such file: {text}")
            return None
        return place

    def _details(self, text: str, told: _Told) -> Path | None:
        from alkfish.report.details import CaseDetails

        place = self._file("details", text, told)
        if place is not None:
            try:
                CaseDetails.from_toml(place)
            except AlkfishError as error:
                told("details", _one_line(error))
        return place

    def _probe(self, text: str, told: _Told) -> str:
        """Return name or path of a confirmed profile; each profile is read once."""
        if not text:
            return self.defaults.probe
        local = self._place(text)
        is_file = isinstance(local, Path) and local.is_file()
        name = str(local) if is_file else text
        if name not in self.probes:
            try:
                require_confirmed(load_probe(name))
                self.probes[name] = ""
            except AlkfishError as error:
                self.probes[name] = _one_line(error)
        if self.probes[name]:
            told("probe", self.probes[name])
        return name


_Told = Callable[[str, str], None]


def _one_line(error: AlkfishError) -> str:
    parts = [f"{error.where}: {error.problem}" if error.where else error.problem]
    parts += [f"found: {error.found}"] if error.found is not None else []
    parts += [f"allowed: {error.allowed}"] if error.allowed is not None else []
    return "; ".join(parts).replace("\n", " ")


def _case_id(text: str, told: _Told) -> str:
    if not text:
        told("case_id", "empty: every case needs an id")
        return ""
    try:
        name = folder_name(text)
    except AlkfishError as error:
        told("case_id", f"{text!r} cannot name a folder; allowed: {error.allowed}")
        return ""
    if name.casefold() in RESERVED:
        told("case_id", f"{text!r} is the name of a file in the folder of results")
    return text


def _control(text: str, told: _Told) -> Control:
    if not text:
        return Control.NONE
    try:
        return Control(text.casefold())
    except ValueError:
        names = [item.value for item in Control]
        near = [name for name in names if name.startswith(text.casefold())]
        near = near or difflib.get_close_matches(text.casefold(), names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        told("control", f"{text!r} is none of {', '.join(Control)}{hint}")
        return Control.NONE


def _reading(values: Mapping[str, str], default: Reading, told: _Told) -> Reading:
    reading = default
    if values.get("channels"):
        try:
            roles = parse_channels(values["channels"].replace(";", ","))
            reading = replace(reading, channels=tuple(sorted(roles.items())))
        except AlkfishError as error:
            told("channels", _one_line(error))
    for name, limits in (("pixel_size_um", PIXEL_SIZE_RANGE_UM), ("z_step_um", Z_STEP_RANGE_UM)):
        text = values.get(name, "")
        if not text:
            continue
        number = _number(text)
        if not limits[0] <= number <= limits[1]:
            told(name, f"{text!r} is no number from {limits[0]:g} to {limits[1]:g}")
        elif name == "pixel_size_um":
            reading = replace(reading, pixel_size_um=number)
        else:
            reading = replace(reading, z_step_um=number)
    return replace(reading, scene=values.get("scene") or reading.scene)


def _number(text: str) -> float:
    """Return a number written with a point or a decimal comma; -1 if it is none."""
    try:
        number = float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return -1.0
    return number if math.isfinite(number) else -1.0


def _shared(cases: Sequence[BatchCase]) -> Iterator[SheetProblem]:
    """Yield ids that stand twice, and pictures that two cases claim."""
    by_folder: defaultdict[str, list[BatchCase]] = defaultdict(list)
    by_picture: defaultdict[tuple[str, str], list[BatchCase]] = defaultdict(list)
    for case in cases:
        if case.case_id:
            by_folder[folder_key(case.case_id)].append(case)
        for picture in dict.fromkeys(case.images):
            by_picture[_real(picture), case.reading.scene].append(case)
    for same in by_folder.values():
        for case in same[1:]:
            yield SheetProblem(
                case.row, "case_id", f"{case.case_id!r} is the id of {_of(same[0])} already"
            )
    for (picture, _), claimed in by_picture.items():
        for case in claimed[1:]:
            yield SheetProblem(
                case.row,
                "images",
                f"{Path(picture).name} belongs to {_of(claimed[0])} already",
            )


def _of(case: BatchCase) -> str:
    return f"row {case.row}" if case.row else f"{case.images[0]}"


def _real(picture: Path | str) -> str:
    return picture if isinstance(picture, str) else str(picture.resolve())


def _cases_of_folder(folder: Path, defaults: Defaults) -> tuple[BatchCase, ...]:
    """Return a case for every folder and every picture in a folder."""
    try:
        items = sorted(
            item
            for item in folder.absolute().iterdir()
            if not item.name.startswith(".") and (item.is_dir() or is_picture(item))
        )
    except OSError as error:
        raise InputError(
            "the folder of cases cannot be read", where=folder, found=error.strerror or error
        ) from error
    cases = tuple(case_of(item, defaults) for item in items)
    if not cases:
        raise InputError(
            "there is no case in the folder",
            where=folder,
            allowed="one folder, picture or slide per case",
            remedy="give the folder that holds the folders of the cases",
        )
    problems = list(_shared(cases))
    raise_problems(problems, where=folder, remedy="rename one of them")
    return cases


def case_of(path: Path, defaults: Defaults) -> BatchCase:
    """Return the case of a picture or a folder, named after it."""
    return BatchCase(default_case_id(path), (path,), probe=defaults.probe, reading=defaults.reading)
