"""Processes that read one file each: damage, hangs and greed of a library end the process and fail that file only.

``process`` is the handle in this process, ``serve`` the loop in the other one, :mod:`pgdatahub.system.child_process` the
protocol. The reader that answers is a program of its own: a module with a class ``Reader`` and a function ``describe``.
"""
