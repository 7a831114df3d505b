"""Least-squares fits of round Gaussian spots on a tilted background, compiled.

Each spot is fitted in its own window on the picture minus the models of its neighbours, so that
touching spots do not disturb each other. A prior on the width, learned from the bright spots of
the same picture, steadies the width of dim and touching spots.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alkfish.compiled import inner_kernel, kernel

N_PARAMETERS = 7
AMPLITUDE, Y, X, WIDTH, BACKGROUND, TILT_Y, TILT_X = range(N_PARAMETERS)

N_FIGURES = 7
SE_AMPLITUDE, SE_WIDTH, RESIDUAL, QUALITY, ROUNDNESS, AXIS, N_SATURATED = range(N_FIGURES)

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian of standard deviation 1."""

_MAX_STEPS = 12

_LANES = 8
"""Rows of a window are padded with zeros to a multiple of this: loops have no remainder."""

_SETTLED = 1e-4
"""Steps that promise to lower the sum of squares by less than this share of it are the last."""

MODEL_WIDTHS = 3.9
"""Models of spots end there, in widths of the spot; 0.05 % of the height is cut off."""

POSITION_STEP = 2.0**-20
"""Positions are rounded to this, in pixels: adding the origin of a window is then exact."""


@inner_kernel
def _factor(matrix: Any) -> Any:
    """Replace the lower half of a positive definite matrix of 7 x 7 by its Cholesky factor.

    The diagonal holds the inverses of the factor's. Return success. The size is a constant, here
    and in `_back`, because the compiler then writes all loops out.
    """
    for i in range(N_PARAMETERS):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if total <= 0.0:
                    return False
                matrix[i, i] = 1.0 / math.sqrt(total)
            else:
                matrix[i, j] = total * matrix[j, j]
    return True


@inner_kernel
def _back(factor: Any, vector: Any, step: Any) -> Any:
    """Solve the system whose matrix `_factor` has taken apart."""
    for i in range(N_PARAMETERS):
        total = vector[i]
        for k in range(i):
            total -= factor[i, k] * step[k]
        step[i] = total * factor[i, i]
    for i in range(N_PARAMETERS - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, N_PARAMETERS):
            total -= factor[k, i] * step[k]
        step[i] = total * factor[i, i]


@inner_kernel
def _gauss(centre: Any, width: Any, n: Any, g: Any) -> Any:
    """Fill the first `n` elements with a Gaussian of height 1, outwards from its middle.

    Neighbours have a ratio that itself changes by a constant factor: three exponentials will do.
    """
    inv2 = 1.0 / (2.0 * width * width)
    middle = min(max(int(np.rint(centre)), 0), n - 1)
    d, factor = middle - centre, math.exp(-2.0 * inv2)
    top = math.exp(-d * d * inv2)
    value, ratio = top, math.exp(-(2.0 * d + 1.0) * inv2)
    for i in range(middle, n):
        g[i] = value
        value *= ratio
        ratio *= factor
    value, ratio = top, math.exp((2.0 * d - 1.0) * inv2)
    for i in range(middle - 1, -1, -1):
        value *= ratio
        ratio *= factor
        g[i] = value


