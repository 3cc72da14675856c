"""Snapshots: immutable populations on disk, opened by mmap and shared by every process."""

from __future__ import annotations

from bedside.fhir_server.snapshot.build import build
from bedside.fhir_server.snapshot.layout import Manifest, verify
from bedside.fhir_server.snapshot.opened import Snapshot, open_snapshot

__all__ = ["Manifest", "Snapshot", "build", "open_snapshot", "verify"]
