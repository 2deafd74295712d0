"""Rows that were set aside, judged and loaded again under the settings of today."""
