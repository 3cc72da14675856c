"""Taking a run directory: new, or as an interrupted run left it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bedside.core.errors import RunError
from bedside.core.lock import locked
from bedside.core.trace import sha256
from bedside.runs.plan import RunConfig, manifest_of
from bedside.runs.records import Key, Manifest, Record, Run, trace_name
from bedside.runs.writer import drop_torn_lines, keep_only, write_whole

__all__ = ["taken"]

_BEFORE_MANIFEST = {".lock", "cases.jsonl", "cases.jsonl.tmp", "manifest.json.tmp", "traces"}
"""What a run that was killed before its manifest was written leaves behind."""


@contextmanager
def taken(config: RunConfig) -> Iterator[set[Key]]:
    """Hold the directory of a run, ready to be written.

    Yields:
        The encounters that are finished already.

    Raises:
        RunError: the directory is not free, is being written, belongs to another configuration,
            has lost or changed traces, or cannot be written.
    """
    directory = config.directory
    manifest = manifest_of(config)
    _demand_free(config)
    try:
        (directory / "traces").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the run directory {directory}: {error.strerror}") from None
    with locked(directory, RunError, "another process is writing the run"):
        if (directory / "manifest.json").exists():
            yield _resumed(config, manifest)
        else:
            _begin(config, manifest)
            yield set()


def _demand_free(config: RunConfig) -> None:
    directory = config.directory
    if not directory.exists():
        return
    if not directory.is_dir():
        raise RunError(f"the run directory {directory} is a file; name another")
    names = {path.name for path in directory.iterdir()}
    if not names:
        return
    if not config.resume:
        raise RunError(
            f"the run directory {directory} is not empty; use --resume to go on with it, "
            "or name another"
        )
    if "manifest.json" not in names and names - _BEFORE_MANIFEST:
        raise RunError(f"{directory} holds something else than a run; name another directory")


def _begin(config: RunConfig, manifest: Manifest) -> None:
    lines = "".join(f"{case.model_dump_json()}\n" for case in config.suite.cases)
    write_whole(config.directory / "cases.jsonl", lines.encode())
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    write_whole(config.directory / "manifest.json", text + b"\n")


def _resumed(config: RunConfig, manifest: Manifest) -> set[Key]:
    if not config.resume:
        raise RunError(f"another run was just begun in {config.directory}; name another")
    run = Run(config.directory)
    changes = list(_changes(run.manifest, manifest))
    if changes:
        raise RunError(
            f"cannot resume {config.directory}: it was begun with another configuration.\n"
            + "\n".join(changes)
            + "\nChange it back, or name another directory."
        )
    drop_torn_lines(config.directory)
    records = run.records()
    for record in records:
        _demand_kept(run, record)
    finished = {record.key for record in records}
    keep_only(config.directory / "traces", {trace_name(key) for key in finished})
    return finished


def _demand_kept(run: Run, record: Record) -> None:
    path = run.trace_path(record)
    if not path.exists():
        what = "is missing"
    elif sha256(run.trace(record)) != record.trace:
        what = "was changed"
    else:
        return
    raise RunError(
        f"cannot resume {run.path}: {path} {what} since its encounter was finished. Put it back, "
        "or remove the encounter's line from index.jsonl to have it played again."
    )


def _changes(before: Manifest, now: Manifest) -> Iterator[str]:
    for name in Manifest.__struct_fields__:
        old, new = getattr(before, name), getattr(now, name)
        if name == "doctor_source" and old != new and before.doctor == now.doctor:
            yield f"  doctor: the code of '{now.doctor}' was edited"
        elif old != new:
            yield f"  {name}: was {_short(old)}, now {_short(new)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
