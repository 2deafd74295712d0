"""Workbooks in ``.xls``, ``.xlsb`` and ``.ods``, read by python-calamine in a process of its own.

That library holds a whole sheet in memory, and its panics, aborts and hangs would take the caller with them. Here they
cost the one file: ``program`` runs in the process, and
``workbook`` asks it (:mod:`pgdatahub.readers.isolated`).

What the library does not tell, and nobody here can know therefore: errors and formulas without a result (empty cells),
integers above 2^53 (already rounded), number formats such as leading zeros, hidden rows and columns, merged areas other
than those of ``.xls``, and that a time of a day and more in ``.ods`` is one (it comes as a text, ``PT27H17M54S``).
"""
