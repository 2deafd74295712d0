"""OpenLineage events for the loads of pgdatahub. The plugin is :mod:`pgdatahub_openlineage.plugin`."""
