"""Every exception and warning that alkfish raises, in one tree.

A message always says where, what was found, what is allowed and what to do: build it with the
keywords of `AlkfishError` instead of writing a free sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class AlkfishError(Exception):
    """Base of all errors a user can cause and mend.

    Parameters
    ----------
    problem : str
        What is wrong, in one short sentence without a full stop.
    where : object, optional
        The file, case, field or setting concerned.
    found : object, optional
        The offending value.
    allowed : object, optional
        The rule that it breaks.
    remedy : str, optional
        What the user can do.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: object = None,
        found: object = None,
        allowed: object = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = where
        self.found = found
        self.allowed = allowed
        self.remedy = remedy
        super().__init__(self._text())

    def _text(self) -> str:
        head = self.problem if self.where is None else f"{self.where}: {self.problem}"
        parts = [head]
        parts += [f"found: {self.found}"] if self.found is not None else []
        parts += [f"allowed: {self.allowed}"] if self.allowed is not None else []
        parts += [f"what to do: {self.remedy}"] if self.remedy is not None else []
        return "\n  ".join(parts)


class InputError(AlkfishError):
    """An input (file, array, argument) cannot be used."""


class ImageError(InputError):
    """An image file cannot be read, or its pixels cannot be scored."""


class ChannelError(InputError):
    """The role of an image channel is unknown or ambiguous."""


class PixelSizeError(InputError):
    """The pixel size is unknown or impossible."""


class ConfigError(AlkfishError):
    """A setting is unknown or out of its range."""


class ProbeError(AlkfishError):
    """A probe profile is missing, invalid, or not confirmed."""


class OutputError(AlkfishError):
    """A result cannot be written where it was asked for."""


class BundleError(AlkfishError):
    """A case bundle is missing, incomplete, or of another version."""


class StoreError(AlkfishError):
    """A review store cannot be opened, read or written."""


class ReviewError(AlkfishError):
    """A step that the rules of review do not allow."""


class StaleError(ReviewError):
    """A window shows a case as it was: somebody has written since, or it was scored again."""


class ExecutionError(AlkfishError):
    """Work cannot be spread: workers die, or a cluster cannot be reached or used."""


def error_parts(error: BaseException) -> dict[str, str | None]:
    """Return the parts of an error as JSON values: type, problem, where, found, allowed, remedy.

    An error that is none of ours has type and problem only.
    """
    if not isinstance(error, AlkfishError):
        return {"type": type(error).__name__, "problem": str(error)}
    names = ("problem", "where", "found", "allowed", "remedy")
    known = {name: getattr(error, name) for name in names}
    texts = {name: None if value is None else str(value) for name, value in known.items()}
    return {"type": type(error).__name__, **texts}


@contextmanager
def output_errors(problem: str, where: object, *, remedy: str | None = None) -> Iterator[None]:
    """Turn what the system refuses while something is written into an `OutputError`.

    Parameters
    ----------
    problem, where, remedy
        As for `AlkfishError`; what was found is the system's own reason.

    Raises
    ------
    OutputError
        In place of any OSError.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            problem, where=where, found=error.strerror or error, remedy=remedy
        ) from error


class AlkfishWarning(UserWarning):
    """Base of all warnings that alkfish issues."""
