"""The page as a PDF, laid out for paper. It is written from the page itself: one content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alkfish.errors import InputError, OutputError


def write_pdf(page: str, path: Path) -> None:
    """Write the page as a PDF; nothing is fetched, neither from disk nor from a network.

    Raises
    ------
    InputError
        If the packages for it are not installed.
    OutputError
        If the file cannot be written.
    """
    weasyprint = _weasyprint()
    from weasyprint.urls import URLFetcher

    document = weasyprint.HTML(
        string=page, media_type="print", url_fetcher=URLFetcher(allowed_protocols=["data"])
    )
    data = document.write_pdf(optimize_images=False)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(
            "the report cannot be written", where=path, found=error.strerror or error
        ) from error


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: a system library is missing
        raise InputError(
            "a PDF needs packages that are not installed",
            found=str(error).strip().splitlines()[0],
            remedy='install them with: python -m pip install "alkfish[report]", on Debian and '
            "Ubuntu also: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
        ) from error
    return weasyprint
