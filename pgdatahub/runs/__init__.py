"""Runs and their neighbours: run, plan, watch, inspect, status, history, workers, executors, pause file."""
