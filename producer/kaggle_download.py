"""The child process that talks to Kaggle: `python -m producer.kaggle_download HANDLE FOLDER PATH…`.

It is a process of its own because kagglehub retries and waits longer than asked: a process can be ended at any time.
Each path that is complete in FOLDER is printed on standard output, one a line; kagglehub's own talk and a failure's
traceback go to standard error, which the parent keeps in a log file. When standard input closes, the parent is gone,
and this process ends too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import traceback
from pathlib import Path
from urllib.parse import urlsplit


def download(handle: str, path: str) -> Path:
    """Fetch one file of a public data set, without an account; where kagglehub put it."""
    # Imported here: kagglehub takes long to import and talks on standard output while at it.
    import kagglehub  # noqa: PLC0415
    import truststore  # noqa: PLC0415

    truststore.inject_into_ssl()  # the machine's certificates, so that a company's proxy is trusted
    return Path(kagglehub.dataset_download(handle, path=path, force_download=True))


def _download_or_exit(handle: str, path: str) -> Path:
    """End the process on a network failure with its traceback, and a last line that a person can read."""
    import requests  # noqa: PLC0415 - what kagglehub raises; it is slow to import, like kagglehub

    try:
        return download(handle, path)
    except requests.RequestException as error:
        traceback.print_exc()
        server = urlsplit(str(error.request.url)).hostname if error.request else "the server"
        reason = "cannot be reached" if isinstance(error, requests.ConnectionError) else "did not deliver"
        sys.exit(f"{server} {reason} ({type(error).__name__})")


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main(arguments: list[str]) -> int:
    """Fetch every path into the folder, under the same path."""
    handle, folder, *paths = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answers = sys.stdout
    for path in paths:
        with contextlib.redirect_stdout(sys.stderr):
            got = _download_or_exit(handle, path)
        target = Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(got, target)
        print(path, file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
