"""The Flink controller, whose job's JVM has the language, the zone and the encoding it is given.

    python -m tests.journey.foreign_controller "-Duser.language=de -Duser.timezone=Asia/Kolkata"

The product sets them to English and UTC; here the SQL has to be exact without that. Of an option
that is there twice, Java takes the last.
"""

import sys

from helpers.flink import class_data, java
from helpers.home import home
from helpers.local.flink import controller

language = f"{sys.argv.pop()} "
java.PLANNING_OPTIONS += language
java.RUNNING_OPTIONS += language
# Plans of its own, made in that language.
(home() / "plans").mkdir(exist_ok=True)
class_data.folder = lambda: home()
class_data.is_built = lambda: True
sys.exit(controller.main())
