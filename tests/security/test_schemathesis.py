"""Schemathesis makes requests of openapi.yaml, right ones and wrong ones, and sends them to a running box."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.box import RunningBox
from tests.support.promise import SPEC
from tests.support.upstream import Upstream

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = 12
"""For each operation and each way of making requests; a run is the same every time."""
SKIPPED = {
    "getStream": "it has no end",
    "changePassword": "the test would not get in any more",
    "refreshLists": "it asks the internet",
    "getSpecificationAsYaml": "a text, which is taken for what it describes",
}


def test_whatever_is_made_of_the_description_no_answer_is_an_error_of_ours(tmp_path: Path) -> None:
    ids = {said["operationId"] for path in SPEC["paths"].values() for said in path.values() if "operationId" in said}
    left_out = [word for name in SKIPPED if name in ids for word in ("--exclude-operation-id", name)]
    with Upstream({}) as upstream, RunningBox(tmp_path / "data", ["--upstream", upstream.url]) as box:
        said = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "run", str(ROOT / "web/api/openapi.yaml")),
                *("--url", f"http://127.0.0.1:{box.web[1]}", "-H", f"Authorization: Bearer {box.token}"),
                *("--checks", "not_a_server_error,response_schema_conformance,content_type_conformance"),
                *("--max-examples", str(EXAMPLES), "--seed", "1", "--generation-deterministic", "--no-color"),
                *("--request-timeout", "30", "--suppress-health-check", "all", *left_out),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert said.returncode == 0, said.stdout[-6000:] + said.stderr[-2000:]
        assert box.get("/api/v1/status")[0] == 200
