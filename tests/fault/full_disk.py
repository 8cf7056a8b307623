#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run on a file system that fills up: it says so, and what it stored before is there.

usage: full_disk.py OFFLOADSIM ROOT

Mounts a small file system in a name space of its own; where that is not allowed, the case is
skipped.
"""

import pathlib
import subprocess
import sys
import tempfile

SCRIPT = """
set -e
mount -t tmpfs -o size=400k none "$1"
cd "$1"
"$2" run "$3" --set 'stop={samples: 500}' --set warmup=none -n 3 -q >/dev/null
status=0
message=$("$2" run "$3" --set 'stop={samples: 500}' --set warmup=none -n 900 -q 2>&1) || status=$?
echo "status $status"
echo "$message"
mount -o remount,size=40m "$1"
"$2" query "SELECT count(*) AS n FROM points AS p WHERE replications <> (SELECT count(*) \
FROM replications WHERE point_id = p.id)" --format csv
"$2" query "SELECT replications FROM points WHERE experiment_id = 1 LIMIT 1" --format csv
"$2" run "$3" --set 'stop={samples: 500}' --set warmup=none -n 3 -q >/dev/null
echo fine
"""


def main():
    program, root = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    print("1..1")
    with tempfile.TemporaryDirectory() as folder:
        probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", folder],
                               capture_output=True, check=False)
        if probe.returncode != 0:
            print("ok 1 - full disk # SKIP no file system can be mounted here")
            return 0
        done = subprocess.run(["unshare", "-rm", "sh", "-c", SCRIPT, "sh", folder, str(program),
                               str(root / "scenarios" / "mm1.yaml")], capture_output=True,
                              text=True, timeout=120, check=False)
    wanted = ["status 1\n", "the disk is full; what was stored before is safe", "\n0\n", "\n3\n",
              "fine\n"]
    place = 0
    for part in wanted:
        place = done.stdout.find(part, place)
        if place < 0:
            print(f"not ok 1 - full disk\n# no {part!r} in:")
            print("# " + (done.stdout + done.stderr).replace("\n", "\n# "))
            return 1
        place += len(part) - 1
    print("ok 1 - full disk")
    return 0


if __name__ == "__main__":
    sys.exit(main())
