"""Run by the Python of ciocore's environment: list and hash a folder as its uploader does, and print the seconds it took.

Words: the folder, the file of its database of hashes. What comes after (its questions and uploads) needs its own cloud.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ciocore import file_utils
from ciocore.uploader._uploader import MD5Worker

#: what its uploader starts by default
THREADS = 5


def main() -> None:
    """Do what its uploader does before its first request."""
    folder, database = sys.argv[1:]
    began = time.perf_counter()
    files = [os.path.join(above, name) for above, _, names in os.walk(folder) for name in names]
    worker = MD5Worker.__new__(MD5Worker)
    worker.md5_caching, worker.database_filepath = True, database
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(worker.get_md5, file_utils.process_upload_filepaths(files)))
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
