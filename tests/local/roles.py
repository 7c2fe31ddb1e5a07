"""A role of a test's own on the emulator."""

import json


def new_role(emulator, name: str) -> str:
    """Create a role with an empty trust policy; return its ARN."""
    made = emulator.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": []})
    )
    return made["Role"]["Arn"]
