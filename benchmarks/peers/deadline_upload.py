"""Run by the Python of Deadline's environment: send a folder with its job attachments, and print the seconds it took.

Words: the folder, a folder for its caches. The address and the keys of the S3 server come as boto3's variables.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import boto3
from deadline.job_attachments.models import JobAttachmentS3Settings
from deadline.job_attachments.upload import S3AssetManager


def main() -> None:
    """Do what `deadline bundle submit` does with a job's files, without its cloud."""
    folder, caches = sys.argv[1:]
    settings = JobAttachmentS3Settings(s3BucketName="attachments", rootPrefix="root")
    manager = S3AssetManager("farm", "queue", settings, session=boto3.Session())
    began = time.perf_counter()
    files = [os.path.join(above, name) for above, _, names in os.walk(folder) for name in names]
    group = manager.prepare_paths_for_upload(files, [], [])
    _, manifests = manager.hash_assets_and_create_manifest(
        group.asset_groups, group.total_input_files, group.total_input_bytes, hash_cache_dir=str(Path(caches, "hashes"))
    )
    manager.upload_assets(manifests, s3_check_cache_dir=str(Path(caches, "s3")))
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
