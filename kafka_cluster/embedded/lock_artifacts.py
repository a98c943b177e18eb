"""Maintainers only: write artifacts.lock.json, the exact files that the embedded servers are made of.

`python -m kafka_cluster.embedded.lock_artifacts` resolves the coordinates below once, with jgo, and notes for
each file its repository path, size and sha256. At run time nothing is resolved: the lock is the whole truth.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from jgo.maven import Artifact, MavenContext, PythonResolver

LOCK_FILE = Path(__file__).with_name("artifacts.lock.json")

# Each set: coordinates resolved with their run-time dependencies, and coordinates taken alone.
# Kafka 3.9 is the last line that knows ZooKeeper; reload4j is the logging back end of its own distribution.
WITH_DEPENDENCIES = {
    "kafka": ["org.apache.kafka:kafka_2.13:3.9.1", "org.slf4j:slf4j-reload4j:1.7.36"],
    "cassandra": ["org.apache.cassandra:cassandra-all:5.0.4"],
}
# The registry's tarball brings its libraries, and its parent POM is not published beside it.
ALONE = {
    "registry": ["io.apicurio:apicurio-registry-app:3.0.9:all:tar.gz"],
}


def lock() -> dict[str, list[dict[str, str | int]]]:
    """Resolve every set. Downloads into the local Maven repository (M2_REPO, or the user's)."""
    context = MavenContext(resolver=PythonResolver())
    sets = {name: _entries(_resolved(context, wanted)) for name, wanted in WITH_DEPENDENCIES.items()}
    return sets | {name: _entries(_alone(context, wanted)) for name, wanted in ALONE.items()}


def _resolved(context: MavenContext, coordinates: list[str]) -> list[Artifact]:
    wanted = [context.create_dependency(coordinate) for coordinate in coordinates]
    inputs, transitive = context.resolver.resolve(wanted)
    return [dependency.artifact for dependency in (*inputs, *transitive)]


def _alone(context: MavenContext, coordinates: list[str]) -> list[Artifact]:
    def one(coordinate: str) -> Artifact:
        group, name, version, classifier, packaging = coordinate.split(":")
        return context.project(group, name).at_version(version).artifact(classifier, packaging)

    return [one(coordinate) for coordinate in coordinates]


def _entries(artifacts: Iterable[Artifact]) -> list[dict[str, str | int]]:
    return sorted((_entry(artifact) for artifact in artifacts), key=lambda entry: str(entry["path"]))


def _entry(artifact: Artifact) -> dict[str, str | int]:
    file = Path(artifact.resolve())
    parts = [artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier, artifact.packaging]
    return {
        "coordinates": ":".join(part for part in parts if part),
        "path": f"{artifact.component.path_prefix.as_posix()}/{artifact.filename}",
        "size": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def main() -> int:
    """Write the lock file and say what it holds."""
    sets = lock()
    LOCK_FILE.write_text(json.dumps({"sets": sets}, indent=1) + "\n")
    for name, entries in sets.items():
        size = sum(int(entry["size"]) for entry in entries)
        sys.stdout.write(f"{name}: {len(entries)} files, {size / 1e6:.0f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
