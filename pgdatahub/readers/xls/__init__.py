"""Workbooks of Excel 2 to 2003 (``.xls``), read by xlrd in a process of its own.

In that process: ``program`` answers, ``record_stream``, ``book`` and ``sheet`` are xlrd's classes with what xlrd misreads read here,
``strings`` and ``code_pages`` are text, ``cells`` is a sheet in memory. In this process: ``workbook`` asks, ``columns`` makes
columns by the rules of all formats. xlrd parses records and versions; it decides nothing about values.

Nothing is imported here, so that the process starts quickly.
"""
