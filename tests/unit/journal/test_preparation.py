from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.errors import JournalError
from gateway.journal import preparation
from gateway.journal.engine import open_engine
from gateway.journal.preparation import HEAD, prepare, quarantine
from gateway.journal.schema import metadata
from tests.unit.journal.home import record, row

NOW = datetime(2025, 6, 10, 12, 0, tzinfo=UTC)


def test_a_new_journal_has_todays_tables_and_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.sqlite"
    assert prepare(path).quarantined is None
    engine = open_engine(path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    assert path.stat().st_mode & 0o007 == 0


def test_a_new_journal_is_what_all_the_migrations_make(tmp_path: Path) -> None:
    from alembic import command

    prepare(tmp_path / "new.sqlite")
    engine = open_engine(tmp_path / "migrated.sqlite")
    config = Config()
    config.set_main_option("script_location", str(Path(preparation.__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    described = []
    for name in ("new", "migrated"):
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite")) as raw:
            tables = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
            described.append(
                {
                    table: (
                        raw.execute(f"PRAGMA table_info('{table}')").fetchall(),
                        sorted(row[2:] for row in raw.execute(f"PRAGMA index_list('{table}')")),
                        raw.execute("SELECT wr FROM pragma_table_list WHERE name = ?", (table,)).fetchall(),
                    )
                    for table in tables
                }
            )
    assert described[0] == described[1]


def test_a_new_journal_needs_no_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gateway.journal.preparation import prepare;"
        "prepare(Path(sys.argv[1])); prepare(Path(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "journal.sqlite")], check=True, timeout=60)


def test_the_head_that_preparation_knows_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(preparation.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_first_revision_can_be_taken_back(tmp_path: Path) -> None:
    from alembic import command

    path = tmp_path / "journal.sqlite"
    prepare(path)
    config = Config()
    config.set_main_option("script_location", str(Path(preparation.__file__).with_name("migrations")))
    engine = open_engine(path)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    engine.dispose()
    with sqlite3.connect(path) as raw:
        left = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    raw.close()
    assert left == {"alembic_version"}


def test_a_prepared_journal_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example")])
    assert prepare(path).quarantined is None
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM lookups").fetchone() == (1,)
    raw.close()


def test_a_file_that_is_no_database_is_set_aside_and_a_new_journal_begins(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this was a photo once" * 500)
    prepared = prepare(path, now=NOW)
    assert prepared.quarantined == tmp_path / "journal.broken-20250610T120000Z.sqlite"
    assert prepared.quarantined.read_bytes().startswith(b"this was a photo")
    assert "journal.broken-20250610T120000Z.sqlite" in str(prepared.news)
    assert prepare(path).quarantined is None


def test_a_torn_page_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row(f"name{n}.example", n) for n in range(3000)])
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(size // 8192 * 4096)
        file.write(os.urandom(8192))
    prepared = prepare(path, now=NOW)
    assert prepared.quarantined is not None
    assert prepared.quarantined.stat().st_size == size


def test_the_log_moves_aside_with_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        each.write_bytes(b"x")
    aside = quarantine(path, NOW)
    assert sorted(tmp_path.iterdir()) == sorted([aside, Path(f"{aside}-wal")]), "its index is made anew when needed"


def test_a_foreign_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE photos (id INTEGER)")
    raw.close()
    prepared = prepare(path)
    assert prepared.quarantined is not None
    assert "some other database" in str(prepared.news)


def test_a_journal_of_a_newer_version_is_kept_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(JournalError, match="newer Telltale"):
        prepare(path)
    assert path.exists()


def test_a_link_to_nowhere_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.symlink_to(tmp_path / "nowhere" / "at all")
    with pytest.raises(JournalError, match="cannot be opened"):
        prepare(path)


def test_a_folder_in_the_way_is_set_aside_with_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.mkdir()
    (path / "something").touch()
    prepared = prepare(path, now=NOW)
    assert prepared.quarantined is not None
    assert (prepared.quarantined / "something").exists()
    assert "there is a folder in its place" in str(prepared.news)
    assert path.is_file()


@pytest.mark.parametrize("log", ["-wal", "-shm"])
@pytest.mark.parametrize("what", ["a folder", "a link to nowhere"])
def test_what_stands_in_place_of_a_log_is_moved_aside(tmp_path: Path, log: str, what: str) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example")])
    place = Path(f"{path}{log}")
    place.mkdir() if what == "a folder" else place.symlink_to(tmp_path / "nowhere" / "at all")
    assert prepare(path).quarantined is None
    assert os.path.lexists(f"{place}.broken")
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT count(*) FROM lookups").fetchone() == (1,)


def test_a_folder_among_the_broken_journals_is_nobody_s_to_remove(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.mkdir()
    aside = quarantine(path, NOW)
    for day in range(1, 5):
        path.write_bytes(b"x")
        os.utime(quarantine(path, NOW.replace(day=day)), (day, day))
    assert aside.is_dir()
    assert len(list(tmp_path.glob("*.broken-*"))) == 3


def test_the_log_of_a_journal_that_is_gone_does_not_stop_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    record(path, [row("ads.example")])
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE more (x)")
        raw.commit()
        logs = {log: Path(f"{path}{log}").read_bytes() for log in ("-wal", "-shm")}
    path.unlink()
    for log, content in logs.items():
        Path(f"{path}{log}").write_bytes(content)
    prepare(path)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT count(*) FROM lookups").fetchone() == (0,)


def test_only_the_newest_two_broken_journals_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for day in range(1, 5):
        path.write_bytes(b"x")
        aside = quarantine(path, NOW.replace(day=day))
        os.utime(aside, (day, day))
    kept = sorted(each.name for each in tmp_path.iterdir())
    assert kept == ["journal.broken-20250603T120000Z.sqlite", "journal.broken-20250604T120000Z.sqlite"]


def test_two_broken_journals_of_one_second_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    asides = set()
    for _ in range(2):
        path.write_bytes(b"x")
        asides.add(quarantine(path, NOW))
    assert len(asides) == 2


_READS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM book").fetchall()
print("reading", flush=True)
sys.stdin.read()
"""
_DIES = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("CREATE TABLE more (x)")
connection.commit()
os._exit(0)
"""


def test_a_log_that_was_cut_while_somebody_reads_does_not_stop_recording_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    prepare(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO book (id, revision, next_id) VALUES (1, 5, 9)")
        raw.commit()
    with subprocess.Popen(
        [sys.executable, "-c", _READS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == b"reading\n"
        subprocess.run([sys.executable, "-c", _DIES, str(path)], check=True)
        os.truncate(f"{path}-wal", 0)
        prepared = prepare(path, now=NOW)
        assert prepared.quarantined is not None
        assert prepare(path).quarantined is None
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT revision FROM book").fetchall() == [(5,)], "what people decided is carried over"
