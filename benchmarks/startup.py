"""What starting costs: CPU-seconds of `munmaek --help` and of `import munmaek`, bare Python beside.

    python benchmarks/startup.py

Each command runs in a fresh process; the minimum and the median of ten are printed, and whether
torch or numba were loaded.
"""

import resource
import statistics
import subprocess
import sys

REPEATS = 10
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import munmaek": ["-c", "import munmaek"],
    "munmaek --help": ["-m", "munmaek", "--help"],
    "munmaek train --help": ["-m", "munmaek", "train", "--help"],
}
LOADED = (
    "import sys, runpy; sys.argv = {argv!r}\n"
    "try:\n    runpy.run_module('munmaek', run_name='__main__')\n"
    "except SystemExit:\n    pass\n"
    "print([m for m in ('torch', 'numba', 'pydantic') if m in sys.modules], file=sys.stderr)"
)


def cpu_seconds(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    print(f"{'command':24} {'min':>8} {'median':>8}  CPU-seconds")
    for name, arguments in COMMANDS.items():
        cpu_seconds(arguments)
        times = [cpu_seconds(arguments) for _ in range(REPEATS)]
        print(f"{name:24} {min(times):8.3f} {statistics.median(times):8.3f}")
    script = LOADED.format(argv=["munmaek", "--help"])
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    print("loaded by munmaek --help:", run.stderr.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