@inner_kernel
def _profile(centre: Any, width: Any, origin: Any, n: Any, f: Any, sums: Any) -> Any:
    """Fill in the profile g of a spot along one axis, with offsets d from its centre.

    Parameters
    ----------
    centre, width, origin, n
        Centre and width of the profile, origin of the tilt, number of pixels.
    f : ndarray of float64, shape (3, L)
        Receives g, g d and g d^2; beyond `n` it stays zero.
    sums : ndarray of float64, shape (14,)
        Receives the sums over pixels of g^2 d^k for k = 0 to 4, of g d^k for k = 0 to 3, of
        g d^k t for k = 0 to 2 with t the offset from `origin`, of t, and of t^2.
    """
    _gauss(centre, width, n, f[0])
    q0 = q1 = q2 = q3 = q4 = g0 = g1 = g2 = g3 = 0.0
    for i in range(f.shape[1]):
        d = i - centre
        a = f[0, i]
        b = a * d
        c = b * d
        f[1, i], f[2, i] = b, c
        q0 += a * a
        q1 += a * b
        q2 += b * b
        q3 += b * c
        q4 += c * c
        g0 += a
        g1 += b
        g2 += c
        g3 += c * d
    sums[0], sums[1], sums[2], sums[3], sums[4] = q0, q1, q2, q3, q4
    sums[5], sums[6], sums[7], sums[8] = g0, g1, g2, g3
    off = centre - origin
    sums[9], sums[10], sums[11] = g1 + off * g0, g2 + off * g1, g3 + off * g2
    sums[12] = n * (n - 1) / 2.0 - n * origin
    sums[13] = n * (n - 1) * (2 * n - 1) / 6.0 - n * (n - 1) * origin + n * origin * origin


@inner_kernel
def _copy(source: Any, target: Any) -> Any:
    """Copy the elements of equally shaped contiguous arrays.

    A slice assignment would do the same, but takes the compiler seconds for its error messages.
    """
    s, t = source.ravel(), target.ravel()
    for i in range(s.size):
        t[i] = s[i]


@inner_kernel
def _fill_normal(p: Any, y: Any, x: Any, rows: Any, cols: Any, normal: Any) -> Any:
    """Fill the lower half of the normal matrix from the sums along both axes: it is separable."""
    a = p[AMPLITUDE] / (p[WIDTH] * p[WIDTH])
    b = a / p[WIDTH]
    normal[0, 0] = y[0] * x[0]
    normal[1, 0] = a * y[1] * x[0]
    normal[1, 1] = a * a * y[2] * x[0]
    normal[2, 0] = a * y[0] * x[1]
    normal[2, 1] = a * a * y[1] * x[1]
    normal[2, 2] = a * a * y[0] * x[2]
    normal[3, 0] = b * (y[2] * x[0] + y[0] * x[2])
    normal[3, 1] = a * b * (y[3] * x[0] + y[1] * x[2])
    normal[3, 2] = a * b * (y[2] * x[1] + y[0] * x[3])
    normal[3, 3] = b * b * (y[4] * x[0] + 2.0 * y[2] * x[2] + y[0] * x[4])
    for row in range(4, 7):
        # The ground's functions of y and x: 1 and 1, t and 1, 1 and t.
        u, v = (9 if row == TILT_Y else 5), (9 if row == TILT_X else 5)
        normal[row, 0] = y[u] * x[v]
        normal[row, 1] = a * y[u + 1] * x[v]
        normal[row, 2] = a * y[u] * x[v + 1]
        normal[row, 3] = b * (y[u + 2] * x[v] + y[u] * x[v + 2])
    normal[4, 4] = rows * cols
    normal[5, 4], normal[5, 5] = y[12] * cols, y[13] * cols
    normal[6, 4], normal[6, 5], normal[6, 6] = rows * x[12], y[12] * x[12], rows * x[13]


@inner_kernel
def _project(data: Any, p: Any, fy: Any, fx: Any, gradient: Any) -> Any:
    """Fill the inner products of the data with the derivatives of amplitude, place and width."""
    s00 = s01 = s02 = s10 = s20 = 0.0
    for r in range(data.shape[0]):
        t0 = t1 = t2 = 0.0
        for c in range(data.shape[1]):
            t0 += data[r, c] * fx[0, c]
            t1 += data[r, c] * fx[1, c]
            t2 += data[r, c] * fx[2, c]
        s00 += fy[0, r] * t0
        s01 += fy[0, r] * t1
        s02 += fy[0, r] * t2
        s10 += fy[1, r] * t0
        s20 += fy[2, r] * t0
    a = p[AMPLITUDE] / (p[WIDTH] * p[WIDTH])
    gradient[AMPLITUDE], gradient[Y], gradient[X] = s00, a * s10, a * s01
    gradient[WIDTH] = a / p[WIDTH] * (s20 + s02)


