"""Write the golden cases of this folder anew: ``python test_images/make.py [FOLDER]``.

Everything is simulated from fixed seeds: the same version of alkfish and numpy writes the same
bytes. After a change of the simulator, run this, look at the pictures and at ``truth.json`` of
each case, and commit the new files together with the change.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from alkfish.model.probe import Colour
from alkfish.synthetic import LEVELS, Level, PatternMix, simulate_case, write_case
from alkfish.synthetic.case import describe_case

HERE = Path(__file__).parent

# Crowded, slightly thicker sections and smaller nuclei (11.2 um: the sphere of the mean volume of
# adenocarcinoma nuclei) put enough scorable nuclei into few pixels; the coarse gain of the camera
# keeps the files small. The rest is the level `typical`.
GOLDEN = LEVELS["typical"].with_(
    name="golden", coverage=0.52, lymphocyte_share=0.08, touching_share=0.2, overlapping_share=0.03,
    tumour_diam_um=(11.2, 1.2), section_um=(6.0, 0.2), camera_gain=0.07, camera_offset=10.0,
    read_noise=0.4, full_scale=4095, dapi_photons=30_000.0,
)  # fmt: skip


@dataclass(frozen=True)
class Golden:
    """Recipe of one case."""

    name: str
    seed: int
    positive_fraction: float
    mix: PatternMix
    level: Level = GOLDEN
    n_fields: int = 2
    three_prime_colour: Colour = Colour.RED


CASES = (
    Golden("positive", 101, 0.45, PatternMix(0.7, 0.3, 0.02)),
    Golden("negative", 102, 0.0, PatternMix(0.5, 0.5, 0.02)),
    Golden("borderline", 108, 0.09, PatternMix(0.8, 0.2, 0.02)),
    Golden(
        "failed_five_prime", 104, 0.3, PatternMix(),
        level=GOLDEN.with_(name="golden, 5' failed", five_prime_efficiency=0.0), n_fields=1,
    ),
    Golden(
        "colour_swapped", 105, 0.5, PatternMix(0.05, 0.95, 0.02), three_prime_colour=Colour.GREEN
    ),
)  # fmt: skip


def main(out: Path) -> None:
    """Write every case into `out`; cases that exist there must be removed first."""
    out.mkdir(parents=True, exist_ok=True)
    for golden in CASES:
        case = simulate_case(
            golden.level, seed=golden.seed, n_fields=golden.n_fields, case_id=golden.name,
            positive_fraction=golden.positive_fraction, mix=golden.mix, shape=(688, 736),
            pixel_size_um=0.1625, three_prime_colour=golden.three_prime_colour,
        )  # fmt: skip
        write_case(case, out)
        told = describe_case(case)
        sys.stdout.write(
            f"{golden.name}: {told['true_call']}, rate {told['true_rate']:.3f} "
            f"of {told['n_scorable']}, {told['counts']}\n"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
