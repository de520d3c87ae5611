"""Times ducc0 and finufft beside bench_gridrec and prints one table: gridrec_peers.py [PROGRAM]

PROGRAM is build/bench/bench/bench_gridrec unless it is given. Every peer that this Python has takes part, on one
thread: `pip install numpy ducc0 finufft` gets them all. What is timed is the step from filtered spectra to images,
of 16 slices of 2048 columns and 1501 angles in single precision, to a tolerance of 3e-4: the peers' transform of type
1 at the samples' places, ours the grid and image stages of `reconstruct/fast`. Filtering, which the peers leave to
their caller, is not timed, nor is what depends on the places alone: their plans and sorted points, our plan. The peers
take two slices as the real and imaginary part of one image, which halves their transforms.

Program and peers take turns, several rounds of them; times and ratios are the medians. Peers are verified against
direct sums before they are timed. Exits with 1 where a result is wrong."""

import json
import os
import statistics
import subprocess
import sys
import time

from python_peers import optional, say_missing

ROUNDS = 3
COLUMNS, ANGLES, SLICES = 2048, 1501, 16
RADIAL = 2 * COLUMNS  # what projections are padded to
TOLERANCE = 3e-4
ROW = "reconstruct/fast/threads:1/"


np = optional("numpy")
ducc0 = np and optional("ducc0")
finufft = np and optional("finufft")


def samples():
    """Where the samples of all projections lie, in radians a pixel: (angles * RADIAL, 2). Whole lines, not half of
    them as for real images: the other half tells the two slices of a pair apart."""
    theta = np.pi * np.arange(ANGLES) / ANGLES
    frequencies = 2 * np.pi * np.arange(-RADIAL // 2, RADIAL // 2) / RADIAL
    return np.stack([np.outer(np.cos(theta), frequencies).ravel(), np.outer(np.sin(theta), frequencies).ravel()], 1)


def values(places):
    """One for each sample and pair of slices."""
    rng = np.random.default_rng(1)
    shape = SLICES // 2, len(places)
    return rng.standard_normal(shape, np.float32) + np.complex64(1j) * rng.standard_normal(shape, np.float32)


def with_ducc0(places, spectra):
    plan = ducc0.nufft.plan(nu2u=True, coord=places.astype(np.float32), grid_shape=(COLUMNS, COLUMNS),
                            epsilon=TOLERANCE, nthreads=1)
    images = np.empty((len(spectra), COLUMNS, COLUMNS), np.complex64)

    def run():
        for points, image in zip(spectra, images):
            plan.nu2u(forward=False, points=points, out=image)
        return images

    return run


def with_finufft(places, spectra):
    plan = finufft.Plan(1, (COLUMNS, COLUMNS), n_trans=len(spectra), eps=TOLERANCE, isign=1, dtype="complex64",
                        nthreads=1)
    # It keeps no copies of its points.
    x, y = (np.ascontiguousarray(axis, np.float32) for axis in places.T)
    plan.setpts(x, y)
    images = np.empty((len(spectra), COLUMNS, COLUMNS), np.complex64)

    def run(_points=(x, y)):
        return plan.execute(spectra, out=images)

    return run


def error(images, places, spectra):
    """Relative to the direct sums, at some pixels of the last image."""
    rng = np.random.default_rng(2)
    pixels = rng.integers(-COLUMNS // 2, COLUMNS // 2, (16, 2))
    truth = np.array([np.exp(1j * (places @ pixel)) @ spectra[-1] for pixel in pixels])
    rows, columns = (pixels + COLUMNS // 2).T
    return np.linalg.norm(images[-1][rows, columns] - truth) / np.linalg.norm(truth)


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ours(program):
    """Seconds of our two stages for a batch."""
    command = [program, f"--benchmark_filter=^{ROW}", "--benchmark_format=json"]
    environment = {name: value for name, value in os.environ.items() if name != "DESTRIER_TOMOPY_GRIDREC"}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            env=environment).stdout
    runs = json.loads(output)["benchmarks"] if output.strip() else []
    if len(runs) != 1 or runs[0].get("error_occurred"):
        sys.exit(f"{program}: {ROW}: " + (runs[0]["error_message"] if runs else "no such row"))
    return (runs[0]["ms_grid"] + runs[0]["ms_image"]) * 1e-3 * SLICES


def verified():
    """Peers by name: what runs them, and their error. None without numpy."""
    peers = {}
    if ducc0 or finufft:
        places = samples()
        spectra = values(places)
        for name, module, make in (("ducc0", ducc0, with_ducc0), ("finufft", finufft, with_finufft)):
            if module:
                run = make(places, spectra)
                peers[f"{name} {module.__version__}"] = run, error(run(), places, spectra)
    for name, (_, e) in peers.items():
        if not e < 3 * TOLERANCE:
            sys.exit(f"{name}: an error of {e}")
    return peers


def main(program):
    say_missing({"numpy": np, "ducc0": ducc0, "finufft": finufft})
    peers = verified()
    us, them = [], {name: [] for name in peers}
    for _ in range(ROUNDS if peers else 1):
        us.append(ours(program))
        for name, (run, _) in peers.items():
            them[name].append(seconds(run))

    def in_ms(times):
        return f"{statistics.median(times) / SLICES * 1e3:.1f} ms"

    print(f"{'spectra to images, one thread':<30}  {'a slice':>10}  {'ratio':>6}  {'error':>8}")
    print(f"{'destrier, fast':<30}  {in_ms(us):>10}")
    for name, times in them.items():
        ratio = statistics.median(theirs / our for theirs, our in zip(times, us))
        print(f"{name:<30}  {in_ms(times):>10}  {ratio:>6.3g}  {peers[name][1]:>8.1e}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/bench/bench/bench_gridrec")
