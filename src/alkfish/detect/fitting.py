"""Least-squares fits of round Gaussian spots on a tilted background, compiled.

Each spot is fitted in its own window on the picture minus the models of its neighbours, so that
touching spots do not disturb each other. A prior on the width, learned from the bright spots of
the same picture, steadies the width of dim and touching spots.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alkfish.compiled import fast_kernel, inner_fast_kernel

N_PARAMETERS = 7
AMPLITUDE, Y, X, WIDTH, BACKGROUND, TILT_Y, TILT_X = range(N_PARAMETERS)

N_FIGURES = 7
SE_AMPLITUDE, SE_WIDTH, RESIDUAL, QUALITY, ROUNDNESS, AXIS, N_SATURATED = range(N_FIGURES)

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian of standard deviation 1."""

_TERM_PARAMETER = np.array([AMPLITUDE, Y, X, WIDTH, WIDTH, BACKGROUND, TILT_Y, TILT_X])
_TERM_Y = np.array([0, 1, 0, 2, 0, 3, 4, 3])
_TERM_X = np.array([0, 0, 1, 0, 2, 3, 3, 4])
"""Derivatives of the model as sums of products: which function of y times which function of x.

The functions are those of `_profile`; the width's derivative has two terms.
"""

_MAX_STEPS = 12

POSITION_STEP = 2.0**-20
"""Positions are rounded to this, in pixels: adding the origin of a window is then exact."""


@inner_fast_kernel
def _solve(matrix: Any, vector: Any, step: Any) -> Any:
    """Solve a small positive definite system in place (Cholesky); return success."""
    n = len(vector)
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if total <= 0.0:
                    return False
                matrix[i, i] = math.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for i in range(n):
        total = vector[i]
        for k in range(i):
            total -= matrix[i, k] * step[k]
        step[i] = total / matrix[i, i]
    for i in range(n - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, n):
            total -= matrix[k, i] * step[k]
        step[i] = total / matrix[i, i]
    return True


@inner_fast_kernel
def _profile(centre: Any, width: Any, origin: Any, g: Any, d: Any, inner: Any) -> Any:
    """Fill the profile `g`, the offsets `d`, and the inner products of five functions of one axis.

    The functions are g, g d, g d^2, 1 and t, with t the offset from the window's origin.
    """
    inner.fill(0.0)
    f = np.empty(5)
    inv2 = 1.0 / (2.0 * width * width)
    for i in range(len(g)):
        d[i] = i - centre
        g[i] = math.exp(-d[i] * d[i] * inv2)
        f[0], f[1], f[2], f[3], f[4] = g[i], g[i] * d[i], g[i] * d[i] * d[i], 1.0, i - origin
        for a in range(5):
            for b in range(a + 1):
                inner[a, b] += f[a] * f[b]
    for a in range(5):
        for b in range(a):
            inner[b, a] = inner[a, b]


@inner_fast_kernel
def _copy(source: Any, target: Any) -> Any:
    """Copy the elements of equally shaped contiguous arrays.

    A slice assignment would do the same, but takes the compiler seconds for its error messages.
    """
    s, t = source.ravel(), target.ravel()
    for i in range(s.size):
        t[i] = s[i]


@inner_fast_kernel
def _fill_normal(p: Any, along_y: Any, along_x: Any, factor: Any, normal: Any) -> Any:
    """Fill the normal matrix from the inner products along both axes: it is separable."""
    a = p[AMPLITUDE] / (p[WIDTH] * p[WIDTH])
    factor.fill(1.0)
    factor[Y] = factor[X] = a
    factor[WIDTH] = a / p[WIDTH]
    normal.fill(0.0)
    for i in range(len(_TERM_PARAMETER)):
        for j in range(len(_TERM_PARAMETER)):
            row, col = _TERM_PARAMETER[i], _TERM_PARAMETER[j]
            product = along_y[_TERM_Y[i], _TERM_Y[j]] * along_x[_TERM_X[i], _TERM_X[j]]
            normal[row, col] += factor[row] * factor[col] * product


