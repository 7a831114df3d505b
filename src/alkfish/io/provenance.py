"""What a result was made from and by: checksums, settings, version, time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from alkfish._version import __version__
from alkfish.config import Config
from alkfish.errors import InputError
from alkfish.model.result import Provenance


def sha256_path(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of a folder with all its files, as 64 hexadecimal digits.

    That of a folder, such as an OME-Zarr image, is the SHA-256 of the lines that ``sha256sum``
    prints for its files in the order of their names.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    source = Path(path)
    try:
        if source.is_dir():
            files = sorted(item.relative_to(source).as_posix() for item in _files_in(source))
            lines = [f"{_sha256(source / name)}  {name}\n" for name in files]
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        return _sha256(source)
    except OSError as error:
        raise InputError(
            "the file cannot be read", where=path, found=error.strerror or error
        ) from error


def _files_in(folder: Path) -> Iterator[Path]:
    return (item for item in folder.rglob("*") if item.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def provenance(config: Config, inputs: Iterable[str | Path] = ()) -> Provenance:
    """Return the provenance of a result made now.

    Parameters
    ----------
    config : Config
        All settings of the run.
    inputs : iterable of path-like
        The picture files. They are listed by name; files of the same name by path. Of the URL of an
        OME-Zarr the checksum is that of its metadata documents.

    Returns
    -------
    Provenance
        ``created`` is the time in UTC, or that of the environment variable SOURCE_DATE_EPOCH if it
        is set, so that whole results can be compared byte by byte.

    Raises
    ------
    InputError
        If a file cannot be read or SOURCE_DATE_EPOCH is not a time.
    """
    inputs = list(inputs)
    urls = sorted({path for path in inputs if isinstance(path, str) and "://" in path})
    paths = sorted({Path(path) for path in inputs if path not in urls})
    names = [path.name for path in paths]
    labels = [path.name if names.count(path.name) == 1 else path.as_posix() for path in paths]
    checksums = {label: sha256_path(path) for label, path in zip(labels, paths, strict=True)}
    return Provenance(
        version=__version__,
        config=config.model_dump(mode="json"),
        config_fingerprint=config.fingerprint(),
        inputs=checksums | {url: _sha256_of_metadata(url) for url in urls},
        created=timestamp(),
    )


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
