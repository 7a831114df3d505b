import numpy as np
import pytest

from alkfish.synthetic.layout import OUTLINE_LIGHT, SMALLEST_PROFILE, draw_nucleus, place_nuclei
from alkfish.synthetic.levels import LEVELS

TYPICAL = LEVELS["typical"]


@pytest.fixture(scope="module")
def nuclei():
    rng = np.random.default_rng(1)
    return [draw_nucleus(rng, TYPICAL, 5.0) for _ in range(600)]


def test_sizes_follow_the_figures(nuclei):
    tumour = np.array([2 * n.radius for n in nuclei if n.is_tumour])
    other = np.array([2 * n.radius for n in nuclei if not n.is_tumour])
    assert tumour.mean() == pytest.approx(12.8, abs=0.4)
    assert tumour.std() == pytest.approx(2.2, abs=0.3)
    assert other.mean() == pytest.approx(6.8, abs=0.2)
    assert len(other) / len(nuclei) == pytest.approx(TYPICAL.lymphocyte_share, abs=0.05)


def test_section_leaves_at_least_the_smallest_profile(nuclei):
    for nucleus in nuclei:
        assert nucleus.z_high - nucleus.z_low == pytest.approx(5.0)
        assert SMALLEST_PROFILE * nucleus.radius - 1e-9 <= nucleus.profile_radius <= nucleus.radius


def test_thickness_never_exceeds_the_section_and_ends_at_the_outline(nuclei):
    share = np.linspace(0, 1, 50)
    for nucleus in nuclei[:50]:
        depth = nucleus.thickness(share)
        assert depth.max() <= 5.0 + 1e-9
        assert (np.diff(depth) <= 1e-9).all()
        # The rim is steep: one step of the search changes the light by some hundredths.
        edge = nucleus.light(nucleus.visible_share) / nucleus.light(0.0)
        assert OUTLINE_LIGHT <= edge < OUTLINE_LIGHT + 0.06


def test_coverage_sets_the_number():
    rng = np.random.default_rng(2)
    placed = place_nuclei(rng, TYPICAL, (150.0, 150.0))
    covered = sum(np.pi * (n.profile_radius * n.visible_share) ** 2 for n in placed)
    assert covered / 150.0**2 == pytest.approx(TYPICAL.coverage, abs=0.03)


def test_no_coverage_no_nuclei():
    assert place_nuclei(np.random.default_rng(0), LEVELS["empty"], (50.0, 50.0)) == []


def test_nuclei_stay_apart_when_none_may_touch():
    apart = TYPICAL.with_(touching_share=0.0, overlapping_share=0.0)
    placed = place_nuclei(np.random.default_rng(3), apart, (120.0, 120.0))
    assert len(placed) > 20
    for i, a in enumerate(placed):
        for b in placed[:i]:
            theta = np.arctan2(b.y - a.y, b.x - a.x)
            reach = a.visible_radius(theta) + b.visible_radius(theta + np.pi)
            assert np.hypot(b.y - a.y, b.x - a.x) > reach
