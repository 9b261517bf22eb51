import json
import os
from pathlib import Path

import pytest

from symdiff.cli import main
from symdiff.errors import OutputError
from symdiff.output_file import write_file

CHECK = ["check", "x**2", "--at", "x=1"]


@pytest.fixture
def pipe(tmp_path):
    """A named pipe with a reader, and the descriptor to read it by."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reader
    os.close(reader)


def test_a_pipe_is_written_to_and_stays_a_pipe(pipe):
    path, reader = pipe
    write_file(path, b"whole")
    assert os.read(reader, 100) == b"whole"
    assert path.is_fifo()
    assert [file.name for file in path.parent.iterdir()] == ["pipe"]


def test_a_pipe_behind_a_link_is_written_to(pipe, tmp_path):
    path, reader = pipe
    link = tmp_path / "link"
    link.symlink_to(path)
    write_file(link, b"whole")
    assert os.read(reader, 100) == b"whole"
    assert link.is_symlink()
    assert path.is_fifo()


@pytest.fixture
def terminal():
    """A device of which nothing can take the place, and the descriptor to read it by."""
    reader, device = os.openpty()
    yield os.ttyname(device), reader
    os.close(reader)
    os.close(device)


def test_a_device_is_written_to_and_stays_a_device(terminal):
    path, reader = terminal
    write_file(path, b"whole")
    assert os.read(reader, 100) == b"whole"
    assert Path(path).is_char_device()


@pytest.mark.parametrize("words", [[*CHECK, "--json"], ["trace", "x**2", "--at", "x=1", "--format", "json", "--out"]])
def test_a_command_writes_to_a_pipe(words, pipe, capsys):
    path, reader = pipe
    assert main([*words, str(path)]) == 0
    assert json.loads(os.read(reader, 2**16))
    assert path.is_fifo()
    assert capsys.readouterr().err == ""


def test_a_device_that_takes_nothing_is_reported(terminal, monkeypatch):
    def full(_path, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"^'/dev/.*': cannot be written \(No space left on device\); give a file"):
        write_file(terminal[0], b"too much")


def test_a_report_goes_to_a_pipe_from_python_too(pipe):
    import compare

    path, reader = pipe
    renamed = path.with_suffix(".json")
    path.rename(renamed)
    compare.check("x**2", at={"x": 1.0}).save(renamed)
    assert json.loads(os.read(reader, 2**16))["verdict"] == "agree"
    assert renamed.is_fifo()


def test_a_link_to_nothing_becomes_a_link_to_the_file(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    write_file(link, b"whole")
    assert link.is_symlink()
    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["two\nlines", "clear\x1b[2J", "half \udc80 of a pair", "quote'"])
def test_whatever_the_name_the_error_is_one_printable_line(name, tmp_path):
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_file(tmp_path / "missing" / name, b"")
    assert str(caught.value).isprintable()
    (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match=r"cannot be written \(Is a directory\)") as caught:
        write_file(tmp_path / name, b"")
    assert str(caught.value).isprintable()


def test_a_file_name_of_two_lines_is_told_on_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*CHECK, "--json", "a\nb.json"]) == 0
    assert "JSON: a\\nb.json\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "a\nb.json").read_text())["verdict"] == "agree"
