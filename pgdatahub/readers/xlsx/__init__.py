"""The streaming reader of ``.xlsx`` and ``.xlsm`` workbooks.

A sheet goes two ways at once. The *fast lane* matches rows of a shape learnt from the rows before, a whole row with one
regular expression, column by column from there on; what it does not match byte for byte goes through the *safe lane*,
an XML parser. Both give the same cells. The pieces of a large sheet are matched by several processes.

Nothing is imported here: a process that matches pieces must not wait for what only the workbook's own needs.
"""