@inner_kernel
def _project_ground(data: Any, oy: Any, ox: Any, ground: Any) -> Any:
    """Fill the inner products of the data with 1, t_y, t_x and the data."""
    s = ty = tx = squares = 0.0
    for r in range(data.shape[0]):
        s0 = s1 = s2 = 0.0
        for c in range(data.shape[1]):
            s0 += data[r, c]
            s1 += (c - ox) * data[r, c]
            s2 += data[r, c] * data[r, c]
        s += s0
        ty += (r - oy) * s0
        tx += s1
        squares += s2
    ground[0], ground[1], ground[2], ground[3] = s, ty, tx, squares


@inner_kernel
def _impute(
    data: Any, used: Any, rows: Any, cols: Any, oy: Any, ox: Any, p: Any, fy: Any, fx: Any
) -> Any:
    """Set the pixels that are not used to the model, so that they say nothing."""
    for r in range(rows):
        ground = p[BACKGROUND] + p[TILT_Y] * (r - oy)
        for c in range(cols):
            if used[r, c] == 0.0:
                data[r, c] = p[AMPLITUDE] * fy[0, r] * fx[0, c] + ground + p[TILT_X] * (c - ox)


@inner_kernel
def _subtract_model(p: Any, normal: Any, ground: Any, gradient: Any) -> Any:
    """Turn inner products of the data into those of the residual; return its sum of squares.

    The model is linear in amplitude and ground, whose derivatives' inner products with all others
    are in the normal matrix.
    """
    for k in range(3):
        gradient[BACKGROUND + k] = ground[k]
    squares = ground[3]
    for i in (AMPLITUDE, BACKGROUND, TILT_Y, TILT_X):
        squares -= p[i] * gradient[i]
    for j in range(N_PARAMETERS):
        for i in (AMPLITUDE, BACKGROUND, TILT_Y, TILT_X):
            gradient[j] -= p[i] * normal[max(i, j), min(i, j)]
    for i in (AMPLITUDE, BACKGROUND, TILT_Y, TILT_X):
        squares -= p[i] * gradient[i]
    return squares


@inner_kernel
def _fit_window(
    data: Any, used: Any, rows: Any, cols: Any, oy: Any, ox: Any, holes: Any, p: Any, limits: Any,
    prior: Any, noise: Any,
) -> Any:  # fmt: skip
    """Levenberg-Marquardt on one window; `p` is improved in place. Return the normal matrix.

    The window has `rows` rows and `cols` columns, the rest is padding; with `holes`, some pixels
    are not `used`.
    """
    n = N_PARAMETERS
    fy, fx = np.zeros((3, data.shape[0])), np.zeros((3, data.shape[1]))
    y, x, ground = np.empty(14), np.empty(14), np.empty(4)
    normal, gradient = np.zeros((n, n)), np.empty(n)
    good_normal, good_gradient = np.zeros((n, n)), np.zeros(n)
    damped, step, trial = np.empty((n, n)), np.empty(n), p.copy()
    best, damping = 1e300, 1e-2
    prior_weight = noise * noise / (prior[1] * prior[1])
    _project_ground(data, oy, ox, ground)
    for _ in range(_MAX_STEPS + 1):
        _profile(trial[Y], trial[WIDTH], oy, rows, fy, y)
        _profile(trial[X], trial[WIDTH], ox, cols, fx, x)
        if holes:
            _impute(data, used, rows, cols, oy, ox, trial, fy, fx)
            _project_ground(data, oy, ox, ground)
        _fill_normal(trial, y, x, rows, cols, normal)
        _project(data, trial, fy, fx, gradient)
        off = prior[0] - trial[WIDTH]
        cost = _subtract_model(trial, normal, ground, gradient) + prior_weight * off * off
        if cost < best:
            gradient[WIDTH] += prior_weight * off
            normal[WIDTH, WIDTH] += prior_weight
            best, damping = cost, damping * 0.2
            _copy(trial, p)
            _copy(normal, good_normal)
            _copy(gradient, good_gradient)
        else:
            damping *= 6.0
            if damping > 1e6:
                break
        if not _step(good_normal, good_gradient, damping, damped, step):
            break
        _move(p, step, oy, ox, limits, trial)
        if _promise(step, good_gradient) < _SETTLED * best:
            _copy(trial, p)
            break
    return good_normal


