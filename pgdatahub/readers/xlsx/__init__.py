"""The streaming reader of ``.xlsx`` and ``.xlsm`` workbooks.

One fixed expression splits plain rows (:mod:`~pgdatahub.readers.xlsx.row_expression`); an XML parser
(:mod:`~pgdatahub.readers.xlsx.sheet_parser`) takes every piece with other markup. Both give the same cells, or both refuse.
"""
