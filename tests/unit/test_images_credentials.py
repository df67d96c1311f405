"""Logins: where they are found, how they are kept, and that nobody else sees them."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.errors import Blocked, UsageError
from minidocker.images.registry import credentials
from minidocker.images.registry.credentials import Login, find, forget, keep


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a credential helper into the PATH; what it was asked is in TMP/asked."""

    def make(name: str, body: str) -> None:
        path = tmp_path / "bin" / f"docker-credential-{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\n(echo "$1"; cat) >> {tmp_path}/asked\n{body}\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")

    return make


def write(home: Path, value: object, name: str = ".docker/config.json") -> Path:
    path = home / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def auth(word: str) -> dict[str, str]:
    return {"auth": base64.b64encode(word.encode()).decode()}


def test_no_file_is_no_login() -> None:
    assert find("ghcr.io", "a/b") is None
    assert not forget("ghcr.io")


@pytest.mark.parametrize(
    ("key", "host"),
    [("https://index.docker.io/v1/", "docker.io"), ("docker.io", "docker.io"),
     ("ghcr.io", "ghcr.io"), ("https://ghcr.io", "ghcr.io"), ("https://ghcr.io/v1/", "ghcr.io"),
     ("localhost:5000", "localhost:5000"), ("ghcr.io/a", "ghcr.io"), ("ghcr.io/a/b", "ghcr.io"),
     ("http://ghcr.io/v2/", "ghcr.io"), ("docker.io/a", "docker.io")],
)  # fmt: skip
def test_keys(home: Path, key: str, host: str) -> None:
    write(home, {"auths": {key: auth("me:se:cret"), "other.io": auth("you:x")}})
    assert find(host, "a/b") == Login("me", "se:cret")
    assert find("third.io", "a/b") is None
    assert find("ghcr.io.evil.com", "a/b") is None


def test_the_longest_key_wins(home: Path) -> None:
    write(home, {"auths": {"g.io": auth("a:1"), "g.io/x": auth("b:2"), "g.io/x/y": auth("c:3")}})
    assert find("g.io", "x/y").user == "c"
    assert find("g.io", "x/z").user == "b"
    assert find("g.io", "z").user == "a"
    assert find("g.io", "xy").user == "a"


def test_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, {"auths": {"g.io": auth("a:1")}})
    write(home, {"auths": {"g.io": auth("b:2")}}, "other/config.json")
    write(home, {"auths": {"g.io": auth("c:3")}}, "auth.json")
    assert find("g.io").user == "a"
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "other"))
    assert find("g.io").user == "b"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "auth.json"))
    assert find("g.io").user == "c"


def test_tokens(home: Path) -> None:
    write(home, {"auths": {"g.io": {**auth("u:"), "identitytoken": "tok"}, "h.io": {"auth": "%"}}})
    assert find("g.io") == Login("u", "", "tok")
    assert find("h.io") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": 1}', "\udcff"])
def test_a_broken_file_is_told(home: Path, text: str) -> None:
    write(home, {}).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=r"config\.json") as caught:
        find("g.io")
    assert caught.value.remedy


def test_keep_and_forget(home: Path) -> None:
    path = write(home, {"psFormat": "x", "auths": {"h.io": auth("a:b")}})
    assert keep("g.io", Login("me", "secret")) == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find("g.io") == Login("me", "secret")
    assert json.loads(path.read_text())["psFormat"] == "x"
    assert forget("g.io")
    assert find("g.io") is None
    assert find("h.io")
    keep("docker.io", Login("me", "secret"))
    assert "https://index.docker.io/v1/" in json.loads(path.read_text())["auths"]
    assert sorted(os.listdir(path.parent)) == ["config.json"]


def test_a_new_file_is_for_nobody_else(home: Path) -> None:
    old = os.umask(0)
    try:
        keep("g.io", Login("me", "secret"))
    finally:
        os.umask(old)
    assert stat.S_IMODE((home / ".docker/config.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / ".docker").stat().st_mode) == 0o700


def test_a_link_to_the_file_stays(home: Path) -> None:
    real = write(home, {}, "dotfiles/config.json")
    (home / ".docker").mkdir()
    (home / ".docker/config.json").symlink_to(real)
    keep("g.io", Login("me", "secret"))
    assert (home / ".docker/config.json").is_symlink()
    assert "g.io" in real.read_text()


def test_a_helper_for_one_host(home: Path, helper: Callable) -> None:
    helper("mine", 'echo \'{"ServerURL":"g.io","Username":"me","Secret":"from helper"}\'')
    write(home, {"credHelpers": {"g.io": "mine"}, "auths": {"h.io": auth("a:b")}})
    assert find("g.io", "x") == Login("me", "from helper")
    assert (home / "asked").read_text() == "get\ng.io"
    assert find("h.io") == Login("a", "b")
    assert find("i.io") is None
    assert (home / "asked").read_text() == "get\ng.io"


def test_a_host_that_has_no_helper_is_kept_in_the_file(home: Path, helper: Callable) -> None:
    helper("all", "exit 1")
    write(home, {"credsStore": "all", "credHelpers": {"g.io": ""}, "auths": {"g.io": auth("a:b")}})
    assert find("g.io", "x") == Login("a", "b")
    keep("g.io", Login("me", "secret"))
    assert find("g.io") == Login("me", "secret")
    assert forget("g.io")
    assert find("g.io") is None
    assert not (home / "asked").exists()


def test_a_store_for_all(home: Path, helper: Callable) -> None:
    helper("all", 'echo \'{"Username":"<token>","Secret":"tok"}\'')
    write(home, {"credsStore": "all"})
    assert find("docker.io", "library/x") == Login(token="tok")
    assert keep("docker.io", Login("me", "secret")) == "docker-credential-all"
    assert forget("docker.io")
    asked = (home / "asked").read_text()
    assert "get\nhttps://index.docker.io/v1/" in asked
    assert '"Secret": "secret"' in asked
    assert asked.endswith("erase\nhttps://index.docker.io/v1/")
    assert "secret" not in (home / ".docker/config.json").read_text()


def test_helpers_that_fail(home: Path, helper: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    helper("none", 'echo "credentials not found in native keychain"; exit 1')
    helper("bad", 'echo "locked"; exit 1')
    helper("odd", 'echo "no json, secret=hunter2"')
    for name, words in (("bad", "failed: locked"), ("odd", "gave no login"), ("gone", "not here")):
        write(home, {"credsStore": name})
        with pytest.raises(Blocked, match=words) as caught:
            find("g.io")
        assert "hunter2" not in str(caught.value)
    write(home, {"credsStore": "none"})
    assert find("g.io") is None
    monkeypatch.setattr(credentials, "PATIENCE", 0.2)
    helper("slow", "exec sleep 30")
    write(home, {"credsStore": "slow"})
    with pytest.raises(Blocked, match="does not answer"):
        find("g.io")


@pytest.mark.parametrize("name", ["../x", "a b", "a;b", " ", "a/b"])
def test_a_helper_is_a_plain_word(home: Path, name: str) -> None:
    write(home, {"credHelpers": {"g.io": name}})
    with pytest.raises(UsageError, match="is no credential helper"):
        find("g.io")
