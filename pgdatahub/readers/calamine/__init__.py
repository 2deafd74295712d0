"""Reader of ``.xls``, ``.xlsb`` and ``.ods`` workbooks that runs python-calamine in a separate process.

The library holds a whole sheet in memory, and a panic, an abort or a hang of the library would end the caller too. In a
separate process, only the file fails: ``program`` runs in the process, and ``workbook`` sends the requests
(:mod:`pgdatahub.readers.isolated`).

The library does not report errors and formulas without a result (both are empty cells), the digits of integers above 2^53
(already rounded), number formats such as leading zeros, hidden rows and columns, and merged areas other than those of
``.xls``. A duration of a day or more in ``.ods`` arrives as a text (``PT27H17M54S``).
"""
