"""Operating-system services: storage, atomic files, child processes, retries, failpoints, garbage-collector tuning."""
