"""The few settings that matter, each with slider and number; all said about them is in `config`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QSlider, QToolButton

from alkfish.config import Config, SettingInfo, list_settings

FEW = {
    ("segment", "nucleus_diam_um"): "Typical nucleus",
    ("scorable", "min_diam_um"): "Smallest nucleus counted",
    ("scorable", "min_solidity"): "Evenness of outlines",
    ("scorable", "min_focus"): "Sharpness of nuclei",
    ("detect", "min_snr"): "Signal above noise",
    ("detect", "min_brightness"): "Signal brightness",
    ("detect", "min_quality"): "Signal roundness",
    ("score", "doublet_gap_diam"): "Doublet gap below",
}
"""Settings that the dock shows, and what it calls them; `alkfish config show` lists all."""

_SHORT_UNITS = {"local noise": "σ", "signal diameters": "⌀", "um": "µm"}
_STEPS = 200
_WIDE = 4.0


def few_settings() -> tuple[SettingInfo, ...]:
    """Return the definitions of the settings of `FEW`, in its order."""
    known = {(info.stage, info.name): info for info in list_settings()}
    return tuple(known[key] for key in FEW)


def tooltip_of(info: SettingInfo) -> str:
    """Return what the definition of a setting says, for hovering."""
    unit = f" {info.unit}" if info.unit else ""
    return (
        f"<p><b>{info.stage}.{info.name}</b></p><p>{info.help_text}</p>"
        f"<p>Default {info.default:g}{unit}; {info.low:g} to {info.high:g}{unit} allowed.</p>"
    )


def slider_span(info: SettingInfo) -> tuple[float, float]:
    """Return the range of the slider: that of the setting, but not far beyond the default."""
    low, high = float(info.low or 0.0), float(info.high or 1.0)
    return low, min(high, _WIDE * float(info.default))


@dataclass
class _Row:
    info: SettingInfo
    name: QLabel
    slider: QSlider
    number: QDoubleSpinBox
    back: QToolButton


class SettingsForm(QObject):
    """Rows of settings in a grid; whoever moves one is heard at once.

    Attributes
    ----------
    moved : Signal
        A setting has another value.
    """

    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(6)
        self.grid.setVerticalSpacing(2)
        self.grid.setColumnStretch(1, 1)
        self._base, self._quiet = Config(), False
        self._rows = [self._make(k, info) for k, info in enumerate(few_settings())]

    def set_base(self, config: Config) -> None:
        """Show the settings that a case was scored with; moved ones are marked against them."""
        self._base = config
        self.reset()

    def reset(self) -> None:
        """Put all settings back to those of the case."""
        self._quiet = True
        for row in self._rows:
            row.number.setValue(_value(self._base, row.info))
        self._quiet = False
        self._mark()

    def config(self) -> Config:
        """Return the settings as they stand; those not shown are the case's.

        Raises
        ------
        ConfigError
            If they contradict each other.
        """
        data = self._base.model_dump()
        for row in self._rows:
            if self._is_moved(row):
                data[row.info.stage][row.info.name] = row.number.value()
        return Config.from_mapping(data, where="settings")

    def value_box(self, stage: str, name: str) -> QDoubleSpinBox:
        """Return the number of a setting."""
        return next(r.number for r in self._rows if (r.info.stage, r.info.name) == (stage, name))

    def _make(self, line: int, info: SettingInfo) -> _Row:
        low, high = slider_span(info)
        name = QLabel(FEW[info.stage, info.name])
        slider, number, back = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox(), QToolButton()
        slider.setRange(0, _STEPS)
        number.setDecimals(2)
        number.setSingleStep(max((high - low) / _STEPS, 0.01))
        number.setRange(float(info.low or 0.0), float(info.high or 1.0))
        short = _SHORT_UNITS.get(info.unit, info.unit)
        number.setSuffix(f" {short}" if short else "")
        number.setKeyboardTracking(False)
        number.setFixedWidth(106)
        back.setText("↺")
        back.setToolTip("Back to the value of the case")
        for column, widget in enumerate((name, slider, number, back)):
            widget.setToolTip(widget.toolTip() or tooltip_of(info))
            self.grid.addWidget(widget, line, column)
        row = _Row(info, name, slider, number, back)
        slider.valueChanged.connect(self._from_slider(row, low, high))
        number.valueChanged.connect(self._from_number(row, low, high))
        back.clicked.connect(lambda: number.setValue(_value(self._base, info)))
        return row

    def _from_slider(self, row: _Row, low: float, high: float) -> Callable[[int], None]:
        def take(place: int) -> None:
            row.number.setValue(low + (high - low) * place / _STEPS)

        return take

    def _from_number(self, row: _Row, low: float, high: float) -> Callable[[float], None]:
        def take(value: float) -> None:
            row.slider.blockSignals(True)
            row.slider.setValue(round(_STEPS * (value - low) / (high - low)))
            row.slider.blockSignals(False)
            self._mark()
            if not self._quiet:
                self.moved.emit()

        return take

    def _is_moved(self, row: _Row) -> bool:
        return abs(row.number.value() - _value(self._base, row.info)) > 0.5 * 10**-2

    def _mark(self) -> None:
        """Mark what differs from the case by a sign and bold letters."""
        for row in self._rows:
            moved, words = self._is_moved(row), FEW[row.info.stage, row.info.name]
            row.name.setText(f"<b>● {words}</b>" if moved else words)
            row.back.setEnabled(moved)


def _value(config: Config, info: SettingInfo) -> float:
    return float(getattr(getattr(config, info.stage), info.name))