@inner_kernel
def _step(normal: Any, gradient: Any, damping: Any, damped: Any, step: Any) -> Any:
    """Fill in the damped step towards the minimum; return success."""
    _copy(normal, damped)
    for i in range(len(step)):
        damped[i, i] = damped[i, i] * (1.0 + damping) + 1e-12
    if not _factor(damped):
        return False
    _back(damped, gradient, step)
    return True


@inner_kernel
def _promise(step: Any, gradient: Any) -> Any:
    """Return by how much a step lowers the sum of squares if the model is linear."""
    total = 0.0
    for i in range(len(step)):
        total += step[i] * gradient[i]
    return total


@inner_kernel
def _move(p: Any, step: Any, oy: Any, ox: Any, limits: Any, trial: Any) -> Any:
    """Fill in the parameters after a step, within the limits."""
    for i in range(len(step)):
        trial[i] = p[i] + step[i]
    trial[WIDTH] = min(max(trial[WIDTH], limits[0]), limits[1])
    trial[Y] = min(max(trial[Y], oy - limits[2]), oy + limits[2])
    trial[X] = min(max(trial[X], ox - limits[2]), ox + limits[2])


@inner_kernel
def _standard_errors(normal: Any) -> Any:
    """Return the standard errors of amplitude and width for unit noise."""
    n = N_PARAMETERS
    unit, step, work = np.zeros(n), np.zeros(n), normal.copy()
    errors = np.full(2, 1e6)
    for i in range(n):
        work[i, i] += 1e-12
    if _factor(work):
        for number, parameter in enumerate((AMPLITUDE, WIDTH)):
            unit.fill(0.0)
            unit[parameter] = 1.0
            _back(work, unit, step)
            errors[number] = math.sqrt(max(step[parameter], 0.0))
    return errors


@inner_kernel
def _judge(
    data: Any, used: Any, height: Any, width: Any, oy: Any, ox: Any, p: Any, noise: Any,
    figures: Any,
) -> Any:  # fmt: skip
    """Fill in the residual rms of the window, the quality and the roundness of one fit."""
    squares = misfit = power = weight = yy = xx = yx = count = 0.0
    side, line = np.empty(height), np.empty(width)
    _gauss(p[Y], p[WIDTH], height, side)
    _gauss(p[X], p[WIDTH], width, line)
    for r in range(height):
        dy, along = r - p[Y], side[r]
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


@inner_kernel
def _add_spot(image: Any, p: Any, reach: Any, sign: Any) -> Any:
    """Add `sign` times the model of one spot (without background) to `image`.

    It ends at `reach`, that of a broad spot at so many of its widths.
    """
    height, width = image.shape
    reach = max(reach, math.ceil(MODEL_WIDTHS * p[WIDTH]))
    top, bottom = max(0, int(p[Y]) - reach), min(height, int(p[Y]) + reach + 2)
    left, right = max(0, int(p[X]) - reach), min(width, int(p[X]) + reach + 2)
    if top >= bottom or left >= right:
        return
    side, line = np.empty(bottom - top), np.empty(right - left)
    _gauss(p[Y] - top, p[WIDTH], len(side), side)
    _gauss(p[X] - left, p[WIDTH], len(line), line)
    for r in range(top, bottom):
        along = sign * p[AMPLITUDE] * side[r - top]
        for c in range(left, right):
            image[r, c] += along * line[c - left]


