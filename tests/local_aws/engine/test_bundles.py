"""The code of functions is packed and unpacked once."""

from pathlib import Path

from local_aws.engine.bundles import unpacked, zipped


def test_code_is_packed_with_compiled_modules_and_unpacked_once(tmp_path: Path) -> None:
    asset = tmp_path / "asset.0123"
    asset.mkdir()
    (asset / "index.py").write_text("answer = 42\n")
    kept, private = tmp_path / "kept", tmp_path / "private"

    content = zipped(asset, kept)

    assert zipped(asset, kept) == content
    assert unpacked(content, private, kept).parent == kept
    elsewhere = unpacked(content, private, tmp_path / "nothing")
    assert elsewhere.parent == private
    assert unpacked(content, private, tmp_path / "nothing") == elsewhere
    assert (elsewhere / "index.py").read_text() == "answer = 42\n"
    assert list((elsewhere / "__pycache__").glob("index.*.pyc"))
