"""The Flink controller, whose job's JVM has the language, the zone and the encoding it is given.

    python -m tests.journey.foreign_controller "-Duser.language=de -Duser.timezone=Asia/Kolkata"

The product sets them to English and UTC; here the SQL has to be exact without that. Of an option
that is there twice, Java takes the last.
"""

import sys

from helpers.local.flink import controller, job

job.JAVA_OPTIONS += f" {sys.argv.pop()}"
sys.exit(controller.main())