@inner_kernel
def _start(
    data: Any, used: Any, rows: Any, cols: Any, oy: Any, ox: Any, radius: Any, p: Any, width: Any
) -> Any:
    """Set the first guess of a spot at the window's centre from the rim's mean."""
    total, count = 0.0, 0
    for r in range(rows):
        for c in range(cols):
            if used[r, c] > 0 and (r - oy) ** 2 + (c - ox) ** 2 > 0.6 * radius * radius:
                total += data[r, c]
                count += 1
    background = total / max(count, 1)
    peak = data[min(max(int(np.rint(p[Y])), 0), rows - 1),
                min(max(int(np.rint(p[X])), 0), cols - 1)]  # fmt: skip
    p[AMPLITUDE] = max(peak - background, 1e-3)
    p[WIDTH], p[BACKGROUND], p[TILT_Y], p[TILT_X] = width, background, 0.0, 0.0


@inner_kernel
def _cut(
    image: Any, residual: Any, top: Any, left: Any, rows: Any, cols: Any, base: Any,
    saturation: Any, data: Any, used: Any,
) -> Any:  # fmt: skip
    """Cut a window out, less `base`, and mark its used pixels; return how many are saturated."""
    saturated = 0
    for r in range(rows):
        for c in range(cols):
            data[r, c] = residual[top + r, left + c] - base
            full = image[top + r, left + c] >= saturation
            used[r, c] = 0.0 if full else 1.0
            saturated += full
    return saturated


@kernel
def fit_spots(
    image: Any,
    residual: Any,
    spots: Any,
    figures: Any,
    noise: Any,
    radius: Any,
    radius_widths: Any,
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
    radius_widths : float
        The same in widths of the spot; the larger of both counts.
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
        cy = min(max(int(np.rint(p[Y])), 0), height - 1)
        cx = min(max(int(np.rint(p[X])), 0), width - 1)
        if not fresh:
            _add_spot(residual, p, radius + 2, 1.0)
        half = max(radius, math.ceil(radius_widths * p[WIDTH]))
        top, left = max(0, cy - half), max(0, cx - half)
        bottom, right = min(height, cy + half + 1), min(width, cx + half + 1)
        rows, cols = bottom - top, right - left
        padded = rows, -(-cols // _LANES) * _LANES
        data, used = np.zeros(padded), np.zeros(padded)
        oy, ox, base = cy - top, cx - left, np.float64(residual[top, left])
        saturated = _cut(image, residual, top, left, rows, cols, base, saturation, data, used)
        p[Y] -= top
        p[X] -= left
        p[BACKGROUND] -= base
        if fresh:
            _start(data, used, rows, cols, oy, ox, radius, p, prior[0])
        holes = saturated > 0
        normal = _fit_window(data, used, rows, cols, oy, ox, holes, p, limits, prior, noise[k])
        errors = _standard_errors(normal)
        figures[k, SE_AMPLITUDE], figures[k, SE_WIDTH] = errors[0], errors[1]
        figures[k, N_SATURATED] = saturated
        _judge(data, used, rows, cols, oy, ox, p, noise[k], figures[k])
        p[BACKGROUND] += base
        p[Y] = np.rint(p[Y] / POSITION_STEP) * POSITION_STEP + top
        p[X] = np.rint(p[X] / POSITION_STEP) * POSITION_STEP + left
        _copy(p, spots[k])
        if not fresh:
            _add_spot(residual, p, radius + 2, -1.0)


@kernel
def add_spots(image: Any, spots: Any, reach: Any) -> Any:
    """Add the models of all spots, without their backgrounds, to `image` in place."""
    for k in range(len(spots)):
        _add_spot(image, spots[k], reach, 1.0)


@kernel
def subtract_spots(image: Any, spots: Any, reach: Any) -> Any:
    """Subtract the models of all spots, without their backgrounds, from `image` in place."""
    for k in range(len(spots)):
        _add_spot(image, spots[k], reach, -1.0)


@kernel
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
    n = N_PARAMETERS
    normal, right, step, j = np.empty((n, n)), np.empty(n), np.empty(n), np.empty(4)
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
        for a in range(n):
            normal[a, a] += 1e-9
        if _factor(normal):
            _back(normal, right, step)
            found[k] = step[0]
    return found
