"""`fcn-studio predict`: files, exit codes, what goes to stdout and stderr, and Ctrl+C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fcn_studio.cli.predict import predict
from fcn_studio.core.resources import resource_path
from fcn_studio.inference import openvino_engine


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path):
    """A folder with one photograph of a cat and, one folder deeper, a small grey picture."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    with Image.open(resource_path("samples", "chelsea.jpg")) as image:
        image.resize((226, 150)).save(folder / "chelsea.jpg")
    Image.new("RGB", (40, 30), (90, 90, 90)).save(folder / "more" / "grey.png")
    return folder


def run(*arguments):
    return CliRunner().invoke(predict, [str(argument) for argument in arguments])


def test_masks_and_overlays_of_a_folder(photos, tmp_path):
    result = run(photos, "--out", tmp_path / "out", "--overlay", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    report = json.loads(result.stdout)
    cat, grey = report["images"]
    with Image.open(tmp_path / "out" / "chelsea.png") as mask:
        assert mask.mode == "P"
        assert mask.size == (226, 150)
        share = (np.asarray(mask) == report["classes"].index("cat")).mean()
    assert share > 0.5
    assert cat["classes"]["cat"] == pytest.approx(share, abs=1e-5)
    assert sum(cat["classes"].values()) == pytest.approx(1, abs=1e-4)
    assert (cat["height"], cat["width"]) == (150, 226)
    assert grey["mask"] == str(tmp_path / "out" / "more" / "grey.png")
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png"))
    assert written == ["chelsea.overlay.png", "chelsea.png", "more/grey.overlay.png", "more/grey.png"]


def test_it_is_quiet_away_from_a_terminal(photos, tmp_path):
    result = run(photos, "--out", tmp_path / "out")
    assert (result.exit_code, result.output) == (0, "")


def test_what_is_wrong_is_named_and_the_rest_is_done(photos, tmp_path):
    (photos / "empty.jpg").touch()
    (photos / "text.png").write_text("no image")
    result = run(photos, tmp_path / "absent.jpg", "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    for name in ("empty.jpg", "text.png", "absent.jpg"):
        assert sum(name in line for line in result.stderr.splitlines()) == 1
    report = json.loads(result.stdout)
    assert report["failed"] == 3
    assert sum("mask" in entry for entry in report["images"]) == 2
    assert (tmp_path / "out" / "chelsea.png").exists()


def test_wrong_usage_is_exit_code_2(photos, tmp_path):
    assert run(photos).exit_code == 2
    assert run("--out", tmp_path / "out").exit_code == 2
    assert run(photos, "--out", tmp_path / "out", "--device", "tpu").exit_code == 2
    assert run(photos, "--out", photos).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_missing_or_foreign_checkpoint_is_one_sentence(photos, tmp_path):
    (tmp_path / "foreign.safetensors").write_bytes(b"nothing of the kind")
    (tmp_path / "foreign.json").write_text('{"hello": 1}')
    for name in ("absent.safetensors", "foreign.safetensors"):
        result = run(photos, "--out", tmp_path / "out", "--model", tmp_path / name)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert name.split(".")[0] in result.stderr
    assert not (tmp_path / "out").exists()


def test_cuda_that_is_not_there_is_one_sentence(photos, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    result = run(photos, "--out", tmp_path / "out", "--device", "cuda")
    assert result.exit_code == 1
    assert "cuda" in result.stderr


def test_an_out_that_is_a_file_is_named(photos, tmp_path):
    (tmp_path / "out").write_text("in the way")
    result = run(photos, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "out" in result.stderr
    assert (tmp_path / "out").read_text() == "in the way"


def test_the_input_stays_as_it_is(photos, tmp_path):
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    result = run(photos / "more" / "grey.png", "--out", photos / "more")
    assert result.exit_code == 1
    assert "would replace" in result.stderr
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def run_process(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.mark.skipif(not openvino_engine.is_installed(), reason="OpenVINO is not installed")
def test_the_first_mask_needs_neither_torch_nor_qt(photos, tmp_path):
    code = (
        "import sys\n"
        "from fcn_studio.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'PySide6', 'onnx', 'scipy', 'rich'} & set(sys.modules)\n"
        "    sys.exit(end.code or (f'loaded {heavy}' if heavy else 0))\n"
    )
    result = run_process(code, "predict", photos, "--out", tmp_path / "out", "--device", "cpu")
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "")
    assert (tmp_path / "out" / "chelsea.png").exists()


@pytest.mark.e2e
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_cleanly_and_keeps_what_is_finished(photos, tmp_path):
    picture = Image.effect_noise((900, 900), 80).convert("RGB")
    for number in range(60):
        picture.save(photos / f"{number:02}.png", compress_level=0)
    command = [sys.executable, "-m", "fcn_studio", "predict", photos, "--out", tmp_path / "out", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "out").glob("*.png")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert err == "Interrupted; what was finished is kept.\n"
    written = sorted(str(path) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert 0 < len(written) < 62
    assert sorted(entry["mask"] for entry in json.loads(out)["images"]) == written
    for path in written:
        with Image.open(path) as mask:
            mask.load()