@inner_fast_kernel
def _fill_gradient(
    data: Any,
    used: Any,
    oy: Any,
    ox: Any,
    p: Any,
    ey: Any,
    dy: Any,
    ex: Any,
    dx: Any,
    gradient: Any,
) -> Any:
    """Fill the gradient of one window; return the sum of squared residuals."""
    height, width = data.shape
    a = p[AMPLITUDE] / (p[WIDTH] * p[WIDTH])
    gradient.fill(0.0)
    cost = 0.0
    for r in range(height):
        along = p[AMPLITUDE] * ey[r]
        ground = p[BACKGROUND] + p[TILT_Y] * (r - oy)
        s0 = s1 = s2 = t0 = t1 = 0.0
        for c in range(width):
            diff = data[r, c] - (along * ex[c] + ground + p[TILT_X] * (c - ox))
            diff *= used[r, c]
            cost += diff * diff
            s0 += ex[c] * diff
            s1 += ex[c] * dx[c] * diff
            s2 += ex[c] * dx[c] * dx[c] * diff
            t0 += diff
            t1 += (c - ox) * diff
        gradient[AMPLITUDE] += ey[r] * s0
        gradient[Y] += a * ey[r] * dy[r] * s0
        gradient[X] += a * ey[r] * s1
        gradient[WIDTH] += a / p[WIDTH] * ey[r] * (dy[r] * dy[r] * s0 + s2)
        gradient[BACKGROUND] += t0
        gradient[TILT_Y] += (r - oy) * t0
        gradient[TILT_X] += t1
    return cost


@inner_fast_kernel
def _fit_window(
    data: Any, used: Any, oy: Any, ox: Any, p: Any, limits: Any, prior: Any, noise: Any
) -> Any:
    """Levenberg-Marquardt on one window; `p` is improved in place. Return the normal matrix."""
    n = N_PARAMETERS
    ey, dy = np.empty(data.shape[0]), np.empty(data.shape[0])
    ex, dx = np.empty(data.shape[1]), np.empty(data.shape[1])
    u, v, factor = np.empty((5, 5)), np.empty((5, 5)), np.empty(n)
    normal, gradient = np.zeros((n, n)), np.empty(n)
    good_normal, good_gradient = np.zeros((n, n)), np.zeros(n)
    damped, step, trial = np.empty((n, n)), np.empty(n), p.copy()
    best, damping = 1e300, 1e-2
    prior_weight = noise * noise / (prior[1] * prior[1])
    for _ in range(_MAX_STEPS + 1):
        _profile(trial[Y], trial[WIDTH], oy, ey, dy, u)
        _profile(trial[X], trial[WIDTH], ox, ex, dx, v)
        cost = _fill_gradient(data, used, oy, ox, trial, ey, dy, ex, dx, gradient)
        off = prior[0] - trial[WIDTH]
        cost += prior_weight * off * off
        if cost < best:
            _fill_normal(trial, u, v, factor, normal)
            gradient[WIDTH] += prior_weight * off
            normal[WIDTH, WIDTH] += prior_weight
            finished = best - cost < 1e-4 * cost
            best, damping = cost, damping * 0.2
            _copy(trial, p)
            _copy(normal, good_normal)
            _copy(gradient, good_gradient)
            if finished:
                break
        else:
            damping *= 6.0
            if damping > 1e6:
                break
        _copy(good_normal, damped)
        for i in range(n):
            damped[i, i] = damped[i, i] * (1.0 + damping) + 1e-12
        if not _solve(damped, good_gradient, step):
            break
        for i in range(n):
            trial[i] = p[i] + step[i]
        trial[WIDTH] = min(max(trial[WIDTH], limits[0]), limits[1])
        trial[Y] = min(max(trial[Y], oy - limits[2]), oy + limits[2])
        trial[X] = min(max(trial[X], ox - limits[2]), ox + limits[2])
    return good_normal


@inner_fast_kernel
def _standard_errors(normal: Any) -> Any:
    """Return the standard errors of amplitude and width for unit noise."""
    n = N_PARAMETERS
    unit, step, work = np.zeros(n), np.zeros(n), np.empty((n, n))
    errors = np.zeros(2)
    for number, parameter in enumerate((AMPLITUDE, WIDTH)):
        _copy(normal, work)
        for i in range(n):
            work[i, i] += 1e-12
        unit.fill(0.0)
        unit[parameter] = 1.0
        ok = _solve(work, unit, step)
        errors[number] = math.sqrt(max(step[parameter], 0.0)) if ok else 1e6
    return errors


