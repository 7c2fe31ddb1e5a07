"""The Flink controller on a machine of another language, zone and encoding, and so its JVM.

    python -m tests.e2e.foreign_controller "-Duser.language=de -Duser.timezone=Asia/Kolkata"

Java takes its language from the environment or from its own properties. The product sets these to
English and UTC; here the SQL has to be exact without that. Of an option that is there twice, Java
takes the last. These need no locale that is installed, so that nothing is skipped.
"""

import sys
from typing import NamedTuple

from helpers.flink import java
from helpers.local.flink import controller


class Machine(NamedTuple):
    """What processes find there: environment variables; and options of Java."""

    environment: dict[str, str]
    java: str


# Half an hour off the others' hours, and behind UTC: what takes a zone for UTC is late or early.
GERMAN = Machine(
    {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "America/St_Johns"},
    "-Duser.language=de -Duser.country=DE -Duser.timezone=Asia/Kolkata",
)
# Its digits are not ours, and its files are not UTF-8.
EGYPTIAN = Machine(
    GERMAN.environment,
    "-Duser.language=ar -Duser.country=EG -Duser.timezone=Pacific/Chatham "
    "-Dfile.encoding=ISO-8859-1",
)

if __name__ == "__main__":
    language = f"{sys.argv.pop()} "
    java.PLANNING_OPTIONS += language
    java.RUNNING_OPTIONS += language
    controller.main()
