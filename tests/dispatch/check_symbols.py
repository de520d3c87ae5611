"""Says whether objects of several architectures keep to themselves.

usage: check_symbols.py nm object...

Each object may define nothing that others see but destrier::provided<...>; none may use what another defines.
Exits with 1 where that is not so, naming the symbols."""

import subprocess
import sys


def symbols(nm, path, option):
    run = subprocess.run([nm, "--format=posix", option, path], check=True, capture_output=True, text=True)
    fields = [line.split() for line in run.stdout.splitlines()]
    # Capital letters are visible from outside; V, W, v and w are weak, u is unique.
    return {f[0] for f in fields if len(f) > 1 and (f[1].isupper() or f[1] in "uvw")}


def complaints(nm, paths):
    defined = {path: symbols(nm, path, "--defined-only") for path in paths}
    used = {path: symbols(nm, path, "--undefined-only") for path in paths}
    for path in paths:
        for name in sorted(n for n in defined[path] if not n.startswith("_ZN8destrier8providedI")):
            yield f"{path} shows {name}"
        if not defined[path]:
            yield f"{path} provides nothing"
        for other in paths:
            for name in sorted(used[path] & defined[other]) if other != path else []:
                yield f"{path} uses {name} of {other}"


def main(nm, *paths):
    found = list(complaints(nm, paths))
    print("\n".join(found[:20]))
    print(f"{len(paths)} objects, {len(found)} complaints")
    return bool(found) or len(paths) < 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
