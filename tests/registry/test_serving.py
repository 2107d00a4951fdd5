"""How the registry that holds the bytes is run: where they go, and that nobody is sent past the portal for them."""

from pathlib import Path

import pytest
import yaml

from registry.serving import Serving, storage

S3 = '{"s3": {"region": "eu", "bucket": "images"}}'


@pytest.mark.parametrize("said", ["what?", "[]", "{}", '{"s3": {}, "filesystem": {}}', '"s3"'])
def test_what_is_no_storage_is_refused(said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one section as JSON"):
        storage(said, tmp_path)


def test_bytes_go_to_a_directory_or_where_it_is_said(tmp_path: Path) -> None:
    assert storage("", tmp_path)["filesystem"]["rootdirectory"] == str(tmp_path)
    assert storage(S3, tmp_path) == {"s3": {"region": "eu", "bucket": "images"}}


def test_clients_are_not_sent_to_the_storage(tmp_path: Path) -> None:
    made = Serving(
        port=5001, public_url="https://portal", authority=tmp_path / "ca.pem", secret="x" * 32,
        storage=storage(S3, tmp_path),
    )  # fmt: skip
    assert yaml.safe_load(made.text())["storage"]["redirect"] == {"disable": True}
