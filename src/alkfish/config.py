"""All settings, by stage. Each is written once: name, default, unit, range and help.

The command line, the settings table of the documentation and later the plugin's tooltips read
them from here. Lengths are in micrometres and thresholds in noise units, so that the same defaults
serve every objective and camera.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alkfish.errors import ConfigError


def setting(
    default: Any, help_text: str, *, unit: str = "", low: float | None = None,
    high: float | None = None,
) -> Any:  # fmt: skip
    """Declare one setting with its default, help, unit and closed range."""
    return Field(default, description=help_text, ge=low, le=high, json_schema_extra={"unit": unit})


class Stage(BaseModel):
    """Base of the parameter groups: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        values = {name: getattr(self, name) for name in type(self).model_fields}
        for name, low in values.items():
            partner = name.replace("min_", "max_", 1)
            if name.startswith("min_") and partner in values and low > values[partner]:
                raise ValueError(f"{name} must not exceed {partner}")
        return self


class SegmentConfig(Stage):
    """From DAPI to nuclei."""

    nucleus_diam_um: float = setting(
        11.0,
        "Typical nucleus diameter; sets the scale of background removal and declumping. "
        "Tumour nuclei measure 12.8 +/- 2.2 um, lymphocytes about 7 um.",
        unit="um", low=3.0, high=40.0,
    )  # fmt: skip


class ScorableConfig(Stage):
    """Which nuclei may be counted."""

    min_diam_um: float = setting(
        7.5,
        "Nuclei with a smaller equivalent diameter are flagged too_small (not tumour). Raising it "
        "excludes more lymphocytes and more truncated tumour nuclei.",
        unit="um", low=0.0, high=40.0,
    )  # fmt: skip
    max_diam_um: float = setting(
        24.0,
        "Nuclei with a larger equivalent diameter are flagged too_large.",
        unit="um", low=5.0, high=100.0,
    )  # fmt: skip
    min_solidity: float = setting(
        0.88,
        "Outlines with a smaller share of their convex hull are flagged clump; the limit rises by "
        "up to 0.06 with contact to other nuclei. Raising it excludes more touching and more "
        "lobed nuclei.",
        low=0.0, high=1.0,
    )  # fmt: skip
    min_focus: float = setting(
        0.25,
        "Nuclei with a smaller focus score are flagged out_of_focus.",
        low=0.0, high=1.0,
    )  # fmt: skip
    max_saturated: float = setting(
        0.05,
        "Nuclei with a larger share of saturated DAPI pixels are flagged saturated.",
        low=0.0, high=1.0,
    )  # fmt: skip
    min_usual_snr: float = setting(
        7.0,
        "Where a spot of the field's usual brightness would have a smaller SNR, missing spots mean "
        "nothing: the nucleus is flagged dim_3p or dim_5p.",
        unit="local noise", low=0.0, high=50.0,
    )  # fmt: skip
    max_signals: int = setting(
        8,
        "Nuclei with more spots of one probe end, those of sister doublets counted singly, are "
        "flagged too_many_signals: amplification is not a copy number (more than 3 to 8 fused "
        "signals).",
        low=2, high=100,
    )  # fmt: skip
    max_unresolved: float = setting(
        1.0,
        "Nuclei in which bright structures that are not spots cover more, in either probe channel, "
        "are flagged too_many_signals: stringy or confluent signals cannot be told apart.",
        unit="areas of a usual spot", low=0.0, high=100.0,
    )  # fmt: skip


