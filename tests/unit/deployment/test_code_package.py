import io
import os
import zipfile

import pytest

from helpers.core.cloud import Cloud
from helpers.core.code_zip import zip_folder
from helpers.core.errors import WorkshopError
from helpers.deployment.code_upload import upload


@pytest.fixture
def folder(tmp_path):
    code = tmp_path / "code"
    (code / "sql").mkdir(parents=True)
    (code / "main.py").write_text("print('hello')\n")
    (code / "sql" / "10_clicks.sql").write_text("SELECT 1\n")
    return code


@pytest.fixture(scope="module")
def cloud(emulator):
    cloud = Cloud(emulator.session, emulator.account, "pack", emulator.endpoint)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=cloud.bucket("code"))
    yield cloud
    for found in s3.list_objects_v2(Bucket=cloud.bucket("code")).get("Contents", []):
        s3.delete_object(Bucket=cloud.bucket("code"), Key=found["Key"])
    s3.delete_bucket(Bucket=cloud.bucket("code"))


def test_a_zip_has_the_folders_files_at_its_root_readable_by_all(folder):
    with zipfile.ZipFile(io.BytesIO(zip_folder(folder))) as archive:
        assert archive.namelist() == ["main.py", "sql/10_clicks.sql"]
        assert archive.read("main.py") == b"print('hello')\n"
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_the_zip_does_not_depend_on_the_files_times_and_modes(folder):
    before = zip_folder(folder)
    os.utime(folder / "main.py", (0, 0))
    (folder / "main.py").chmod(0o600)
    assert zip_folder(folder) == before


def test_another_content_or_name_of_a_file_gives_another_zip(folder):
    before = zip_folder(folder)
    (folder / "main.py").write_text("print('Hello')\n")
    changed = zip_folder(folder)
    (folder / "main.py").rename(folder / "main2.py")
    assert len({before, changed, zip_folder(folder)}) == 3


def test_the_zip_has_no_caches_and_no_editors_files(folder):
    before = zip_folder(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "main.py~").write_text("old")
    assert zip_folder(folder) == before


@pytest.mark.parametrize("name", ["nothing-here", "code/empty"])
def test_the_error_for_a_folder_without_code_proposes_git_checkout(folder, name):
    (folder / "empty").mkdir()
    with pytest.raises(WorkshopError, match="git checkout assets"):
        zip_folder(folder.parent / name)


def test_upload_names_a_zip_by_its_hash_and_uploads_it_once(cloud, folder):
    s3, bucket = cloud.client("s3"), cloud.bucket("code")
    key = upload(cloud, "analytics", folder)
    first = s3.head_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key=key, Body=b"marked")  # a second upload would overwrite it
    assert upload(cloud, "analytics", folder) == key
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"marked"
    assert first["ContentLength"] == len(zip_folder(folder))
    (folder / "main.py").write_text("print('changed')\n")
    assert upload(cloud, "analytics", folder) != key


def test_upload_without_a_code_bucket_names_the_module_to_deploy(emulator, folder):
    elsewhere = Cloud(emulator.session, emulator.account, "nowhere", emulator.endpoint)
    with pytest.raises(WorkshopError, match="1-capture"):
        upload(elsewhere, "analytics", folder)
