"""The emulator's environment: bound to 127.0.0.1, nothing that the workshop does not use."""

from pathlib import Path

from helpers.core.environment import child_environment
from helpers.local.access_key import AccessKey

SUPERVISED = "WORKSHOP_SUPERVISED"  # set where the emulator starts a supervisor if it has none
ACCOUNT, REGION = "000000000000", "us-east-1"


def emulator_environment(port: int, key: AccessKey, temporary: Path) -> dict[str, str]:
    """Return the environment variables with which the emulator serves on 127.0.0.1:`port`.

    AWS settings of the learner's own shell are left out: a stray AWS_ENDPOINT_URL would make the
    emulator's Lambdas call something else, and no real credential has a business in there.

    Args:
        port: where it listens.
        key: the only one that it answers, and that of its functions.
        temporary: a folder of our own: the emulator leaves its pid and functions' code behind.

    Example:
        `emulator_environment(4566, access_key.make(), home() / "tmp")["BIND_HOST"]`
    """
    return child_environment(
        {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            # These two would listen on all interfaces.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # At INFO it writes a line for each Lambda batch.
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(temporary),
            # Folders of a known name in /tmp otherwise, which another user could fill.
            "STATE_DIR": str(temporary / "state"),
            "S3_DATA_DIR": str(temporary / "s3"),
        }
    )
