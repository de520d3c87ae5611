# SPDX-License-Identifier: BSD-3-Clause
"""TOAST loads an observation of a known sky, points its detectors and finds that sky: OBS.h5 SKY.fits"""
import sys

import healpy
import numpy as np
import toast
import toast.io
import toast.ops

path, sky_path = sys.argv[1:]
comm = toast.Comm(world=None)
observation = toast.io.load_hdf5(path, comm)
data = toast.Data(comm=comm)
data.obs.append(observation)
sky = healpy.read_map(sky_path, field=(0, 1, 2), nest=True, dtype=np.float64)

pointing = toast.ops.PointingDetectorSimple(shared_flag_mask=0)
plate = "hwp_angle" if "hwp_angle" in observation.shared else None
toast.ops.PixelsHealpix(
    nside=healpy.npix2nside(len(sky[0])), detector_pointing=pointing, nest=True
).apply(data)
toast.ops.StokesWeights(mode="IQU", detector_pointing=pointing, hwp_angle=plate).apply(data)

for detector in observation.local_detectors:
    pixels = observation.detdata["pixels"][detector]
    expected = sum(
        weight * component[pixels]
        for weight, component in zip(observation.detdata["weights"][detector].T, sky)
    )
    error = np.abs(observation.detdata["signal"][detector] - expected) / np.abs(sky[0]).max()
    assert np.median(error) < 1e-7, f"{detector}: {np.median(error)}"
    assert (error > 1e-6).sum() < 3, f"{detector}: {(error > 1e-6).sum()} samples off"  # on borders
    assert observation["noise_model"].detector_weight(detector).value > 0

# Intervals and flags say the same.
good = np.zeros(observation.n_local_samples, dtype=bool)
for interval in observation.intervals["scanning"]:
    good[interval.first : interval.last] = True
flags = observation.shared["flags"].data
assert (good == (flags == 0)).all(), "intervals and flags"
assert 0 < good.sum() < len(good)
