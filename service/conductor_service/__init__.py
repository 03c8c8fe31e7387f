"""The service: HTTP API, state machine, scheduler, fleets, metering; `conductor serve` runs it in one process."""
