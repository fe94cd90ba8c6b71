"""The examples of docs/api.md and docs/job-types.md."""

from pathlib import Path

import pytest

from api import User
from page_code import code_below, run_python, shell_of
from samples import RELEASE_NAME, TEXT_FILE
from stack import Stack

pytestmark = pytest.mark.local


def test_token_of_the_page_is_its_users(stack: Stack) -> None:
    [code] = code_below("api", "Tokens", "python")
    token = run_python(code, TOKEN_SECRET=stack.secret.decode())
    me = stack.client(token).get("/api/me").body
    assert (me["user_id"], me["admin"]) == (7, False)


def test_file_is_uploaded_from_a_shell(stack: Stack, owner: User, tmp_path: Path) -> None:
    [commands] = code_below("api", "Files", "sh")
    file = tmp_path / "a book.epub"
    file.write_bytes(b"Once upon a time\r\n" * 100)
    release = owner.create_release()
    shell_of(stack, owner).run(commands, RELEASE=release, FILE=file)
    assert owner.files(release, "source/") == {file.name: file.read_bytes()}


def test_template_of_the_page_has_known_placeholders(owner: User) -> None:
    [template] = code_below("job-types", "packaging and repack", "jinja")
    release = owner.create_release(TEXT_FILE)
    config = {"release_name": RELEASE_NAME, "template": template}
    job = owner.run_job(job_type="packaging", release_id=release, config_json=config)
    assert job["status"] == "completed", job["error"]
    nfo = owner.files(release, "package/")[f"{RELEASE_NAME}.nfo"].decode()
    assert nfo.startswith(f"{RELEASE_NAME} by GRP, {job['created_at'][:10]}\r\nA Tested Book\r\n")
