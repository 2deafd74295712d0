"""Commands that read or load: run, plan, watch, inspect, status, history, workers, executors, pause file."""
