"""Sets up `.venv` from requirements.lock: what `make` runs before anything else.

It runs with any Python of the machine, so it uses only the standard library, and syntax with which
an old Python still reaches the message that it is too old.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, "requirements.lock")
FREE_GB = 3  # 1.5 GB for the environment, and as much for its downloads during set-up
SUPPORTED = ((3, 11), (3, 12))
# A setting of pip -> the variable of uv, and the separator of several values.
UV_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("HTTPS_PROXY", " "),
}
KERNEL, SHOWN = "realtime-web-analytics", "Python (realtime web analytics)"


def fail(cause, remedy):
    """Print a cause and a remedy, and exit with an error."""
    sys.exit("\n{0}\n-> {1}\n".format(cause, remedy))


def check_python():
    """Exit with a message if this Python is too old or too new."""
    if sys.version_info[:2] not in SUPPORTED:
        fail(
            "The workshop needs Python 3.11 or 3.12; this is %d.%d." % sys.version_info[:2],
            "Install one of them and run `make lab PYTHON=python3.12` (or its full path).",
        )


def check_disk():
    """Exit with a message if the disk has no space for the packages."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < FREE_GB:
        fail(
            f"The disk has {free:.1f} GB free; the packages need about {FREE_GB}.",
            "Free some space and run the same command again.",
        )


def locked(package):
    """Return the lines of requirements.lock for a package: its version and its hashes."""
    with open(LOCK, encoding="utf-8") as file:
        return re.search(rf"^{package}==.*(\n .*)*\n", file.read(), re.MULTILINE).group()


def create_environment():
    """Create `.venv` with this Python unless it is there; return its own Python's path."""
    python = os.path.join(VENV, "bin", "python")
    if has_pip(python):
        return python  # after a change of the lock, only the differences are installed
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
    except (subprocess.CalledProcessError, ImportError):
        fail(
            "This Python can't create a virtual environment.",
            "Install its venv package (Debian, Ubuntu: `apt install python3-venv`) and try again.",
        )
    return python


def has_pip(python):
    """Return whether a Python of our own version is there, with pip."""
    code = "import sys, pip; sys.exit(sys.version_info[:2] != %r)" % (sys.version_info[:2],)
    try:
        return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def settings_for_uv(python):
    """Return environment variables that give uv what pip is configured with.

    uv reads neither pip's files nor its variables. A variable of uv that is set has priority.
    """
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8").stdout
    found = {}
    for section in ("global", "install", ":env:"):  # the later ones win
        for name, text in re.findall(rf"^{section}\.([a-z-]+)=(.+)$", listed, re.MULTILINE):
            if name in UV_SETTINGS:
                variable, separator = UV_SETTINGS[name]
                found[variable] = separator.join(ast.literal_eval(text).split())
    if "UV_INDEX" in found:  # of all indexes the best match, as pip; the hashes are checked
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {**found, **os.environ}


def run(command, environment=None):
    """Run a command that downloads packages; explain a failure."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    errors = []
    for line in process.stderr:
        sys.stderr.write(line)
        errors.append(line)
    if process.wait() == 0:
        return
    output = "".join(errors).lower()
    if "no space left" in output:
        fail("The disk is full.", "Free about %d GB and run the same command again." % FREE_GB)
    # Without a network, pip --quiet reports only that there is no matching version.
    if re.search(r"resolve|connect|network|dns|timed out|tls|unreachable|no matching", output):
        fail(
            "The packages could not be downloaded: the package index did not answer.",
            "Check the network (and the proxy settings of pip), and run the same command again.",
        )
    fail("The packages could not be installed; see the reason above.", "Run `make reset` first.")


def register_kernel(python, where):
    """Register the Python of `.venv` as the kernel that the notebooks name.

    `where` is an option of `ipykernel install`: `--sys-prefix` for the JupyterLab in `.venv`,
    `--user` for one that runs on this machine already (SageMaker).
    """
    command = [python, "-m", "ipykernel", "install", where, "--name", KERNEL]
    if subprocess.call([*command, "--display-name", SHOWN], stdout=subprocess.DEVNULL):
        fail("The kernel could not be registered; see the reason above.", "Run `make reset`.")


def write_kernel_settings(where):
    """Let each kernel of an environment explain an undefined name in two lines.

    After a restart, names are undefined before the first cell has imported `helpers`.
    """
    folder = os.path.join(where, "etc", "ipython")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "ipython_kernel_config.py"), "w", encoding="utf-8") as file:
        file.write(
            'get_config().InteractiveShellApp.extensions = ["helpers.connection.ipython_errors"]\n'
        )


def write_server_settings(where):
    """Let the JupyterLab of an environment call docs/stored_notebooks.py after each save."""
    folder = os.path.join(where, "etc", "jupyter")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "jupyter_server_config.py"), "w", encoding="utf-8") as file:
        file.write("from docs.stored_notebooks import after_save\n\n")
        file.write("get_config().FileContentsManager.post_save_hook = after_save\n")


def write_lab_settings(where):
    """Let the JupyterLab of an environment not ask about Jupyter's news, nor look for updates.

    These are defaults: a learner's own settings have priority, and the home folder is not changed.
    """
    folder = os.path.join(where, "etc", "jupyter", "labconfig")
    os.makedirs(folder, exist_ok=True)
    settings = {"fetchNews": "false", "checkForUpdates": False}
    path = os.path.join(folder, "default_setting_overrides.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"@jupyterlab/apputils-extension:notification": settings}, file)


def filter_notebooks():
    """Let git, in this clone only, store notebooks without outputs: see docs/stored_notebooks.py.

    Git runs the filter in the clone's folder, so its setting contains no absolute path. Without
    git, or a clone, it does nothing.
    """
    if not os.path.exists(os.path.join(ROOT, ".git")):
        return
    python = '"$(command -v .venv/bin/python || command -v python3)"'
    command = ["git", "config", "--local", "filter.stored-notebooks.clean"]
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        subprocess.call(
            [*command, python + " docs/stored_notebooks.py"],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return


def main():
    """Check the machine, create the environment, install the packages of the lock."""
    check_python()
    check_disk()
    print("Setting up .venv (once; about a minute with a fast network) ...", flush=True)
    python = create_environment()
    uv = os.path.join(VENV, "uv.lock")
    with open(uv, "w", encoding="utf-8") as file:
        file.write(locked("uv"))
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes"]
    run([python, "-m", "pip", "install", *options, "-r", uv])
    sync = [python, "-m", "uv", "pip", "sync", "--python", python, "--require-hashes", LOCK]
    run(sync, settings_for_uv(python))
    # So that notebooks find `helpers` wherever their kernel starts.
    library = "python%d.%d" % sys.version_info[:2]
    path = os.path.join(VENV, "lib", library, "site-packages", "workshop.pth")
    with open(path, "w", encoding="utf-8") as file:
        file.write(ROOT + "\n")
    register_kernel(python, "--sys-prefix")
    write_kernel_settings(VENV)
    write_server_settings(VENV)
    write_lab_settings(VENV)
    filter_notebooks()
    print("Ready.", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["kernel"]:
        register_kernel(sys.executable, "--user")
        print("Reload JupyterLab's page; the notebooks ask for the kernel %r." % SHOWN)
    else:
        main()
