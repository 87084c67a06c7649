"""The files of a package: in a folder or a .zip, opened one at a time and never unpacked, with limits on their size."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, Protocol, cast

from bot.errors import DataError

#: No directory is larger than this; more is a mistake or an attack.
MAX_FILES: Final = 200
MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 2 * 1024 * 1024 * 1024
#: CSV text shrinks to a tenth or so; a bomb to a thousandth.
MAX_COMPRESSION: Final = 200

#: Files that may hold records.
ENDINGS: Final = (".csv", ".json", ".ndjson", ".jsonl")


class MissingFile(DataError):
    """A file that the package names is not in it."""


class Files(Protocol):
    """The files of one package, by name."""

    def names(self) -> list[str]:
        """Their names, sorted."""
        ...

    def size(self, name: str) -> int:
        """How many bytes a file has. Raises DataError if it is not there, lies elsewhere or is too large."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading. Raises DataError as `size` does."""
        ...


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """The files at `path`: a folder, a .zip, or one file. Raises DataError if it is none of them."""
    try:
        if path.is_dir():
            yield _Folder(path)
        elif path.name == "datapackage.json":
            yield _Folder(path.parent)
        elif path.suffix.lower() in ENDINGS[1:]:
            if not path.is_file():
                raise FileNotFoundError(path)
            yield _Folder(path.parent, only=path.name)
        else:
            with zipfile.ZipFile(path) as archive:
                yield _Zip(archive, path.name)
    except FileNotFoundError as error:
        raise DataError(f"There is nothing at {path}: give a folder, a .zip or a .json file.") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"The file {path.name} is no zip that can be read, no folder and no .json file.") from error
    except (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.LargeZipFile) as error:  # zipfile, of odd archives
        raise DataError(f"The package {path.name} cannot be read: {error}.") from error


def check_total(files: Files, names: Iterator[str] | list[str], label: str) -> int:
    """The size of some files together, in bytes. Raises DataError if that is more than any directory has."""
    total = 0
    for name in names:
        total += files.size(name)
        if total > MAX_TOTAL_BYTES:
            raise DataError(f"The package {label} holds more than {MAX_TOTAL_BYTES // 2**20} MB.")
    return total


class _Folder:
    def __init__(self, root: Path, only: str | None = None) -> None:
        self.root = root.resolve()
        self.only = only

    def names(self) -> list[str]:
        if self.only is not None:
            return [self.only]
        return sorted(entry.name for entry in self.root.iterdir() if entry.is_file())

    def size(self, name: str) -> int:
        size = self._path(name).stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(f"The file {name} is larger than {MAX_FILE_BYTES // 2**20} MB.")
        return size

    def open(self, name: str) -> BinaryIO:
        return self._path(name).open("rb")

    def _path(self, name: str) -> Path:
        path = (self.root / name).resolve()
        if self.only is None and not path.is_relative_to(self.root):
            raise DataError(f"The package names {name}, which lies outside of its folder.")
        if not path.is_file():
            raise MissingFile(f"The package names {name}, which is not there.")
        return path


class _Zip:
    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive = archive
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_FILES:
            raise DataError(f"The zip {name} has more than {MAX_FILES} files.")
        for entry in entries:
            _refuse_dangerous(entry)
        # Some tools put everything into one folder, and macOS adds one of its own.
        entries = [entry for entry in entries if not entry.filename.startswith("__MACOSX/")]
        tables = [entry.filename for entry in entries if entry.filename.lower().endswith(ENDINGS)]
        depth = min((name.count("/") for name in tables), default=0)
        tops = {name.rpartition("/")[0] for name in tables if name.count("/") == depth}
        self.prefix = f"{tops.pop()}/" if len(tops) == 1 and depth else ""
        self.entries = {
            entry.filename.removeprefix(self.prefix): entry for entry in entries if entry.filename.startswith(self.prefix)
        }

    def names(self) -> list[str]:
        return sorted(name for name in self.entries if "/" not in name)

    def size(self, name: str) -> int:
        return self._entry(name).file_size

    def open(self, name: str) -> BinaryIO:
        # zipfile never gives more than the size in its list, and checks the sum at the end.
        return cast(BinaryIO, self.archive.open(self._entry(name)))

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self.entries:
            raise MissingFile(f"The package names {name}, which is not in the zip.")
        return self.entries[name]


def _refuse_dangerous(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name.startswith(("/", "\\")) or ":" in name or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        raise DataError(f"The zip names {name!r}, which lies outside of it.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataError(f"The zip holds a link ({name!r}): put the file itself there.")
    if entry.flag_bits & 1:
        raise DataError(f"The file {name!r} in the zip is protected by a password.")
    bomb = entry.file_size > 2**20 and entry.file_size > MAX_COMPRESSION * max(1, entry.compress_size)
    if entry.file_size > MAX_FILE_BYTES or bomb:
        raise DataError(f"The file {name!r} in the zip would become {entry.file_size // 2**20} MB: too much.")
