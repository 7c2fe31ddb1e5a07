"""The emulator's environment: bound to 127.0.0.1, nothing that the workshop does not use."""

import os

SUPERVISED = "WORKSHOP_SUPERVISED"  # set where the emulator starts a supervisor if it has none
ACCOUNT, REGION, KEY = "000000000000", "us-east-1", "test"


def emulator_environment(port: int) -> dict[str, str]:
    """Return the environment variables with which the emulator serves on 127.0.0.1:`port`.

    AWS settings of the learner's own shell are left out: a stray AWS_ENDPOINT_URL would make the
    emulator's Lambdas call something else, and no real credential has a business in there.

    Example:
        >>> emulator_environment(4566)["BIND_HOST"]
        '127.0.0.1'
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return inherited | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        # These two would listen on all interfaces.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # At INFO it writes a line for each Lambda batch.
        "LOG_LEVEL": "WARNING",
    }
