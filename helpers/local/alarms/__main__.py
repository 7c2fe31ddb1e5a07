"""`python -m helpers.local.alarms`: evaluates the emulator's metric alarms until SIGTERM."""

import time

import boto3

from helpers.local.controller_loop import repeat

from .controller import SECONDS_BETWEEN, Controller, log

controller = Controller(boto3.client("cloudwatch"))
repeat(lambda: controller.step(time.time()), SECONDS_BETWEEN, log)
