"""Lets pgdatahub load CSV files beside workbooks. The plugin is :mod:`pgdatahub_read_csv.plugin`."""
