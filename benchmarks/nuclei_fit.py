"""Fit the two rules of alkfish/segment/evidence.py on a random half of labelled pictures.

Usage: python benchmarks/nuclei_fit.py [--data ../shared/data]

Prints the weights to paste. The other half, which `nuclei_accuracy.py` reports separately, is not
read.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from nuclei_accuracy import DEFAULT_DATA, read_pairs, split_halves

from alkfish.segment import classical, declump, evidence, kernels
from alkfish.segment.background import foreground_mask, root_otsu_cut
from alkfish.segment.working import WorkPicture


def logistic(x: Any, y: Any, weight: Any, ridge: float = 1e-3) -> evidence.LinearRule:
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    beta = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(z @ beta, -30, 30)))
        hessian = z.T @ (z * (weight * p * (1 - p))[:, None]) + ridge * len(x) * np.eye(len(beta))
        beta -= np.linalg.solve(hessian, z.T @ (weight * (p - y)) + ridge * len(x) * beta)
    weights = beta[:-1] / spread
    offset = float(beta[-1] - (weights * mean).sum())
    return evidence.LinearRule(tuple(float(f"{w:.4g}") for w in weights), round(offset, 4))


def prepare(picture: Any, truth: Any) -> tuple[declump.Layers, Any]:
    areas = np.bincount(truth.ravel())[1:]
    diam = classical.median_width(areas[areas > 0])  # what the scout pass of segment_nuclei finds
    work = WorkPicture.from_raw(picture, max(diam, 6.0))
    signal = work.signal()
    mask = foreground_mask(signal, work.diam_px, root_otsu_cut(signal))
    layers = declump.Layers.from_signal(signal, mask, work.diam_px)
    size = (signal.shape[1], signal.shape[0])
    return layers, cv2.resize(truth.astype(np.int32), size, interpolation=cv2.INTER_NEAREST)


def overlap(labels: Any, count: int, truth: Any) -> tuple[Any, Any]:
    n = int(truth.max()) + 1
    table = np.bincount(
        labels.ravel().astype(np.int64) * n + truth.ravel(), minlength=(count + 1) * n
    )
    table = table.reshape(count + 1, n)[1:]
    owner = table[:, 1:].argmax(1) + 1 if n > 1 else np.zeros(count, int)
    share = table[np.arange(count), owner] / table.sum(1)
    return owner, share


def pair_samples(graph: Any, truth: Any, rule: Any) -> tuple[Any, Any]:
    """Join by the truth, and note the evidence of every pair met on the way."""
    xs, ys = [], []
    for _ in range(60):
        if len(graph.pairs) == 0:
            break
        x = graph.evidence()
        first, second = truth[graph.pairs[:, 0]], truth[graph.pairs[:, 1]]
        known = (first > 0) & (second > 0)
        same = known & (first == second)
        xs.append(x[known])
        ys.append(same[known])
        rank = x[:, 3] if rule is None else rule.score(x)
        target = graph.mutual_best(np.where(same, rank, -1e9), -1e8)
        if target is None:
            break
        graph.apply(target, rank)
    return np.concatenate(xs) if xs else np.empty((0, 20)), np.concatenate(ys) if ys else np.empty(
        0
    )


def fit(data: Path) -> None:
    pairs = read_pairs(data / "nuclei" / "dsb2018")
    first_half, _ = split_halves(len(pairs))
    prepared = [prepare(pairs[i][1], pairs[i][2]) for i in first_half]
    rule = None
    for _ in range(2):
        xs, ys, ws = [], [], []
        for layers, truth in prepared:
            basins, count = layers.basins()
            if count == 0:
                continue
            owner, share = overlap(basins, count, truth)
            graph = declump.RegionGraph.from_labels(basins, count, layers)
            x, y = pair_samples(graph, np.where(share >= 0.5, owner, 0), rule)
            xs.append(x)
            ys.append(y)
            ws.append(np.full(len(x), 1 / (len(x) + 50)))
        x, y, w = np.concatenate(xs), np.concatenate(ys).astype(float), np.concatenate(ws)
        rule = logistic(x, y, w * len(w) / w.sum())
    rule = evidence.LinearRule(rule.weights, round(rule.offset + 0.2, 4))
    print("PAIR_RULE =", rule)
    declump.PAIR_RULE = rule
    xs, ys, ws = [], [], []
    for layers, truth in prepared:
        labels, count = declump.split_foreground(layers)
        if count == 0:
            continue
        _, share = overlap(labels, count, truth)
        slope = kernels.mean_rim_slope(labels, count, layers.signal)
        xs.append(declump.object_evidence(labels, count, layers, slope))
        ys.append(share >= 0.3)
        ws.append(np.full(count, 1 / (count + 5)))
    x, y, w = np.concatenate(xs), np.concatenate(ys).astype(float), np.concatenate(ws)
    rule = logistic(x, y, w * len(w) / w.sum())
    rule = evidence.LinearRule(rule.weights, round(rule.offset - 0.3, 4))
    print("OBJECT_RULE =", rule)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    fit(parser.parse_args().data)
