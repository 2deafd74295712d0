"""The machine below: storage, atomic files, child processes, retries, failpoints, garbage-collector tuning."""
