import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.synthetic.layout import draw_nucleus
from alkfish.synthetic.levels import LEVELS
from alkfish.synthetic.loci import (
    NATIVE_UM,
    PUBLISHED_UM,
    Genome,
    PatternMix,
    draw_genome,
    draw_spots,
)
from alkfish.synthetic.rule import classify

TYPICAL = LEVELS["typical"].with_(lymphocyte_share=0.0)


def read(spots):
    return classify(*([s.point for s in spots if s.end == end] for end in ("3p", "5p")))


def draw(fate, seed, *, n=150, separation="clinical", copies=2, level=TYPICAL):
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        nucleus = draw_nucleus(rng, level, 5.0)
        genome = Genome(copies, fate, is_rearranged=fate in ("split", "lost_5p"))
        out.append((nucleus, draw_spots(rng, level, nucleus, genome, separation=separation)))
    return out


@pytest.mark.parametrize(
    ("shape", "mean", "sd"), [(NATIVE_UM, 0.33, 0.24), (PUBLISHED_UM, 0.97, 0.51)]
)
def test_gamma_figures_have_the_published_mean_and_sd(shape, mean, sd):
    k, theta = shape
    assert k * theta == pytest.approx(mean, abs=0.01)
    assert np.sqrt(k) * theta == pytest.approx(sd, abs=0.01)


@pytest.mark.parametrize(
    ("fate", "pattern"),
    [("split", "SPLIT"), ("lost_5p", "ISOLATED_3P"), ("lost_3p", "ISOLATED_5P")],
)
def test_a_scorable_nucleus_shows_its_fate(fate, pattern):
    patterns = [read(spots).pattern for _, spots in draw(fate, 1)]
    scorable = [p for p in patterns if p]
    assert len(scorable) > 30
    assert scorable.count(pattern) / len(scorable) > 0.9


def test_truncation_makes_unscorable_nuclei_and_few_isolated_signals():
    patterns = [read(spots).pattern for _, spots in draw("native", 2, n=800)]
    scorable = [p for p in patterns if p]
    # Monte Carlo of clinical-rules 8.1: 53 % scorable in 5 um, about 2 % isolated 3' among them.
    assert 0.4 < len(scorable) / len(patterns) < 0.68
    assert 0.0 < scorable.count("ISOLATED_3P") / len(scorable) < 0.05
    assert scorable.count("SPLIT") / len(scorable) < 0.01


def test_published_separation_is_often_read_as_fused():
    patterns = [read(spots).pattern for _, spots in draw("split", 3, n=300, separation="published")]
    scorable = [p for p in patterns if p]
    assert scorable.count("SPLIT") / len(scorable) < 0.3


def test_spots_lie_in_outline_and_section():
    for nucleus, spots in draw("native", 4, n=80, level=TYPICAL.with_(doublet_share=0.0)):
        for spot in spots:
            assert nucleus.z_low <= spot.z <= nucleus.z_high
            reach = float(nucleus.visible_radius(np.arctan2(spot.y, spot.x)))
            assert np.hypot(spot.y, spot.x) <= reach + 1.0


def test_failed_channel_shows_no_spots():
    failed = TYPICAL.with_(five_prime_efficiency=0.0)
    ends = {spot.end for _, spots in draw("native", 5, n=30, level=failed) for spot in spots}
    assert ends == {"3p"}


def test_genomes_follow_fraction_and_mix():
    rng = np.random.default_rng(6)
    mix = PatternMix(split=1.0, isolated_3p=0.0, isolated_5p=0.0)
    drawn = [
        draw_genome(rng, TYPICAL, is_tumour=True, positive_fraction=0.4, mix=mix)
        for _ in range(1000)
    ]
    assert np.mean([g.is_rearranged for g in drawn]) == pytest.approx(0.4, abs=0.05)
    assert {g.fate for g in drawn} == {"native", "split"}
    assert np.mean([g.copies > 2 for g in drawn]) == pytest.approx(TYPICAL.gain_share, abs=0.05)


def test_lymphocytes_are_native_and_diploid():
    rng = np.random.default_rng(7)
    for _ in range(50):
        genome = draw_genome(rng, TYPICAL, is_tumour=False, positive_fraction=1.0, mix=PatternMix())
        assert genome == Genome(2, "native", is_rearranged=False)


def test_unknown_separation_is_refused():
    nucleus = draw_nucleus(np.random.default_rng(0), TYPICAL, 5.0)
    genome = Genome(2, "native", is_rearranged=False)
    with pytest.raises(InputError, match=r"unknown distribution.*\n.*wide\n.*clinical, published"):
        draw_spots(np.random.default_rng(0), TYPICAL, nucleus, genome, separation="wide")