class DetectConfig(Stage):
    """From a probe channel to spots."""

    min_snr: float = setting(
        4.2,
        "Smallest fitted amplitude in units of local noise and texture. Raising it loses dim "
        "signals, lowering it admits noise.",
        unit="local noise", low=3.5, high=50.0,
    )  # fmt: skip
    min_brightness: float = setting(
        0.12,
        "Smallest amplitude of a spot as a share of the field's usual amplitude; dimmer ones are "
        "texture of dark, quiet places. Raising it loses signals out of focus.",
        low=0.0, high=1.0,
    )  # fmt: skip
    min_quality: float = setting(
        0.35,
        "Smallest share of a spot's power that the fitted round profile must explain, noise "
        "allowed for. Raising it rejects more odd shapes.",
        low=0.0, high=1.0,
    )  # fmt: skip
    usual_diam_um: float = setting(
        0.6,
        "Diameter (full width at half maximum) the search is tuned to; the true one is learned "
        "from the field's bright spots.",
        unit="um", low=0.1, high=5.0,
    )  # fmt: skip
    min_diam_um: float = setting(
        0.18,
        "Smallest spot diameter (full width at half maximum); narrower points are hot pixels.",
        unit="um", low=0.05, high=5.0,
    )  # fmt: skip
    max_diam_um: float = setting(
        1.2,
        "Largest spot diameter (full width at half maximum); wider ones are debris or out of "
        "focus.",
        unit="um", low=0.1, high=10.0,
    )  # fmt: skip


class ScoreConfig(Stage):
    """From spots to patterns."""

    max_outside_um: float = setting(
        0.4,
        "A spot this far outside an outline still belongs to the nearest nucleus.",
        unit="um", low=0.0, high=5.0,
    )  # fmt: skip
    doublet_gap_diam: float = setting(
        1.0,
        "Same-colour spots of one nucleus whose gap, edge to edge, is smaller are sister doublets "
        "and count as one signal.",
        unit="signal diameters", low=0.0, high=5.0,
    )  # fmt: skip


class Config(Stage):
    """All settings of a run. Travels whole; its fingerprint goes into every result.

    Examples
    --------
    >>> Config().with_settings(["detect.min_snr=6"]).detect.min_snr
    6.0
    """

    segment: SegmentConfig = Field(default_factory=SegmentConfig)
    scorable: ScorableConfig = Field(default_factory=ScorableConfig)
    detect: DetectConfig = Field(default_factory=DetectConfig)
    score: ScoreConfig = Field(default_factory=ScoreConfig)

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read settings from a TOML file; settings not named keep their defaults.

        Raises
        ------
        ConfigError
            If the file cannot be read, or a key or value is not allowed.
        """
        try:
            data = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(
                "the settings file cannot be read",
                where=path,
                found=error,
                remedy="write one with: alkfish config show > settings.toml",
            ) from error
        return cls.from_mapping(data, where=str(path))

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], *, where: str = "settings") -> Self:
        """Make a configuration from nested mappings; all problems are reported at once."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ConfigError(
                "; ".join(_explain(item) for item in error.errors()),
                where=where,
                remedy="`alkfish config show` lists every setting with unit and range",
            ) from error

    def with_settings(self, assignments: Iterable[str]) -> Self:
        """Return a copy with ``stage.key=value`` texts applied (values in TOML syntax)."""
        data = self.model_dump()
        for text in assignments:
            stage, _, rest = text.partition(".")
            key, equals, value = rest.partition("=")
            if not (key and equals):
                raise ConfigError(
                    "a setting is written stage.key=value",
                    where="--set",
                    found=text,
                    remedy="for example --set detect.min_snr=7",
                )
            group = data.setdefault(stage.strip(), {})
            group[key.strip()] = _toml_value(value.strip())
        return self.from_mapping(data, where="--set")

    def to_toml(self) -> str:
        """Return the settings as TOML text; the inverse of `from_toml`."""
        return tomli_w.dumps(self.model_dump(mode="json"))

    def fingerprint(self) -> str:
        """Return a SHA-256 over all settings, independent of how they were given."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class SettingInfo:
    """What is declared about one setting."""

    stage: str
    name: str
    default: Any
    unit: str
    low: float | None
    high: float | None
    help_text: str


def list_settings() -> Iterator[SettingInfo]:
    """Yield every setting in the order of the stages."""
    for stage, group in Config.model_fields.items():
        group_type = group.annotation
        assert group_type is not None  # noqa: S101 - every stage is annotated
        schema = group_type.model_json_schema()["properties"]
        for name, declared in schema.items():
            yield SettingInfo(
                stage, name, declared.get("default"), declared.get("unit", ""),
                declared.get("minimum"), declared.get("maximum"), declared["description"],
            )  # fmt: skip


def _explain(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"unknown setting {name!r}"
    return f"{name}: {item['msg'].lower()}, found {item['input']!r}"


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