@inner_fast_kernel
def _judge(data: Any, used: Any, oy: Any, ox: Any, p: Any, noise: Any, figures: Any) -> Any:
    """Fill in the residual rms of the window, the quality and the roundness of one fit."""
    height, width = data.shape
    inv2 = 1.0 / (2.0 * p[WIDTH] * p[WIDTH])
    squares = misfit = power = weight = yy = xx = yx = count = 0.0
    line = np.empty(width)
    for c in range(width):
        line[c] = math.exp(-((c - p[X]) ** 2) * inv2)
    for r in range(height):
        dy = r - p[Y]
        along = math.exp(-dy * dy * inv2)
        for c in range(width):
            dx = c - p[X]
            e = along * line[c] * used[r, c]
            flat = data[r, c] - (p[BACKGROUND] + p[TILT_Y] * (r - oy) + p[TILT_X] * (c - ox))
            model = p[AMPLITUDE] * along * line[c]
            off = used[r, c] * (flat - model) ** 2
            count += used[r, c]
            squares += off
            misfit += e * off
            power += e * model * model
            weight += e
            yy += e * flat * dy * dy
            xx += e * flat * dx * dx
            yx += e * flat * dy * dx
    excess = max(misfit - noise * noise * weight, 0.0)
    half, skew = (yy + xx) / 2, math.sqrt(((yy - xx) / 2) ** 2 + yx * yx)
    figures[RESIDUAL] = math.sqrt(squares / max(count - N_PARAMETERS, 1))
    figures[QUALITY] = power / (power + excess + 1e-12)
    figures[ROUNDNESS] = max(half - skew, 0.0) / (half + skew) if half + skew > 0 else 0.0
    figures[AXIS] = 0.5 * math.atan2(2.0 * yx, xx - yy)


@inner_fast_kernel
def _add_spot(image: Any, p: Any, reach: Any, sign: Any) -> Any:
    """Add `sign` times the model of one spot (without background) to `image`."""
    height, width = image.shape
    inv2 = 1.0 / (2.0 * p[WIDTH] * p[WIDTH])
    top, bottom = max(0, int(p[Y]) - reach), min(height, int(p[Y]) + reach + 2)
    left, right = max(0, int(p[X]) - reach), min(width, int(p[X]) + reach + 2)
    line = np.empty(max(right - left, 0))
    for c in range(left, right):
        line[c - left] = math.exp(-((c - p[X]) ** 2) * inv2)
    for r in range(top, bottom):
        along = sign * p[AMPLITUDE] * math.exp(-((r - p[Y]) ** 2) * inv2)
        for c in range(left, right):
            image[r, c] += along * line[c - left]


@inner_fast_kernel
def _start(data: Any, used: Any, oy: Any, ox: Any, radius: Any, p: Any, width: Any) -> Any:
    """Set the first guess of a spot at the window's centre from the rim's mean."""
    total, count = 0.0, 0
    for r in range(data.shape[0]):
        for c in range(data.shape[1]):
            if used[r, c] > 0 and (r - oy) ** 2 + (c - ox) ** 2 > 0.6 * radius * radius:
                total += data[r, c]
                count += 1
    background = total / max(count, 1)
    peak = data[min(max(int(np.rint(p[Y])), 0), data.shape[0] - 1),
                min(max(int(np.rint(p[X])), 0), data.shape[1] - 1)]  # fmt: skip
    p[AMPLITUDE] = max(peak - background, 1e-3)
    p[WIDTH], p[BACKGROUND], p[TILT_Y], p[TILT_X] = width, background, 0.0, 0.0


