"""The three lists of packages agree, and none names a registry."""

import os
import re
import subprocess
import sys
import tomllib

from helpers import install
from helpers.core.paths import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
DECLARED = PROJECT["dependencies"] + [
    package for extra in PROJECT["optional-dependencies"].values() for package in extra
]
LOCK = (REPOSITORY / "requirements.lock").read_text()


def test_environment_yml_mirrors_pyproject():
    listed = re.findall(r"^      - (\S+)$", (REPOSITORY / "environment.yml").read_text(), re.M)
    assert sorted(listed) == sorted(DECLARED)


def test_the_lock_holds_every_declared_package_within_its_bounds():
    from packaging.requirements import Requirement

    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.M))
    for requirement in map(Requirement, DECLARED):
        assert requirement.specifier.contains(locked[requirement.name]), requirement


def test_the_lock_has_a_hash_for_everything_and_names_no_registry():
    packages = re.split(r"^(?=[a-z0-9-]+==)", LOCK, flags=re.M)[1:]
    assert len(packages) > 100
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in LOCK


def test_the_installed_packages_are_those_of_the_lock():
    from importlib.metadata import version

    for name in ("ministack", "apache-flink", "jupyterlab", "boto3", "pandas", "ipywidgets"):
        assert f"\n{name}=={version(name)} " in LOCK


def test_every_public_name_is_there():
    import helpers

    names = {}
    exec(f"from helpers import {', '.join(helpers.__all__)}", names)  # as a notebook does
    assert set(helpers.__all__) <= set(names)


def test_a_missing_log_is_noticed_before_anything_is_started(own_home):
    command = [sys.executable, "-m", "helpers.demo", "--log", "no-such.log"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
    assert ended.returncode == 1 and "no-such.log can't be read" in ended.stderr
    assert "Traceback" not in ended.stderr and not (own_home / "local.lock").exists()


def failing_set_up(words: str) -> str:
    """Return the error message of set-up when one of its commands fails with these words."""
    script = f"import sys; sys.exit({words!r})"
    code = (
        f"import sys; from helpers import install; install.run([sys.executable, '-c', {script!r}])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    return ended.stderr


def test_no_network_and_a_full_disk_get_a_sentence_each():
    assert "Check the network" in failing_set_up("ERROR: No matching distribution found for uv")
    assert "Check the network" in failing_set_up("error: failed to connect: timed out")
    assert "The disk is full" in failing_set_up("OSError: [Errno 28] No space left on device")


def test_uv_is_given_what_pip_is_configured_with(monkeypatch, tmp_path):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://a.example/simple\ncert = /a.pem\n"
        "[install]\nextra-index-url =\n  https://b.example/simple\n  https://c.example/simple\n"
    )
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    monkeypatch.setenv("SSL_CERT_FILE", "/own.pem")
    made = install.settings_for_uv(sys.executable)
    assert {name: value for name, value in made.items() if name[:3] in ("UV_", "SSL")} == {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://b.example/simple https://c.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/own.pem",
    }


def test_a_wrong_python_gets_one_sentence():
    code = "import sys; sys.version_info = (3, 13, 0); sys.argv = ['install']; import runpy;"
    code += "runpy.run_path('helpers/install.py', run_name='__main__')"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert ended.returncode == 1
    assert "needs Python 3.11 or 3.12; this is 3.13" in ended.stderr
    assert "Traceback" not in ended.stderr
