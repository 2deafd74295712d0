"""Units of work, and the processes that load them: scheduler, pools, executors and workers."""
