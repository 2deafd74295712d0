"""Posts each import of pgdatahub as JSON to a webhook. The plugin is :mod:`pgdatahub_notify.plugin`."""
