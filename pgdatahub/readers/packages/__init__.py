"""Containers of workbooks: zip files and OLE files, their parts and their XML, under limits."""
