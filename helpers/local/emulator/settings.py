"""The emulator's environment variables: it listens on 127.0.0.1 only."""

from pathlib import Path

from helpers.core.environment import child_environment
from helpers.local.access_key import AccessKey

SUPERVISED = (
    "WORKSHOP_SUPERVISED"  # if set, the emulator starts another supervisor when its own is killed
)
ACCOUNT, REGION = "000000000000", "us-east-1"
HEALTH, METER = "/_ministack/health", "/_workshop/meter"


def emulator_environment(port: int, key: AccessKey, temporary: Path) -> dict[str, str]:
    """Return the environment variables with which the emulator serves on 127.0.0.1:`port`.

    AWS settings of the learner's own shell are omitted: an AWS_ENDPOINT_URL would make the
    emulator's Lambda functions call another endpoint, and they must not get real credentials.

    Args:
        port: its port.
        key: the only access key that it accepts, also for its functions.
        temporary: a folder for its pid and its functions' code, which it does not delete.
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
            # These two listen on all interfaces.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # At INFO it logs a line for each Lambda batch.
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(temporary),
            # The defaults are fixed names in /tmp, which another user could create first.
            "STATE_DIR": str(temporary / "state"),
            "S3_DATA_DIR": str(temporary / "s3"),
        }
    )
