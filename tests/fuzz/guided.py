"""One reader under a coverage-guided fuzzer: libFuzzer, by way of atheris (https://github.com/google/atheris).

Usage: guided.py READER [libFuzzer's options and folders]; `make fuzz` calls it. It ends at the first finding.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["ansible_collections.aks.kube_proxy"]):
    from tests.fuzz.readers import READERS


def main() -> None:
    """Run until the time is up or something is found."""
    (reader,) = (each for each in READERS if each.name == sys.argv[1])

    def once(data: bytes) -> None:
        reader.run(data.decode("utf-8", "surrogateescape"))

    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
