"""Downloads from a real server on loopback, from folders and from `file:` addresses."""

import contextlib
import gzip
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml

from batch_race.data import download, idx
from batch_race.data.transfer import Checksums
from batch_race.plan.sources import SCRIPTS
from tests.faults import kills
from tests.project import PUBLISHED, fault, write_digits

NAME = "train-labels-idx1-ubyte.gz"
OLD = b"the file that was there before"
DATA = bytes(range(256)) * 800  # several chunks
SHA256 = hashlib.sha256(DATA).hexdigest()
DATASETS = yaml.safe_load(
    (Path(__file__).parents[2] / "workflow" / "datasets.yaml").read_text("utf-8")
)


class Server(ThreadingHTTPServer):
    """A server that behaves differently in each folder of its addresses."""

    daemon_threads = False  # so that closing the server waits for its threads

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: Counter[str] = Counter()
        self.closing = threading.Event()
        self.counting = threading.Lock()
        self.at_once = self.most_at_once = 0

    def mirror(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        behaviour = self.path.split("/")[1]
        self.server.requests[behaviour] += 1
        with contextlib.suppress(ConnectionError):  # the client has given up, as it should
            getattr(self, behaviour)()

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def good(self) -> None:
        self.answer(DATA)

    def cut_off(self) -> None:
        self.answer(DATA[:-1000], length=len(DATA))

    def too_short(self) -> None:
        self.answer(DATA[:-1000])

    def longer_than_announced(self) -> None:
        self.answer(DATA, length=len(DATA) - 1000)

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.closing.is_set():
            self.wfile.write(bytes(1 << 16))

    def flipped(self) -> None:
        self.answer(DATA[:1000] + bytes([DATA[1000] ^ 1]) + DATA[1001:])

    def page(self) -> None:
        self.answer(b"<html><body>Please log in</body></html>")

    def missing(self) -> None:
        self.answer(b"", 404)

    def forbidden(self) -> None:
        self.answer(b"", 403)

    def busy(self) -> None:
        self.answer(b"", 429)

    def recovering(self) -> None:
        self.answer(b"", 500) if self.server.requests["recovering"] < 3 else self.good()

    def broken(self) -> None:
        self.answer(b"", 500)

    def hung_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def nonsense(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "plenty")
        self.end_headers()

    def redirect_loop(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def moved(self) -> None:
        self.send_response(301)
        self.send_header("Location", f"/good/{NAME}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def packed(self) -> None:
        # Some servers declare every .gz file gzip-encoded, if the client accepts that.
        assert self.headers["Accept-Encoding"] == "identity"
        self.good()

    def silent(self) -> None:
        self.server.closing.wait(10)

    def stalled(self) -> None:
        self.answer(DATA[:1000], length=len(DATA))
        self.server.closing.wait(10)

    def slow(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        with self.server.counting:
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        for start in range(0, len(DATA), len(DATA) // 8):
            self.wfile.write(DATA[start : start + len(DATA) // 8])
            self.server.closing.wait(0.25)
        with self.server.counting:
            self.server.at_once -= 1

    def trickle(self) -> None:
        self.answer(b"", length=len(DATA))
        self.drip()

    def trickle_of_headers(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        self.drip()

    def drip(self) -> None:
        while not self.server.closing.wait(0.02):
            self.wfile.write(b"x")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is a mirror."""
    folder = tmp_path / "a mirror"
    folder.mkdir()
    (folder / NAME).write_bytes(DATA)
    return folder


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "results" / "raw" / "labels.gz"


def fetch(mirrors: list[str], destination: Path, **options: object) -> tuple[str, list[float]]:
    """Fetch with short limits; return the address that was used and the waits."""
    waits: list[float] = []
    short: dict[str, object] = {"timeout_seconds": 5, "deadline_seconds": 5, "wait": waits.append}
    address = download.fetch(NAME, Checksums(SHA256), mirrors, destination, **(short | options))
    assert destination.read_bytes() == DATA
    assert_no_other_file(destination)
    return address, waits


def assert_no_other_file(destination: Path) -> None:
    assert [path.name for path in destination.parent.iterdir()] == [destination.name]


def reason(mirror: str, destination: Path, **options: object) -> str:
    """Fetch from a mirror that must fail and keep the old file; return the reason."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_bytes(OLD)
    with pytest.raises(download.DownloadError) as raised:
        fetch([mirror], destination, **options)
    assert destination.read_bytes() == OLD
    assert_no_other_file(destination)
    lines = str(raised.value).splitlines()
    assert lines[0] == f"{NAME} could not be downloaded from any mirror:"
    assert lines[2] == "Alternatives:"
    assert lines[1].startswith(f"  {mirror}: ")
    return lines[1].removeprefix(f"  {mirror}: ")


@pytest.mark.parametrize("behaviour", ["good", "moved", "packed"])
def test_a_good_file_arrives(server: Server, destination: Path, behaviour: str) -> None:
    mirror = server.mirror(behaviour)
    assert fetch([mirror], destination) == (f"{mirror}/{NAME}", [])


def test_a_slash_after_the_mirror_has_no_effect(server: Server, destination: Path) -> None:
    mirror = server.mirror("good")
    assert fetch([f"{mirror}/"], destination)[0] == f"{mirror}/{NAME}"


def test_an_old_file_is_replaced(server: Server, destination: Path) -> None:
    destination.parent.mkdir(parents=True)
    destination.write_bytes(OLD)
    fetch([server.mirror("good")], destination)


def test_after_a_server_error_it_is_tried_again_after_growing_waits(
    server: Server, destination: Path
) -> None:
    _, waits = fetch([server.mirror("recovering")], destination)
    assert waits == [1, 2]
    assert server.requests["recovering"] == 3


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("broken", "500 Internal Server Error (4 attempts)"),
        ("busy", "429 Too Many Requests (4 attempts)"),
        ("cut_off", "the connection was lost (4 attempts)"),
        ("hung_up", "the connection was lost (4 attempts)"),
    ],
)
def test_after_a_temporary_failure_it_is_tried_again(
    server: Server, destination: Path, behaviour: str, expected: str
) -> None:
    waits: list[float] = []
    assert reason(server.mirror(behaviour), destination, attempts=4, wait=waits.append) == expected
    assert waits == [1, 2, 4]
    assert server.requests[behaviour] == 4


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("missing", "404 Not Found"),
        ("forbidden", "403 Forbidden"),
        ("too_short", "not the right file: found 203,800 bytes with sha256 "),
        ("longer_than_announced", "not the right file: found 203,800 bytes with sha256 "),
        ("flipped", "not the right file: found 204,800 bytes with sha256 "),
        ("page", "not the right file: found an HTML page, 39 bytes with sha256 "),
        ("nonsense", "invalid response"),
    ],
)
def test_after_another_failure_it_is_not_tried_again(
    server: Server, destination: Path, behaviour: str, expected: str
) -> None:
    found = reason(server.mirror(behaviour), destination)
    assert found.startswith(expected)
    assert server.requests[behaviour] == 1
    if "sha256" in expected:
        assert re.search(rf"sha256 [0-9a-f]{{12}}…, expected {SHA256[:12]}…$", found)


def test_a_mirror_that_sends_without_end_does_not_fill_the_disk(
    server: Server, destination: Path
) -> None:
    found = reason(server.mirror("endless"), destination, max_bytes=1_000_000)
    assert found == "too large: more than 1,000,000 bytes"


def test_two_processes_fetch_one_file_at_once(server: Server, destination: Path) -> None:
    fetcher = (
        "import sys\nfrom pathlib import Path\nfrom batch_race.data import download, transfer\n"
        "checksums = transfer.Checksums(sys.argv[2])\n"
        "download.fetch(sys.argv[1], checksums, [sys.argv[3]], Path(sys.argv[4]))\n"
    )
    arguments = [NAME, SHA256, server.mirror("slow"), str(destination)]
    command = [sys.executable, "-c", fetcher, *arguments]
    fetchers = [subprocess.Popen(command, cwd=SCRIPTS) for _ in range(2)]
    assert [fetcher.wait(timeout=60) for fetcher in fetchers] == [0, 0]
    assert server.most_at_once == 2
    assert destination.read_bytes() == DATA
    assert_no_other_file(destination)


def test_two_workflows_download_into_one_folder_at_once(tmp_path: Path) -> None:
    """Two checkouts share their downloads by a link; one that fails succeeds when repeated."""
    data, shared = tmp_path / "digits", tmp_path / "shared"
    write_digits(data)
    shared.mkdir()
    with kills.serving(data) as mirror:
        projects = [kills.prepare(tmp_path / name, mirror, data) for name in ("one", "two")]
        workflows = []
        for project in projects:
            (project.folder / "results").mkdir()
            (project.folder / "results" / "download").symlink_to(shared)
            workflows.append(project.start("--until", "parse"))
        printed = [workflow.communicate(timeout=120)[0] for workflow in workflows]
        assert not any(fault(text) for text in printed), printed
        # Snakemake removes the outputs of a rule before it runs, maybe while the other needs them.
        assert 0 in [workflow.returncode for workflow in workflows], printed
        for project in projects:
            project.run("--until", "parse")
    files = {name: (data / name).read_bytes() for name in PUBLISHED.values()}
    found = {path.name: path.read_bytes() for path in (shared / "mnist").iterdir()}
    found.pop("download.log")
    assert found == files
    one, two = (sorted(project.folder.glob("results/parse/mnist/*.npy")) for project in projects)
    assert len(one) == 4
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_loop_of_redirects_ends(server: Server, destination: Path) -> None:
    assert reason(server.mirror("redirect_loop"), destination) == "too many redirects"


@pytest.mark.parametrize("behaviour", ["silent", "stalled"])
def test_a_server_that_hangs_ends_in_the_timeout(
    server: Server, destination: Path, behaviour: str
) -> None:
    found = reason(server.mirror(behaviour), destination, timeout_seconds=0.2, attempts=2)
    assert found == "no response within 0.2 s (2 attempts)"


@pytest.mark.parametrize("behaviour", ["trickle", "trickle_of_headers"])
def test_a_server_that_trickles_ends_in_the_deadline(
    server: Server, destination: Path, behaviour: str
) -> None:
    found = reason(server.mirror(behaviour), destination, deadline_seconds=0.4)
    assert found == "too slow: not complete within 0.4 s"
    assert server.requests[behaviour] == 1


def test_no_server(destination: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert reason(mirror, destination) == "no connection: connection refused (3 attempts)"


def test_an_unknown_host_name(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = reason("https://mirror.invalid", destination, attempts=1)
    assert found == "no connection: name or service not known"


def test_a_server_without_tls(server: Server, destination: Path) -> None:
    found = reason(server.mirror("good").replace("http:", "https:"), destination)
    assert found.startswith("no secure connection: ")


def test_the_second_mirror_is_used_when_the_first_fails(server: Server, destination: Path) -> None:
    mirrors = [server.mirror("page"), server.mirror("good")]
    assert fetch(mirrors, destination) == (f"{mirrors[1]}/{NAME}", [])


def test_an_abandoned_attempt_writes_nothing_more(server: Server, destination: Path) -> None:
    # The thread of the first attempt still receives bytes during the second attempt.
    mirrors = [server.mirror("trickle"), server.mirror("good")]
    assert fetch(mirrors, destination, deadline_seconds=0.3)[0] == f"{mirrors[1]}/{NAME}"


@pytest.mark.parametrize(
    "mirror_of",
    [
        str,
        Path.as_uri,
        lambda folder: f"file:{folder}/",
        lambda folder: f"file://localhost{folder}",
        lambda folder: os.path.relpath(folder),
        lambda folder: f"~/{folder.name}",
    ],
    ids=["folder", "uri", "file:", "localhost", "relative", "home"],
)
def test_a_folder_is_a_mirror(
    folder: Path,
    destination: Path,
    mirror_of: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    mirror = mirror_of(folder)
    assert fetch([mirror], destination) == (f"{mirror.rstrip('/')}/{NAME}", [])
    assert (folder / NAME).read_bytes() == DATA


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("/no/such/folder", f"found no {NAME}"),
        ("~nobody-of-this-name/mnist", "could not determine home directory"),
        ("file:///no/such/folder", f"found no {NAME}"),
        ("file://data/mnist", "found a host, expected file:/// and a folder of this machine"),
        ("ftp://example.org", "expected a folder or a file:, https: or http: address"),
        ("https://[::1", "failed to parse: "),
    ],
)
def test_an_invalid_mirror(destination: Path, mirror: str, expected: str) -> None:
    assert reason(mirror, destination).startswith(expected)


def test_a_wrong_file_in_a_folder(folder: Path, destination: Path) -> None:
    (folder / NAME).write_bytes(DATA[1:])
    assert reason(str(folder), destination).startswith("not the right file: found 204,799 bytes")


def test_a_folder_in_place_of_the_file(folder: Path, destination: Path) -> None:
    (folder / NAME).unlink()
    (folder / NAME).mkdir()
    assert reason(str(folder), destination) == "is a directory"


LABELS = np.arange(50, dtype=np.uint8)


@pytest.fixture
def published(tmp_path: Path) -> Checksums:
    """Checksums of a file of labels as it is published, and of its content."""
    path = tmp_path / NAME
    idx.write(path, LABELS)
    contents = (path.read_bytes(), gzip.decompress(path.read_bytes()))
    return Checksums(*(hashlib.sha256(each).hexdigest() for each in contents))


def write_labels(path: Path, labels: "np.typing.NDArray[np.uint8]" = LABELS) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    idx.write(path, labels)
    return path.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "train-labels-idx1-ubyte",
        "train-labels.idx1-ubyte",
        "train-labels.idx1-ubyte.gz",
        "mnist-train-labels",
        "MNIST/raw/train-labels-idx1-ubyte",
        "raw/train-labels-idx1-ubyte",
    ],
)
def test_a_folder_may_have_the_content_under_another_name(
    tmp_path: Path, published: Checksums, destination: Path, name: str
) -> None:
    mirror = tmp_path / "a folder"
    content = write_labels(mirror / name)
    write_labels(mirror / "t10k-labels-idx1-ubyte")
    write_labels(mirror / "a-train-labels", LABELS[1:])  # another dataset's
    for checksums in (published, published._replace(published=64 * "0")):
        found = download.fetch(NAME, checksums, [str(mirror)], destination, role="train_labels")
        assert found == str(mirror / name)
        assert destination.read_bytes() == content


@pytest.mark.parametrize("pack", [bytes, lambda content: gzip.compress(content, 1)])
def test_the_content_counts_not_how_it_is_packed(
    tmp_path: Path, published: Checksums, destination: Path, pack: Callable[[bytes], bytes]
) -> None:
    """A browser may unpack a file and keep its name; so may a server."""
    path = tmp_path / "mirror" / NAME
    content = pack(gzip.decompress(write_labels(path)))
    path.write_bytes(content)
    download.fetch(NAME, published, [str(path.parent)], destination)
    assert destination.read_bytes() == content
    with pytest.raises(download.DownloadError, match="not the right file: found an idx file with"):
        download.fetch(NAME, Checksums(published.published), [str(path.parent)], destination)


def test_other_content_under_another_name_is_refused(
    tmp_path: Path, published: Checksums, destination: Path
) -> None:
    write_labels(tmp_path / "mirror" / "train-labels", LABELS[1:])
    with pytest.raises(download.DownloadError) as raised:
        download.fetch(
            NAME, published, [str(tmp_path / "mirror")], destination, role="train_labels"
        )
    assert f"mirror: found no {NAME}; train-labels is not the right file: " in str(raised.value)


def test_no_more_is_unpacked_than_a_file_may_have(tmp_path: Path, destination: Path) -> None:
    path = tmp_path / "mirror" / NAME
    path.parent.mkdir()
    path.write_bytes(gzip.compress(bytes(1 << 22)))
    checksums = Checksums(64 * "0", hashlib.sha256(bytes(1 << 22)).hexdigest())
    with pytest.raises(download.DownloadError, match="not the right file: found 4,"):
        download.fetch(NAME, checksums, [str(path.parent)], destination, max_bytes=1 << 20)
    download.fetch(NAME, checksums, [str(path.parent)], destination, max_bytes=1 << 23)


@pytest.mark.parametrize(
    "checksum", [SHA256.upper(), f"sha256:{SHA256}", f"md5:{hashlib.md5(DATA).hexdigest()}"]
)
def test_checksums_may_name_their_algorithm(folder: Path, destination: Path, checksum: str) -> None:
    download.fetch(NAME, Checksums(checksum), [str(folder)], destination)
    assert destination.read_bytes() == DATA


def test_the_message_lists_mirrors_and_alternatives(server: Server, destination: Path) -> None:
    mirrors = [server.mirror("missing"), "/no/such/folder", server.mirror("broken")]
    with pytest.raises(download.DownloadError) as raised:
        fetch(mirrors, destination)
    lines = str(raised.value).splitlines()
    assert lines[1:5] == [
        f"  {mirrors[0]}: 404 Not Found",
        f"  /no/such/folder: found no {NAME}",
        f"  {mirrors[2]}: 500 Internal Server Error (3 attempts)",
        "Alternatives:",
    ]
    rest = "\n".join(lines[5:])
    assert "snakemake --cores 4 --config mirrors=/path/to/a/folder/with/the/four/files" in rest
    assert "snakemake --cores 4 --configfile config/quickstart.yaml" in rest
    assert not destination.exists()
    assert list(destination.parent.iterdir()) == []


def test_no_mirror_at_all(destination: Path) -> None:
    with pytest.raises(download.DownloadError, match="no mirror is given"):
        fetch([], destination)


def test_the_name_of_the_dataset_is_inserted_into_mirrors() -> None:
    mirrors = ["/data/{dataset}", "https://example.org/{other}/{dataset}/{dataset}"]
    assert download.expand_mirrors(mirrors, "kmnist") == [
        "/data/kmnist",
        "https://example.org/{other}/kmnist/kmnist",
    ]
    assert download.expand_mirrors("/data/{dataset}", "mnist") == ["/data/mnist"]


def test_the_published_datasets() -> None:
    assert list(DATASETS) == ["mnist", "fashion_mnist", "kmnist", "strokes"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_description_of_a_dataset_is_complete(dataset: str) -> None:
    described = DATASETS[dataset]
    assert {key: file["name"] for key, file in described["files"].items()} == {
        "train_images": "train-images-idx3-ubyte.gz",
        "train_labels": "train-labels-idx1-ubyte.gz",
        "test_images": "t10k-images-idx3-ubyte.gz",
        "test_labels": "t10k-labels-idx1-ubyte.gz",
    }
    assert (described["train_count"], described["test_count"]) == (60_000, 10_000)
    assert (described["image_height"], described["image_width"]) == (28, 28)
    assert len(described.get("classes", range(10))) == 10
    assert described["title"]
    assert described["citation"]
    assert described["source"]


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "strokes"])
def test_a_published_dataset_has_mirrors_and_checksums(dataset: str) -> None:
    mirrors = DATASETS[dataset]["mirrors"]
    assert len(set(mirrors)) == len(mirrors) >= 2
    assert all(re.fullmatch(r"https://[^/\s]+/\S*[^/\s]", mirror) for mirror in mirrors)
    checksums = [file["sha256"] for file in DATASETS[dataset]["files"].values()]
    assert len(set(checksums)) == 4
    assert all(re.fullmatch(r"[0-9a-f]{64}", checksum) for checksum in checksums)


def test_strokes_have_no_mirrors() -> None:
    assert DATASETS["strokes"]["mirrors"] == []
    assert all("sha256" not in file for file in DATASETS["strokes"]["files"].values())


@pytest.mark.skipif(
    "BATCH_RACE_MNIST" not in os.environ,
    reason="BATCH_RACE_MNIST does not name a folder with the four MNIST files",
)
@pytest.mark.parametrize("file", DATASETS["mnist"]["files"])
def test_the_checksums_of_mnist_are_those_of_the_files(file: str, destination: Path) -> None:
    described = DATASETS["mnist"]["files"][file]
    mirrors = [os.environ["BATCH_RACE_MNIST"]]
    checksums = Checksums(described["sha256"], described["unpacked"])
    download.fetch(described["name"], checksums, mirrors, destination)
    destination.write_bytes(gzip.decompress(destination.read_bytes()))
    unpacked = destination.rename(destination.with_name(described["name"]))
    download.fetch(described["name"], checksums, [str(unpacked.parent)], destination)
