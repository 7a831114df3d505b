"""What a result was made from and by: checksums, settings, version, time."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from alkfish._version import __version__
from alkfish.config import Config
from alkfish.errors import InputError
from alkfish.model.result import Provenance

_CHUNK_BYTES = 1 << 20


def sha256_path(path: str | Path, *, stop: threading.Event | None = None) -> str:
    """Return the SHA-256 of a file, or of a folder with all its files, as 64 hexadecimal digits.

    That of a folder, such as an OME-Zarr image, is the SHA-256 of the lines that ``sha256sum``
    prints for its files in the order of their names.

    Parameters
    ----------
    path : path-like
        File or folder.
    stop : threading.Event, optional
        Gives up when it is set; what is returned then is meaningless.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    source = Path(path)
    try:
        if source.is_dir():
            files = sorted(item.relative_to(source).as_posix() for item in _files_in(source))
            lines = [f"{_sha256(source / name, stop)}  {name}\n" for name in files]
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        return _sha256(source, stop)
    except OSError as error:
        raise InputError(
            "the file cannot be read", where=path, found=error.strerror or error
        ) from error


def _files_in(folder: Path) -> Iterator[Path]:
    return (item for item in folder.rglob("*") if item.is_file())


def _sha256(path: Path, stop: threading.Event | None = None) -> str:
    digest, buffer = hashlib.sha256(), bytearray(_CHUNK_BYTES)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as stream:
        while (count := stream.readinto(buffer)) and not (stop and stop.is_set()):
            digest.update(view[:count])
    return digest.hexdigest()


class Checksums:
    """Checksums of files, made by a thread beside the work on them; use it in a ``with`` block.

    Leaving the block gives up what is not done.

    Parameters
    ----------
    paths : iterable of path-like
        Files and folders; URLs are left out.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self._stop = threading.Event()
        self._found: dict[Path, Future[str]] = {Path(p): Future() for p in paths if not _is_url(p)}
        self._before = {path: _state(path) for path in self._found}
        threading.Thread(target=self._work, name="alkfish checksums", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()

    def of(self, path: str | Path) -> str:
        """Return the SHA-256 of a file or folder, see `sha256_path`; waits until it is there.

        Raises
        ------
        InputError
            If it cannot be read, or has changed since this object was made.
        """
        found = self._found[Path(path)].result()
        if _state(Path(path)) != self._before[Path(path)]:
            raise InputError(
                "the picture has changed while it was worked on",
                where=path,
                remedy="wait until it is complete, and score it again",
            )
        return found

    def _work(self) -> None:
        for path, future in self._found.items():
            if self._stop.is_set():
                return
            try:
                future.set_result(sha256_path(path, stop=self._stop))
            except Exception as error:  # noqa: BLE001 - raised where the checksum is asked for
                future.set_exception(error)


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Return name, size and time of change of a file or of all files of a folder."""
    try:
        files = sorted(_files_in(path)) if path.is_dir() else [path]
        states = [(file, file.stat()) for file in files]
    except OSError:
        return []
    return [(file.as_posix(), state.st_size, state.st_mtime_ns) for file, state in states]


def _is_url(path: str | Path) -> bool:
    return isinstance(path, str) and "://" in path


def provenance(
    config: Config, inputs: Iterable[str | Path] = (), *, checksums: Checksums | None = None
) -> Provenance:
    """Return the provenance of a result made now.

    Parameters
    ----------
    config : Config
        All settings of the run.
    inputs : iterable of path-like
        The picture files. They are listed by name; files of the same name by path. Of the URL of an
        OME-Zarr the checksum is that of its metadata documents.
    checksums : Checksums, optional
        Of the inputs, made meanwhile; by default they are made now.

    Returns
    -------
    Provenance
        ``created`` is the time in UTC, or that of the environment variable SOURCE_DATE_EPOCH if it
        is set, so that whole results can be compared byte by byte.

    Raises
    ------
    InputError
        If a file cannot be read or has changed meanwhile, or SOURCE_DATE_EPOCH is not a time.
    """
    inputs = list(inputs)
    urls = sorted({str(path) for path in inputs if _is_url(path)})
    paths = sorted({Path(path) for path in inputs if path not in urls})
    names = [path.name for path in paths]
    labels = [path.name if names.count(path.name) == 1 else path.as_posix() for path in paths]
    checksum = sha256_path if checksums is None else checksums.of
    found = {label: checksum(path) for label, path in zip(labels, paths, strict=True)}
    return Provenance(
        version=__version__,
        config=config.model_dump(mode="json"),
        config_fingerprint=config.fingerprint(),
        inputs=found | {url: _sha256_of_metadata(url) for url in urls},
        created=timestamp(),
    )


def is_scored_file(inputs: Mapping[str, str], name: str, checksum: str) -> bool:
    """Return whether a file is one that was scored.

    By its checksum among the inputs of that name; where none has the name, because the file was
    renamed, among all. So two fields of a case whose files have changed names are told apart.

    Parameters
    ----------
    inputs : mapping of str to str
        Names and SHA-256, as `Provenance.inputs`.
    name : str
        Of the file, without its folder.
    checksum : str
        Its SHA-256.
    """
    of_name = {value for label, value in inputs.items() if PurePosixPath(label).name == name}
    return checksum in (of_name or inputs.values())


def _sha256_of_metadata(url: str) -> str:
    """Return the SHA-256 of the metadata documents of an OME-Zarr at a URL, not of its pixels."""
    import fsspec

    digest = hashlib.sha256()
    for name in ("zarr.json", ".zgroup", ".zattrs"):
        try:
            with fsspec.open(f"{url.rstrip('/')}/{name}") as stream:
                digest.update(stream.read())
        except OSError:
            continue
    return digest.hexdigest()


def timestamp() -> str:
    """Return the time in UTC to the second, or that of SOURCE_DATE_EPOCH if it is set.

    Raises
    ------
    InputError
        If SOURCE_DATE_EPOCH is not a time.
    """
    return _now().isoformat(timespec="seconds")


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            "the environment variable is not a time",
            where="SOURCE_DATE_EPOCH",
            found=epoch,
            allowed="seconds since 1970 as a whole number",
        ) from error
