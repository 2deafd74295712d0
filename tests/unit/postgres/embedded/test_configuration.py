from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.configuration import configuration
from pgdatahub.postgres.embedded.record import ServerRecord


def _record(socket_directory: str = "/run/s", *, port: int = 5432, tcp: bool = False) -> ServerRecord:
    return ServerRecord(
        socket_directory=Path(socket_directory), port=port, tcp=tcp, binaries=Path("/usr/bin"), version="18.6"
    )


def _parameters(text: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_no_network_unless_a_port_is_asked_for() -> None:
    assert _parameters(configuration(_record(), {}))["listen_addresses"] == "''"
    listening = _parameters(configuration(_record(port=5544, tcp=True), {}))
    assert listening["listen_addresses"] == "'127.0.0.1'"
    assert listening["port"] == "'5544'"


def test_durability_is_never_given_up() -> None:
    parameters = _parameters(configuration(_record(), {}))
    assert not {"fsync", "full_page_writes", "synchronous_commit"} & set(parameters), "they are on by default"


def test_values_are_quoted_as_the_server_reads_them() -> None:
    text = configuration(_record("/home/o'brien/s"), {"log_line_prefix": "a\\b'c"})
    assert _parameters(text)["unix_socket_directories"] == "'/home/o''brien/s'"
    assert _parameters(text)["log_line_prefix"] == r"'a\\b''c'"


@pytest.mark.parametrize(("name", "value"), [("a b", "1"), ("work_mem", "1\nfsync = off"), ("x = 1 #", "1"), ("", "1")])
def test_a_parameter_cannot_bring_another_line(name: str, value: str) -> None:
    with pytest.raises(DatabaseError, match="not a server parameter"):
        configuration(_record(), {name: value})


def test_further_parameters_win() -> None:
    assert _parameters(configuration(_record(), {"max_wal_size": "1GB"}))["max_wal_size"] == "'1GB'"


def test_buffers_fit_a_small_machine_too() -> None:
    value = _parameters(configuration(_record(), {}))["shared_buffers"].strip("'")
    assert value.endswith("MB")
    assert 32 <= int(value.removesuffix("MB")) <= 256