@fast_kernel
def fit_spots(
    image: Any,
    residual: Any,
    spots: Any,
    figures: Any,
    noise: Any,
    radius: Any,
    limits: Any,
    prior: Any,
    saturation: Any,
    fresh: Any,
) -> Any:
    """Fit every spot once: candidates by themselves, others beside the models of all the rest.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        Raw counts; only used to find saturated pixels.
    residual : ndarray of float32, shape (H, W)
        `image` minus the models of all spots that were fitted before; kept up to date unless
        `fresh`.
    spots : ndarray of float64, shape (N, 7)
        Parameters; positions must be set, the rest too unless `fresh`. Improved in place.
    figures : ndarray of float64, shape (N, 7)
        Filled with the standard errors of amplitude and width for unit noise, the rms of the
        window's residual, the quality (share of the spot's power that the model explains, noise
        allowed for), the roundness (ratio of the second moments along the short and the long
        axis), the direction of the long axis (radians from x towards y) and the number of
        saturated pixels.
    noise : ndarray of float64, shape (N,)
        Local noise at each spot, in counts.
    radius : int
        Half-width of the window in pixels.
    limits : tuple of float
        Smallest width, largest width, largest displacement, in pixels.
    prior : tuple of float
        Mean and standard deviation of the width's prior, in pixels.
    saturation : float
        Pixels at or above this value are left out.
    fresh : bool
        Whether the spots are candidates: each is fitted by itself and leaves no model behind.
    """
    height, width = image.shape
    for k in range(len(spots)):
        p = spots[k].copy()
        cy, cx = int(np.rint(p[Y])), int(np.rint(p[X]))
        if not fresh:
            _add_spot(residual, p, radius + 2, 1.0)
        top, left = max(0, cy - radius), max(0, cx - radius)
        bottom, right = min(height, cy + radius + 1), min(width, cx + radius + 1)
        data = residual[top:bottom, left:right]
        used = np.empty(data.shape, np.float32)
        oy, ox = cy - top, cx - left
        saturated = 0
        for r in range(data.shape[0]):
            for c in range(data.shape[1]):
                full = image[top + r, left + c] >= saturation
                used[r, c] = 0.0 if full else 1.0
                saturated += full
        p[Y] -= top
        p[X] -= left
        if fresh:
            _start(data, used, oy, ox, radius, p, prior[0])
        normal = _fit_window(data, used, oy, ox, p, limits, prior, noise[k])
        errors = _standard_errors(normal)
        figures[k, SE_AMPLITUDE], figures[k, SE_WIDTH] = errors[0], errors[1]
        figures[k, N_SATURATED] = saturated
        _judge(data, used, oy, ox, p, noise[k], figures[k])
        p[Y] = np.rint(p[Y] / POSITION_STEP) * POSITION_STEP + top
        p[X] = np.rint(p[X] / POSITION_STEP) * POSITION_STEP + left
        _copy(p, spots[k])
        if not fresh:
            _add_spot(residual, p, radius + 2, -1.0)


@fast_kernel
def add_spots(image: Any, spots: Any, reach: Any) -> Any:
    """Add the models of all spots, without their backgrounds, to `image` in place."""
    for k in range(len(spots)):
        _add_spot(image, spots[k], reach, 1.0)


@fast_kernel
def subtract_spots(image: Any, spots: Any, reach: Any) -> Any:
    """Subtract the models of all spots, without their backgrounds, from `image` in place."""
    for k in range(len(spots)):
        _add_spot(image, spots[k], reach, -1.0)


@fast_kernel
def forced_amplitudes(image: Any, places: Any, width: Any, radius: Any) -> Any:
    """Return least-squares amplitudes of spots of fixed width at fixed places, on tilted ground.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Picture in counts.
    places : ndarray of float64, shape (N, 2)
        y, x in pixels.
    width : float
        Standard deviation of the profile in pixels.
    radius : int
        Half-width of the window in pixels.
    """
    found = np.zeros(len(places))
    normal, right, step, j = np.empty((4, 4)), np.empty(4), np.empty(4), np.empty(4)
    inv2 = 1.0 / (2.0 * width * width)
    for k in range(len(places)):
        y, x = places[k]
        normal.fill(0.0)
        right.fill(0.0)
        for r in range(max(0, int(y) - radius), min(image.shape[0], int(y) + radius + 2)):
            for c in range(max(0, int(x) - radius), min(image.shape[1], int(x) + radius + 2)):
                j[0] = math.exp(-((r - y) ** 2 + (c - x) ** 2) * inv2)
                j[1], j[2], j[3] = 1.0, r - y, c - x
                for a in range(4):
                    right[a] += j[a] * image[r, c]
                    for b in range(a + 1):
                        normal[a, b] += j[a] * j[b]
        for a in range(4):
            normal[a, a] += 1e-9
        if _solve(normal, right, step):
            found[k] = step[0]
    return found
